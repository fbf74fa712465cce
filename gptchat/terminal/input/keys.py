"""Key bindings of the prompt, in addition to the usual editing keys of emacs and vi."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import (
    Condition,
    emacs_mode,
    has_focus,
    is_searching,
    vi_navigation_mode,
)
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

from gptchat.terminal.columns.moving import add_editing
from gptchat.terminal.input.folding import Folding, OriginTracker
from gptchat.terminal.input.menu import CompletionMenu
from gptchat.words import _


class Line(Protocol):
    """What the key bindings need from the prompt."""

    folding: Folding
    menu: CompletionMenu
    origins: OriginTracker

    def send(self) -> None:
        """Accept the draft."""

    def clear_or_leave(self) -> None:
        """Ctrl-C: clear the draft; on an empty line leave if pressed twice."""

    def leave(self) -> None:
        """Ctrl-D on an empty line."""

    def open_editor(self) -> None:
        """Open the draft in the user's editor."""

    def enter(self, text: str) -> None:
        """End the line with `text`, as if it had been typed on an empty one."""


@Condition
def _menu_is_open() -> bool:
    return get_app().current_buffer.complete_state is not None


@Condition
def _completion_is_chosen() -> bool:
    state = get_app().current_buffer.complete_state
    return state is not None and state.current_completion is not None


@Condition
def _draft_is_empty() -> bool:
    return not get_app().current_buffer.text


def bindings(line: Line) -> KeyBindings:
    """The bindings for the prompt `line`; they override prompt_toolkit's own."""
    keys = KeyBindings()
    drafting = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=drafting & ~_completion_is_chosen)
    def _send(_event: KeyPressEvent) -> None:
        line.send()

    @keys.add("enter", filter=drafting & _completion_is_chosen)
    def _choose(_event: KeyPressEvent) -> None:
        line.menu.choose()

    @keys.add("tab", filter=drafting)
    def _complete(_event: KeyPressEvent) -> None:
        line.menu.complete()

    @keys.add("escape", "enter", filter=drafting & emacs_mode)  # how Windows consoles report Alt-Enter
    @keys.add("c-j", filter=drafting)
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add(Keys.BracketedPaste, filter=drafting)
    def _paste(event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        with line.origins.inserting("pasted"):
            event.current_buffer.insert_text(line.folding.fold(text))

    @keys.add("c-c", filter=drafting)
    def _clear_or_leave(_event: KeyPressEvent) -> None:
        line.clear_or_leave()

    @keys.add("c-d", filter=drafting & _draft_is_empty)
    def _leave(_event: KeyPressEvent) -> None:
        line.leave()

    @keys.add("c-x", "c-e", filter=drafting)
    @keys.add("v", filter=drafting & vi_navigation_mode)
    def _editor(_event: KeyPressEvent) -> None:
        line.open_editor()

    for arrow, way in (("left", "previous"), ("right", "next")):

        @keys.add("escape", arrow, filter=drafting & _draft_is_empty)
        def _version(_event: KeyPressEvent, way: str = way) -> None:
            line.enter(f"/versions {way}")

    @keys.add("c-o", filter=drafting)
    def _result(event: KeyPressEvent) -> None:
        """The last call of a tool; prompt_toolkit's own Ctrl-O would send the draft."""
        if not event.current_buffer.text:
            line.enter("/tools last")

    @keys.add("escape", filter=drafting & _menu_is_open & ~is_searching, eager=True)
    def _close_menu(_event: KeyPressEvent) -> None:
        line.menu.close()

    @keys.add("/", filter=drafting & _draft_is_empty & vi_navigation_mode)
    @keys.add("!", filter=drafting & _draft_is_empty & vi_navigation_mode)
    @keys.add(Keys.Any, filter=drafting & _draft_is_empty & vi_navigation_mode)
    def _begin(event: KeyPressEvent) -> None:
        """A command can be typed in vi's normal mode, too, and so can what comes from an input method."""
        if event.data in ("/", "!") or (event.data.isprintable() and not event.data.isascii()):
            event.app.vi_state.input_mode = InputMode.INSERT
            event.current_buffer.insert_text(event.data)

    add_editing(keys)
    return keys


def mode_shown(app: Application[str]) -> StyleAndTextTuples:
    """The mode of vi's keys as the line below the prompt begins; empty with other keys."""
    if app.editing_mode is not EditingMode.VI:
        return []
    if app.current_buffer.selection_state:
        mode = _("VISUAL")
    else:
        inserting = (InputMode.INSERT, InputMode.INSERT_MULTIPLE)
        state = app.vi_state.input_mode
        mode = (
            _("INSERT") if state in inserting else _("NORMAL") if state is InputMode.NAVIGATION else _("REPLACE")
        )
    return [("class:toolbar", mode), ("class:toolbar.quiet", " · ")]
