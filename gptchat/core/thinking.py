"""Separates reasoning in tags such as `<think>`, as local models write it, from the reply while it streams."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Literal

from gptchat.core.replies.code_spans import CodeSpans

_PAIRS = {
    "<think>": "</think>",  # DeepSeek, Qwen, and most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # EXAONE
    "<thoughts>": "</thoughts>",
    "<reasoning>": "</reasoning>",
    "<reason>": "</reason>",
    "<antthinking>": "</antthinking>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "◁think▷": "◁/think▷",  # Kimi
    "[think]": "[/think]",  # Magistral
    "<|begin_of_thought|>": "<|end_of_thought|>",  # Sky-T1, OpenThinker
    "<|start_thinking|>": "<|end_thinking|>",  # Command A
    "<unused94>": "<unused95>",  # MedGemma
}
_CLOSERS = frozenset(_PAIRS.values())
_FRAMES = frozenset(("<|begin_of_solution|>", "<|end_of_solution|>", "<|start_response|>", "<|end_response|>"))
"""Marks around the answer, dropped where reasoning stood before it."""
_TAGS = (*_PAIRS, *_CLOSERS, *_FRAMES)
_BEGINNINGS = frozenset(tag[:length] for tag in _TAGS for length in range(1, len(tag)))
_LONGEST = max(map(len, _TAGS)) - 1
_BLOCK = 4096
_QUOTES = "\"'`“”‘’«»「」『』"
_OPENING = "([{" + _QUOTES

Piece = tuple[Literal["reasoning", "text", "was_reasoning", "was_text"], str]
"""A piece of the reply, or a correction: all text so far was reasoning (the string is the tag that tells), or the
string was given as reasoning and is text."""


class ThinkSplitter:
    """Splits a reply into reasoning and text.

    A tag opens reasoning at the start of the reply, at the start of a line, and anywhere after an earlier one.
    A closing tag without an opening one says that all text before it was reasoning, unless it is only spoken of:
    inside a sentence or quotation marks. Tags in code are text. Line breaks after an opening tag and whitespace
    around a closing tag are dropped.

    `closer` is a tag that the model is known to close its reasoning with and not to open it: what comes first is
    then reasoning.
    """

    def __init__(self, closer: str = "") -> None:
        self._state: Literal["start", "reasoning", "after", "text"] = "start"
        self._assumed = closer
        self._held = ""
        self._closer = ""
        self._begun = False
        self._seen = False
        """Whether a tag has counted."""
        self._ignored: Counter[str] = Counter()
        """Closing tags that belong to opening tags which were text."""
        self._doubtful: list[str] | None = None
        """The reasoning that is text if it is never closed; None if it is certain."""
        self._opener = ""
        """The tag that opened it."""
        self._again = False
        """Whether reasoning has been given before the current block."""
        self._spans = CodeSpans()
        self._last = "\n"
        self._final = False

    def feed(self, text: str) -> list[Piece]:
        """Add `text` and return the pieces that are now certain, in order. No piece is empty."""
        pieces: list[Piece] = []
        if self._state == "text" and not self._held and not _signs().search(text):
            self._say(pieces, text)
            return pieces
        pieces = []
        for at in range(0, len(text), _BLOCK):  # tags are cut off the front, which costs the length of the rest
            self._held += text[at : at + _BLOCK]
            pieces += self._read()
        return pieces

    def finish(self, *, complete: bool = True) -> list[Piece]:
        """End the reply and return what was held back; `complete` says that it was not broken off."""
        self._final = True
        pieces = self._read()
        held, self._held = self._held, ""
        if self._state == "reasoning":
            if held:
                self._think(pieces, held)
            if self._doubtful is not None and complete:
                self._say(pieces, self._opener)
                if text := "".join(self._doubtful):
                    pieces.append(("was_text", text))
                self._state, self._doubtful = "text", None
        elif held and self._state != "after":
            self._say(pieces, held)
        return pieces

    def _read(self) -> list[Piece]:
        pieces: list[Piece] = []
        while self._held:
            before = (self._state, len(self._held))
            match self._state:
                case "start":
                    self._start()
                case "reasoning":
                    self._reasoning(pieces)
                case "after":
                    self._after()
                case "text":
                    self._text(pieces)
            if before == (self._state, len(self._held)):
                break
        return pieces

    def _start(self) -> None:
        opening = self._held.lstrip()
        match = _tag().match(opening)
        tag = match[0].lower() if match else ""
        if tag in _PAIRS:
            self._open(tag, opening[len(tag) :])
        elif tag:  # the end of empty reasoning
            self._seen, self._state, self._held = True, "after", opening[len(tag) :]
        elif opening.lower() not in _BEGINNINGS and opening:
            if self._assumed:
                self._state, self._closer, self._doubtful = "reasoning", self._assumed, []
            else:
                self._state = "text"

    def _after(self) -> None:
        """Drop whitespace, and the mark that opens the answer."""
        self._held = self._held.lstrip()
        low = self._held.lower()
        if frame := next((frame for frame in _FRAMES if low.startswith(frame)), ""):
            self._held = self._held[len(frame) :].lstrip()
        elif low and (self._final or not any(frame.startswith(low) for frame in _FRAMES)):
            self._state = "text"

    def _open(self, tag: str, rest: str) -> None:
        self._state, self._closer, self._begun, self._seen = "reasoning", _PAIRS[tag], False, True
        self._held, self._last = rest, "\n"

    def _reasoning(self, pieces: list[Piece]) -> None:
        if not self._begun:
            self._held = self._held.lstrip("\r\n")
            self._begun = bool(self._held)
        low = self._held.lower()
        end = low.find(self._closer)
        while end >= 0:
            after = end + len(self._closer)
            if (low[end - 1] if end else self._last) not in _QUOTES:
                break
            if after == len(low) and not self._final:
                end = -1  # the next character tells whether it is quoted
                break
            if low[after : after + 1] not in _QUOTES or after == len(low):
                break
            end = low.find(self._closer, after)
        if end >= 0:
            if thought := self._held[:end].rstrip():
                self._think(pieces, thought)
            self._held = self._held[end + len(self._closer) :]
            self._state, self._doubtful, self._again = "after", None, True
            self._seen, self._last = True, "\n"
            return
        certain = len(self._held) - _possible(low, self._closer)
        if certain:
            self._think(pieces, self._held[:certain])
            self._held = self._held[certain:]

    def _text(self, pieces: list[Piece]) -> None:
        match = _tag().search(self._held)
        if match is None:
            kept = 0
            if not self._final:
                low = self._held[-_LONGEST:].lower()
                kept = next((len(low) - at for at in range(len(low)) if low[at:] in _BEGINNINGS), 0)
            certain = len(self._held) - kept
            self._say(pieces, self._held[:certain])
            self._held = self._held[certain:]
            return
        self._say(pieces, self._held[: match.start()])
        self._held = self._held[match.start() :]
        tag, rest = match[0].lower(), self._held[len(match[0]) :]
        alone = self._spans.line_start
        code = self._spans.fenced or (self._spans.code and not alone)
        if tag in _FRAMES and self._seen and not code:
            self._held = rest.lstrip() if self._last == "\n" else rest
            return
        if tag in _PAIRS and not code and (self._seen or alone):
            self._doubtful, self._opener = [], match[0] + "\n"
            self._open(tag, rest)
            return
        if tag in _PAIRS:
            self._ignored[_PAIRS[tag]] += 1
        elif tag in _CLOSERS and self._ignored[tag]:
            self._ignored[tag] -= 1
        elif tag in _CLOSERS and not code:
            following = rest.lstrip(" \t")
            if not following and not self._final:
                return  # the next character tells
            if alone or following[:1] in ("", "\r", "\n") or not (self._last.isspace() or self._last in _OPENING):
                pieces.append(("was_reasoning", tag))
                self._held, self._state, self._seen, self._again = rest, "after", True, True
                self._spans, self._last = CodeSpans(), "\n"
                return
        self._say(pieces, match[0])
        self._held = rest

    def _say(self, pieces: list[Piece], text: str) -> None:
        if text:
            self._spans.feed(text)
            self._last = text[-1]
            pieces.append(("text", text))

    def _think(self, pieces: list[Piece], text: str) -> None:
        if self._doubtful is not None:
            self._doubtful.append(text)
        if self._again:
            self._again = False
            text = "\n\n" + text
        self._last = text[-1]
        pieces.append(("reasoning", text))


@cache
def _tag() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _TAGS)), re.IGNORECASE)


@cache
def _signs() -> re.Pattern[str]:
    return re.compile("[<◁[]")


def _possible(text: str, closer: str) -> int:
    """Number of characters at the end of `text` that may be the start of `closer` or whitespace before it."""
    for length in range(min(len(closer), len(text)), 0, -1):
        if closer.startswith(text[-length:]):
            break
    else:
        length = 0
    kept = text[: len(text) - length].rstrip()
    return len(text) - len(kept)
