"""Hostile values for every field of a JSON document, and documents with one of them in each place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

RAW = (
    "9" * 400,
    "9" * 5000,
    "-1",
    "1e400",
    "-1e400",
    "NaN",
    "1e-400",
    "0.5",
    "9223372036854775808",
    "true",
    "null",
    "[]",
    "{}",
    '""',
    '"9999999999999999"',
    '"\\ud800"',
    '"\\u0000\\u001b]52;c;AAAA\\u0007\\u202e"',
    '[[[[{"a":[NaN]}]]]]',
    '{"type":"text","text":7}',
    '[{"type":"text","text":null},3,{"type":[],"text":"x"}]',
    '"0000-99-99T99:99:99Z"',
    '"9999-12-31T23:59:59Z"',
)
"""JSON texts: numbers without measure, wrong types, and strings that are no text."""

_ALL = os.environ.get("GPTCHAT_TEST_HOSTILE", "") == "all"
_MARK = "\u241f\u241f"


def spoilt(document: Any) -> Iterator[str]:
    """The JSON texts of `document` with each of its values, at any depth, replaced by each hostile one."""
    for copy in _marked(document):
        text = json.dumps(copy)
        for raw in RAW:
            yield text.replace(json.dumps(_MARK), raw)


def some(texts: Iterable[str], every: int = 9) -> Iterator[str]:
    """Each `every`th of `texts`, so that a test stays short; all of them with GPTCHAT_TEST_HOSTILE=all."""
    return islice(texts, 0, None, 1 if _ALL else every)


def _marked(value: Any) -> Iterator[Any]:
    """Copies of `value`, each with a mark in place of one value inside."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {**value, key: _MARK}
            for copy in _marked(inner):
                yield {**value, key: copy}
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield [*value[:at], _MARK, *value[at + 1 :]]
            for copy in _marked(inner):
                yield [*value[:at], copy, *value[at + 1 :]]
