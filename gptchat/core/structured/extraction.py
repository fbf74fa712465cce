"""Finds JSON in a reply: alone, in a code fence, or with sentences around it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from gptchat.values import dataclass

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_BEGINS = re.compile(r"[{\[]")
_OBJECT = re.compile(r"\{\s*\"")
_SIGNS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[{}\[\]]", re.DOTALL)
_RAW = re.compile(r"[\x00-\x1f]")
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
    """The JSON values in a reply, the most likely answer first. `open`: the reply ends within one.

    `broken` says, in English, why an object in it is no JSON.
    """

    values: tuple[JsonValue, ...]
    open: bool = False
    broken: str = ""


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
    bare, cut, broken = _bare(text)
    known = {found.text for found in fenced}
    others = [found for found in reversed(bare) if found.text not in known]
    return JsonValues((*reversed(fenced), *others), cut, broken)


def _bare(text: str) -> tuple[list[JsonValue], bool, str]:
    """The values in `text`, whether it ends within one, and why the first broken one is no JSON."""
    found: list[JsonValue] = []
    at, broken = 0, ""
    for _try in range(_MOST):
        begins = _BEGINS.search(text, at)
        if begins is None:
            break
        start = begins.start()
        try:
            value, end = _LENIENT.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
                return found, True, broken
            if not _OBJECT.match(text, start):
                at = start + 1  # a bracket of a sentence
                continue
            broken = broken or error.msg
            at = _end(text, start)  # no part of it is the answer
        except (ValueError, RecursionError):
            at = start + 1
        else:
            found.append(_found(value, text[start:end]))
            at = end
    return found, False, broken


def _end(text: str, start: int) -> int:
    """The place behind the object that begins at `start`, by its brackets alone."""
    depth = 0
    for match in _SIGNS.finditer(text, start):
        sign = match[0]
        depth += (sign in "{[") - (sign in "}]")
        if not depth:
            return match.end()
    return len(text)


def _read(text: str) -> JsonValue | None:
    try:
        return _found(_LENIENT.decode(text), text)
    except (ValueError, RecursionError):
        return None


def _found(value: Any, text: str) -> JsonValue:
    """`value` with its `text`, which is written anew where it holds line ends or other raw signs in a string."""
    if _RAW.search(text):
        try:
            _STRICT.decode(text)
        except ValueError:
            text = json.dumps(value, ensure_ascii=False)
    return JsonValue(value, text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _constant(name: str) -> Any:
    raise ValueError(name)  # NaN and its like are no JSON, though Python reads them


_STRICT = json.JSONDecoder(parse_float=_number, parse_constant=_constant)
_LENIENT = json.JSONDecoder(parse_float=_number, parse_constant=_constant, strict=False)
"""Takes raw control characters in strings as well: models forget to escape line ends."""
