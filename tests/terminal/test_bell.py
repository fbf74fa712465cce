"""A long reply that is done is signalled, where the person has looked away, in a way that the terminal knows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput

from gptchat.config.schema import UiSettings
from gptchat.conversation.services import RunOptions
from gptchat.terminal.notices.bell import Bell, reports_focus, signal, way_of
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.screen import Screen
from gptchat.values import replace

XTERM = {"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(399)"}
UNKNOWN = {"TERM": "xterm-256color"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}


class Recorder(Screen):
    """A screen that keeps what is written."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(UiSettings(), {}, DummyOutput())
        self.terminal = terminal
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)


def services(environ: Mapping[str, str], *, incognito: bool = False, **ui: Any) -> Any:
    """What the bell looks at of the services of a chat."""
    return SimpleNamespace(
        settings=SimpleNamespace(ui=replace(UiSettings(), **ui)),
        environ=environ,
        run=RunOptions(incognito=incognito),
        manager=SimpleNamespace(session=SimpleNamespace(name="Trip; to\x1b Kyoto")),
    )


def rung(
    environ: Mapping[str, str],
    *,
    seconds: float = 30,
    focus: bool | None = None,
    key_after: float = -1,
    terminal: Terminal | None = None,
    incognito: bool = False,
    **ui: Any,
) -> str:
    """What is written after a reply of `seconds`; `key_after` are the seconds until a key was pressed."""
    screen = Recorder(terminal or Terminal())
    keyboard: Any = DummyInput()
    keyboard.focus, keyboard.last_key = focus, 100 + key_after
    times: Iterator[float] = itertools.chain([100.0], itertools.repeat(100 + seconds))
    bell = Bell(services(environ, incognito=incognito, **ui), screen, keyboard, clock=lambda: next(times))
    with bell.watching():
        pass
    bell.done()
    return "".join(screen.written).replace("\x1b[?1004h", "").replace("\x1b[?1004l", "")


@pytest.mark.parametrize(
    ("environ", "about", "rings"),
    [
        (XTERM, {"focus": False}, True),
        (XTERM, {"focus": True}, False),
        (XTERM, {}, False),  # it would have reported
        (UNKNOWN, {}, True),
        (UNKNOWN, {"key_after": 5}, False),  # somebody is there
        (UNKNOWN, {"focus": False, "key_after": 5}, True),
        (TMUX, {}, True),
        (TMUX, {"focus": True}, False),
        (XTERM, {"focus": False, "seconds": 19}, False),
        (XTERM, {"focus": False, "seconds": 19, "bell_after": 10}, True),
        (XTERM, {"focus": False, "bell": "off"}, False),
        (XTERM, {"focus": False, "terminal": Terminal(is_tty=False)}, False),
        (XTERM, {"focus": False, "terminal": Terminal(dumb=True)}, False),
    ],
)
def test_when_it_rings(environ: Mapping[str, str], about: dict[str, Any], rings: bool) -> None:
    """It rings after a reply of `ui.bell_after` seconds whose reader is not there, and never in a pipe."""
    assert (rung(environ, **about) == "\a") is rings
    assert rings or rung(environ, **about) == ""


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        (XTERM, "bell"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "osc9"),
        ({"TERM": "xterm-kitty"}, "osc9"),
        ({"TERM": "foot"}, "osc777"),
        ({"TERM": "rxvt-unicode-256color"}, "osc777"),
        ({**TMUX, "TERM_PROGRAM": "iTerm.app"}, "bell"),
        ({"TERM": "screen", "STY": "1"}, "bell"),
    ],
)
def test_the_way_that_the_terminal_knows(environ: Mapping[str, str], way: str) -> None:
    """A terminal known to show notifications gets one with the title; every other, and a multiplexer, the bell."""
    assert way_of(environ) == way


def test_what_is_written() -> None:
    """A notification has the title in one safe part; tmux passes it through to the terminal around it."""
    assert rung(UNKNOWN, bell="osc9") == "\x1b]9;the reply is done: Trip, to␛ Kyoto\a"
    assert rung(UNKNOWN, bell="osc777") == "\x1b]777;notify;gptchat;the reply is done: Trip, to␛ Kyoto\a"
    assert rung(UNKNOWN, bell="osc9", incognito=True) == "\x1b]9;the reply is done\a"
    assert signal("osc9", "", tmux=True) == "\x1bPtmux;\x1b\x1b]9;the reply is done\a\x1b\\"
    assert rung(TMUX, bell="osc9").startswith("\x1bPtmux;\x1b\x1b]9;")


def test_reports_are_asked_for_only_while_a_reply_streams() -> None:
    """The terminal is asked to report while a reply streams alone, and not where the bell is off."""
    parts, screen = services(XTERM), Recorder(Terminal())
    bell = Bell(parts, screen, DummyInput())
    with bell.watching():
        assert screen.written == ["\x1b[?1004h"]
    assert screen.written == ["\x1b[?1004h", "\x1b[?1004l"]
    screen.written.clear()
    parts.settings.ui = replace(parts.settings.ui, bell="off")
    with bell.watching():
        bell.pause()
    assert screen.written == []
    assert reports_focus(XTERM)
    assert not reports_focus(TMUX)
