"""Key bindings of the prompt, in addition to the usual editing keys of emacs and vi."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.application.current import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    emacs_mode,
    has_focus,
    has_selection,
    is_searching,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from gptchat.core import graphemes
from gptchat.terminal.input.folding import Folding, OriginTracker
from gptchat.terminal.input.menu import CompletionMenu


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


def _is_composed(start: int, end: int) -> bool:
    return end - start > 1


@Condition
def _composed_before() -> bool:
    buffer = get_app().current_buffer
    return _is_composed(graphemes.previous(buffer.text, buffer.cursor_position), buffer.cursor_position)


@Condition
def _composed_after() -> bool:
    buffer = get_app().current_buffer
    return _is_composed(buffer.cursor_position, graphemes.following(buffer.text, buffer.cursor_position))


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
    @keys.add("<sigint>")
    def _clear_or_leave(_event: KeyPressEvent) -> None:
        line.clear_or_leave()

    @keys.add("c-d", filter=drafting & _draft_is_empty)
    def _leave(_event: KeyPressEvent) -> None:
        line.leave()

    @keys.add("c-x", "c-e", filter=drafting)
    @keys.add("v", filter=drafting & vi_navigation_mode)
    def _editor(_event: KeyPressEvent) -> None:
        line.open_editor()

    @keys.add("escape", filter=drafting & _menu_is_open & ~is_searching, eager=True)
    def _close_menu(_event: KeyPressEvent) -> None:
        line.menu.close()

    _add_whole_characters(keys)
    return keys


def _add_whole_characters(keys: KeyBindings) -> None:
    """Add bindings that move over and delete characters of several code points (a flag, an accent) as one."""

    @keys.add("backspace", filter=_composed_before & ~has_selection)
    def _delete_before(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.delete_before_cursor(buffer.cursor_position - _start(buffer))

    @keys.add("delete", filter=_composed_after & ~has_selection)
    def _delete_after(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.delete(_end(buffer) - buffer.cursor_position)

    @keys.add("left", filter=_composed_before)
    def _left(event: KeyPressEvent) -> None:
        event.current_buffer.cursor_position = _start(event.current_buffer)

    @keys.add("right", filter=_composed_after)
    def _right(event: KeyPressEvent) -> None:
        event.current_buffer.cursor_position = _end(event.current_buffer)


def _start(buffer: Buffer) -> int:
    return graphemes.previous(buffer.text, buffer.cursor_position)


def _end(buffer: Buffer) -> int:
    return graphemes.following(buffer.text, buffer.cursor_position)
