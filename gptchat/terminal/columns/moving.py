"""Editing keys of prompt_toolkit by whole characters: a flag, an emoji or a letter with its marks is one step."""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import (
    Condition,
    emacs_insert_mode,
    emacs_mode,
    emacs_selection_mode,
    has_selection,
    vi_insert_mode,
    vi_navigation_mode,
    vi_waiting_for_text_object_mode,
)
from prompt_toolkit.filters.app import vi_replace_single_mode
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent, _Flush
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

from gptchat.terminal.columns import graphemes
from gptchat.terminal.columns.words import add_words

_UNEXPECTED = "/#*aet"
"""After Esc: completions, sending the line as a comment, and what is bound and not implemented."""


@Condition
def _has_text() -> bool:
    """False on an empty line, where Ctrl-D leaves and Backspace ends a search."""
    return bool(get_app().current_buffer.text)


def stop_between_characters(app: Application[str] | Application[str | None]) -> None:
    """Let no key leave the cursor inside a character: whichever way it moved, it goes on to the boundary."""
    before: tuple[Buffer, int, int] | None = None

    def remember(_processor: object) -> None:
        nonlocal before
        buffer = app.current_buffer
        before = buffer, len(buffer.text), buffer.cursor_position

    def stop(_processor: object) -> None:
        buffer = app.current_buffer
        at = buffer.cursor_position
        if before is None or before[:2] != (buffer, len(buffer.text)) or before[2] == at:
            return
        divided = graphemes.inside(buffer.text, at)
        if divided is None:
            return
        start, end = divided
        column = buffer.preferred_column
        navigating = vi_navigation_mode()  # where the cursor stands on a character
        forward = at > before[2] and (before[2] >= start or not navigating)
        if forward and navigating and buffer.text[end : end + 1] in ("", "\n"):
            forward = False
        buffer.cursor_position = end if forward else start
        buffer.preferred_column = column

    app.key_processor.before_key_press += remember
    app.key_processor.after_key_press += stop


def add_editing(keys: KeyBindings) -> None:
    """Add to `keys` those that edit by whole characters (`graphemes.erased`) and by words, in both modes.

    Alt with a key for which prompt_toolkit does something unexpected, or nothing, is Esc and the key.
    """
    add_words(keys)
    for second in (*_UNEXPECTED, Keys.Any):

        @keys.add("escape", second, filter=emacs_mode)
        def _apart(event: KeyPressEvent) -> None:
            # Esc may end the prompt; the key after it then waits for the next one, rather than in this one.
            escape, key = event.key_sequence
            event.key_processor.feed_multiple([escape, _Flush, key], first=True)

    @keys.add(Keys.Any, filter=emacs_selection_mode)
    def _deselect(event: KeyPressEvent) -> None:
        """What is typed after Ctrl-Space, which marks a place, is typed; prompt_toolkit would drop it."""
        event.current_buffer.exit_selection()
        event.key_processor.feed(event.key_sequence[0], first=True)

    inserting = emacs_insert_mode | vi_insert_mode

    @keys.add("backspace", filter=inserting & ~has_selection & _has_text, save_before=_first)
    def _erase(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            start = graphemes.erased(buffer.text, buffer.cursor_position)
            buffer.delete_before_cursor(buffer.cursor_position - start)

    @keys.add("delete", filter=inserting & ~has_selection, save_before=_first)
    @keys.add("c-d", filter=emacs_insert_mode & ~has_selection & _has_text, save_before=_first)
    def _delete(event: KeyPressEvent) -> None:
        for _ in range(event.arg):
            _delete_one(event.current_buffer)

    @keys.add("c-t", filter=emacs_insert_mode)
    def _transpose(event: KeyPressEvent) -> None:
        """Swap the characters around the cursor; at the end of a line those before it."""
        buffer = event.current_buffer
        text, at = buffer.text, buffer.cursor_position
        end = at if text[at : at + 1] in ("", "\n") else graphemes.following(text, at)
        middle = graphemes.previous(text, end)
        start = graphemes.previous(text, middle)
        if start < middle and "\n" not in text[start:end]:
            buffer.cursor_position = end
            buffer.delete_before_cursor(end - start)
            buffer.insert_text(text[middle:end] + text[start:middle])

    @keys.add("l", filter=vi_navigation_mode & ~vi_waiting_for_text_object_mode)
    def _right(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            end = graphemes.following(buffer.text, buffer.cursor_position)
            if buffer.text[end : end + 1] not in (
                "",
                "\n",
            ):  # the cursor stands on a character, not behind the last
                buffer.cursor_position = end

    @keys.add("h", filter=vi_navigation_mode & ~vi_waiting_for_text_object_mode)
    def _left(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            if buffer.document.current_line_before_cursor:
                buffer.cursor_position = graphemes.previous(buffer.text, buffer.cursor_position)

    @keys.add("x", filter=vi_navigation_mode)
    @keys.add("delete", filter=vi_navigation_mode)
    def _cut(event: KeyPressEvent) -> None:
        _cut_after(event)

    @keys.add("s", filter=vi_navigation_mode)
    def _substitute(event: KeyPressEvent) -> None:
        _cut_after(event)
        event.app.vi_state.input_mode = InputMode.INSERT

    @keys.add("X", filter=vi_navigation_mode)
    def _cut_before(event: KeyPressEvent) -> None:
        buffer, cut = event.current_buffer, ""
        for _ in range(event.arg):
            at = buffer.cursor_position
            if buffer.document.current_line_before_cursor:
                cut = buffer.delete_before_cursor(at - graphemes.previous(buffer.text, at)) + cut
        if cut:
            event.app.clipboard.set_text(cut)

    @keys.add(Keys.Any, filter=vi_replace_single_mode)
    def _replace(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _delete_one(buffer):
            buffer.insert_text(event.data)
            buffer.cursor_position = graphemes.previous(buffer.text, buffer.cursor_position)
        event.app.vi_state.input_mode = InputMode.NAVIGATION


def _first(event: KeyPressEvent) -> bool:
    """Whether to save a state for undo: once for a key that is held down."""
    return not event.is_repeat


def _delete_one(buffer: Buffer) -> str:
    """Delete the character after the cursor, and return it."""
    at = buffer.cursor_position
    return buffer.delete(graphemes.following(buffer.text, at) - at) if at < len(buffer.text) else ""


def _cut_after(event: KeyPressEvent) -> None:
    """Cut characters after the cursor, up to the end of the line."""
    buffer, cut = event.current_buffer, ""
    for _ in range(event.arg):
        if buffer.document.current_line_after_cursor:
            cut += _delete_one(buffer)
    if cut:
        event.app.clipboard.set_text(cut)
