"""Models as servers list them, with the facts they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gptchat.core.ports import ModelFacts
from gptchat.errors import GptchatError, ProtocolError
from gptchat.providers.listing import chat_models, models_in, moderation_in
from tests.providers.asking import closing, provider
from tests.support.server import Reply, Server


def facts(item: dict[str, Any]) -> ModelFacts:
    """The facts in one entry of a list."""
    [found] = models_in({"data": [{"id": "m", **item}]}, "test")
    return found


@pytest.mark.parametrize(
    ("item", "context"),
    [
        ({}, None),
        ({"context_length": 8192}, 8192),
        ({"max_model_len": 4096, "owned_by": "vllm"}, 4096),
        ({"context_window": 131072}, 131072),
        ({"max_context_length": 32768}, 32768),
        ({"meta": {"n_ctx_train": 2048}, "owned_by": "llamacpp"}, 2048),
        ({"meta": {"n_ctx": 1024, "n_ctx_train": 2048}}, 1024),
        ({"top_provider": {"context_length": 200000}}, 200000),
        ({"context_length": "many"}, None),
        ({"context_length": -1, "meta": 3}, None),
    ],
)
def test_windows(item: dict[str, Any], context: int | None) -> None:
    """The window is found under each name that servers give it."""
    assert facts(item).context == context
    assert facts(item).source == "server"


def test_prices_and_abilities() -> None:
    """OpenRouter's prices per token become prices per million, and its abilities are understood."""
    found = facts(
        {
            "pricing": {"prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "-1"},
            "supported_parameters": ["tools", "reasoning"],
            "architecture": {"input_modalities": ["text", "image"]},
            "top_provider": {"max_completion_tokens": 5000},
        }
    )

    assert (found.input, found.output, found.cached_input) == (1.25, 10.0, None)
    assert (found.tools, found.reasoning, found.vision, found.max_output) == (True, True, True, 5000)


def test_lists_in_other_shapes() -> None:
    """Gemini's prefix goes, duplicates and nameless entries too, and a bare list is a list."""
    listed = [{"id": "models/b"}, {"id": "a"}, {"id": "a"}, {"x": 1}, 7, {"id": ""}]

    assert [one.name for one in models_in(listed, "test")] == ["a", "b"]
    assert [one.name for one in models_in({"models": [{"name": "c"}]}, "test")] == ["c"]


@pytest.mark.parametrize("answer", [{}, {"data": None}, "x", 7, None, {"data": {}}])
def test_what_is_no_list(answer: Any) -> None:
    """An answer that is no list of models is told as such."""
    with pytest.raises(ProtocolError):
        models_in(answer, "test")


def test_models_with_a_wrong_key(server: Server) -> None:
    """A wrong key is told when models are listed, too."""
    server.key = "another"
    engine = provider(server.url)

    with pytest.raises(GptchatError) as caught:
        asyncio.run(closing(engine, engine.models()))
    assert caught.value.kind == "authentication"


@pytest.mark.parametrize("answer", [{}, {"results": []}, {"results": [3]}, [], None])
def test_what_is_no_verdict(answer: Any) -> None:
    """An answer that is no moderation is told as such, not taken for harmless."""
    with pytest.raises(ProtocolError):
        moderation_in(answer)


def test_a_verdict_over_several_parts() -> None:
    """Where several texts were judged, one flagged is enough, and the worst score counts."""
    verdict = moderation_in(
        {
            "results": [
                {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.1}},
                {"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.9, "x": None}},
            ]
        }
    )

    assert (verdict.flagged, verdict.categories, verdict.scores) == (True, ("hate",), {"hate": 0.9})


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"shutdown_date": "2027-01-14"}, ("2027-01-14", "")),
        ({"shutdown_date": 1799884800}, ("2027-01-14", "")),
        ({"shutdown_date": None}, (None, "")),
        ({"retires_at": "2026-11-30T00:00:00Z", "lifecycle": "deprecated"}, ("2026-11-30", "")),
        ({"deprecation": "2027-04-30T12:00:00Z", "deprecation_replacement_model": "n"}, ("2027-04-30", "n")),
        ({"expiration_date": "2026-12-31"}, ("2026-12-31", "")),
        ({"shutdown_date": "soon", "expiration_date": True}, (None, "")),
        ({"shutdown_date": 10**30}, (None, "")),
    ],
)
def test_ends_of_models(item: dict[str, Any], expected: tuple[str | None, str]) -> None:
    """The day a model ends, and what takes its place, are read in each form that servers give them."""
    found = facts(item)
    assert (found.retired, found.successor) == expected


def test_limits_as_anthropic_lists_them() -> None:
    """The most tokens of a prompt and of a reply are understood."""
    found = facts({"max_input_tokens": 1_000_000, "max_tokens": 128_000})
    assert (found.context, found.max_output) == (1_000_000, 128_000)


def test_models_that_chat() -> None:
    """Models for embeddings, speech, pictures and the like are not offered for a chat; chat models all are."""
    chat = ["gpt-6.1-terra", "qwen3-vl-plus", "deepseek-flash", "gemini-3-pro", "claude-5", "llama3.2:1b", "glm-5",
            "kimi-k3", "Qwen/Qwen3-8B", "gpt-audio", "mistral-large"]  # fmt: skip
    others = ["text-embedding-3-small", "nomic-embed-text", "BAAI/bge-m3", "Qwen/Qwen3-Reranker-8B", "whisper-1",
              "tts-1-hd", "dall-e-3", "gpt-image-2", "wan2.2-t2v", "gpt-4o-transcribe"]  # fmt: skip
    assert chat_models([*others, *chat]) == chat
    assert chat_models(others) == others


def test_models_that_do_not_chat_are_left_out() -> None:
    """Embedding models and their like are not offered for chatting, by what the server tells, else by name."""
    listed: list[dict[str, Any]] = [
        {"id": "chat-a"},
        {"id": "gpt-4o-audio-preview"},
        {"id": "gte-unlike", "capabilities": {"completion_chat": True}},
        {"id": "vision", "type": "vlm"},
        {"id": "text-embedding-3-small"},
        {"id": "BAAI/bge-m3"},
        {"id": "nomic-embed-text:latest"},
        {"id": "tts-1"},
        {"id": "whisper-1"},
        {"id": "omni-moderation-latest"},
        {"id": "vectors", "type": "embeddings"},
        {"id": "voxtral", "capabilities": {"completion_chat": False}},
        {"id": "painter", "architecture": {"output_modalities": ["image"]}},
    ]
    names = [facts.name for facts in models_in({"data": listed}, "x")]
    assert names == ["chat-a", "gpt-4o-audio-preview", "gte-unlike", "vision"]
    assert len(models_in({"data": listed[4:6]}, "x")) == 2, (
        "a server that has nothing else is not said to be empty"
    )


def listed_by(server: Server) -> Sequence[ModelFacts]:
    """The models that a compatible server lists."""
    engine = provider(server.url)
    return asyncio.run(closing(engine, engine.models()))


def test_models_of_litellm(server: Server) -> None:
    """LiteLLM's proxy tells windows, prices and abilities on a path of its own; of several the least holds."""
    made = {"object": "model", "created": 1677610602, "owned_by": "openai"}
    server.models = [{"id": name, **made} for name in ("a", "b", "c")]

    def info(name: str, window: int | None, price: float, **more: Any) -> dict[str, Any]:
        prices = {"input_cost_per_token": price, "output_cost_per_token": 2 * price}
        return {"model_name": name, "model_info": {"max_input_tokens": window, **prices, **more}}

    able = {"supports_vision": True, "supports_function_calling": True, "supports_reasoning": True}
    rows: list[Any] = [
        info("a", 8000, 1e-6, max_output_tokens=500, cache_read_input_token_cost=1e-7, **able),
        info("b", 9000, 1e-6),
        info("b", 4000, 3e-6),
        info("c", None, 0.0),
        {"model_name": 1},
        "?",
    ]
    server.answers["/model/info"] = Reply.document({"data": rows})
    a, b, c = listed_by(server)
    assert (a.context, a.max_output, a.input, a.cached_input, a.output) == (8000, 500, 1.0, 0.1, 2.0)
    assert (a.vision, a.tools, a.reasoning) == (True, True, True)
    assert (b.context, b.input) == (4000, None)
    assert (c.context, c.input, c.vision) == (None, None, None)
    for odd in (Reply.document({"data": 1}), Reply.document([]), Reply.error(403, "admins only")):
        server.answers["/model/info"] = odd
        assert [one.context for one in listed_by(server)] == [None] * 3


def test_other_servers_are_not_asked_as_litellm(server: Server) -> None:
    """A server whose list tells its windows is not asked for LiteLLM's path."""
    server.models = [{"id": "a", "created": 1, "context_length": 8192}, {"id": "b", "max_model_len": 4096}]
    listed_by(server)
    assert not any("model/info" in one.path for one in server.requests)
