"""The lines that `/embed` reads: texts, or JSON objects with a text."""

from __future__ import annotations

import json
from typing import Any

from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _

_FIELDS = ("text", "input", "content")


@dataclass(frozen=True, slots=True)
class EmbedLine:
    """A line with a text. `number` counts from 1; `id` is the one that the line brings, None without one."""

    number: int
    text: str
    id: Any = None

    def document(self, model: str, vector: list[float]) -> dict[str, Any]:
        """The output for this line."""
        named = {} if self.id is None else {"id": self.id}
        return {**named, "line": self.number, "model": model, "embedding": vector}


def read_lines(text: str) -> list[EmbedLine]:
    """The lines of `text` that are not blank. Raises UsageError, naming the line, for an object without a text.

    A line is a JSON string, a JSON object with `text` (or `input`, `content`) and perhaps an `id`, or else text.
    """
    return [_line(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _line(number: int, line: str) -> EmbedLine:
    if line[0] not in '{"':
        return EmbedLine(number, line)
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return EmbedLine(number, line)  # text that begins with a brace or a quotation mark
    if isinstance(given, str):
        given = {"text": given}
    texts = [given[name] for name in _FIELDS if isinstance(given.get(name), str) and given[name].strip()]
    if not texts:
        raise UsageError(
            _("line {n} has no text").format(n=number),
            hint=_("one a line: text, or {example}").format(example='{"text": "..."}'),
        )
    return EmbedLine(number, texts[0], given.get("id"))
