"""Mentions in a message, how attachments are worded, and the output of commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gptchat.attachments import Attachment, bare, compose, fenced, find_mentions, run_command
from gptchat.attachments.wording import language_of
from gptchat.errors import UsageError

PYTHON = f'"{sys.executable}"'


def expand_mentions(text: str, cwd: Path) -> tuple[str, list[str]]:
    """`text` with bare names for its mentions, and what these name."""
    found = find_mentions(text, cwd)
    return bare(text, found), list(dict.fromkeys(mention.reference for mention in found))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.py", "my notes.txt", "docs/x.md", "读我.txt", "types", "README"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found", "shown"),
    [
        ("look at @a.py please", ["a.py"], "look at a.py please"),
        ("@a.py", ["a.py"], "a.py"),
        ("(@a.py), @docs/x.md.", ["a.py", "docs/x.md"], "(a.py), docs/x.md."),
        ("@docs/ and @a.py and @a.py", ["docs/", "a.py"], "docs/ and a.py and a.py"),
        ('read @"my notes.txt" now', ["my notes.txt"], "read my notes.txt now"),
        ("请看@读我.txt，谢谢", ["读我.txt"], "请看读我.txt，谢谢"),
        ("请看@a.py这个文件", ["a.py"], "请看a.py这个文件"),
        ("see @https://example.org/a?b=c.", ["https://example.org/a?b=c"], "see https://example.org/a?b=c."),
        ("@./missing.txt", ["./missing.txt"], "./missing.txt"),
        ('@"no such"', ["no such"], "no such"),
        ("@/no/such/file?", ["/no/such/file"], "/no/such/file?"),
        ("sum up @mispelt.pdf, please", ["mispelt.pdf"], "sum up mispelt.pdf, please"),
    ],
)
def test_mentions(folder: Path, text: str, found: list[str], shown: str) -> None:
    """`@` before a file, a folder or an address attaches it, also in quotes, in brackets and in Chinese."""
    assert expand_mentions(text, folder) == (shown, found)


@pytest.mark.parametrize(
    "text",
    [
        "write to me@a.py or you+tag@README",
        "@decorator\ndef f(): ...",
        "@app.route('/')",
        "npm i @types/node @openai/agents",
        "@module.py and @pytest.fixture",
        "hello @someone, @ and @@a.py",
        "code: `@a.py` and\n```\n@a.py\n```",
        "@",
        "@.",
        '@""',
    ],
)
def test_what_is_no_mention(folder: Path, text: str) -> None:
    """Addresses of e-mail, decorators, packages, people and code stay as they are."""
    assert expand_mentions(text, folder) == (text, [])


@given(st.text(st.sampled_from('@a.py/"` ~.读\n\0x'), max_size=40))
@settings(max_examples=200)
def test_any_message_is_taken(text: str) -> None:
    """Whatever is typed, looking for mentions ends, and without an at sign nothing changes."""
    shown, found = expand_mentions(text, Path(__file__).parent)
    assert ("@" in text) or (shown, found) == (text, [])


@given(
    st.text(st.sampled_from("`~ab\n 读"), max_size=60), st.text(st.sampled_from("a`\n."), min_size=1, max_size=9)
)
@settings(max_examples=200)
def test_a_fence_holds_anything(text: str, name: str) -> None:
    """Whatever a file holds, fences of its own too, it stays one block of data and nothing leaks out."""
    tokens = MarkdownIt().parse(fenced(name, text))
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == 1
    assert fences[0].content == (text if text.endswith("\n") else text + "\n")
    assert tokens[-1] is fences[0]


def test_languages_by_name() -> None:
    """A file's suffix, or its whole name, gives the fence its language."""
    names = ("a.py", "A.RS", "b.tar.gz", "Dockerfile", "Makefile", "x\\y.ts", "noext", ".py", "c++.cpp")
    assert [language_of(name) for name in names] == [
        "python",
        "rust",
        "",
        "dockerfile",
        "makefile",
        "typescript",
        "",
        "python",
        "cpp",
    ]


def test_composing() -> None:
    """The words come first, then texts under their names, then images as parts of their own."""
    text = Attachment("a.py", "text", "x = 1", language="python")
    image = Attachment("a.png", "image", mime="image/png", data=b"abc")
    words = "explain\n\n`a.py`:\n\n```python\nx = 1\n```"
    assert compose("explain\n", [text]) == words
    assert compose("hello", []) == "hello"
    assert compose("explain", [image, text]) == (
        {"type": "text", "text": words},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}},
    )


def test_a_command() -> None:
    """A command's output and errors come in their order, with how it ended told under its name."""
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    result = run_command(f'{PYTHON} -c "{code}"')
    assert (result.output, result.status, result.left_out) == ("out\nerr", 3, 0)
    assert result.summary == "exit status 3"
    item = result.attachment()
    assert item.text == "out\nerr"
    assert item.name.startswith("$ ")
    assert item.name.endswith("(exit status 3)")


def test_a_command_s_output_is_cleaned(tmp_path: Path) -> None:
    """Colours, titles, progress lines and control characters do not reach the message; Chinese does."""
    script = tmp_path / "s.py"
    data = "\x1b[31m红\x1b[0m\x1b]0;title\x07\r\n10%\r50%\r100% done\nb\x08\x00el\x07l\n".encode()
    script.write_text(f"import sys; sys.stdout.buffer.write({data!r})", encoding="utf-8")
    assert run_command(f'{PYTHON} "{script}"').output == "红\n100% done\nbell"


def test_a_command_that_prints_without_end() -> None:
    """Of a flood the beginning and the end are kept, whole characters only, and the gap is told."""
    code = "print('begin'); print('茶' * 100_000); print('end')"
    result = run_command(f'{PYTHON} -X utf8 -c "{code}"', limit=1001)
    assert result.output.startswith("begin\n茶")
    assert result.output.endswith("茶\nend")
    assert result.left_out > 290_000
    assert f"[{result.left_out:,} bytes left out]" in result.output
    assert "\ufffd" not in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")
def test_a_command_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    """After its time, or when the person stops it, a command ends together with its children; output is kept."""
    mark = tmp_path / "pid"
    line = f"echo begun; sh -c 'trap \"\" TERM; echo $$ > {mark}; while :; do sleep 0.05; done'"
    result = run_command(line, stopped=lambda: mark.exists() and bool(mark.read_text().strip()))
    assert (result.status, result.output) == (None, "begun")
    assert result.summary.startswith("stopped after")
    state = subprocess.run(["ps", "-o", "stat=", "-p", mark.read_text().strip()], capture_output=True, text=True)
    assert state.stdout.strip().startswith("Z") or not state.stdout.strip()
    assert run_command("sleep 30", timeout=0.05).status is None


@pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")
def test_commands_in_odd_circumstances(tmp_path: Path) -> None:
    """No input is waited for, a child left behind does not hold the chat up, a signal is told by its number."""
    assert run_command("cat").output == ""
    assert run_command("cat").attachment().text == "(no output)"
    assert run_command("sleep 3 & echo here").output == "here"
    assert run_command("kill -9 $$").summary == "ended by signal 9"
    assert run_command("pwd", cwd=tmp_path).output == str(tmp_path.resolve())
    assert re.search("not found", run_command("no-such-command-at-all").output)


def test_commands_that_cannot_be() -> None:
    """An empty command, or a folder that is gone, is told with a way on."""
    for line, where in (("", None), ("  ", None), ("a\0b", None), ("echo", "/no/such/folder")):
        with pytest.raises(UsageError) as caught:
            run_command(line, cwd=where)
        assert caught.value.hint
