"""`thinking` and `effort` mean the same at every vendor, and each is asked in its own way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import vendors
from gptchat.config.endpoints import Kind, ProviderSettings
from gptchat.core.messages import Request
from gptchat.providers.payloads import vendor_of
from gptchat.providers.registry import open_provider
from gptchat.vendors.thinking import EFFORTS, asked_for, fitted
from tests.providers.asking import KEY, QUICK
from tests.support.server import Server, say

ASKED = [one for one in vendors.table().values() if one.thinking]
HELD = frozenset(("temperature", "top_p", "max_tokens", "presence_penalty", "seed"))


def sent(vendor: str, model: str, wire: str = "chat", **parameters: Any) -> dict[str, Any]:
    """What travels for `parameters`."""
    return fitted(parameters, model, vendors.get(vendor), wire).parameters


@pytest.mark.parametrize(
    ("vendor", "model", "parameters", "body"),
    [
        ("deepseek", "deepseek-flash", {"thinking": "off"}, {"thinking": {"type": "disabled"}}),
        ("deepseek", "deepseek-flash", {"thinking": "on"}, {"thinking": {"type": "enabled"}}),
        ("deepseek", "deepseek-flash", {"effort": "max"}, {"reasoning_effort": "max"}),
        ("deepseek", "deepseek-flash", {"effort": "medium"}, {"reasoning_effort": "high"}),
        ("deepseek", "deepseek-flash", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("zhipu", "glm-5", {"thinking": "off", "effort": "high"}, {"thinking": {"type": "disabled"}}),
        ("qwen", "qwen3.7-plus", {"thinking": "on"}, {"enable_thinking": True}),
        ("qwen", "qwen3.7-plus", {"thinking": "off"}, {"enable_thinking": False}),
        ("qwen", "qwen3.8-max", {"effort": "high"}, {"reasoning_effort": "xhigh"}),
        ("moonshot", "kimi-k2.6", {"thinking": "off"}, {"thinking": {"type": "disabled"}}),
        ("moonshot", "kimi-k3", {"thinking": "off"}, {"reasoning_effort": "low"}),
        ("moonshot", "kimi-k3", {"temperature": 0.7, "seed": 1}, {"seed": 1}),
        ("anthropic", "claude-sonnet-5", {"thinking": "on", "top_p": 0.5}, {"thinking": {"type": "adaptive"}}),
        ("gemini", "gemini-3.6-flash", {"effort": "max", "temperature": 0}, {"reasoning_effort": "high"}),
        ("gemini", "gemini-3.6-flash", {"thinking": "off"}, {"reasoning_effort": "low"}),
        ("openai", "gpt-6.1-terra", {"thinking": "off"}, {"reasoning_effort": "none"}),
        ("openai", "gpt-6.1-terra", {"thinking": "on"}, {"reasoning_effort": "medium"}),
        ("openai", "gpt-6.1-terra", {"temperature": 1.0}, {"temperature": 1.0}),
        ("openai", "gpt-6.1-terra", {"temperature": 1.0, "effort": "low"}, {"reasoning_effort": "low"}),
        ("openai", "gpt-6.1-terra", {"temperature": 0.3}, {}),
        (
            "openai",
            "gpt-6.1-terra",
            {"temperature": 0.3, "effort": "none"},
            {"temperature": 0.3, "reasoning_effort": "none"},
        ),
        ("openai", "gpt-5.2", {"temperature": 0.3}, {"temperature": 0.3}),
        ("openai", "gpt-5-mini", {"thinking": "off"}, {"reasoning_effort": "minimal"}),
        ("openai", "o3", {"effort": "max", "stop": ["x"]}, {"reasoning_effort": "high"}),
        ("mistral", "mistral-large-4", {"seed": 7}, {"random_seed": 7}),
        ("groq", "qwen/qwen3-32b", {"thinking": "off"}, {"reasoning_effort": "none"}),
        ("groq", "qwen/qwen3-32b", {"effort": "high"}, {}),
        ("cerebras", "zai-glm-5.3", {"effort": "medium"}, {"reasoning_effort": "low"}),
        ("moonshot", "kimi-k3.1-pro", {"thinking": "on", "max_tokens": 9}, {"max_completion_tokens": 9}),
        ("yi", "yi-lightning", {"thinking": "on", "effort": "high"}, {}),
        ("openai", "gpt-6.1-terra", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("openai", "gpt-4o", {"thinking": "on", "effort": "high", "temperature": 1}, {"temperature": 1}),
        ("openai", "gpt-4.1-mini", {"thinking": "off", "effort": "none"}, {}),
        ("anthropic", "claude-sonnet-4-5", {"temperature": 1}, {"temperature": 1}),
        ("anthropic", "claude-haiku-5-5", {"temperature": 1}, {}),
        ("anthropic", "claude-opus-5-5", {"thinking": "off"}, {}),
        ("minimax", "MiniMax-M2.5", {"thinking": "off"}, {}),
        ("minimax", "MiniMax-M3", {"thinking": "off", "effort": "low"}, {"thinking": {"type": "disabled"}}),
        ("openai", "gpt-4o", {"max_tokens": 9, "temperature": 0.2}, {"max_tokens": 9, "temperature": 0.2}),
        (
            "openrouter",
            "x/y",
            {"thinking": "on", "effort": "high"},
            {"reasoning": {"enabled": True, "effort": "high"}},
        ),
        ("ollama", "qwen3", {"thinking": "off"}, {"reasoning_effort": "none"}),
        ("llamacpp", "q", {"thinking": "off"}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("nobody", "q", {"thinking": "on"}, {"chat_template_kwargs": {"enable_thinking": True}}),
        ("nobody", "q", {"effort": "high"}, {"reasoning_effort": "high"}),
    ],
)
def test_each_vendor_is_asked_in_its_own_way(
    vendor: str, model: str, parameters: dict[str, Any], body: dict[str, Any]
) -> None:
    """The same setting becomes what this vendor's documentation says for this model."""
    assert sent(vendor, model, **parameters) == body


@pytest.mark.parametrize("vendor", ASKED, ids=lambda one: one.name)
@pytest.mark.parametrize("wire", ["chat", "responses"])
@settings(max_examples=25, deadline=None)
@given(
    model=st.sampled_from(["x", "gpt-5", "kimi-k3", "glm-5.2", "qwen/q", "claude-fable-5", "MiniMax-M3"]),
    thinking=st.sampled_from(["auto", "on", "off"]),
    effort=st.sampled_from([None, *EFFORTS]),
    others=st.dictionaries(st.sampled_from(sorted(HELD)), st.integers(0, 1)),
)
def test_nothing_is_sent_that_the_vendor_does_not_know(
    vendor: vendors.Vendor, wire: str, model: str, thinking: str, effort: str | None, others: dict[str, int]
) -> None:
    """Whatever is asked for, an effort is one that the model has, and a setting that is left out is told."""
    asked = {"thinking": thinking, "effort": effort, **others}
    fit = fitted(asked, model or vendor.model, vendor, wire)
    possible = {*EFFORTS} if "efforts" not in vendor.thinking else {*vendor.thinking["efforts"]}
    for one in vendor.thinking.get("models", ()):
        possible |= {*one.get("efforts", ())}
    assert fit.effort in {"", *possible}
    for name in others:
        renamed = {"max_tokens": "max_completion_tokens", "seed": "random_seed"}.get(name, name)
        assert name in fit.dropped or fit.parameters.get(name, fit.parameters.get(renamed)) == others[name]
    held = {*HELD, "max_completion_tokens", "random_seed"}
    if wire == "responses":
        assert fit.parameters.keys() <= {*held, "effort"}
    if thinking == "auto" and effort is None:
        assert fit.parameters.keys() <= held


def test_what_cannot_be_is_told() -> None:
    """A wish for thinking is told to be in vain with a model that has none, and the reverse."""
    openai, minimax = vendors.get("openai"), vendors.get("minimax")
    assert fitted({"effort": "high"}, "gpt-4o", openai, "chat").dropped == ("effort",)
    assert fitted({"thinking": "off"}, "gpt-4o", openai, "chat").dropped == ()
    assert fitted({"thinking": "off"}, "claude-opus-5-5", vendors.get("anthropic"), "chat").always
    assert fitted({"effort": "low"}, "MiniMax-M3", minimax, "chat").dropped == ("effort",)


@pytest.mark.parametrize(
    ("kind", "address", "vendor"),
    [
        ("openai", "https://api.openai.com/v1", "openai"),
        ("openai", "https://api.deepseek.com/v1", "deepseek"),
        ("openai", "http://127.0.0.1:1/v1", "openai"),
        ("azure", "https://x.openai.azure.com/openai/v1", "azure"),
        ("compatible", "https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen"),
    ],
)
def test_the_address_tells_whose_dialect_it_is(kind: Kind, address: str, vendor: str) -> None:
    """OpenAI's variable for the address may name another vendor's server, which is then asked in its own way."""
    found = vendor_of(ProviderSettings(name="mine", kind=kind), address)
    assert found is not None
    assert found.name == vendor


def test_the_words_for_what_is_asked() -> None:
    """What the toolbar and /status show is the effort, or that thinking is on or off."""
    assert asked_for({}) == asked_for({"thinking": "auto"}) == ""
    assert asked_for({"thinking": "on"}) == "on"
    assert asked_for({"thinking": "on", "effort": "high"}) == "high"
    assert asked_for({"thinking": "off", "effort": "high"}) == asked_for({"effort": "none"}) == "off"


def test_it_arrives_at_the_server_and_what_is_left_out_is_told_once() -> None:
    """The request has the vendor's fields, and a model that cannot but think is told of once."""
    with Server() as server:
        server.script(say("a"), say("b"))
        entry = ProviderSettings(name="moonshot", kind="compatible", base_url=server.url)
        question = Request("kimi-k3", ({"role": "user", "content": "x"},), {"thinking": "off", "temperature": 0.5})

        async def run() -> list[str]:
            provider = open_provider(entry, QUICK, KEY)
            told = []
            for _time in range(2):
                told += [getattr(event, "text", "") async for event in provider.stream(question)]
            await provider.close()
            return told

        told = asyncio.run(run())
        bodies = [request.json for request in server.requests]
    assert [body["reasoning_effort"] for body in bodies] == ["low", "low"]
    assert not any("temperature" in body or "thinking" in body for body in bodies)
    assert sum("always thinks" in text for text in told) == 1
    assert sum("temperature" in text for text in told) == 1
