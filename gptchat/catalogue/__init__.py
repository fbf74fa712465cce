"""Looks up model facts (window, price, abilities, retirement) in the bundled JSON files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from gptchat import vendors
from gptchat.catalogue import names
from gptchat.core.messages import Usage
from gptchat.core.ports import ModelFacts, Rate
from gptchat.values import replace

__all__ = ["facts", "nearest", "price", "search"]

_MILLION = 1_000_000
_MAKERS_ONLY = frozenset(("", "openai", "azure", "gptplus", "demo"))
"""Sellers without rows of their own for others' models."""
_OWN_SERVER = re.compile(
    r"(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0|\[::1\]|\[f[cd]|[^.\[]+(:|/|$)"
    r"|[^/:]+\.(local|lan|internal)\b)"
)
"""Local hosts: loopback, private networks (RFC 1918, RFC 4193), and names without a dot."""


def facts(model: str, provider_hint: str = "") -> ModelFacts | None:
    """The facts about `model`, with `name` as given; None if the catalogue does not know the model.

    The name is case-insensitive and may include a date, a path (`openai/gpt-4o`, `models/gemini-3.5-flash`) or
    a tag, be fine-tuned (`ft:gpt-4o:org::id`) or use Azure's spelling (`gpt-35-turbo`). `provider_hint` is the
    provider's name, kind or base URL; empty means the model's maker. For "azure", the model name may be anywhere
    in `model` (`team-gpt-4o-eu`). Prices are the provider's own where the catalogue has them, else the maker's,
    and None if they cannot apply (a local server, GPT+, the demo or a `:free` model). A fine-tuned model has the
    window of its base, and its prices where no tuned ones are known. `retired` is set if this provider shuts the
    model down.
    """
    seller = _seller(provider_hint)
    data = _row(model, provider_hint, seller)
    end = _retirement(model, seller or (data or {}).get("provider", "")) if seller or not provider_hint else {}
    if data is None:
        known = ModelFacts(model, provider=seller)
        return replace(known, retired=end["date"], successor=end.get("successor", "")) if end else None
    priced = not (_is_free_of_prices(provider_hint) or model.endswith(":free"))
    tuning = _tuning(model) if priced and seller in _MAKERS_ONLY else {}
    if tuning and names.is_fine_tuned(model):
        data = {**data, "cached_input": None, "rates": (), **tuning}
    return ModelFacts(
        name=model,
        context=data.get("context"),
        max_input=data.get("max_input"),
        max_output=data.get("max_output"),
        input=data.get("input") if priced else None,
        cached_input=data.get("cached_input") if priced else None,
        output=data.get("output") if priced else None,
        training=tuning.get("training"),
        reasoning=bool(data.get("reasoning")),
        vision=bool(data.get("vision")),
        tools=bool(data.get("tools")),
        api=data.get("api", "chat"),
        provider=data.get("provider", ""),
        retired=end.get("date"),
        successor=end.get("successor", ""),
        rates=tuple(_rate(rate) for rate in data.get("rates", ())) if priced else (),
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


def price(known: ModelFacts, usage: Usage, moment: datetime | None = None) -> float | None:
    """The cost of `usage` at `moment` (UTC) in US$, or None if no price is known.

    Cached prompt tokens use the cached price if there is one; reasoning tokens are completion tokens. Where the
    hour matters and no moment is given, the dearest hour counts; so it does on holidays, which are not known.
    """
    if not known.input and not known.output:
        return None
    rate = next((one for one in reversed(known.rates) if one.holds(usage.prompt_tokens, moment)), Rate())
    base = (known.input if rate.input is None else rate.input) or 0.0
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    cached_price = known.cached_input if rate.cached_input is None else rate.cached_input
    if cached_price is None:
        cached_price = base
    spent = (usage.prompt_tokens - cached) * base + cached * cached_price
    output = (known.output if rate.output is None else rate.output) or 0.0
    return (spent + usage.completion_tokens * output) / _MILLION


def nearest(name: str, count: int = 3) -> list[str]:
    """Up to `count` model names similar to `name`, the best match first.

    Models that are retired or being retired are never suggested.
    """
    from difflib import get_close_matches

    current = {
        spelling: kept
        for spelling, kept in _index().items()
        if not _retirement(kept, _models()[kept].get("provider", ""))
    }
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


def _row(model: str, hint: str, seller: str) -> Mapping[str, Any] | None:
    """What the catalogue has on `model`: the seller's own row, else its maker's."""
    known = _find(model, hint)
    made = _models()[known] if known is not None else None
    if seller in _MAKERS_ONLY or (made is not None and made.get("provider") == seller):
        return made
    sold, index = _resellers().get(seller, {}), _index()
    for spelling in names.spellings(model):
        if spelling in sold:
            return sold[spelling]
        if spelling in index and (own := _models()[index[spelling]]).get("provider") == seller:
            return own
    return made


def _seller(hint: str) -> str:
    """The vendor that a provider's name, kind or address means; empty if it is none of the table."""
    found = vendors.get(hint) or (vendors.at(hint) if "." in hint else None)
    return (found.variant_of or found.name) if found is not None else ""


def _retirement(model: str, seller: str) -> Mapping[str, str]:
    """The end of `model` at a vendor: `date` and `successor`; empty if none is known."""
    table = _retirements().get(seller)
    if not table:
        return {}
    exact, patterns = table
    for spelling in names.spellings(model):
        if spelling in exact:
            return exact[spelling]
        for head, told in patterns.items():
            if spelling.startswith(head):
                return told
    return {}


def _tuning(model: str) -> Mapping[str, float]:
    """Prices for tuning `model`, or the base of a tuned one, and for using the result; empty if none are known."""
    table = _tuned()
    return next((table[spelling] for spelling in names.spellings(model) if spelling in table), {})


def _rate(data: Mapping[str, Any]) -> Rate:
    hours = tuple(tuple(span) for span in data.get("hours", ()))
    return Rate(data.get("input"), data.get("cached_input"), data.get("output"), data.get("above", 0), hours)


def _is_free_of_prices(hint: str) -> bool:
    host = hint.lower().partition("://")[2]
    return hint in ("gptplus", "demo") or _OWN_SERVER.match(host) is not None


@cache
def _models() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = _read("models.json")
    return table


@cache
def _resellers() -> dict[str, dict[str, dict[str, Any]]]:
    """Rows of vendors that serve others' models, by vendor and lower-case name."""
    return {
        vendor: {name.lower(): row for name, row in table.items()}
        for vendor, table in _read("resellers.json").items()
    }


@cache
def _retirements() -> dict[str, tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]]:
    """By vendor: the ends of models by lower-case name, and by how the name begins."""
    found = {}
    for vendor, table in _read("retirements.json").items():
        exact = {name.lower(): told for name, told in table.items() if not name.endswith("*")}
        patterns = {name.lower()[:-1]: told for name, told in table.items() if name.endswith("*")}
        found[vendor] = exact, patterns
    return found


@cache
def _tuned() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = _read("tuned.json")
    return table


@cache
def _index() -> dict[str, str]:
    """Catalogue names by lower-case spelling, with and without their path."""
    bare = {name.lower().rpartition("/")[2]: name for name in _models()}
    return bare | {name.lower(): name for name in _models()}


def _read(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
