"""Terminals and pipes in another encoding than UTF-8."""

from __future__ import annotations

import codecs
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.width import cells
from gptchat.terminal import encoding
from tests.support.screen import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows' consoles have no locale variables")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"LC_ALL": "zh_CN.GBK"}, "gbk"),
        ({"LANG": "zh_CN.GB18030"}, "gb18030"),
        ({"LANG": "zh_CN.GB2312"}, "gbk"),
        ({"LANG": "zh_TW.Big5"}, "big5"),
        ({"LC_CTYPE": "de_DE.ISO-8859-1@euro", "LANG": "zh_CN.GBK"}, "iso8859-1"),
        ({"LC_ALL": "", "LC_CTYPE": "ru_RU.KOI8-R"}, "koi8-r"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.GBK"}, ""),
        ({"LC_ALL": "C", "LANG": "zh_CN.GBK"}, ""),
        ({"LANG": "POSIX"}, ""),
        ({"LANG": "C.UTF-8"}, ""),
        ({"LANG": "xx_XX.no-such-codeset"}, ""),
        ({"LANG": "xx_XX.hex"}, ""),
        ({"LANG": "xx_XX.utf-16"}, ""),
        ({"LANG": "zh_CN.GBK", "PYTHONUTF8": "1"}, ""),
        ({"LANG": "zh_CN.GBK", "PYTHONIOENCODING": "utf-8"}, ""),
        ({"LANG": "C.UTF-8", "PYTHONIOENCODING": "big5:replace"}, "big5"),
    ],
)
def test_the_locale_names_the_encoding(environ: dict[str, str], expected: str) -> None:
    """The variables decide in the C library's order, installed or not; C, POSIX and nonsense mean UTF-8."""
    assert encoding.of_locale(environ) == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_stand_in_is_ascii_and_as_wide(text: str) -> None:
    """Signs in place of others take the same columns, so that tables and the cursor keep their places."""
    plain = encoding.stand_in(text)
    assert plain.isascii()
    assert len(plain) == cells(text)


def test_drawings_and_letters_have_their_own_signs() -> None:
    """Frames, bullets, bars and the spinner are drawn in ASCII, and accents are dropped before letters are."""
    assert encoding.stand_in("╶─│┌█░•›✓✗∴⠋") == "--|+#.*>+x:|"
    assert encoding.stand_in("é ł 中 😀") == "e ? ?? ??"


@pytest.mark.parametrize(("name", "shown"), [("gbk", "> 好“x” 1- +# ??é"), ("iso8859-1", '> ??"x" 1- +# ??é')])
def test_a_terminal_gets_what_it_can_show(name: str, shown: str) -> None:
    """What the encoding has is kept, except drawings that two bytes would draw two columns wide."""

    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    codecs.register_error("gptchat.signs", encoding._replace)
    raw = Terminal()
    stream = encoding.LocaleStream(io.TextIOWrapper(raw), name)
    stream.write("› 好“x” 1─ ┌█ 😀é")
    stream.flush()
    assert raw.getvalue().decode(name) == shown


def ask(folder: Path, *arguments: str | bytes, stdin: bytes = b"", **environ: str) -> bytes:
    """What gptchat's demo prints on a pipe with these variables."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, "-m", "gptchat", "-p", "demo", "--no-stream", *arguments]
    done = subprocess.run(command, input=stdin, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("variable", ["LC_ALL", "LANG"])
@pytest.mark.parametrize("locale", ["zh_CN.GBK", "zh_CN.GB18030"])
def test_a_pipe_speaks_the_locale(tmp_path: Path, variable: str, locale: str) -> None:
    """Question and answer on a pipe are in the locale's encoding, whether it is the argument or standard input."""
    codec = locale.partition(".")[2]
    for arguments, stdin in ((["你好".encode(codec)], b""), ([], "你好".encode(codec)), (["你好"], b"")):
        answer = ask(tmp_path, *arguments, stdin=stdin, **{variable: locale}).decode(codec)
        assert "你好" in answer
        assert "?" not in answer


def test_json_loses_nothing(tmp_path: Path) -> None:
    """In a document of `--json` what the encoding lacks is escaped."""
    for locale in ("zh_CN.GBK", "de_DE.ISO-8859-1"):
        document = ask(tmp_path, "--json", "/help", LC_ALL=locale)
        assert document.isascii()
    assert not ask(tmp_path, "--json", "你好", LC_ALL="C").isascii()


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "en_US.UTF-8"])
def test_other_locales_are_utf8(tmp_path: Path, locale: str) -> None:
    """C and POSIX name no encoding: UTF-8 it is."""
    assert "你好" in ask(tmp_path, "你好", LC_ALL=locale).decode("utf-8")
