"""Reasoning that a server wants back is kept as it came, and goes back to it alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gptchat.config.endpoints import ProviderSettings
from gptchat.core.events import Finished
from gptchat.core.messages import Request
from gptchat.providers.payloads import payload_of
from gptchat.providers.wire import wire_named
from tests.providers.asking import Outcome

CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "9"}
SIGNED = {"extra_content": {"google": {"thought_signature": "S=="}}}
TEXTS = ("reasoning_content", "reasoning")


def settings(vendor: str, **fields: Any) -> ProviderSettings:
    """A provider of the person's with this vendor's dialect."""
    kind = vendor if vendor in ("openai", "azure") else "compatible"
    return ProviderSettings(name=vendor, kind=kind, base_url=f"http://{vendor}.test/v1", **fields)  # type: ignore[arg-type]


def sent(vendor: str, model: str, *messages: dict[str, Any], wire: str = "chat", **fields: Any) -> dict[str, Any]:
    """The body of a request with `messages`; fields of settings by their names, others are parameters."""
    extra = fields.pop("extra_body", {})
    asked = Request(model, messages, fields)
    entry = settings(vendor, extra_body=extra)
    return payload_of(asked, wire_named(wire), entry, entry.base_url, ()).body


def received(vendor: str, model: str, *deltas: dict[str, Any], whole: bool = False) -> tuple[Outcome, Any]:
    """What a reply of these deltas brings, and what is kept of it."""
    entry = settings(vendor)
    origin = payload_of(Request(model, ()), wire_named("chat"), entry, entry.base_url, ()).origin
    reader = wire_named("chat").reader(origin)
    events: list[Any] = []
    if whole:
        message = {"choices": [{"index": 0, "message": deltas[0], "finish_reason": "stop"}]}
        events += reader.whole(message)
    else:
        for one in deltas:
            events += reader.feed("", json.dumps({"choices": [{"index": 0, "delta": one}]}))
        events += reader.feed("", json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    events += reader.finish()
    end = next(event for event in events if isinstance(event, Finished))
    return Outcome(events), (end.extra or {}).get("returned")


def turn(vendor: str, model: str, *deltas: dict[str, Any], later: str = "", **fields: Any) -> list[dict[str, Any]]:
    """The messages that `later` (or the same vendor) is sent after a reply of these deltas that calls a tool."""
    outcome, kept = received(vendor, model, *deltas, {"tool_calls": [CALL, *fields.pop("calls", ())]})
    calls = [{key: CALL[key] for key in ("id", "type", "function")} for _call in outcome.calls]
    reply: dict[str, Any] = {"role": "assistant", "content": outcome.text or None, "tool_calls": calls}
    reply["returned"] = {**(kept or {}), "reasoning": outcome.reasoning}
    name, _slash, other = later.partition("/")
    question = {"role": "user", "content": "q"}
    messages = sent(name or vendor, other or model, question, reply, RESULT, **fields)["messages"]
    assert isinstance(messages, list)
    return messages


@pytest.mark.parametrize(
    ("vendor", "model", "deltas", "back"),
    [
        ("deepseek", "v", [{"reasoning_content": "a"}, {"reasoning_content": "b"}], {"reasoning_content": "ab"}),
        ("moonshot", "kimi-k3", [{"reasoning_content": "a"}], {"reasoning_content": "a"}),
        ("zhipu", "glm-5.3", [{"reasoning_content": "a"}], {"reasoning_content": "a"}),
        ("xiaomi", "mimo-v2.6-pro", [{"reasoning_content": "a"}], {"reasoning_content": "a"}),
        ("ollama", "q", [{"reasoning": "a"}], {"reasoning": "a"}),
        ("somebody", "q", [{"reasoning": "a"}], {"reasoning": "a"}),
        ("somebody", "q", [{"reasoning_content": "a"}], {"reasoning_content": "a"}),
        (
            "openrouter",
            "x/y",
            [
                {"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
                {"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0}]},
                {"reasoning_details": [{"type": "reasoning.text", "signature": "S", "index": 0}]},
                {"reasoning_details": [{"type": "reasoning.encrypted", "data": "E", "id": "r1", "index": 0}]},
            ],
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "ab", "index": 0, "signature": "S"},
                    {"type": "reasoning.encrypted", "data": "E", "id": "r1", "index": 0},
                ]
            },
        ),
        (
            "litellm",
            "claude",
            [
                {"thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": None}]},
                {"reasoning_content": "ab", "thinking_blocks": [{"type": "thinking", "thinking": "b"}]},
                {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "S"}]},
                {"thinking_blocks": [{"type": "redacted_thinking", "data": "R"}]},
            ],
            {
                "reasoning_content": "aab",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "ab", "signature": "S"},
                    {"type": "redacted_thinking", "data": "R"},
                ],
            },
        ),
        ("volcengine", "d", [{"reasoning_content": "a"}, {"encrypted_content": "E"}], {"encrypted_content": "E"}),
        ("gemini", "gemini-3.8-flash", [{"content": "t", **SIGNED}], SIGNED),
        (
            "mistral",
            "mistral-large-4",
            [
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]},
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "b"}], "signature": "S"}]},
                {"content": [{"type": "text", "text": "t"}]},
            ],
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "ab"}], "signature": "S"},
                    {"type": "text", "text": "t"},
                ]
            },
        ),
    ],
)
def test_it_goes_back_to_who_sent_it(
    vendor: str, model: str, deltas: list[dict[str, Any]], back: dict[str, Any]
) -> None:
    """In a turn that calls tools each vendor gets its reasoning as it sent it, and no other vendor does."""
    reply = turn(vendor, model, *deltas)[1]
    assert {key: reply.get(key) for key in back} == back
    assert "returned" not in reply

    for other in ("openai/gpt-4o", "groq/m", "elsewhere/m"):
        foreign = turn(vendor, model, *deltas, later=other)[1]
        assert foreign.keys() == {"role", "content", "tool_calls"}
        assert not isinstance(foreign["content"], list)


def test_a_signature_on_a_call_goes_back_with_that_call() -> None:
    """Gemini's calls come without an index; each keeps its own signature, which another vendor is not sent."""
    first = {key: value for key, value in CALL.items() if key != "index"} | SIGNED
    second = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    outcome, kept = received("gemini", "g", {"tool_calls": [first]}, {"tool_calls": [second]})
    assert [call.id for call in outcome.calls] == ["c1", "c2"]
    assert kept["calls"] == [SIGNED, {}]

    plain = [{key: one[key] for key in ("id", "type", "function")} for one in (first, second)]
    reply = {"role": "assistant", "content": None, "tool_calls": plain, "returned": kept}
    assert sent("gemini", "g", reply)["messages"][0]["tool_calls"] == [{**plain[0], **SIGNED}, plain[1]]
    assert sent("deepseek", "g", reply)["messages"][0]["tool_calls"] == plain
    stand_in = sent("gemini", "another", reply)["messages"][0]["tool_calls"][0]["extra_content"]
    assert stand_in == {"google": {"thought_signature": "skip_thought_signature_validator"}}


def test_what_a_vendor_requires_of_calls_that_another_made() -> None:
    """DeepSeek and Kimi refuse calls without reasoning: those of another vendor go with a blank."""
    reply = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    for vendor in ("deepseek", "moonshot", "xiaomi"):
        assert sent(vendor, "m", reply)["messages"][0]["reasoning_content"] == " "
    assert "reasoning_content" not in sent("deepseek", "m", reply, thinking="off")["messages"][0]


@pytest.mark.parametrize(
    ("vendor", "fields", "goes"),
    [
        ("deepseek", {}, None),
        ("minimax", {}, "<think>\nhm\n</think>\n\nyes"),
        ("minimax", {"thinking": "on"}, "<think>\nhm\n</think>\n\nyes"),
        ("cerebras", {}, None),
        ("zhipu", {}, None),
        ("zhipu", {"extra_body": {"thinking": {"clear_thinking": False}}}, "hm"),
        ("zhipu-coding", {}, "hm"),
        ("moonshot", {"extra_body": {"thinking": {"type": "enabled", "keep": "all"}}}, "hm"),
        ("qwen", {}, None),
        ("qwen", {"extra_body": {"preserve_thinking": True}}, "hm"),
        ("fireworks", {"extra_body": {"reasoning_history": "preserved"}}, "hm"),
        ("openrouter", {}, None),
        ("somebody", {}, None),
    ],
)
def test_without_tools_it_goes_back_where_it_is_asked_for(
    vendor: str, fields: dict[str, Any], goes: str | None
) -> None:
    """Without tools reasoning is sent where the vendor's documentation or a field of the person's asks for it."""
    model = "MiniMax-M3" if vendor == "minimax" else "m"
    kept = {"by": vendor, "model": model, "reasoning": "hm", "field": "reasoning_content"}
    reply = {"role": "assistant", "content": "yes", "returned": kept}
    given = sent(vendor, model, reply, **fields)["messages"][0]
    place = "content" if goes and goes.startswith("<") else "reasoning_content"
    assert given.get(place) == goes if goes else given == {"role": "assistant", "content": "yes"}


@pytest.mark.parametrize("vendor", ["deepseek", "minimax", "mistral", "openrouter", "zhipu-coding"])
def test_nothing_goes_back_to_a_model_that_is_not_to_think(vendor: str) -> None:
    """With thinking off no reasoning is sent: nothing wants it, and it would be paid for."""
    chunk = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    kept = {"by": vendor, "model": "MiniMax-M3", "reasoning": "hm", "content": [chunk], "reasoning_details": [{}]}
    reply = {"role": "assistant", "content": "yes", "returned": kept}
    assert sent(vendor, "MiniMax-M3", reply, thinking="off")["messages"][0] == {
        "role": "assistant",
        "content": "yes",
    }


@pytest.mark.parametrize("asked", [True, False])
def test_encrypted_items_of_the_responses_api(asked: bool) -> None:
    """OpenAI is asked for encrypted reasoning, which goes before its reply, to the model that sent it alone."""
    entry = settings("openai")
    question = Request("gpt-6.1-terra", ({"role": "user", "content": "x"},))
    payload = payload_of(question, wire_named("responses"), entry, entry.base_url, ())
    assert payload.body["store"] is False
    assert payload.body["include"] == ["reasoning.encrypted_content"]

    item = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "E"}
    said = {"type": "message", "content": [{"type": "output_text", "text": "yes"}]}
    reader = wire_named("responses").reader(payload.origin)
    events = list(reader.whole({"status": "completed", "output": [item, said]})) + list(reader.finish())
    kept = next(event.extra for event in events if isinstance(event, Finished))
    assert kept == {"returned": {"by": "openai", "model": "gpt-6.1-terra", "items": [item]}}

    reply = {"role": "assistant", "content": "yes", **kept}
    model = "gpt-6.1-terra" if asked else "gpt-6-luna"
    items = sent("openai", model, reply, wire="responses")["input"]
    assert items == [*([item] if asked else []), {"role": "assistant", "content": "yes"}]
    assert sent("openai", "gpt-6.1-terra", reply)["messages"] == [{"role": "assistant", "content": "yes"}]


@pytest.mark.parametrize(
    ("vendor", "model", "extra"),
    [("openai", "gpt-4o", {}), ("openai", "gpt-6-luna", {"store": True}), ("deepseek", "deepseek-flash", {})],
)
def test_encrypted_reasoning_is_not_asked_for_in_vain(vendor: str, model: str, extra: dict[str, Any]) -> None:
    """Who does not think, stores everything, or has no encrypted reasoning, is not asked for it."""
    body = sent(vendor, model, {"role": "user", "content": "x"}, wire="responses", extra_body=extra)
    assert "include" not in body
    assert ("reasoning" in body) is (model != "gpt-4o")


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        ({"reasoning": "hm"}, "hm"),
        ({"reasoning_content": "hm"}, "hm"),
        ({"reasoning": "hm", "reasoning_content": "hm"}, "hm"),
        ({"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "hm"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "hm"),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}, "hm"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]}, "hm"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "hm"),
        ({"content": "<thought>hm</thought>", "extra_content": {"google": {"thought": True}}}, "hm"),
        ({"content": "hm", "extra_content": {"google": {"thought": True}}}, "hm"),
        ({"reasoning": {"effort": "x"}}, ""),
        ({"reasoning_details": "hm", "thinking_blocks": [None, 3], "extra_content": "x"}, ""),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_reasoning_is_read_once_wherever_it_stands(delta: dict[str, Any], said: str, whole: bool) -> None:
    """Each vendor's field for reasoning is read as reasoning, never as text, and never twice."""
    outcome, _kept = received("somebody", "m", {"content": "", **delta}, whole=whole)
    assert outcome.reasoning == said
    assert outcome.text == ""
    if "content" not in delta:  # a text may stand beside it
        outcome, _kept = received("somebody", "m", {"content": "yes", **delta}, whole=whole)
        assert (outcome.reasoning, outcome.text) == (said, "yes")


@pytest.mark.parametrize(
    "kept",
    [
        None,
        3,
        "x",
        [],
        {"by": "deepseek", "model": "m", "reasoning": 3, "calls": 3, "items": "x", "content": 7},
        {"by": "deepseek", "model": "m", "calls": [None, 1], "items": [1], "reasoning_details": "x"},
    ],
)
@pytest.mark.parametrize("wire", ["chat", "responses", "completions"])
@pytest.mark.parametrize("vendor", ["deepseek", "mistral", "gemini", "openai"])
def test_a_foreign_record_harms_nothing(kept: Any, wire: str, vendor: str) -> None:
    """A journal that another program wrote may hold anything in this field."""
    if isinstance(kept, dict):
        kept = {**kept, "by": vendor}
    sent(vendor, "m", {"role": "assistant", "content": "a", "tool_calls": [CALL], "returned": kept}, wire=wire)
