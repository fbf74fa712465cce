"""Looks up model facts (window, price, abilities, retirement) in the bundled JSON files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gptchat.catalogue import names
from gptchat.core.messages import Usage
from gptchat.core.ports import ModelFacts

__all__ = ["facts", "nearest", "price", "search", "successor"]

_MILLION = 1_000_000
_OPENAI = ("", "openai")
_OWN_SERVER = re.compile(
    r"(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0|\[::1\]|\[f[cd]|[^.\[]+(:|/|$)"
    r"|[^/:]+\.(local|lan|internal)\b)"
)
"""Local hosts: loopback, private networks (RFC 1918, RFC 4193), and names without a dot."""


def facts(model: str, provider_hint: str = "") -> ModelFacts | None:
    """The facts about `model`, with `name` as given; None if the catalogue does not know the model.

    The name is case-insensitive and may include a date, a path (`openai/gpt-4o`, `models/gemini-3.5-flash`) or
    a tag, be fine-tuned (`ft:gpt-4o:org::id`) or use Azure's spelling (`gpt-35-turbo`). `provider_hint` is the
    provider's kind or base URL. For "azure", the model name may be anywhere in `model` (`team-gpt-4o-eu`). Prices
    are None if they cannot apply (a local server, GPT+, the demo, a fine-tuned or `:free` model). Retirement
    dates are OpenAI's, so `retired` is set only for OpenAI.
    """
    known = _find(model, provider_hint)
    if known is None:
        return None
    data = _models()[known]
    priced = not (names.is_fine_tuned(model) or _is_free_of_prices(provider_hint) or model.endswith(":free"))
    return ModelFacts(
        name=model,
        context=data.get("context"),
        max_output=data.get("max_output"),
        input=data.get("input") if priced else None,
        cached_input=data.get("cached_input") if priced else None,
        output=data.get("output") if priced else None,
        reasoning=bool(data.get("reasoning")),
        vision=bool(data.get("vision")),
        tools=bool(data.get("tools")),
        api=data.get("api", "chat"),
        provider=data.get("provider", ""),
        retired=_retirement(model).get("date") if _is_openai(provider_hint) else None,
    )


def search(text: str) -> list[ModelFacts]:
    """Models whose name or maker contains every word of `text`, sorted by name; all models for empty text."""
    wanted = text.lower().split()
    found = (
        name
        for name, data in _models().items()
        if all(word in name.lower() or word in str(data.get("provider", "")) for word in wanted)
    )
    return [known for name in sorted(found, key=str.lower) if (known := facts(name)) is not None]


def successor(model: str) -> str | None:
    """The current replacement for a retired (or soon retired) `model`; None if it is not being retired."""
    return _retirement(model).get("successor")


def price(known: ModelFacts, usage: Usage) -> float | None:
    """The cost of `usage` in US$, or None if no price is known.

    Cached prompt tokens use the cached price if there is one; reasoning tokens are completion tokens.
    """
    if not known.input and not known.output:
        return None
    base = known.input or 0.0
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    cached_price = known.cached_input if known.cached_input is not None else base
    spent = (usage.prompt_tokens - cached) * base + cached * cached_price
    return (spent + usage.completion_tokens * (known.output or 0.0)) / _MILLION


def nearest(name: str, count: int = 3) -> list[str]:
    """Up to `count` model names similar to `name`, the best match first.

    Models that are retired or being retired are never suggested.
    """
    from difflib import get_close_matches

    current = {known: kept for known, kept in _index().items() if not _retirement(kept)}
    plain = name.strip().lower().rpartition("/")[2]
    return [current[match] for match in get_close_matches(plain, current, n=count, cutoff=0.6)]


def _find(model: str, hint: str) -> str | None:
    index = _index()
    for spelling in names.spellings(model):
        if spelling in index:
            return index[spelling]
    if hint == "azure" and (found := names.inside(model, index)):
        return index[found]
    return None


def _retirement(model: str) -> Mapping[str, str]:
    table = _retirements()
    return next((table[spelling] for spelling in names.spellings(model) if spelling in table), {})


def _is_openai(hint: str) -> bool:
    return hint in _OPENAI or "api.openai.com" in hint


def _is_free_of_prices(hint: str) -> bool:
    host = hint.lower().partition("://")[2]
    return hint in ("gptplus", "demo") or _OWN_SERVER.match(host) is not None


@cache
def _models() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = _read("models.json")
    return table


@cache
def _retirements() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = _read("retirements.json")
    return table


@cache
def _index() -> dict[str, str]:
    """Catalogue names by lower-case spelling, with and without their path."""
    bare = {name.lower().rpartition("/")[2]: name for name in _models()}
    return bare | {name.lower(): name for name in _models()}


def _read(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
