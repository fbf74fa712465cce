"""Separates reasoning in `<think>` tags, as local models write it, from the reply while it streams."""

from __future__ import annotations

from typing import Literal

_PAIRS = {"<think>": "</think>", "<thinking>": "</thinking>"}

Piece = tuple[Literal["reasoning", "text"], str]


class ThinkSplitter:
    """Splits a reply that starts with `<think>` (after optional whitespace) into reasoning and text.

    Only a tag at the start of the reply counts: later tags and an unmatched `</think>` are text.
    Line breaks after the opening tag and whitespace around the closing tag are dropped.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "reasoning", "after", "text"] = "start"
        self._held = ""
        self._closer = ""
        self._begun = False

    def feed(self, text: str) -> list[Piece]:
        """Add `text` and return the pieces that are now certain, in order. No piece is empty."""
        pieces: list[Piece] = []
        self._held += text
        while self._held:
            before = (self._state, len(self._held))
            match self._state:
                case "start":
                    self._start()
                case "reasoning":
                    self._reasoning(pieces)
                case "after":
                    self._held = self._held.lstrip()
                    if self._held:
                        self._state = "text"
                case "text":
                    pieces.append(("text", self._held))
                    self._held = ""
            if before == (self._state, len(self._held)):
                break
        return pieces

    def finish(self) -> list[Piece]:
        """End the reply and return the text that was held back as a possible tag."""
        held, self._held = self._held, ""
        if not held or self._state == "after":
            return []
        return [("reasoning" if self._state == "reasoning" else "text", held)]

    def _start(self) -> None:
        opening = self._held.lstrip()
        for tag, closer in _PAIRS.items():
            if opening.startswith(tag):
                self._state, self._closer, self._held = "reasoning", closer, opening[len(tag) :]
                return
        if not any(tag.startswith(opening) for tag in _PAIRS):
            self._state = "text"

    def _reasoning(self, pieces: list[Piece]) -> None:
        if not self._begun:
            self._held = self._held.lstrip("\r\n")
            self._begun = bool(self._held)
        end = self._held.find(self._closer)
        if end >= 0:
            if thought := self._held[:end].rstrip():
                pieces.append(("reasoning", thought))
            self._held = self._held[end + len(self._closer) :]
            self._state = "after"
            return
        certain = len(self._held) - _possible(self._held, self._closer)
        if certain:
            pieces.append(("reasoning", self._held[:certain]))
            self._held = self._held[certain:]


def _possible(text: str, closer: str) -> int:
    """Number of characters at the end of `text` that may be the start of `closer` or whitespace before it."""
    for length in range(min(len(closer) - 1, len(text)), 0, -1):
        if closer.startswith(text[-length:]):
            break
    else:
        length = 0
    kept = text[: len(text) - length].rstrip()
    return len(text) - len(kept)
