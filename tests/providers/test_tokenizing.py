"""The server's own tokenizer: asked where there is one, and nobody else sees a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gptchat.providers.compatible import CompatibleProvider
from tests.providers.asking import provider
from tests.support.replies import CUT, Recorded, Reply, raw
from tests.support.server import Server

TEXTS = ["你好", "lone \ud800 surrogate", ""]


def _letters(field: str) -> Callable[[Recorded], Reply]:
    """A tokenizer that makes a token of each letter of the text in `field`, and answers as llama.cpp does."""
    return lambda request: Reply.document({"tokens": list(range(len(request.json[field])))})


def _counted(request: Recorded) -> Reply:
    """As `_letters`, in vLLM's words."""
    number = len(request.json["prompt"])
    return Reply.document({"count": number, "max_model_len": 4096, "tokens": [7] * number})


def _asked(server: Server) -> list[Recorded]:
    return [request for request in server.requests if request.path.endswith("/tokenize")]


def _tokenize(
    server: Server, *batches: Sequence[str], listed: bool = True, kind: str = "compatible"
) -> list[list[int] | None]:
    """What the provider makes of each batch of texts, after it has listed its models."""

    async def run() -> list[list[int] | None]:
        engine = provider(server.url, kind=kind)
        try:
            if listed:
                await engine.models()
            tokenize = engine.abilities.tokenize
            if tokenize is None:
                return [None for _batch in batches]
            return [await tokenize(batch, "m") for batch in batches]
        finally:
            await engine.close()

    return asyncio.run(run())


def _owned(server: Server, owner: str) -> None:
    server.models = [{"id": "m", "object": "model", "owned_by": owner}]


@pytest.mark.parametrize(
    ("owner", "tokenizer", "body"),
    [
        ("llamacpp", _letters("content"), {"model": "m", "content": "你好", "add_special": False}),
        ("vllm", _counted, {"model": "m", "prompt": "你好", "add_special_tokens": False}),
    ],
)
def test_each_server_is_asked_in_its_words(
    owner: str, tokenizer: Callable[[Recorded], Reply], body: dict[str, Any]
) -> None:
    """llama.cpp and vLLM count texts with their own tokenizers, at their root and with the same key."""
    with Server(key="sk-test-0123456789") as server:
        _owned(server, owner)
        server.tokenizer = tokenizer
        counts = _tokenize(server, TEXTS)
        asked = _asked(server)
    assert counts == [[2, 16, 0]]
    assert {request.path for request in asked} == {"/tokenize"}
    assert body in [request.json for request in asked]


@pytest.mark.parametrize("owner", ["openai", "library", ""])
def test_nobody_else_is_asked(owner: str) -> None:
    """A server that does not say it is llama.cpp or vLLM is never sent a text to tokenize."""
    with Server() as server:
        _owned(server, owner)
        server.tokenizer = _letters("content")
        assert _tokenize(server, TEXTS) == [None]
        assert not _asked(server)


@pytest.mark.parametrize("kind", ["compatible", "openai"])
def test_nobody_is_asked_before_it_has_said_what_it_is(kind: str) -> None:
    """Without a list of models, and at OpenAI's own kind of provider, no text goes out to be tokenized."""
    with Server() as server:
        _owned(server, "llamacpp")
        server.tokenizer = _letters("content")
        assert _tokenize(server, TEXTS, listed=kind == "openai", kind=kind) == [None]
        assert not _asked(server)


@pytest.mark.parametrize(
    "answer",
    [
        Reply.error(404, "File Not Found", type="not_found_error"),
        Reply.error(403, "forbidden"),
        Reply.error(400, "no"),
        Reply.document({"tokens": "many"}),
    ],
    ids=["404", "403", "400", "nonsense"],
)
def test_a_refusal_is_remembered(answer: Reply) -> None:
    """A server that will not tokenize is asked once, and no more in this run."""
    with Server() as server:
        _owned(server, "llamacpp")
        server.tokenizer = lambda _request: answer
        assert _tokenize(server, ["a"], ["b"], ["c"]) == [None, None, None]
        assert len(_asked(server)) == 1


def test_a_passing_failure_is_not_remembered() -> None:
    """A server that is only busy for a moment counts again after it."""
    with Server() as server:
        _owned(server, "llamacpp")
        answers = iter([Reply.error(503, "loading model"), Reply.document({"tokens": [1, 2]})])
        server.tokenizer = lambda _request: next(answers)
        assert _tokenize(server, ["a"], ["b"]) == [None, [2]]


def test_a_dropped_connection_is_no_failure() -> None:
    """A kept connection that the server closed meanwhile costs no count."""
    with Server() as server:
        _owned(server, "llamacpp")
        answers = iter([raw(CUT, content_type="x"), Reply.document({"tokens": [1, 2]})])
        server.tokenizer = lambda _request: next(answers)
        assert _tokenize(server, ["a"]) == [[2]]


def test_listing_again_keeps_the_refusal() -> None:
    """A fresh list of models does not make the program ask a server again that has refused."""
    with Server() as server:
        _owned(server, "vllm")

        async def run() -> bool:
            engine = provider(server.url)
            assert isinstance(engine, CompatibleProvider)
            await engine.models()
            assert engine.counts_tokens
            await engine.tokenize(["a"], "m")
            await engine.models()
            counts = engine.counts_tokens
            await engine.close()
            return counts

        assert asyncio.run(run()) is False
