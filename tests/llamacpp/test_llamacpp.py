"""Conversations, failures and facts of a real server: llama.cpp's."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gptchat.errors import AuthenticationError, ContextLengthError
from tests.providers.asking import Outcome, ask, closing, gather, provider, question
from tests.providers.test_conversation import QUESTIONS, converse
from tests.support.llamacpp import LlamaServer

SHORT = [text[:80] for text in QUESTIONS]  # the window of the tiny model is small


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_ten_turns(llamacpp: LlamaServer, api: str) -> None:
    """A conversation of ten turns runs on llama.cpp, with text, usage and an end for every turn."""
    engine = provider(llamacpp.url, key=llamacpp.key, api=api)

    outcomes = asyncio.run(converse(engine, llamacpp.model, SHORT, max_tokens=24, seed=1))

    assert [outcome.error for outcome in outcomes] == [None] * 10
    prompts = [outcome.usage.prompt_tokens for outcome in outcomes if outcome.usage]
    assert len(prompts) == 10
    assert prompts == sorted(prompts), "every turn sends what was said before it"
    assert all(outcome.text or outcome.reasoning for outcome in outcomes)
    assert {end.reason for outcome in outcomes for end in outcome.ends} <= {"stop", "length"}


def test_reasoning_is_told_apart(llamacpp: LlamaServer) -> None:
    """A model's thoughts arrive as reasoning, not as part of the reply."""
    outcome = ask(provider(llamacpp.url, key=llamacpp.key), question(model=llamacpp.model, parameters={"seed": 3}))

    assert outcome.error is None
    assert "Hmm" in outcome.reasoning
    assert "<think>" not in outcome.text


def test_several_choices(llamacpp: LlamaServer) -> None:
    """Asked for two replies, the server's two arrive apart."""
    parameters = {"n": 2, "max_tokens": 8, "seed": 4}
    outcome = ask(provider(llamacpp.url, key=llamacpp.key), question(model=llamacpp.model, parameters=parameters))

    assert outcome.error is None
    assert [end.choice for end in outcome.ends] == [0, 1]


def test_a_whole_reply(llamacpp: LlamaServer) -> None:
    """Without streaming the same things are told."""
    engine = provider(llamacpp.url, key=llamacpp.key)
    outcome = ask(engine, question(model=llamacpp.model, parameters={"max_tokens": 8}, stream=False))

    assert outcome.error is None
    assert outcome.usage is not None
    assert outcome.usage.completion_tokens == 8
    assert outcome.ends[0].reason == "length"


def test_a_wrong_key(llamacpp: LlamaServer) -> None:
    """A wrong key is called that."""
    assert isinstance(ask(provider(llamacpp.url, key="sk-wrong-000000"), question()).failure, AuthenticationError)


def test_a_request_beyond_the_window_teaches_it(llamacpp: LlamaServer) -> None:
    """A request larger than the window fails with the window's size and its own."""
    engine = provider(llamacpp.url, key=llamacpp.key)

    failure = ask(engine, question("hello world " * 3000, model=llamacpp.model)).failure

    assert isinstance(failure, ContextLengthError)
    assert failure.limit == llamacpp.window
    assert failure.requested is not None
    assert failure.requested > 5000


def test_the_list_of_models_knows_the_window(llamacpp: LlamaServer) -> None:
    """The list of models comes with the window the server really runs with."""
    engine = provider(llamacpp.url, key=llamacpp.key)

    models = asyncio.run(closing(engine, engine.models()))

    assert [(model.name, model.context, model.source) for model in models] == [
        (llamacpp.model, llamacpp.window, "server")
    ]


def test_stopping_a_reply_frees_the_server(llamacpp: LlamaServer) -> None:
    """After a reply is stopped in the middle, the next one begins at once on a new connection."""
    engine = provider(llamacpp.url, key=llamacpp.key)
    endless = question(model=llamacpp.model, parameters={"max_tokens": 900})
    endless = replace(endless, parameters={**endless.parameters, "ignore_eos": True})

    async def run() -> Outcome:
        stream = engine.stream(endless)
        await anext(stream)
        await stream.aclose()
        return await gather(engine, question(model=llamacpp.model, parameters={"max_tokens": 4}))

    assert asyncio.run(closing(engine, run())).error is None
