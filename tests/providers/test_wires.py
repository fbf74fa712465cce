"""What each wire API makes of a request, and what it reads out of a reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.events import Finished, ProviderEvent, ReasoningDelta, TextDelta, ToolCall, UsageReported
from gptchat.core.messages import Request, Usage
from gptchat.errors import BadRequestError, ConfigurationError, ProtocolError
from gptchat.providers.wire import wire_named
from gptchat.providers.wire.common import CONTINUE, ServerSaid, usage_of
from tests.providers.asking import Outcome, ask, provider, question
from tests.support.server import Reply, Server, raw, say

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}
PARTS = [{"type": "text", "text": "what is this?"}, IMAGE]


def read(wire: str, *values: Any) -> Outcome:
    """The events a reader makes of these JSON values (a string is sent as it is)."""
    reader = wire_named(wire).reader()
    events: list[ProviderEvent] = []
    for value in values:
        events += reader.feed("", value if isinstance(value, str) else json.dumps(value))
    return Outcome([*events, *reader.finish()])


def delta(index: int = 0, reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk of the chat API."""
    return {"choices": [{"index": index, "delta": fields, "finish_reason": reason}]}


def body(wire: str, **fields: Any) -> dict[str, Any]:
    """The body of a request on a wire."""
    asked = question(**fields) if "messages" not in fields else Request("m", **fields)
    return wire_named(wire).payload(asked).body


def test_an_unknown_wire() -> None:
    """A wire API that does not exist is an error in the settings."""
    with pytest.raises(ConfigurationError):
        wire_named("telepathy")


@pytest.mark.parametrize("wire", ["chat", "completions", "responses"])
def test_every_wire_reads_what_the_server_says(server: Server, wire: str) -> None:
    """Text, thoughts, tool calls, usage and the end arrive on each wire, streamed or whole."""
    call = {"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    legacy = wire == "completions"
    reply = say(
        "One ", "two", reasoning=("hm",), calls=() if legacy else (call,), finish="length", model="real-name"
    )
    server.script(reply, reply)
    engine = provider(server.url, api=wire)

    for outcome in (ask(engine, question()), ask(engine, question(stream=False))):
        assert outcome.error is None
        assert outcome.text == "One two"
        assert outcome.reasoning == ("" if legacy else "hm")
        assert outcome.calls == ([] if legacy else [ToolCall("c1", "weather", '{"city": "Oslo"}')])
        assert outcome.usage == Usage(10, 1, 11)
        assert outcome.ends == [Finished("length", "real-name")]
        assert isinstance(outcome.events[-1], Finished)


def test_chunks_that_hold_nothing() -> None:
    """Empty choices, null deltas and null contents are no trouble."""
    outcome = read(
        "chat",
        {"choices": []},
        {"choices": None},
        {"choices": [{"index": 0, "delta": None}]},
        delta(content=None, role="assistant"),
        delta(content="hi", tool_calls=None, refusal=None, reasoning_content=None),
        {"choices": [None, 3]},
        {"usage": None},
        delta(reason="stop"),
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
        "[DONE]",
    )

    assert outcome.events == [TextDelta("hi"), UsageReported(Usage(1, 2, 3)), Finished("stop")]


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_thoughts_by_either_name(key: Any) -> None:
    """Reasoning is understood by both names in use."""
    outcome = read("chat", {"choices": [{"index": 0, "delta": {key: "hm"}}]}, delta(content="yes", reason="stop"))

    assert outcome.events[:2] == [ReasoningDelta("hm"), TextDelta("yes")]


def test_content_in_parts() -> None:
    """Content that comes as parts, thoughts among them, is taken apart."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    outcome = read(
        "chat", delta(content=[thinking]), delta(content=[{"type": "text", "text": "yes"}], reason="stop")
    )

    assert (outcome.reasoning, outcome.text) == ("hm", "yes")


def test_tool_calls_in_pieces() -> None:
    """Calls that come in pieces, several at once, are put together in order."""

    def piece(index: int, **function: str) -> dict[str, Any]:
        call = {"index": index, "id": f"c{index}" if "name" in function else None, "function": function}
        return delta(tool_calls=[call])

    outcome = read(
        "chat",
        piece(0, name="a", arguments=""),
        piece(1, name="b", arguments='{"x"'),
        piece(0, arguments="{}"),
        piece(1, arguments=": 1}"),
        delta(reason="tool_calls"),
    )

    assert outcome.calls == [ToolCall("c0", "a", "{}"), ToolCall("c1", "b", '{"x": 1}')]
    assert outcome.ends == [Finished("tool_calls")]


_HELD = [ToolCall("c0", "a", '{"x": 1}'), ToolCall("c1", "b", '{"y": [2]}')]


def _pieces(call: ToolCall, size: int) -> list[str]:
    return [call.arguments[at : at + size] for at in range(0, len(call.arguments), size)]


@given(
    size=st.integers(1, 20),
    indexed=st.sampled_from(["right", "none", "zero"]),
    repeated=st.booleans(),
    again=st.booleans(),
    stand_in=st.booleans(),
)
def test_calls_however_they_are_numbered(
    size: int, indexed: str, repeated: bool, again: bool, stand_in: bool
) -> None:
    """Calls arrive whole and apart, with right, wrong or no indexes, names in each piece, or all of it twice."""
    chunks = []
    for number, call in enumerate(_HELD):
        index = {"right": {"index": number}, "none": {}, "zero": {"index": 0}}[indexed]
        for place, text in enumerate((["{}"] if stand_in and not repeated else []) + _pieces(call, size)):
            named = place == 0 or repeated
            function = {"name": call.name if named else None, "arguments": text}
            chunks.append(delta(tool_calls=[{**index, "id": call.id if named else None, "function": function}]))
    if again:
        whole = [{"id": one.id, "function": {"name": one.name, "arguments": one.arguments}} for one in _HELD]
        chunks.append(delta(tool_calls=whole))
    outcome = read("chat", *chunks, delta(reason="tool_calls"))
    assert outcome.calls == _HELD


def test_whole_calls_without_ids_or_with_one_id_for_all() -> None:
    """Calls that come whole, one in a chunk, are told apart though they have no ids, or all the same."""
    for id in (None, "call_0"):
        chunks = [
            delta(tool_calls=[{"id": id, "function": {"name": name, "arguments": {"q": n}}}])
            for n, name in enumerate(("look", "look", "find"))
        ]
        outcome = read("chat", *chunks, delta(reason="stop"))
        found = [(call.name, call.arguments) for call in outcome.calls]
        assert found == [("look", '{"q": 0}'), ("look", '{"q": 1}'), ("find", '{"q": 2}')]


def test_several_choices(server: Server) -> None:
    """Several replies to one request arrive apart, each with its own end."""
    server.script(say("yes", choices=3))

    outcome = ask(provider(server.url), question(parameters={"n": 3}))

    assert [outcome.said(choice) for choice in range(3)] == ["yes"] * 3
    assert [end.choice for end in outcome.ends] == [0, 1, 2]
    assert server.requests[0].json["n"] == 3


def test_one_choice_of_two_unfinished() -> None:
    """When one of two replies has no end, the whole has none."""
    with pytest.raises(ProtocolError):
        read("chat", delta(0, content="a"), delta(1, content="b"), delta(0, reason="stop"))


def test_a_refusal_is_read() -> None:
    """A model that declines is heard."""
    assert read("chat", delta(refusal="I will not."), delta(reason="stop")).text == "I will not."


@pytest.mark.parametrize(
    "reported",
    [
        {
            "prompt_tokens": 5,
            "completion_tokens": 3,
            "total_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
        {"prompt_tokens": 5, "completion_tokens": 3, "prompt_cache_hit_tokens": 2},
        {"prompt_tokens": 5, "completion_tokens": 3, "cached_tokens": 2},
        {"input_tokens": 5, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2}},
    ],
)
def test_usage_in_its_dialects(reported: dict[str, Any]) -> None:
    """Tokens are counted alike, whatever a server calls them."""
    assert read("chat", delta(content="x", reason="stop"), {"usage": reported}).usage == Usage(5, 3, 8, 2)


@pytest.mark.parametrize(
    "reported", [7, "x", [], {}, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, {"total_tokens": True}]
)
def test_usage_that_is_none(reported: Any) -> None:
    """Usage that cannot be read is as good as none."""
    assert read("chat", delta(content="x", reason="stop"), {"usage": reported}).usage is None


def test_cumulative_usage_is_told_once() -> None:
    """A server that counts with every chunk is quoted once, with its last word."""
    chunks = [{**delta(content="x"), "usage": {"total_tokens": number}} for number in range(1, 4)]
    outcome = read("chat", *chunks, delta(reason="stop"))

    assert [one for one in outcome.events if isinstance(one, UsageReported)] == [UsageReported(Usage(0, 0, 3))]


def test_chat_parameters() -> None:
    """Parameters go by the API's names; `json` and `effort` are short for what the API wants."""
    sent = body("chat", parameters={"effort": "low", "response_format": "json", "logit_bias": {"5": -100}})

    assert sent["reasoning_effort"] == "low"
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["logit_bias"] == {"5": -100}


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_going_on_with_an_unfinished_reply(wire: str) -> None:
    """To go on, the unfinished reply is sent, and the model asked to continue where it stopped."""
    said = ({"role": "user", "content": "count"}, {"role": "assistant", "content": "one, tw"})
    sent = body(wire, messages=said, continuing=True)

    items = sent["messages" if wire == "chat" else "input"]
    assert items[-2:] == [{"role": "assistant", "content": "one, tw"}, {"role": "user", "content": CONTINUE}]


def test_completions_go_on_by_themselves() -> None:
    """A transcript that ends in the unfinished reply needs no request to continue."""
    said = ({"role": "user", "content": "count"}, {"role": "assistant", "content": "one, tw"})

    assert body("completions", messages=said, continuing=True)["prompt"].endswith("Assistant: one, tw")


def test_completions_parameters() -> None:
    """`echo` is sent, a `stop` of one's own stands beside ours; what the API lacks is left out and named."""
    asked = question(parameters={"echo": True, "stop": ["END"], "response_format": "json"})
    sent = wire_named("completions").payload(asked)

    assert sent.body["echo"] is True
    assert sent.body["stop"] == ["END", "\nUser:"]
    assert "response_format" not in sent.body
    assert sent.ignored == ("response_format",)


def test_completions_take_no_picture() -> None:
    """A message with a picture is refused with the reason; one of an earlier turn leaves a mark."""
    picture = {"role": "user", "content": PARTS}
    with pytest.raises(BadRequestError, match=r"text alone.*image") as caught:
        body("completions", messages=(picture,))
    assert "/undo" in caught.value.hint

    sent = body("completions", messages=(picture, {"role": "user", "content": "and now?"}))
    assert sent["prompt"] == "User: what is this?\n\n[image_url]\n\nUser: and now?\n\nAssistant:"


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("END", ["END", "\nUser:"]),
        (None, ["\nUser:"]),
        ([], ["\nUser:"]),
        (["\nUser:"], ["\nUser:"]),
        (["a", "b", "c"], ["a", "b", "c", "\nUser:"]),
        (["a", "b", "c", "d"], ["a", "b", "c", "d"]),
    ],
)
def test_completions_stops(own: Any, sent: list[str]) -> None:
    """The person's stop sequences and ours stand together, up to the four that the API takes."""
    assert body("completions", parameters={"stop": own} if own is not None else {})["stop"] == sent


def test_responses_items() -> None:
    """Messages, pictures, tool calls and their results become input items; leading system text, instructions."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = body(
        "responses",
        messages=(
            {"role": "system", "content": "one"},
            {"role": "developer", "content": "two"},
            {"role": "user", "content": PARTS},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            {"role": "system", "content": "later"},
        ),
        parameters={"effort": "high", "max_tokens": 5, "response_format": "json"},
    )

    assert sent["instructions"] == "one\n\ntwo"
    assert sent["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "what is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {"role": "developer", "content": "later"},
    ]
    assert sent["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent["text"] == {"format": {"type": "json_object"}}
    assert sent["max_output_tokens"] == 5
    assert sent["store"] is False


def test_responses_summaries() -> None:
    """Summaries of thoughts come in paragraphs, before the text."""
    final = {"type": "response.completed", "response": {"status": "completed", "model": "m", "output": []}}
    outcome = read(
        "responses",
        {"type": "response.reasoning_summary_part.added"},
        {"type": "response.reasoning_summary_text.delta", "delta": "one"},
        {"type": "response.reasoning_summary_part.added"},
        {"type": "response.reasoning_summary_text.delta", "delta": "two"},
        {"type": "response.output_text.delta", "delta": "yes"},
        final,
    )

    assert (outcome.reasoning, outcome.text) == ("one\n\ntwo", "yes")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "message": "x", "code": "server_error"}, "server"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"message": "x"}}}, "server"),
        (
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "x"}},
            },
            "rate_limit",
        ),
        ({"type": "response.cancelled", "response": {"status": "cancelled"}}, "server"),
    ],
)
def test_responses_that_fail(server: Server, event: dict[str, Any], kind: str) -> None:
    """A response that fails in the stream is an error of the right kind."""
    from tests.support.server import raw

    with pytest.raises(ServerSaid):
        read("responses", event)
    server.script(raw(b"data: " + json.dumps(event).encode() + b"\n\n"))
    assert ask(provider(server.url, api="responses")).failure.kind == kind


def test_responses_without_an_end() -> None:
    """A response whose last event never came is not taken for whole."""
    with pytest.raises(ProtocolError):
        read("responses", {"type": "response.output_text.delta", "delta": "so far"})


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_responses_cut_short(reason: str) -> None:
    """A response that was cut short says why, by the chat API's names."""
    final = {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []}
    outcome = read(
        "responses",
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.incomplete", "response": final},
    )

    assert outcome.ends[0].reason == {"max_output_tokens": "length"}.get(reason, reason)


@pytest.mark.parametrize("wire", ["responses", "completions"])
@pytest.mark.parametrize(
    "answer",
    [
        Reply.document({"detail": "Not Found"}, 404),
        Reply.document({"error": {"message": "Unknown request URL: POST /v1/x", "code": None}}, 404),
        Reply.document({"detail": "Method Not Allowed"}, 405),
        Reply.document({"error": "not implemented"}, 501),
        raw(b"404 page not found", status=404, content_type="text/plain"),
    ],
)
def test_a_server_without_the_api(server: Server, wire: str, answer: Reply) -> None:
    """Where a server lacks the API that was chosen, the error names the path, and the hint the setting."""
    server.script(answer)
    outcome = ask(provider(server.url, api=wire), question())

    assert outcome.error is not None
    assert outcome.error.kind == "not_found"
    assert f"{server.url}/{wire}" in outcome.error.message
    assert 'api = "chat"' in outcome.error.hint


@pytest.mark.parametrize(
    ("told", "completion", "reasoning"),
    [
        # xAI: reasoning beside the reply (https://github.com/Wei-Shaw/sub2api/issues/5771)
        ((10120, 1499, 14428, 2809), 4308, 2809),
        # Gemini: within the total alone
        ((20, 198, 623, None), 603, 405),
        # OpenAI: within the reply
        ((10, 100, 110, 80), 100, 80),
        # A total that nothing explains
        ((10, 100, 150, 80), 100, 80),
    ],
)
def test_reasoning_is_part_of_what_is_charged(
    told: tuple[int, int, int, int | None], completion: int, reasoning: int
) -> None:
    """Reasoning counts as output and costs as much, wherever a vendor counts it."""
    prompt, reply, total, thought = told
    data: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": total}
    if thought is not None:
        data["completion_tokens_details"] = {"reasoning_tokens": thought}
    usage = usage_of(data)
    assert usage is not None
    assert (usage.completion_tokens, usage.reasoning_tokens, usage.total_tokens) == (completion, reasoning, total)
