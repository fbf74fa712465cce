"""Finds JSON in a reply: alone, in a code fence, or with sentences around it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from gptchat.values import dataclass

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_BEGINS = re.compile(r"[{\[]")
_LONGEST = 4_000_000
"""Characters of a reply that are looked through."""
_MOST = 200
"""Places in a reply at which a value is looked for."""


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A JSON value in a reply, and its text."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class JsonValues:
    """The JSON values in a reply, the most likely answer first. `open`: the reply ends within one."""

    values: tuple[JsonValue, ...]
    open: bool = False


def find(reply: str) -> JsonValues:
    """The JSON values in `reply`.

    A reply that is one value has no other. Else those in code fences come first, then those that are objects or
    lists with text around them, the last one first: a model that thinks aloud ends with its answer.
    """
    text = reply[:_LONGEST].strip().removeprefix("\ufeff").strip()
    whole = _read(text)
    if whole is not None:
        return JsonValues((whole,))
    fenced = [found for match in _FENCE.finditer(text) if (found := _read(match[2].strip())) is not None]
    bare, cut = _bare(text)
    known = {found.text for found in fenced}
    others = [found for found in reversed(bare) if found.text not in known]
    return JsonValues((*reversed(fenced), *others), cut)


def _bare(text: str) -> tuple[list[JsonValue], bool]:
    found: list[JsonValue] = []
    at = 0
    for _try in range(_MOST):
        begins = _BEGINS.search(text, at)
        if begins is None:
            return found, False
        start = begins.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
                return found, True
            at = start + 1
        except (ValueError, RecursionError):
            at = start + 1
        else:
            found.append(JsonValue(value, text[start:end]))
            at = end
    return found, False


def _read(text: str) -> JsonValue | None:
    try:
        return JsonValue(_DECODER.decode(text), text)
    except (ValueError, RecursionError):
        return None


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _constant(name: str) -> Any:
    raise ValueError(name)  # NaN and its like are no JSON, though Python reads them


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_constant)
