"""The same conversation of ten turns on every wire: what is sent is compared field by field."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gptchat.core.messages import Request
from gptchat.providers.engine import Engine
from tests.providers.asking import KEY, Outcome, gather, provider
from tests.support.server import Server, say

SYSTEM = "You are brief."
QUESTIONS = [
    "What is a mutex?",
    "你好，**世界**！",
    "Line one\nline two\n\n```python\nprint(1)\n```",
    "An emoji: 🎉 and a quote: \"'",
    "5",
    "six " * 200,
    "seven\u2028eight",
    "ünïcödé",
    '{"json": true}',
    "Goodbye",
]
ANSWERS = [f"Answer {number}: 好的 ✓" for number in range(10)]
PARAMETERS = {"temperature": 0.2, "top_p": 0.9, "max_tokens": 50}

Sent = Callable[[list[tuple[str, str]]], dict[str, Any]]


def chat_body(said: list[tuple[str, str]]) -> dict[str, Any]:
    """The chat API's body for a conversation so far."""
    messages = [{"role": "system", "content": SYSTEM}]
    messages += [{"role": role, "content": text} for role, text in said]
    return {
        "model": "m",
        "messages": messages,
        **PARAMETERS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def responses_body(said: list[tuple[str, str]]) -> dict[str, Any]:
    """The Responses API's body for a conversation so far."""
    return {
        "model": "m",
        "instructions": SYSTEM,
        "input": [{"role": role, "content": text} for role, text in said],
        "store": False,
        "stream": True,
        "reasoning": {"summary": "auto"},
        "temperature": 0.2,
        "top_p": 0.9,
        "max_output_tokens": 50,
    }


def completions_body(said: list[tuple[str, str]]) -> dict[str, Any]:
    """The completions API's body for a conversation so far."""
    names = {"user": "User", "assistant": "Assistant"}
    paragraphs = [SYSTEM, *(f"{names[role]}: {text}" for role, text in said), "Assistant:"]
    return {
        "model": "m",
        "prompt": "\n\n".join(paragraphs),
        "stop": ["\nUser:"],
        **PARAMETERS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


WIRES: dict[str, tuple[dict[str, Any], str, Sent]] = {
    "chat": ({}, "/v1/chat/completions", chat_body),
    "openai": ({"kind": "openai"}, "/v1/chat/completions", chat_body),
    "responses": ({"api": "responses"}, "/v1/responses", responses_body),
    "completions": ({"api": "completions"}, "/v1/completions", completions_body),
    "azure classic": (
        {"kind": "azure", "api_version": "2024-10-21"},
        "/openai/deployments/m/chat/completions",
        chat_body,
    ),
    "azure v1": ({"kind": "azure"}, "/openai/v1/chat/completions", chat_body),
    "azure responses": ({"kind": "azure", "api": "responses"}, "/openai/v1/responses", responses_body),
}


async def converse(engine: Engine, model: str, questions: list[str], **parameters: Any) -> list[Outcome]:
    """Ask `questions` in turn, each with everything said before it."""
    said: list[dict[str, str]] = [{"role": "system", "content": SYSTEM}]
    outcomes = []
    try:
        for text in questions:
            said.append({"role": "user", "content": text})
            outcomes.append(await gather(engine, Request(model, tuple(said), parameters)))
            said.append({"role": "assistant", "content": outcomes[-1].text})
    finally:
        await engine.close()
    return outcomes


@pytest.mark.parametrize("wire", WIRES)
def test_ten_turns(server: Server, wire: str) -> None:
    """A conversation of ten turns is sent whole on each wire, every field as that API has it."""
    settings, path, body = WIRES[wire]
    server.script(*(say(answer[:5], answer[5:]) for answer in ANSWERS))
    base = server.root if settings.get("kind") == "azure" else server.url

    outcomes = asyncio.run(converse(provider(base, **settings), "m", QUESTIONS, **PARAMETERS))

    assert [outcome.error for outcome in outcomes] == [None] * 10
    assert [outcome.text for outcome in outcomes] == ANSWERS
    assert all(outcome.usage and outcome.usage.total_tokens for outcome in outcomes)
    said: list[tuple[str, str]] = []
    for request, asked, answered in zip(server.requests, QUESTIONS, ANSWERS, strict=True):
        said.append(("user", asked))
        assert request.path == path
        assert request.json == body(said)
        said.append(("assistant", answered))
    assert server.connections == 1, "one connection serves the whole conversation"


@pytest.mark.parametrize("wire", WIRES)
def test_the_key_goes_where_the_api_wants_it(server: Server, wire: str) -> None:
    """OpenAI's kind of server gets the key as a bearer token, Azure as api-key, and nobody gets both."""
    settings, _path, _body = WIRES[wire]
    azure = settings.get("kind") == "azure"

    asyncio.run(converse(provider(server.root, **settings), "m", ["hello"]))

    headers = server.requests[0].headers
    assert headers.get("api-key") == (KEY if azure else None)
    assert headers.get("authorization") == (None if azure else f"Bearer {KEY}")
