"""The catalogue: `python .dev/catalogue.py` makes it from a price list and our corrections, without a network.

`prices.json` beside this file has what we use of LiteLLM's list, one model a line. `python .dev/catalogue.py LIST`
takes a newer one first: LIST is `model_prices_and_context_window.json`, which LiteLLM's package carries under the
MIT licence; its version stands in the catalogue's NOTICE.
`corrections.json` is kept by hand: what the list lacks or has wrong, each with its source. A correction says in
`unknown` which of `context` and `price` could not be found anywhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PRICES = Path(__file__).with_name("prices.json")
CORRECTIONS = Path(__file__).with_name("corrections.json")
CATALOGUE = Path(__file__).parents[1] / "gptchat" / "catalogue"

MAKERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "deepseek": "deepseek",
    "dashscope": "qwen",
    "moonshot": "moonshot",
    "zai": "zhipu",
    "minimax": "minimax",
    "volcengine": "volcengine",
    "xai": "xai",
    "mistral": "mistral",
    "xiaomi_mimo": "xiaomi",
    "cohere_chat": "cohere",
    "cerebras": "cerebras",
    "groq": "groq",
    "tencent": "hunyuan",
}
"""The list's providers whose rows are kept by the model's bare name, and our vendor.

Where two have a model, the earlier one is its maker, and its row wins.
"""
RESELLERS = {
    **{
        name: vendor
        for name, vendor in MAKERS.items()
        if vendor in ("qwen", "volcengine", "hunyuan", "groq", "cerebras")
    },
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "deepinfra": "deepinfra",
}
"""The list's providers that also serve others' models at prices of their own."""
MODES = {"chat": "chat", "responses": "responses", "completion": "completions"}
NO_CHAT = ("embed", "rerank", "-guard", "moderation", "tts", "transcribe", "realtime", "-image", "lyria")


COSTS = ("input_cost_per_token", "cache_read_input_token_cost", "output_cost_per_token")
USED = (
    "litellm_provider", "mode", "max_input_tokens", "max_tokens", "max_output_tokens", "deprecation_date",
    "successor_model", "supports_reasoning", "supports_vision", "supports_function_calling",
)  # fmt: skip
"""The fields of a row that are read, besides prices."""


def main(list_file: str = "") -> None:
    """Write the catalogue's files; with `list_file`, first `prices.json`."""
    if list_file:
        listed = json.loads(Path(list_file).read_text(encoding="utf-8"))
        PRICES.write_text(text_of(used(listed), nested=False), encoding="utf-8")
    for name, text in made().items():
        (CATALOGUE / name).write_text(text, encoding="utf-8")


def made() -> dict[str, str]:
    """The catalogue's files by name, made from `prices.json` and `corrections.json`."""
    listed = json.loads(PRICES.read_text(encoding="utf-8"))
    models, resellers, retirements = catalogue(listed, json.loads(CORRECTIONS.read_text(encoding="utf-8")))
    return {
        "models.json": text_of(models, nested=False),
        "resellers.json": text_of(resellers, nested=True),
        "retirements.json": text_of(retirements, nested=True),
    }


def used(listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The rows and fields of a price list from which the catalogue is made."""
    found = {}
    for provider, name, row in _rows(listed):
        key = name if name in listed and listed[name] is row else f"{provider}/{name}"
        found[key] = {field: row[field] for field in USED if row.get(field)} | _costs(row)
        for field in ("tiered_pricing", "off_peak_pricing"):
            if told := row.get(field):
                several = told if isinstance(told, list) else [told]
                kept = [
                    _costs(one) | {part: one[part] for part in ("range", "windows") if part in one}
                    for one in several
                ]
                found[key][field] = kept if isinstance(told, list) else kept[0]
    return found


def _costs(row: Mapping[str, Any]) -> dict[str, Any]:
    """The prices of a row a token, those for long prompts included."""
    return {
        field: value
        for field, value in row.items()
        if value is not None and any(field == cost or field.startswith(f"{cost}_above_") for cost in COSTS)
    }


def catalogue(
    listed: Mapping[str, Mapping[str, Any]], corrections: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Models by name, resellers' rows by vendor and name, retirements by vendor and name; the corrections win."""
    models: dict[str, Any] = {}
    resellers: dict[str, dict[str, Any]] = {}
    retirements: dict[str, dict[str, Any]] = {}
    order = {provider: place for place, provider in enumerate(MAKERS)}
    for provider, name, row in sorted(_rows(listed), key=lambda one: (order.get(one[0], 99), one[1].lower())):
        vendor = MAKERS.get(provider)
        made = _row(row, vendor or RESELLERS[provider])
        if vendor is not None and name not in models:
            models[name] = made
        elif provider in RESELLERS:
            resellers.setdefault(RESELLERS[provider], {}).setdefault(name, made)
        if row.get("deprecation_date"):
            successor = str(row.get("successor_model") or "").removeprefix(f"{provider}/")
            told = {"date": row["deprecation_date"], "successor": successor}
            retirements.setdefault(vendor or RESELLERS[provider], {})[name] = told
    for table, corrected in ((models, corrections["models"]), *_by_vendor(resellers, corrections["resellers"])):
        for name, changes in corrected.items():
            merged = {**table.get(name, {}), **changes}
            table[name] = {key: value for key, value in merged.items() if value is not None}
    for vendor, corrected in corrections["retirements"].items():
        for names, told in corrected.items():
            for name in names.split():
                retirements.setdefault(vendor, {})[name] = {
                    key: told[key] for key in ("date", "successor") if key in told
                }
    return models, resellers, _lasting(retirements, {name.lower() for name in models}, resellers)


def _by_vendor(resellers: dict[str, Any], corrected: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    return ((resellers.setdefault(vendor, {}), changes) for vendor, changes in corrected.items())


def _lasting(
    retirements: dict[str, dict[str, Any]], models: set[str], resellers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Retirements whose successors are known and not going away: each leads to the end of its chain."""
    for vendor, table in retirements.items():
        known = models | {name.lower() for name in resellers.get(vendor, ())}
        for told in table.values():
            seen: set[str] = set()
            while (after := table.get(told.get("successor", ""))) and told["successor"] not in seen:
                seen.add(told["successor"])
                told["successor"] = after.get("successor", "")
            if told.get("successor", "").lower() not in known:
                told.pop("successor", None)
    return retirements


def _rows(listed: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The rows of chat models: provider, name without its prefix, row; of two with one name the prefixed first."""
    for key, row in sorted(listed.items(), key=lambda item: ("/" not in item[0], item[0])):
        provider = str(row.get("litellm_provider"))
        if provider not in MAKERS and provider not in RESELLERS:
            continue
        name = key.removeprefix(f"{provider}/")
        if row.get("mode") not in MODES or name.startswith("ft:") or any(word in name.lower() for word in NO_CHAT):
            continue
        yield provider, name, row


def _row(row: Mapping[str, Any], vendor: str) -> dict[str, Any]:
    """A row of ours, without what is unknown or false."""
    window, longest = row.get("max_input_tokens") or row.get("max_tokens"), row.get("max_output_tokens")
    made: dict[str, Any] = {"context": window, "max_output": longest, "provider": vendor}
    if vendor == "openai" and window and longest and window + longest in (400_000, 1_050_000):
        # The list tells the most that OpenAI takes; its window also holds the reply.
        made |= {"context": window + longest, "max_input": window}
    tiers = row.get("tiered_pricing") or []
    made |= _prices(tiers[0] if tiers else row)
    rates: list[dict[str, Any]] = [{"above": int(tier["range"][0]), **_prices(tier)} for tier in tiers[1:]]
    rates += [_above(row, size) for size in _sizes(row)]
    if peak := row.get("off_peak_pricing"):
        rates.append({"hours": [_window(one) for one in peak["windows"]], **_prices(peak)})
    if rates:
        made["rates"] = rates
    made["api"] = MODES[row["mode"]] if row["mode"] != "chat" else None
    for ours, theirs in (("reasoning", "reasoning"), ("vision", "vision"), ("tools", "function_calling")):
        made[ours] = bool(row.get(f"supports_{theirs}")) or None
    return {key: value for key, value in sorted(made.items()) if value is not None}


def _prices(row: Mapping[str, Any], suffix: str = "") -> dict[str, float]:
    """US$ per million tokens."""
    told = {
        "input": row.get(f"input_cost_per_token{suffix}"),
        "cached_input": row.get(f"cache_read_input_token_cost{suffix}"),
        "output": row.get(f"output_cost_per_token{suffix}"),
    }
    return {key: round(value * 1e6, 6) for key, value in told.items() if value is not None}


def _sizes(row: Mapping[str, Any]) -> list[int]:
    """The prompt sizes, in thousands of tokens, above which other prices hold."""
    head, tail = "input_cost_per_token_above_", "k_tokens"
    sizes = [key[len(head) : -len(tail)] for key in row if key.startswith(head) and key.endswith(tail)]
    return sorted(int(size) for size in sizes if size.isdecimal())


def _above(row: Mapping[str, Any], size: int) -> dict[str, Any]:
    return {"above": size * 1000, **_prices(row, f"_above_{size}k_tokens")}


def _window(told: Mapping[str, Any]) -> list[Any]:
    """The days (1 is Monday) and hours, in UTC, of a price: `["12345", "00:00-01:00", ...]`."""
    hours = told["hours_utc"]
    return ["".join(map(str, told["weekdays"])), *([hours] if isinstance(hours, str) else hours)]


def text_of(table: Mapping[str, Any], *, nested: bool) -> str:
    """One model a line, so that a new list shows as a readable difference; `nested`: by vendor."""
    lines = []
    for key, value in sorted(table.items(), key=lambda item: item[0].lower()):
        if nested:
            inner = sorted(value.items(), key=lambda item: item[0].lower())
            rows = ",\n".join(f"  {json.dumps(name)}: {_line(row)}" for name, row in inner)
            lines.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {_line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(row: Any) -> str:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:2])
