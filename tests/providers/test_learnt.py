"""What a server refuses is dropped or renamed once, told in a line, remembered, listed and forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gptchat.providers.faults.lessons import apply, lesson_in
from gptchat.providers.faults.quirks import Learnt, LearntLesson, Lesson
from tests.providers.asking import ask, ask_all, provider, question, refused
from tests.support.server import Server, refuse, say

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
    "temperature": 0.2,
    "top_p": 0.9,
    "max_tokens": 9,
    "n": 2,
    "stop": ["x"],
    "seed": 1,
    "stream": True,
    "stream_options": {"include_usage": True},
    "reasoning": {"summary": "auto", "effort": "low"},
}

TAUGHT = [
    ("Unrecognized request argument supplied: stream_options", None, Lesson("drop", "stream_options")),
    (
        "Unsupported parameter: 'stream_options.include_usage'",
        None,
        Lesson("drop", "stream_options.include_usage"),
    ),
    (
        "Unsupported value: 'temperature' does not support 0.2. Only the default (1) value is supported.",
        "temperature",
        Lesson("drop", "temperature"),
    ),
    (
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
        "max_tokens",
        Lesson("rename", "max_tokens", "max_completion_tokens"),
    ),
    ("n: Extra inputs are not permitted", "n", Lesson("drop", "n")),
    ("`temperature` and `top_p` cannot both be specified for this model.", None, Lesson("drop", "top_p")),
    ("Unknown parameter: 'stop'.", "stop", Lesson("drop", "stop")),
    (
        "gpt-5 doesn't support temperature=0.3 while reasoning is active, unless reasoning.effort is 'none'",
        None,
        Lesson("drop", "temperature"),
    ),
    ("`temperature` may only be set to 1 when thinking is enabled", None, Lesson("drop", "temperature")),
    ("invalid temperature: only 0.6 is allowed for this model", None, Lesson("drop", "temperature")),
    ("`top_p` is not supported with `temperature`", None, Lesson("drop", "top_p")),
    ("with temperature set, 'top_p' is not supported", None, Lesson("drop", "top_p")),
    ("property 'seed' is unsupported", None, Lesson("drop", "seed")),
    ("unsupported parameter: seed", None, Lesson("drop", "seed")),
    (
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages[0].role",
        Lesson("system", "role", "user"),
    ),
    (
        "System role is not supported, use 'developer' instead",
        None,
        Lesson("system", "role", "developer"),
    ),
    ("System role not supported", None, Lesson("system", "role", "user")),
    ("Invalid role 'system': must be one of 'user', 'assistant'", None, Lesson("system", "role", "user")),
    (
        "Conversation roles must alternate user/assistant/user/assistant/...",
        None,
        Lesson("alternate", "messages"),
    ),
    (
        "Your organization must be verified to generate reasoning summaries.",
        "reasoning.summary",
        Lesson("drop", "reasoning.summary"),
    ),
    (
        "This model is only supported in v1/responses and not in v1/chat/completions.",
        None,
        Lesson("api", "", "responses"),
    ),
    (
        "This is not a chat model and thus not for v1/chat/completions. Did you mean to use v1/completions?",
        None,
        Lesson("api", "", "completions"),
    ),
]


@pytest.mark.parametrize(("message", "param", "lesson"), TAUGHT)
def test_lessons(message: str, param: str | None, lesson: Lesson) -> None:
    """The refusals that real servers write teach which parameter to leave out, rename, or send otherwise."""
    assert lesson_in(refused(message, param), BODY, "chat") == lesson


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Invalid value for 'temperature': must be between 0 and 2", "temperature"),
        ("max_tokens is too large: 99999. This model supports at most 16384 completion tokens", "max_tokens"),
        ("Unsupported value: nothing we sent", "frequency_penalty"),
        ("'messages' is not supported", "messages"),
        ("Unsupported value: 'xhigh' for 'seed'. Supported values are: 'low', 'medium'", "seed"),
        ("the server does not support seeds, nor a stop", None),
        ("bad request", None),
    ],
)
def test_a_value_out_of_range_is_not_unlearnt(message: str, param: str | None) -> None:
    """A mistake in a value is told to the person, who can correct it; nothing is dropped behind their back."""
    assert lesson_in(refused(message, param), BODY, "chat") is None


NO_TOOLS = [
    (400, "registry.ollama.ai/library/gemma3:4b does not support tools"),
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    (500, "tools param requires --jinja flag"),
    (
        404,
        "No endpoints found that support tool use. To learn more about provider routing, visit: https://o.ai/docs",
    ),
    (400, "deepseek-reasoner does not support Function Calling"),
    (400, "`tool calling` is not supported with this model"),
    (400, "Unrecognized request argument supplied: tools"),
    (400, "Unknown parameter: 'tools'."),
    (422, "tools: Extra inputs are not permitted"),
    (400, "Function calling is not enabled for models/gemma-3-27b-it, as it is not supported"),
    (400, "Tools are not supported by this model"),
    (400, "该模型不支持工具调用"),
]


@pytest.mark.parametrize(("status", "message"), NO_TOOLS)
def test_a_model_without_tools(server: Server, status: int, message: str) -> None:
    """A server that refuses tools is asked again without them, told of once, and known to take none."""
    tool = {"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}
    server.script(refuse(status, message), say("yes"), say("again"))
    engine = provider(server.url)
    asked = replace(question(), tools=(tool,), may_call=False)
    first, second = ask_all(engine, asked, asked)
    assert (first.text, second.text) == ("yes", "again")
    assert ["tools" in request.json for request in server.requests] == [True, False, False]
    assert "tool_choice" not in server.requests[1].json
    assert sum("tools" in notice for notice in (*first.notices, *second.notices)) == 1
    assert not engine.takes_tools("test-model")


@pytest.mark.parametrize(
    "message",
    [
        "Invalid schema for function 'f': 'uri' is not a supported format",
        "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'",
        "Unsupported parameter: 'tools[0].function.strict'",
        "tool f is not allowed here",
    ],
)
def test_a_refused_tool_does_not_switch_all_off(message: str) -> None:
    """What is wrong with one tool is told; the others are not lost to it."""
    assert lesson_in(refused(message), {**BODY, "tools": [{}]}, "chat") is None


REFUSALS = [
    "m doesn't support temperature=0.3",
    "this model does not support the parameter `temperature`",
    "temperature is not supported",
    "temperature is unsupported",
    "Unsupported parameter: 'temperature'",
    "unknown field: temperature",
    "the argument temperature cannot be used",
    "该模型不支持temperature参数",
    "参数 temperature 暂不支持",
    "temperature 参数不被该模型支持",
    "未知参数: temperature",
]
BESIDE = [
    "{}",
    "{} while max_tokens is given",
    "{} unless max_tokens resolves to 'none'",
    "{}; set max_tokens='none' to use it",
    "{}. Use max_tokens instead, or remove top_p.",
    "{} once max_tokens is set",
    "{}, only max_tokens='none' allows it",
    "When max_tokens is set, {}",
    "max_tokens='high' is in force, so {}",
]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("beside", BESIDE)
def test_what_is_refused_goes_and_not_what_is_named_beside_it(refusal: str, beside: str) -> None:
    """A parameter that a refusal names as its condition, or in its advice, is still sent."""
    message = beside.format(refusal)
    assert lesson_in(refused(message), BODY, "chat") == Lesson("drop", "temperature"), message


@pytest.mark.parametrize("code", ["unsupported_parameter", "unknown_parameter", "unsupported_value"])
def test_a_code_is_enough(code: str) -> None:
    """Where the server's code refuses the parameter it names, its sentence may say it in any language."""
    assert lesson_in(refused("seed ist nicht erlaubt", "seed", code=code), BODY, "chat") == Lesson("drop", "seed")
    assert lesson_in(refused("seed ist nicht erlaubt", "seed"), BODY, "chat") is None


@pytest.mark.parametrize("model", ["unsupported-lab", "acme/unknown-1", "unsupported"])
@pytest.mark.parametrize(
    "sentence", ["{}: 'temperature' must be between 0 and 1", "'{}' takes 'temperature' up to 1"]
)
def test_the_name_of_a_model_teaches_nothing(model: str, sentence: str) -> None:
    """Words in the name of a model or deployment, which servers repeat, are not read as the server's own."""
    if model.isalpha():
        sentence = sentence.replace("{}:", "`{}`:")
    assert lesson_in(refused(sentence.format(model)), {**BODY, "model": model}, "chat") is None


def test_applying_lessons() -> None:
    """Lessons change the body as they say, and leave the original alone."""
    before = json.dumps(BODY)
    changed = apply(
        BODY,
        (
            Lesson("drop", "reasoning.summary"),
            Lesson("drop", "stream_options.include_usage"),
            Lesson("drop", "n"),
            Lesson("rename", "max_tokens", "max_completion_tokens"),
            Lesson("system", "role", "developer"),
        ),
    )

    assert changed["reasoning"] == {"effort": "low"}
    assert "stream_options" not in changed, "an empty object is not sent"
    assert "n" not in changed
    assert "max_tokens" not in changed
    assert changed["max_completion_tokens"] == 9
    assert [message["role"] for message in changed["messages"]] == ["developer", "user"]
    assert json.dumps(BODY) == before


def test_a_refused_parameter_is_dropped_once_and_told_once(server: Server) -> None:
    """After one refusal the request goes again at once without the parameter, and so do all later ones."""
    server.script(
        refuse(400, "Unsupported parameter: 'stream_options'", param="stream_options"),
        refuse(
            400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="max_tokens"
        ),
        refuse(400, "Unsupported value: 'temperature' does not support 0.2", param="temperature"),
        say("one"),
        say("two"),
    )
    asked = question(parameters={"temperature": 0.2, "max_tokens": 7})

    first, second = ask_all(provider(server.url), asked, asked)

    assert (first.text, second.text) == ("one", "two")
    assert [notice.split()[1] for notice in first.notices] == ["stream_options", "max_tokens", "temperature"]
    assert first.retries == []
    assert second.notices == []
    assert len(server.requests) == 5
    assert server.requests[-1].json == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "hello"}],
        "max_completion_tokens": 7,
        "stream": True,
    }


def test_the_system_role_is_replaced(server: Server) -> None:
    """A model that knows no system role gets the system prompt as the role it names."""
    server.script(refuse(400, "Role 'system' is not supported with this model, use 'developer'"), say("fine"))

    outcome = ask(provider(server.url), question(system="be brief"))

    assert outcome.text == "fine"
    assert server.requests[1].json["messages"][0] == {"role": "developer", "content": "be brief"}


def test_a_template_that_wants_roles_to_alternate(server: Server) -> None:
    """A model whose template knows no system role and wants turns gets one user message instead of two."""
    server.script(
        refuse(500, "Jinja Exception: System role not supported"),
        refuse(400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        say("fine"),
    )

    outcome = ask(provider(server.url), question(system="be brief"))

    assert outcome.text == "fine"
    assert len(outcome.notices) == 2
    assert server.requests[2].json["messages"] == [{"role": "user", "content": "be brief\n\nhello"}]


def test_joined_messages_keep_their_parts() -> None:
    """Messages that are joined keep their pictures, and an empty call of the assistant's stays apart."""
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "user", "content": [picture]},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "assistant", "content": "done"},
    ]

    changed = apply({"messages": messages}, (Lesson("alternate", "messages"),))["messages"]

    assert changed == [{"role": "user", "content": [{"type": "text", "text": "look"}, picture]}, *messages[2:]]


def test_a_model_of_another_api_is_reached_there(server: Server) -> None:
    """A model that answers on the Responses API alone is asked there, once the server has said so."""
    server.script(
        refuse(404, "This model is only supported in v1/responses and not in v1/chat/completions."), say("yes")
    )

    outcome = ask(provider(server.url))

    assert outcome.text == "yes"
    assert [request.path for request in server.requests] == ["/v1/chat/completions", "/v1/responses"]


def test_a_chosen_api_is_not_overruled(server: Server) -> None:
    """Where the settings name the wire API, a server's wish for another one is an error, not a change."""
    server.script(refuse(404, "This model is only supported in v1/responses and not in v1/chat/completions."))

    assert ask(provider(server.url, api="chat")).failure.kind == "not_found"
    assert len(server.requests) == 1


def test_a_server_that_refuses_for_ever_is_given_up(server: Server) -> None:
    """A refusal that naming and dropping does not cure ends as an error."""
    server.default = lambda request: refuse(400, "Unsupported parameter: 'temperature'", param="temperature")

    outcome = ask(provider(server.url), question(parameters={"temperature": 1}))

    assert outcome.failure.kind == "bad_request"
    assert len(server.requests) == 2


def test_memory_is_kept_by_provider_and_model(server: Server) -> None:
    """What one model refuses is not held against another."""
    server.script(refuse(400, "Unsupported parameter: 'seed'", param="seed"), say("a"), say("b"))
    asked = {"seed": 5}

    ask_all(provider(server.url), question(model="one", parameters=asked), question(model="two", parameters=asked))

    assert ["seed" in request.json for request in server.requests] == [True, False, True]


def test_memory_survives_saving() -> None:
    """What was learnt is saved with every change, and read back the same."""
    saved: list[dict[str, Any]] = []
    learnt = Learnt(save=saved.append)
    assert learnt.learn("p", "m", Lesson("drop", "n"))
    assert not learnt.learn("p", "m", Lesson("drop", "n")), "known already"
    learnt.learn("p", "m", Lesson("api", "", "responses"))
    learnt.learn("p", "m", Lesson("api", "", "completions"))

    again = Learnt(load=lambda: json.loads(json.dumps(saved[-1])))

    assert again.entries() == learnt.entries()
    assert again.api("p", "m") == "completions"
    assert len(again.lessons("p", "m")) == 2


def test_a_lesson_holds_for_a_month() -> None:
    """What was learnt a month ago is tried again; until then it holds over runs, also from an older file."""
    days = [date(2026, 3, 1)]
    saved: list[dict[str, Any]] = []
    learnt = Learnt(save=saved.append, today=lambda: days[-1])
    learnt.learn("p", "m", Lesson("drop", "reasoning_effort"))
    old = Learnt(load=lambda: {"p": {"m": [["drop", "n", ""]]}}, today=lambda: days[-1])
    assert old.lessons("p", "m") == (Lesson("drop", "n"),)
    for day, known in ((date(2026, 3, 31), True), (date(2026, 4, 1), False)):
        days.append(day)
        again = Learnt(load=lambda: saved[0], today=lambda: days[-1])
        assert again.left_out("p", "m") == ({"effort"} if known else set())
        assert bool(again.entries()) == known
        assert bool(old.lessons("p", "m")) == known
    assert again.learn("p", "m", Lesson("drop", "reasoning_effort")), "learnt anew"
    assert again.left_out("p", "m") == {"effort"}


def test_forgetting() -> None:
    """Lessons are forgotten by model, by provider or altogether, and the rest stays."""
    learnt = Learnt()
    for provider_name, model in (("a", "1"), ("a", "2"), ("b", "1")):
        learnt.learn(provider_name, model, Lesson("drop", "n"))

    assert learnt.forget("a", "1") == 1
    assert learnt.entries() == (
        LearntLesson("a", "2", Lesson("drop", "n")),
        LearntLesson("b", "1", Lesson("drop", "n")),
    )
    assert learnt.forget("b") == 1
    assert learnt.forget() == 1
    assert learnt.forget() == 0
    assert learnt.to_json() == {}


@pytest.mark.parametrize("data", [{}, {"p": 3}, {"p": {"m": "x"}}, {"p": {"m": [1, ["a"], ["drop", 1, ""]]}}])
def test_a_damaged_memory_is_read_as_far_as_it_goes(data: dict[str, Any]) -> None:
    """Whatever the file holds, the program runs, with what can be read of it."""
    assert Learnt(load=lambda: data).entries() == ()


def test_every_lesson_has_words() -> None:
    """Each lesson can be told to a person."""
    for _message, _param, lesson in TAUGHT:
        assert lesson.what == "alternate" or lesson.name in lesson.sentence() or lesson.value in lesson.sentence()
