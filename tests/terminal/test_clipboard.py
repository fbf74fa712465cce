"""Copying: the right text by the right way."""

from __future__ import annotations

import base64
import os
import re
import stat
from pathlib import Path

import pytest

from gptchat.terminal.markdown import render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.clipboard import CodeBlock, code_blocks, commands, copy, osc52
from gptchat.terminal.output.theme import Theme


def test_code_blocks_are_numbered_as_on_the_screen() -> None:
    """Block N of a reply is the one whose heading shows N, with its text as the model wrote it."""
    text = (
        "```py\na = 1\n\tb\n```\n\n- x\n  ~~~sh\n  ls\n  ~~~\n\n> ```\n> q\n> ```\n\n    no fence\n\n```js\nopen"
    )
    blocks = code_blocks(text)
    assert blocks == [
        CodeBlock("py", "a = 1\n\tb\n"),
        CodeBlock("sh", "ls\n"),
        CodeBlock("", "q\n"),
        CodeBlock("js", "open\n"),
    ]
    headings = [plain(line) for line in render_lines(text, 60, Theme("dark")) if "·" in plain(line)]
    assert [int(heading.rpartition(" ")[2]) for heading in headings] == [1, 2, 3, 4]


def test_osc52_carries_the_text() -> None:
    """The terminal is told the text in base64, whatever characters are in it."""
    sequence = osc52("héllo\n字", {"TERM": "xterm"})
    assert sequence is not None
    match = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert match is not None
    assert base64.b64decode(match[1]).decode() == "héllo\n字"


def test_osc52_passes_through_multiplexers() -> None:
    """Inside tmux and GNU screen the sequence is wrapped so that the outer terminal receives it."""
    tmux = osc52("x", {"TERM": "screen", "TMUX": "/tmp/t"})
    assert tmux is not None
    assert "\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\" in tmux
    screen = osc52("x" * 500, {"TERM": "screen", "STY": "1"})
    assert screen is not None
    parts = re.findall(r"\x1bP(.*?)\x1b\\", screen, re.DOTALL)
    assert "".join(parts) == osc52("x" * 500, {"TERM": "xterm"})
    assert max(map(len, parts)) <= 76


@pytest.mark.parametrize(("text", "term"), [("x" * 80_000, "xterm"), ("x", "dumb"), ("x", "linux")])
def test_osc52_is_not_sent_in_vain(text: str, term: str) -> None:
    """Text beyond what terminals take, or a terminal without a clipboard, gets no sequence."""
    assert osc52(text, {"TERM": term}) is None


@pytest.mark.skipif(os.name != "posix", reason="writes a shell script as the tool")
@pytest.mark.parametrize("works", [True, False])
def test_the_platform_tool_gets_the_text_too(tmp_path: Path, works: bool) -> None:
    """The installed tool receives the text; when it fails the terminal's way is still taken."""
    target = tmp_path / "clipboard"
    tool = tmp_path / "xclip"
    tool.write_text(f"#!/bin/sh\n{'/bin/cat > ' + str(target) if works else 'exit 1'}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    sent: list[str] = []
    environ = {"TERM": "xterm", "DISPLAY": ":0", "PATH": str(tmp_path)}
    assert copy("text", sent.append, environ, "linux") == ("both" if works else "terminal")
    assert len(sent) == 1
    assert not works or target.read_text() == "text"
    assert copy("text", None, {**environ, "SSH_TTY": "/dev/pts/1"}, "linux") == "none"


def test_tools_are_chosen_by_the_display_at_hand(tmp_path: Path) -> None:
    """Wayland's tool comes before X11's, and only installed tools are asked."""
    for name in ("wl-copy", "xsel"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": str(tmp_path), "DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}
    assert [Path(command[0]).name for command in commands(environ, "linux")] == ["wl-copy", "xsel"]
    assert commands({"PATH": str(tmp_path)}, "linux") == []
