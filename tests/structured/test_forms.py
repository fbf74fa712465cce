"""The forms in which a schema goes to a server, what a refusal teaches, and how the answer comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gptchat.core.messages import Request
from gptchat.core.structured import structure_of
from gptchat.core.structured.dsl import read_fields
from gptchat.providers.faults.quirks import Learnt, Lesson
from tests.providers.asking import ask, ask_all, provider, question
from tests.support.server import Reply, Server, refuse, say

FIELDS = structure_of(read_fields("name, age int"))
OPEN = structure_of({"type": "object", "additionalProperties": {"type": "integer"}})
"""A schema that strict mode cannot say."""
ANSWER = '{"name": "A", "age": 3}'
CALL = {"id": "c1", "function": {"name": "answer", "arguments": ANSWER}}
OTHER = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def asked(**fields: Any) -> Request:
    """A question whose answer has a shape."""
    return question(**{"structure": FIELDS, **fields})


def form_of(body: dict[str, Any]) -> str:
    """The form in which a request asked."""
    wanted = body.get("response_format") or body.get("text", {}).get("format")
    if wanted:
        schema = wanted.get("json_schema", wanted)
        return "strict" if schema.get("strict") else str(wanted["type"])
    if "tool_choice" in body:
        return "tool"
    return "prompt" if "JSON Schema" in json.dumps(body) else ""


def forms(server: Server) -> list[str]:
    return [form_of(request.json) for request in server.requests]


def test_the_surest_form_first(server: Server) -> None:
    """A schema goes as json_schema: strict where that can be, and else as it is."""
    server.script(say(ANSWER), say("{}"))
    outcomes = ask_all(provider(server.url), asked(), asked(structure=OPEN))
    first, second = (request.json["response_format"] for request in server.requests)
    assert first == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": FIELDS.strict},
    }
    assert second == {"type": "json_schema", "json_schema": {"name": "answer", "schema": OPEN.schema}}
    assert [one.text for one in outcomes] == [ANSWER, "{}"]


def test_the_responses_api(server: Server) -> None:
    """The Responses API gets the schema in `text.format`, and the tool that takes the answer in its own form."""
    server.script(
        say(ANSWER),
        refuse(400, "json_schema is not supported", param="text.format"),
        refuse(400, "text.format json_object is not supported"),
        say(calls=[CALL], finish="tool_calls"),
    )
    engine = provider(server.url, api="responses")
    outcomes = ask_all(engine, asked(), asked())
    bodies = [request.json for request in server.requests]
    assert bodies[0]["text"]["format"] == {
        "type": "json_schema", "name": "answer", "strict": True, "schema": FIELDS.strict,
    }  # fmt: skip
    assert forms(server) == ["strict", "strict", "json_object", "tool"]
    assert bodies[3]["tool_choice"] == {"type": "function", "name": "answer"}
    assert bodies[3]["tools"][0]["parameters"] == FIELDS.sent
    assert [one.text for one in outcomes] == [ANSWER, ANSWER]


@pytest.mark.parametrize(
    ("refusal", "form", "lesson"),
    [
        (refuse(400, "This response_format type is unavailable now"), "json_object", "json_object"),
        (refuse(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model",
                param="response_format"), "json_object", "json_object"),
        (refuse(400, "response_format value as json_schema is enabled only for api versions 2024-08-01-preview"),
         "json_object", "json_object"),
        (refuse(422, "json_schema.strict: Extra inputs are not permitted"), "json_schema", "json_schema"),
        (refuse(400, "Unknown parameter: 'strict'", param="response_format.json_schema.strict"), "json_schema",
         "json_schema"),
        (refuse(400, "Invalid schema for response_format 'answer': In context=('properties', 'a'), 'x' is not "
                "permitted."), "json_schema", ""),
        (refuse(500, "failed to parse grammar"), "json_schema", ""),
        (refuse(400, "structured output is not supported by this model"), "json_object", "json_object"),
        (refuse(400, "该模型不支持结构化输出"), "json_object", "json_object"),
        (refuse(400, "Function calling with a response mime type: 'application/json' is unsupported"),
         "json_object", "json_object"),
        (refuse(400, "Bad Request"), "prompt", ""),
    ],
)  # fmt: skip
def test_a_refused_form_is_learnt(server: Server, refusal: Reply, form: str, lesson: str) -> None:
    """A server that refuses a form is asked in the next one, at once and from then on; one schema alone teaches
    nothing of others."""
    learnt = Learnt()
    engine = provider(server.url, options={"learnt": learnt})
    server.script(refusal, say(ANSWER), say(ANSWER))
    outcomes = ask_all(engine, asked(), asked())
    assert forms(server) == ["strict", form, form]
    assert [one.text for one in outcomes] == [ANSWER, ANSWER]
    kept = [one.value for one in learnt.lessons("test", "test-model") if one.what == "form"]
    assert kept == ([lesson] if lesson else [])
    assert bool(outcomes[0].notices) == bool(lesson)
    assert outcomes[1].notices == []


def test_down_to_words_alone(server: Server) -> None:
    """Form after form is tried in one run; the last asks in words, and what is refused then is an error."""
    engine = provider(server.url)
    server.script(
        refuse(400, "json_schema is not supported"),
        refuse(400, "response_format is not supported"),
        refuse(400, "tool_choice is not supported with thinking"),
        refuse(400, "the schema is not to my liking"),
    )
    outcome = ask(engine, asked(system="Be brief."))
    assert forms(server) == ["strict", "json_object", "tool", "prompt"]
    assert len(outcome.notices) == 3
    assert "from now on" in outcome.notices[0]
    assert outcome.failure.status == 400
    told = server.requests[-1].json["messages"][0]
    assert told["role"] == "system"
    assert told["content"].startswith("Be brief.\n\nAnswer with one JSON value")


def test_the_tool_that_takes_the_answer(server: Server) -> None:
    """The call of the tool is the text of the reply, behind what was said before it; it is no call to be run."""
    learnt = Learnt()
    learnt.learn("test", "test-model", Lesson("form", "schema", "tool"))
    engine = provider(server.url, options={"learnt": learnt})
    server.script(
        say(calls=[CALL], finish="tool_calls"),
        say("Here it is.", calls=[CALL], finish="tool_calls"),
        say(ANSWER),
        say(calls=[{"id": "c2", "function": {"name": "other", "arguments": "{}"}}], finish="tool_calls"),
    )
    called, behind, plain, other = ask_all(engine, asked(), asked(), asked(), asked())
    assert [called.text, behind.text, plain.text] == [ANSWER, f"Here it is.\n{ANSWER}", ANSWER]
    assert [end.reason for one in (called, behind, plain) for end in one.ends] == ["stop"] * 3
    assert called.calls == []
    assert [call.name for call in other.calls] == ["other"]
    assert other.ends[0].reason == "tool_calls"
    body = server.requests[0].json
    assert body["tool_choice"] == {"type": "function", "function": {"name": "answer"}}


def test_beside_other_tools(server: Server) -> None:
    """Beside other tools the model must call one of them, and what a server refuses then holds for that alone."""
    learnt = Learnt()
    engine = provider(server.url, options={"learnt": learnt})
    grammar = refuse(400, "Cannot use custom grammar constraints with tools.")
    server.script(grammar, grammar, say(calls=[CALL], finish="tool_calls"), say(ANSWER), say(ANSWER))
    ask_all(engine, asked(tools=(OTHER,)), asked(), asked(tools=(OTHER,), may_call=False))
    assert forms(server) == ["strict", "json_object", "tool", "strict", "tool"]
    bodies = [request.json for request in server.requests]
    assert bodies[2]["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in bodies[2]["tools"]] == ["look", "answer"]
    assert bodies[4]["tool_choice"] == {"type": "function", "function": {"name": "answer"}}


@pytest.mark.parametrize(
    ("lesson", "form"),
    [
        (Lesson("drop", "response_format"), "tool"),
        (Lesson("form", "schema", "a form of later times"), "strict"),
        (Lesson("drop", "temperature"), "strict"),
    ],
)
def test_what_was_learnt_before(server: Server, lesson: Lesson, form: str) -> None:
    """A parameter that a server does not take is not asked for in another dress."""
    learnt = Learnt()
    learnt.learn("test", "test-model", lesson)
    ask(provider(server.url, options={"learnt": learnt}), asked())
    assert forms(server) == [form]
    learnt.learn("test", "test-model", Lesson("drop", "tools"))
    ask(provider(server.url, options={"learnt": learnt}), asked())
    assert forms(server)[-1] == ("prompt" if form == "tool" else form)
    assert lesson.sentence()


def test_the_completions_api_is_told_in_words(server: Server) -> None:
    """An API without formats and tools is asked in words."""
    engine = provider(server.url, api="completions")
    ask(engine, asked())
    assert "JSON Schema" in server.requests[0].json["prompt"]
    assert "response_format" not in server.requests[0].json


def test_other_failures_stay_what_they_are(server: Server) -> None:
    """A refusal that names something else, or comes with another status, does not change the form."""
    engine = provider(server.url)
    server.script(
        refuse(400, "max_tokens is too large", param="max_tokens"), refuse(401, "no response_format for you"),
        refuse(429, "too many json_schema requests"),
    )  # fmt: skip
    outcomes = ask_all(engine, asked(), asked(), asked())
    assert forms(server) == ["strict"] * 3
    assert [one.failure.kind for one in outcomes] == ["bad_request", "authentication", "rate_limit"]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_of_the_model_is_marked(server: Server, api: str, stream: bool) -> None:
    """What a model says in refusing to answer is its text, and is known as a refusal."""
    if api == "chat":
        said = {"refusal": "I cannot."}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        documents: list[dict[str, Any]] = [{"choices": [{**choice, "delta" if stream else "message": said}]}]
    else:
        item = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]}
        response: dict[str, Any] = {"status": "completed", "output": [item]}
        events: list[dict[str, Any]] = [
            {"type": "response.refusal.delta", "delta": "I cannot."},
            {"type": "response.completed", "response": response},
        ]
        documents = events if stream else [response]
    if stream:
        body = "".join(f"data: {json.dumps(one)}\n\n" for one in documents) + "data: [DONE]\n\n"
        server.script(Reply((body,), content_type="text/event-stream", raw=True))
    else:
        server.script(Reply.document(documents[0]))
    outcome = ask(provider(server.url, api=api), asked(stream=stream))
    assert outcome.text == "I cannot."
    assert outcome.ends[0].extra == {"refusal": True}
