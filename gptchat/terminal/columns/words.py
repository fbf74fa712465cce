"""Words as the editing keys of readline see them: runs of letters and digits in every script, and of emoji."""

from __future__ import annotations

import re

from prompt_toolkit.application.current import get_app
from prompt_toolkit.filters import Condition, emacs_insert_mode, emacs_mode, has_selection, vi_insert_mode
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent

from gptchat.terminal.columns import graphemes

_WORD = re.compile(r"[^\W_]+|[\u2190-\u2bff\U0001f000-\U0001faff]+|[\U00100000-\U0010fffd]")
"""Letters and digits; symbols and emoji; or a folded paste, which is one private-use character."""


def word_start(text: str, index: int) -> int:
    """Start of the word that contains `index` or is the last before it; 0 if there is none."""
    start = 0
    for match in _WORD.finditer(_bases(text[:index])):
        start = match.start()
    return start


def word_end(text: str, index: int) -> int:
    """End of the word that contains `index` or is the first after it; the end of `text` if there is none."""
    match = _WORD.search(_bases(text), index)
    return match.end() if match else len(text)


def _bases(text: str) -> str:
    """`text`, as long as it is, with its marks replaced by the letters that carry them."""
    return text if text.isascii() else "".join(part[0] * len(part) for part in graphemes.split(text))


@Condition
def _is_suggesting() -> bool:
    """Whether Alt-F takes a word of the suggestion, as prompt_toolkit has it."""
    buffer = get_app().current_buffer
    return bool(buffer.suggestion and buffer.suggestion.text and buffer.document.is_cursor_at_the_end)


def add_words(keys: KeyBindings) -> None:
    """Add to `keys` those that move by words and delete them. What is deleted can be yanked (Ctrl-Y)."""
    inserting = emacs_insert_mode | vi_insert_mode

    @keys.add("c-left", filter=emacs_mode | vi_insert_mode)
    @keys.add("escape", "b", filter=emacs_mode)
    def _left(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            buffer.cursor_position = word_start(buffer.text, buffer.cursor_position)

    @keys.add("c-right", filter=emacs_mode | vi_insert_mode)
    @keys.add("escape", "f", filter=emacs_mode & ~_is_suggesting)
    def _right(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            buffer.cursor_position = word_end(buffer.text, buffer.cursor_position)

    @keys.add("c-w", filter=inserting & ~has_selection)
    @keys.add("escape", "backspace", filter=emacs_insert_mode & ~has_selection)
    def _erase(event: KeyPressEvent) -> None:
        buffer, cut = event.current_buffer, ""
        for _ in range(event.arg):
            at = buffer.cursor_position
            cut = buffer.delete_before_cursor(at - word_start(buffer.text, at)) + cut
        if cut:
            before = event.app.clipboard.get_data().text if event.is_repeat else ""
            event.app.clipboard.set_text(cut + before)

    @keys.add("c-delete", filter=inserting & ~has_selection)
    @keys.add("escape", "d", filter=emacs_insert_mode & ~has_selection)
    def _delete(event: KeyPressEvent) -> None:
        buffer, cut = event.current_buffer, ""
        for _ in range(event.arg):
            at = buffer.cursor_position
            cut += buffer.delete(word_end(buffer.text, at) - at)
        if cut:
            before = event.app.clipboard.get_data().text if event.is_repeat else ""
            event.app.clipboard.set_text(before + cut)
