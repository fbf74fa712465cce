"""Detects terminal capabilities from the stream and the environment, without querying the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO, Literal

from gptchat.values import dataclass
from gptchat.words import _

Depth = Literal["none", "16", "256", "truecolor"]

NARROW = 60
"""Columns; in narrower windows tables and code wrap badly."""

Ability = tuple[str, str, str]
"""(name, state, advice); advice is empty if nothing needs to be done."""

_HYPERLINKS = ("WT_SESSION", "KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR", "KONSOLE_VERSION")
_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "WarpTerminal")
_TERMS = ("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty")


@dataclass(frozen=True, slots=True)
class Terminal:
    """What output may use. `depth` is the number of colours; if `dumb`, the cursor must not be moved.

    `reflows`: whether the terminal wraps printed lines again when its width changes. `synchronised`: whether
    synchronised updates (DEC private mode 2026) may be sent.
    """

    is_tty: bool = True
    depth: Depth = "256"
    dumb: bool = False
    hyperlinks: bool = False
    reflows: bool = True
    synchronised: bool = True

    @classmethod
    def detect(cls, stream: IO[str], environ: Mapping[str, str] = os.environ) -> Terminal:
        """The capabilities of the terminal behind `stream`, from TERM, COLORTERM, NO_COLOR and the like."""
        if not stream.isatty():
            return cls(is_tty=False, depth="none", dumb=True, reflows=False, synchronised=False)
        term = environ.get("TERM", "" if os.name == "posix" else "xterm-256color")
        if term in ("dumb", "unknown", ""):
            return cls(depth="none", dumb=True, reflows=False, synchronised=False)
        return cls(
            depth=_depth(term, environ),
            hyperlinks=_hyperlinks(term, environ),
            reflows=_reflows(term, environ),
            synchronised=term != "linux",
        )


def size(stream: IO[str]) -> tuple[int, int]:
    """(columns, rows) of the terminal behind `stream`; (80, 24) if unknown."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return 80, 24
    return columns or 80, rows or 24


def prepare_console() -> None:
    """Enable escape codes in the Windows console; does nothing on other platforms."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        output = kernel.GetStdHandle(-11)
        mode = ctypes.c_uint32()
        if kernel.GetConsoleMode(output, ctypes.byref(mode)):
            kernel.SetConsoleMode(output, mode.value | 0x0004)  # ENABLE_VIRTUAL_TERMINAL_PROCESSING


def _depth(term: str, environ: Mapping[str, str]) -> Depth:
    if environ.get("NO_COLOR"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "truecolor"
    if environ.get("WT_SESSION") or (os.name == "nt" and not environ.get("TERM")):
        return "truecolor"
    return "256" if "256" in term or term in _TERMS else "16"


def _hyperlinks(term: str, environ: Mapping[str, str]) -> bool:
    """Whether OSC 8 is known to work. False in multiplexers, where it depends on the outer terminal."""
    if environ.get("TMUX") or environ.get("STY"):
        return False
    vte = environ.get("VTE_VERSION", "")
    if vte.isdecimal() and int(vte) >= 5000:
        return True
    named = environ.get("TERM_PROGRAM") in _PROGRAMS or term in _TERMS
    return named or any(environ.get(name) for name in _HYPERLINKS)


def _reflows(term: str, environ: Mapping[str, str]) -> bool:
    """Whether lines are wrapped again when the width changes; xterm, GNU screen and kernel consoles do not."""
    if environ.get("TMUX"):
        return True
    return not (environ.get("XTERM_VERSION") or environ.get("STY") or term in ("linux", "vt100", "vt220"))


def abilities(environ: Mapping[str, str]) -> list[Ability]:
    """Capabilities of the terminal behind standard output as (name, state, advice) tuples."""
    from gptchat.terminal.output.clipboard import commands  # it asks the system for programs

    stream = sys.stdout
    terminal = Terminal.detect(stream, environ)
    if not terminal.is_tty:
        return [(_("output"), _("a pipe or a file: plain text"), "")]
    name = environ.get("TERM_PROGRAM") or environ.get("TERM", "")
    found: list[Ability] = []
    if terminal.dumb:
        advice = _("set TERM to what your terminal is, such as xterm-256color")
        found.append((_("terminal"), _("{name}: it cannot move the cursor").format(name=name or "?"), advice))
    else:
        found.append((_("terminal"), name, ""))
    columns, rows = size(stream)
    advice = _("make the window wider") if columns < NARROW else ""
    found.append((_("size"), _("{columns} columns, {rows} rows").format(columns=columns, rows=rows), advice))
    encoding = getattr(stream, "encoding", "") or "?"
    advice = "" if encoding.lower().replace("-", "") == "utf8" else _("set LANG to a UTF-8 locale: LANG=C.UTF-8")
    found.append((_("encoding"), encoding, advice))
    colours = {"none": _("none"), "16": "16", "256": "256", "truecolor": _("all")}[terminal.depth]
    why = " (NO_COLOR)" if environ.get("NO_COLOR") else ""
    found.append((_("colours"), colours + why, ""))
    found.append((_("links"), _("yes") if terminal.hyperlinks else _("not known to"), ""))
    tools = commands(environ, sys.platform)
    way = tools[0][0] if tools else _("through the terminal, where it allows that")
    found.append((_("clipboard"), way, ""))
    return found
