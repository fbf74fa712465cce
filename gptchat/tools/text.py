"""What a source says of its tools and returns is data: names, descriptions, schemas and results made safe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gptchat.core.safe import clean
from gptchat.core.tooling import ToolResult
from gptchat.errors import GptchatError
from gptchat.redaction import redact
from gptchat.words import _

MOST_TEXT = 200_000
"""Characters of a result; the middle of a longer one is left out."""
_DESCRIPTION = 2_000
_SCHEMA = 40_000
_NODES, _DEPTH = 3_000, 16
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


def tool_name(text: str) -> str:
    """`text` as a name that every model takes: `[a-zA-Z0-9_-]{1,64}`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text[:500]).strip("_")[:64] or "tool"


def unique_names(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """A name for each (group, tool), in their order.

    A name that several groups have gets the group before it, in each: which of them was first does not matter.
    """
    pairs = [(group, tool_name(own)) for group, own in wanted]
    groups: dict[str, set[str]] = {}
    for group, name in pairs:
        groups.setdefault(name, set()).add(group)
    taken: set[str] = set()
    names = []
    for group, name in pairs:
        full = name if len(groups[name]) == 1 else tool_name(f"{tool_name(group)[:24]}_{name}")
        number, one = 1, full
        while one in taken:
            number += 1
            one = f"{full[: 63 - len(str(number))]}_{number}"
        taken.add(one)
        names.append(one)
    return names


def described(text: object) -> str:
    """A description without control characters, of bounded length."""
    plain = clean(_ESCAPES.sub("", str(text or "")[: 4 * _DESCRIPTION])).strip()
    return plain if len(plain) <= _DESCRIPTION else plain[: _DESCRIPTION - 1] + "…"


def schema_of(value: object) -> dict[str, Any]:
    """A JSON Schema of type object that a request can carry.

    Descriptions are dropped from one that is too large; if it still is, any object is taken.
    """
    for keep in (True, False):
        copy = _copied(value, [_NODES], _DEPTH, keep=keep)
        if isinstance(copy, dict):
            copy["type"] = "object"
            if not isinstance(copy.get("properties"), dict):
                copy["properties"] = {}
            if len(json.dumps(copy)) <= _SCHEMA:
                return copy
    return {"type": "object", "properties": {}}


def _copied(value: object, left: list[int], depth: int, *, keep: bool) -> Any:
    """A bounded copy of JSON. A reference to another document, which nobody fetches, becomes any value."""
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        return {}
    if isinstance(value, Mapping):
        if isinstance(there := value.get("$ref"), str) and not there.startswith("#"):
            return {}
        copy = {}
        for key, item in value.items():
            if left[0] < 0:
                break
            if keep or key not in ("description", "title", "examples", "example") or not isinstance(item, str):
                copy[clean(str(key)[:200])] = _copied(item, left, depth - 1, keep=keep)
        return copy
    if isinstance(value, list | tuple):
        return [_copied(item, left, depth - 1, keep=keep) for item in value[: max(left[0], 0)]]
    if isinstance(value, str):
        return described(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:200]


def plain_text(text: str, limit: int = MOST_TEXT) -> str:
    """A result's text without escape sequences and control characters; the middle of a long one is left out."""
    if len(text) > limit:
        gap = _("[{count} characters left out]").format(count=f"{len(text) - limit:,}")
        text = f"{text[: limit // 2]}\n{gap}\n{text[-(limit // 2) :]}"
    return clean(_ESCAPES.sub("", text))


def failed(text: str | BaseException) -> ToolResult:
    """A result that says what went wrong, without keys."""
    if isinstance(text, GptchatError):
        text = f"{text.message}\n{text.hint}" if text.hint else text.message
    return ToolResult(plain_text(redact(str(text) or type(text).__name__)), failed=True)
