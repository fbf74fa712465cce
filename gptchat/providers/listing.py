"""Reads the lists of models, window sizes and moderation results of different servers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gptchat.core.numbers import amount, count
from gptchat.core.ports import ModelFacts, Verdict
from gptchat.errors import NotFoundError, ProtocolError
from gptchat.redaction import redact
from gptchat.values import replace
from gptchat.words import _

_LITELLM_MADE = 1677610602
"""`created` of all models that LiteLLM's proxy lists (`DEFAULT_MODEL_CREATED_AT_TIME` in its constants.py)."""
MOST_MODELS = 10_000
"""Models of a server that are looked at; the largest resellers list some hundred."""
_ENDS = ("shutdown_date", "retires_at", "expiration_date", "deprecation", "deprecation_date", "retirement_date")
"""Where servers tell the end of a model: OpenAI, Anthropic, OpenRouter, Mistral, ..."""
_OTHER_TYPES = frozenset(
    (
        "embedding",
        "embeddings",
        "text-embedding",
        "rerank",
        "reranker",
        "moderation",
        "audio",
        "transcribe",
        "speech",
    )
)
_AFTER = ("deprecation_replacement_model", "replacement_model", "successor_model", "replacement")


_OTHER_USES = re.compile(
    r"embed|rerank|moderation|whisper|transcri|dall-e|gpt-image|stable-diffusion|text-similarity|text-search|minilm"
    r"|(?:^|[-_/:.])(?:tts|asr|bge|gte|m3e|e5|ocr|sora|veo|imagen|flux|wanx?|cogview|cogvideox?|seedream|seedance|image|speech"
    r"|realtime|clip)(?:$|[-_/:.\d])",
    re.IGNORECASE,
)
"""Names of models that do not chat: embeddings, reranking, speech, pictures, films."""


def chat_models(names: Sequence[str]) -> list[str]:
    """Those of `names` that may chat, by their names alone; all of them if none would be left."""
    return [name for name in names if not _OTHER_USES.search(name)] or list(names)


def models_in(answer: Any, provider: str) -> tuple[ModelFacts, ...]:
    """The models in the answer to `/models`, at most `MOST_MODELS`, sorted by name.

    Those that are not for chatting, such as embedding models, are left out, unless there is nothing else.
    Raises ProtocolError if it is not a list.
    """
    items = answer.get("data", answer.get("models")) if isinstance(answer, dict) else answer
    if not isinstance(items, list):
        raise ProtocolError(
            _("{who} answered /models with something that is no list of models").format(who=provider),
            hint=_("check the base address"),
        )
    found: dict[str, ModelFacts] = {}
    chatting: set[str] = set()
    for item in items[:MOST_MODELS]:
        facts = _facts(item, provider) if isinstance(item, dict) else None
        if facts is not None:
            found[facts.name] = facts
            if _chats(item, facts.name):
                chatting.add(facts.name)
    return tuple(found[name] for name in sorted(chatting or found))


def _chats(item: Mapping[str, Any], name: str) -> bool:
    """Whether a model is for chatting, by what the server tells of it, else by its name."""
    told = item.get("type", item.get("mode"))
    if isinstance(told, str) and told.lower() in _OTHER_TYPES:
        return False
    able = _object(item, "capabilities").get("completion_chat")  # Mistral
    if isinstance(able, bool):
        return able
    makes = _object(item, "architecture").get("output_modalities")  # OpenRouter
    if isinstance(makes, list) and makes:
        return "text" in makes
    return not _OTHER_USES.search(name)


def _facts(item: Mapping[str, Any], provider: str) -> ModelFacts | None:
    name = item.get("id") or item.get("name")
    if not isinstance(name, str) or not name:
        return None
    meta = _object(item, "meta")  # llama.cpp
    top = _object(item, "top_provider")  # OpenRouter
    pricing = _object(item, "pricing")
    abilities = item.get("supported_parameters")
    abilities = abilities if isinstance(abilities, list) else []
    modalities = _object(item, "architecture").get("input_modalities")
    return ModelFacts(
        name=name.removeprefix("models/"),  # Gemini lists `models/gemini-...`
        context=_number(
            item, "context_length", "max_model_len", "context_window", "max_context_length", "max_input_tokens"
        )
        or _number(meta, "n_ctx", "n_ctx_train")
        or _number(top, "context_length"),
        max_output=_number(top, "max_completion_tokens")
        or _number(item, "max_output_tokens", "max_completion_tokens", "max_tokens"),
        input=_price(pricing, "prompt"),
        cached_input=_price(pricing, "input_cache_read"),
        output=_price(pricing, "completion"),
        reasoning="reasoning" in abilities,
        vision="image" in modalities if isinstance(modalities, list) else None,
        tools="tools" in abilities,
        provider=provider,
        retired=next((day for key in _ENDS if (day := _day(item.get(key)))), None),
        successor=next((name for key in _AFTER if isinstance(name := item.get(key), str)), ""),
        source="server",
    )


def _day(told: Any) -> str | None:
    """A day (ISO 8601) from a date, a time, or seconds since 1970; None if it is none of these."""
    try:
        if isinstance(told, (int, float)) and not isinstance(told, bool) and told > 0:
            return datetime.fromtimestamp(told, UTC).date().isoformat()
        return datetime.fromisoformat(told).date().isoformat() if isinstance(told, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _object(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def _number(item: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = item.get(key)
        if known := count(value):
            return known
    return None


def _price(pricing: Mapping[str, Any], key: str) -> float | None:
    """US$ per million tokens, from OpenRouter's US$ per token in a string; None if unknown (there: negative)."""
    try:
        price = float(pricing[key])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    million = amount(price * 1e6)
    return None if million is None else round(million, 6)


def names_in(answer: Any) -> list[str]:
    """The names of all models in the answer to `/models`, in its order; at most `MOST_MODELS`."""
    items = answer.get("data", answer.get("models")) if isinstance(answer, dict) else answer
    objects = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    found = [item.get("id") or item.get("name") for item in objects[:MOST_MODELS]]
    return [name.removeprefix("models/") for name in found if isinstance(name, str) and name]


def is_owned_by(answer: Any, owner: str) -> bool:
    """Whether a model in the answer to `/models` has `owner` as `owned_by`, which identifies some servers."""
    items = answer.get("data") if isinstance(answer, dict) else None
    return isinstance(items, list) and any(isinstance(one, dict) and one.get("owned_by") == owner for one in items)


def is_litellm(answer: Any) -> bool:
    """Whether the answer to `/models` is LiteLLM's: each model was made at the same moment, a constant of it."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not items:
        return False
    return all(isinstance(one, dict) and one.get("created") == _LITELLM_MADE for one in items)


def joined(models: Sequence[ModelFacts], answer: Any) -> list[ModelFacts]:
    """`models` with what LiteLLM's `/model/info` tells of them; of several under one name, the least window."""
    items = answer.get("data") if isinstance(answer, dict) else None
    told: dict[str, list[Mapping[str, Any]]] = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get("model_name"), str):
            told.setdefault(item["model_name"], []).append(_object(item, "model_info"))
    return [_with_info(one, told[one.name]) if one.name in told else one for one in models]


def _with_info(facts: ModelFacts, infos: Sequence[Mapping[str, Any]]) -> ModelFacts:
    windows = [window for info in infos if (window := _number(info, "max_input_tokens", "max_tokens"))]
    first = infos[0]
    # Requests are spread over the servers behind a name; only a price that all of them have is known.
    same = all(_prices(info) == _prices(first) for info in infos)
    prices = _prices(first) if same else {}
    vision = first.get("supports_vision")
    return replace(
        facts,
        context=min(windows, default=facts.context),
        max_output=_number(first, "max_output_tokens") or facts.max_output,
        reasoning=facts.reasoning or first.get("supports_reasoning") is True,
        tools=facts.tools or first.get("supports_function_calling") is True,
        vision=vision if isinstance(vision, bool) else facts.vision,
        **prices,
    )


def _prices(info: Mapping[str, Any]) -> dict[str, Any]:
    keys = {
        "input": "input_cost_per_token",
        "cached_input": "cache_read_input_token_cost",
        "output": "output_cost_per_token",
    }
    # 0 is also what LiteLLM tells of models that it does not know
    return {ours: _price(info, theirs) or None for ours, theirs in keys.items()}


def moderation_in(answer: Any) -> Verdict:
    """The verdict in the answer to `/moderations`. Raises ProtocolError if the answer has none."""
    results: Sequence[Any] = answer.get("results", ()) if isinstance(answer, dict) else ()
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise ProtocolError(_("the server's moderation answer cannot be read"))
    categories: dict[str, None] = {}
    scores: dict[str, float] = {}
    flagged = False
    for result in results:
        if not isinstance(result, dict):
            continue
        flagged = flagged or result.get("flagged") is True
        categories.update((name, None) for name, hit in _object(result, "categories").items() if hit is True)
        for name, score in _object(result, "category_scores").items():
            if isinstance(score, (int, float)) and 0 <= score <= 1:
                scores[name] = max(scores.get(name, 0.0), float(score))
    return Verdict(flagged, tuple(categories), scores)


def no_list(provider: str, address: str, error: NotFoundError) -> NotFoundError:
    """The error for a `provider` at `address` that has no list of models; it may answer all the same."""
    return NotFoundError(
        _("{who} has no list of models at {address}").format(who=provider, address=f"{redact(address)}/models"),
        hint=_("if it answers, name a model with /model NAME; if not, check its base address, most end in /v1"),
        status=error.status,
    )
