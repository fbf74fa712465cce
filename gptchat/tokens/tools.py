"""Token cost of tools: the definitions in a request and the calls in a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_FUNCTION = {"cl100k_base": 10}
_FUNCTION_ELSE = 7
_PROPERTIES, _PROPERTY, _ENUM, _ENUM_ITEM, _END = 3, 3, -3, 3, 12


def tool_tokens(functions: Sequence[Mapping[str, Any]], count: Callable[[str], int], encoding: str) -> int:
    """Tokens of the functions offered in a request. `count` returns the tokens of a text in `encoding`.

    The rule is from the OpenAI Cookbook ("How to count tokens with tiktoken", section 7), checked there against
    the API for gpt-3.5-turbo, gpt-4 (cl100k_base) and gpt-4o (o200k_base). Nested objects count as their JSON.
    """
    if not functions:
        return 0
    total = _END
    for offered in functions:
        function = _mapping(offered.get("function", offered))
        total += _FUNCTION.get(encoding, _FUNCTION_ELSE)
        total += count(f"{function.get('name', '')}:{_undotted(function.get('description'))}")
        properties = _mapping(_mapping(function.get("parameters")).get("properties"))
        total += _PROPERTIES if properties else 0
        for key, value in properties.items():
            total += _PROPERTY + _property(str(key), _mapping(value), count)
    return total


def call_text(extra: Mapping[str, Any]) -> str:
    """The names and arguments of the tool calls in `extra["tool_calls"]` of a message, one per line."""
    calls = extra.get("tool_calls")
    if not isinstance(calls, list | tuple):
        return ""
    words = []
    for call in calls:
        function = _mapping(_mapping(call).get("function", call))
        words += [str(function.get("name", "")), str(function.get("arguments", ""))]
    return "\n".join(words)


def _property(name: str, schema: Mapping[str, Any], count: Callable[[str], int]) -> int:
    total = 0
    if isinstance(choices := schema.get("enum"), list):
        total += _ENUM + sum(_ENUM_ITEM + count(str(choice)) for choice in choices)
    nested = {key: schema[key] for key in ("properties", "items", "anyOf") if key in schema}
    if nested:
        total += count(json.dumps(nested, ensure_ascii=False, default=str))
    return total + count(f"{name}:{schema.get('type', '')}:{_undotted(schema.get('description'))}")


def _undotted(text: object) -> str:
    return text.removesuffix(".") if isinstance(text, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
