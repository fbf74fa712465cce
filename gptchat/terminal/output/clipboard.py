"""Copies to the clipboard: through the terminal (OSC 52, also over ssh) and with the platform's clipboard tool."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from gptchat.core.safe import clean
from gptchat.values import dataclass

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings

_OSC52_LIMIT = 74_994
"""Bytes of text; xterm and others drop a longer OSC 52 (limit: 100,000 characters of base64 with framing)."""
_SCREEN_CHUNK = 76
"""Characters per device control string for GNU screen (its limit is 256, framing included)."""
_SECONDS = 3.0
"""Timeout of a clipboard tool, in seconds."""

Way = Literal["tool", "terminal", "both", "none"]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of a reply: its language (may be empty) and its text."""

    language: str
    text: str


def code_blocks(markdown: str, ui: UiSettings | None = None) -> list[CodeBlock]:
    """The fenced blocks of `markdown`, in the order of their numbers on a screen that is drawn as `ui` says."""
    from gptchat.grammar.tree import Opening, language_of, pieces
    from gptchat.terminal.markdown.reading import environment

    return [
        CodeBlock(language_of(piece), piece.text)
        for piece in pieces(clean(markdown + "\n"), environment(ui), Opening())
        if piece.kind == "fence"
    ]


def copy(
    text: str,
    write: Callable[[str], object] | None = None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Way:
    """Copy `text` to the clipboard in every available way; returns the ways used.

    `write` sends text to the terminal (None: no terminal). Over ssh no clipboard tool is run, because the remote
    machine's clipboard is not the user's. "terminal" and "both" are not confirmed: OSC 52 has no reply.
    """
    remote = bool(environ.get("SSH_TTY") or environ.get("SSH_CONNECTION"))
    by_tool = not remote and any(_run(command, text) for command in commands(environ, platform))
    by_terminal = False
    if write is not None and (sequence := osc52(text, environ)):
        write(sequence)
        by_terminal = True
    if by_tool:
        return "both" if by_terminal else "tool"
    return "terminal" if by_terminal else "none"


def osc52(text: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The OSC 52 sequence that sets the terminal's clipboard, wrapped for tmux or GNU screen.

    None if `text` is too long for terminals, or if the terminal is known not to support it.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > _OSC52_LIMIT or environ.get("TERM") in ("dumb", "linux", None):
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environ.get("TMUX"):
        # With `set-clipboard`, tmux handles plain OSC 52; with `allow-passthrough`, it passes the wrapped one on.
        return sequence + "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        parts = [sequence[at : at + _SCREEN_CHUNK] for at in range(0, len(sequence), _SCREEN_CHUNK)]
        return "".join(f"\x1bP{part}\x1b\\" for part in parts)
    return sequence


def commands(environ: Mapping[str, str], platform: str) -> list[Sequence[str]]:
    """Command lines of the installed clipboard tools that suit the platform and display, best first."""
    if platform == "darwin":
        wanted: list[Sequence[str]] = [("pbcopy",)]
    elif platform in ("win32", "cygwin") or _wsl(environ):
        wanted = [("clip.exe",)]
    else:
        wanted = []
        if environ.get("WAYLAND_DISPLAY"):
            wanted.append(("wl-copy",))
        if environ.get("DISPLAY"):
            wanted += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
        if environ.get("TERMUX_VERSION"):
            wanted.append(("termux-clipboard-set",))
    found = [(shutil.which(command[0], path=environ.get("PATH")), command) for command in wanted]
    return [(program, *command[1:]) for program, command in found if program]


def _wsl(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"))


def _run(command: Sequence[str], text: str) -> bool:
    """Run the tool; True if it exits with status 0. clip.exe recognises UTF-16 by the byte order mark."""
    data = text.encode("utf-16") if command[0].endswith("clip.exe") else text.encode("utf-8", "replace")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed list of tools, the text on standard input
            command,
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
