"""tiktoken's vocabularies at hand: exact, unbreakable, never downloaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.tokens import vocabulary

NAMES = ("cl100k_base", "o200k_base")
CACHE_NAMES = {
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
}
WRITING = st.text(st.sampled_from("ab Z9.,'\n\t /é的 ，🎉\u200b\x85\x1c\r<|>"), max_size=300) | st.text(
    max_size=100
)


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    for name in NAMES:
        assert vocabulary.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_same_as_tiktoken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are those of tiktoken's own encoding of that name, read from the same files."""
    tiktoken = pytest.importorskip("tiktoken")
    (tmp_path / CACHE_NAMES[name]).write_bytes((vocabulary.FOLDER / f"{name}.tiktoken").read_bytes())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    theirs = tiktoken.get_encoding(name)

    @given(WRITING)
    @settings(max_examples=150)
    def same(text: str) -> None:
        assert vocabulary.count(text, name) == len(theirs.encode_ordinary(text))

    same()


@pytest.mark.parametrize("name", NAMES)
@given(text=WRITING, size=st.integers(2, 40))
@settings(max_examples=200)
def test_cutting_changes_nothing(name: str, text: str, size: int) -> None:
    """Text that is cut at blanks and lines counts the same as whole, however small the pieces."""
    parts = list(vocabulary.pieces(text, size))
    assert "".join(parts) == text
    assert all(len(part) <= size for part in parts)
    ends = [text[: sum(map(len, parts[: i + 1]))] for i in range(len(parts) - 1)]
    if all(_edge(text, len(end)) for end in ends):
        whole = vocabulary.count(text, name)
        assert sum(vocabulary.count(part, name) for part in parts) == whole


def _edge(text: str, at: int) -> bool:
    """Whether a cut at `at` is one before a blank or after a line's end, and not one by force."""
    return (text[at] == " " and not text[at - 1].isspace()) or (text[at - 1] == "\n" and text[at].isalnum())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        *(" " * 1_000_000, "a" * 1_000_000, "\n" * 1_000_000, "的" * 400_000, "=" * 1_000_000, "\t " * 300_000),
        *("\0" * 300_000, "x" + " " * 500_000 + "y", "0123456789abcdef" * 60_000),
    ],
    ids=["blanks", "word", "lines", "chinese", "rule", "tabs", "nul", "gap", "hex"],
)
def test_huge_runs(name: str, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A megabyte of blanks, or one word of a megabyte, is counted without a panic or a word on the terminal."""
    assert 0 < vocabulary.count(text, name) <= len(text.encode())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_odd_text(name: str) -> None:
    """Special tokens, lone surrogates and NULs in a text are counted as text."""
    assert vocabulary.count("<|endoftext|>", name) > 1
    assert vocabulary.count("\ud800", name) > 0
    assert vocabulary.count("a\0b", name) == 3
    assert vocabulary.count("", name) == 0


def _run(code: str, **environment: str) -> str:
    """What a new Python prints, without a network to reach: proxies point nowhere."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(vocabulary.__file__).parents[2]), **nowhere, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOAD = (
    "from gptchat.tokens import vocabulary as v; from pathlib import Path; {}"
    "print(v.load('o200k_base'), v.ready('o200k_base') and v.count('hello world', 'o200k_base'))"
)


def test_damaged_cache_of_the_person(tmp_path: Path) -> None:
    """A damaged file in the person's own TIKTOKEN_CACHE_DIR is left as it is, and ours is used."""
    damaged = tmp_path / CACHE_NAMES["o200k_base"]
    damaged.write_bytes(b"IQ== 0\n")
    assert _run(LOAD.format(""), TIKTOKEN_CACHE_DIR=str(tmp_path)) == "True 2"
    assert damaged.read_bytes() == b"IQ== 0\n"
    assert list(tmp_path.iterdir()) == [damaged]


def test_own_cache_is_enough(tmp_path: Path) -> None:
    """Where the package comes without vocabularies, the person's TIKTOKEN_CACHE_DIR serves."""
    whole = (vocabulary.FOLDER / "o200k_base.tiktoken").read_bytes()
    (tmp_path / CACHE_NAMES["o200k_base"]).write_bytes(whole)
    stripped = LOAD.format(f"v.FOLDER = Path({str(tmp_path / 'none')!r}); ")
    assert _run(stripped, TIKTOKEN_CACHE_DIR=str(tmp_path)) == "True 2"


def test_no_vocabulary_at_all(tmp_path: Path) -> None:
    """Without any file counting says that it cannot, and nothing is fetched."""
    stripped = LOAD.format(f"v.FOLDER = Path({str(tmp_path / 'none')!r}); ")
    assert _run(stripped) == "False False"


def test_importing_is_light() -> None:
    """Importing the counter loads neither tiktoken nor a vocabulary."""
    code = "import sys, gptchat.tokens.counter, gptchat.tokens.windows; print('tiktoken' in sys.modules)"
    assert _run(code) == "False"


def test_licence_stands_beside() -> None:
    """The vocabularies carry the notice that their licence asks for."""
    notice = (vocabulary.FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright (c) 2022 OpenAI, Shantanu Jain" in notice
