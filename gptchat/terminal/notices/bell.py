"""The bell: a signal that a long reply is done, where the terminal is not in front.

Terminals report whether they are in front once they are asked to (DEC private mode 1004). They are asked while a
reply streams, so that no report is left for another program. The keyboard takes the reports out of what is typed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gptchat.core.safe import clean_line
from gptchat.core.titles import shorten
from gptchat.words import _

if TYPE_CHECKING:
    from prompt_toolkit.input import Input

    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen

_ON, _OFF = "\x1b[?1004h", "\x1b[?1004l"

_REPORTING = (
    "WT_SESSION", "KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR", "KONSOLE_VERSION",
    "VTE_VERSION", "XTERM_VERSION",
)  # fmt: skip
_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "rio")
_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm")
"""Variables, values of TERM_PROGRAM and beginnings of TERM of terminals that report coming to the front."""


class Bell:
    """Rings at the end of a long reply, as `ui.bell` and `ui.bell_after` say.

    `keyboard` may have `focus` (what the terminal reported last, None before) and `last_key` (monotonic seconds).
    """

    def __init__(
        self,
        services: Services,
        screen: Screen,
        keyboard: Input,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._settings = services.settings
        self._screen = screen
        self._keyboard = keyboard
        self._environ = services.environ
        self._clock = clock
        self._begun: float | None = None
        self._asked = False

    @contextmanager
    def watching(self) -> Generator[None, None, None]:
        """Take the time of a reply, and have the terminal report whether it is in front."""
        self.resume()
        try:
            yield
        finally:
            self.pause()

    def resume(self) -> None:
        """Ask for reports, where the terminal is one and the bell is on; after `done` the time starts anew."""
        if self._begun is None:
            self._begun = self._clock()
        terminal = self._screen.terminal
        self._asked = self._settings.ui.bell != "off" and terminal.is_tty and not terminal.dumb
        if self._asked:
            self._screen.write(_ON)

    def pause(self) -> None:
        """Ask for no more reports, as before another program takes the terminal."""
        if self._asked:
            self._asked = False
            try:
                self._screen.write(_OFF)
            except OSError:  # the terminal is gone
                pass

    def done(self) -> None:
        """The person can go on: ring if the replies before took long, all together, and they have looked away."""
        begun, self._begun = self._begun, None
        ui, terminal = self._settings.ui, self._screen.terminal
        if begun is None or ui.bell == "off" or not terminal.is_tty or terminal.dumb:
            return
        if self._clock() - begun >= ui.bell_after and self._away(begun):
            way = ui.bell if ui.bell != "auto" else way_of(self._environ)
            title = "" if self._services.run.incognito else self._services.manager.session.name
            self._screen.write(signal(way, title, tmux=bool(self._environ.get("TMUX"))))

    def forget(self) -> None:
        """A reply was stopped by the person, who is therefore there."""
        self._begun = None

    def _away(self, begun: float) -> bool:
        """Whether the terminal is not in front: as it reported, else whether no key was pressed since `begun`."""
        focus: bool | None = getattr(self._keyboard, "focus", None)
        if focus is not None:
            return not focus
        if reports_focus(self._environ):
            return False  # it was in front when the message was sent, and nothing else was reported
        last_key: float = getattr(self._keyboard, "last_key", 0.0)
        return last_key <= begun


def reports_focus(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is known to report that it comes to the front and leaves it."""
    if environ.get("TMUX") or environ.get("STY"):
        return False  # only if they are set up to
    named = environ.get("TERM_PROGRAM") in _PROGRAMS or environ.get("TERM", "").startswith(_TERMS)
    return named or any(environ.get(name) for name in _REPORTING)


def way_of(environ: Mapping[str, str]) -> str:
    """How the terminal notifies: `osc9` or `osc777`, which show a text, or `bell`, which every terminal knows.

    Multiplexers pass the bell on, marked with its window, and drop what they do not know.
    """
    if environ.get("TMUX") or environ.get("STY"):
        return "bell"
    term = environ.get("TERM", "")
    if term.startswith(("foot", "rxvt")):
        return "osc777"
    texts = environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "ghostty")
    return "osc9" if texts or term in ("xterm-kitty", "xterm-ghostty", "wezterm") else "bell"


def signal(way: str, title: str, *, tmux: bool) -> str:
    """What is written to notify in the way `way`. `tmux` passes a text through to the terminal around it."""
    if way == "bell":
        return "\a"
    name = clean_line(shorten(title))
    text = _("the reply is done: {title}").format(title=name) if name else _("the reply is done")
    body = text.replace(";", ",")  # it separates the parts
    sequence = f"\x1b]9;{body}\a" if way == "osc9" else f"\x1b]777;notify;gptchat;{body}\a"
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if tmux else sequence
