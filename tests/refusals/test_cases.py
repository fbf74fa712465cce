"""Refusals that were misread: one test for each kind of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import ContextLengthError, ProviderError
from gptchat.providers.compatible import CompatibleProvider
from gptchat.providers.faults.dialects import read
from gptchat.providers.faults.quirks import Learnt, Lesson
from gptchat.providers.faults.refusals import Endpoint, error_of
from tests.providers.asking import KEY, ask, provider, question
from tests.support.server import CUT, Reply, Server, raw, refuse, say

AGAIN = NetworkSettings(connect_timeout=5, idle_timeout=5, max_retries=2)
json = Reply.document


async def _at_once(seconds: float) -> None:
    """Do not wait between attempts."""


def patient(server: Server) -> CompatibleProvider:
    """A provider that tries again, without waiting."""
    settings = ProviderSettings("test", "compatible", base_url=server.url)
    return CompatibleProvider(settings, AGAIN, KEY, sleep=_at_once)


@pytest.fixture
def server() -> Any:
    """A scripted server on loopback."""
    with Server() as running:
        yield running


def told(status: int | None, body: Any, **fields: Any) -> ProviderError:
    """The error for a refusal, from a provider whose name must mean nothing."""
    return error_of(status, body, Endpoint("unsupported-lab", "http://host/v1", "the-model", **fields))


def test_a_model_that_is_gone_names_those_that_are_there() -> None:
    """P2: a server that lists its models' names does not know the one asked for, and the names are told."""
    error = told(
        400,
        {
            "error": {
                "message": "The supported API model names are deepseek-flash or deepseek-v4-pro, "
                "but you passed deepseek-chat"
            }
        },
    )
    assert error.kind == "not_found"
    assert "deepseek-flash" in error.hint
    assert "deepseek-v4-pro" in error.hint


def test_the_only_value_of_a_parameter(server: Server) -> None:
    """P3: a model that takes one temperature alone is asked again without any, and the person is told once."""
    refusal = refuse(400, "invalid temperature: only 1 is allowed for this model")
    server.script(refusal, say("hi"), say("hi"))
    engine = provider(server.url)
    request = question(parameters={"temperature": 0.2})
    outcome = ask(engine, request, request)
    assert outcome.text == "hi"
    assert outcome.notices == []
    assert ["temperature" in one.json for one in server.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (
            429,
            {
                "error": {
                    "code": "insufficient_quota",
                    "message": "You exceeded your current quota. See https://help.example/error-code#token-limit",
                }
            },
            "rate_limit",
            "wait",
        ),
        (
            404,
            {"error": {"code": "ModelNotOpen", "message": "Your account has not activated the model x."}},
            "permission",
            "activate",
        ),
        (429, {"error": {"code": "1112", "message": "您的账户已被锁定"}}, "permission", "account"),
        (
            429,
            {"error": {"code": "1308", "message": "已达到 5 小时的使用上限，您的限额将在 10:00 重置"}},
            "rate_limit",
            "time",
        ),
        (429, {"error": {"code": "1309", "message": "您的套餐已到期"}}, "quota", "top up"),
        (429, {"error": {"code": "1311", "message": "当前订阅套餐暂未开放此模型权限"}}, "permission", "model"),
        (
            400,
            {"error": {"message": "No connected db.", "type": "no_db_connection", "code": "400"}},
            "authentication",
            "key",
        ),
        (200, {"base_resp": {"status_code": 1008, "status_msg": ""}}, "quota", "top up"),
    ],
)
def test_what_vendors_mean(status: int, body: Any, kind: str, hint: str) -> None:
    """P12, P13, P25: codes and words that mean something else than they say are read as the vendor means them."""
    error = told(status, body)
    assert error.kind == kind
    assert hint in error.hint


@pytest.mark.parametrize("code", [1004, 1008, 1026])
def test_a_refusal_in_a_reply_with_status_200(server: Server, code: int) -> None:
    """P13: MiniMax refuses with status 200, streamed or not, and is understood."""
    body = {"choices": None, "base_resp": {"status_code": code, "status_msg": "x"}}
    kinds = {1004: "authentication", 1008: "quota", 1026: "content_filter"}
    import json as plain

    server.script(json(body), raw(f"data: {plain.dumps(body)}\n\n"))
    for stream in (False, True):
        assert ask(provider(server.url), question(stream=stream)).failure.kind == kinds[code]


@pytest.mark.parametrize(
    "words",
    [
        "This model only support stream mode, please enable the stream parameter.",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "该模型仅支持流式调用",
    ],
)
def test_a_model_that_only_streams(server: Server, words: str) -> None:
    """P13: a model that answers only in a stream is asked for one, also where none was wanted."""
    server.script(refuse(400, words), say("hi"))
    outcome = ask(provider(server.url), question(stream=False))
    assert outcome.text == "hi"
    assert [one.json["stream"] for one in server.requests] == [False, True]


def test_the_parameter_that_is_refused_goes_and_not_its_condition(server: Server) -> None:
    """P14: of two parameters that a refusal names, the one that is not supported is left out."""
    words = (
        "gpt-5 doesn't support temperature=0.3 while reasoning is active. "
        "Drop it unless reasoning_effort resolves to 'none'."
    )
    server.script(refuse(400, words), say("hi"))
    ask(provider(server.url), question(parameters={"temperature": 0.3, "effort": "high"}))
    last = server.requests[-1].json
    assert "temperature" not in last
    assert last["reasoning_effort"] == "high"


def test_a_lesson_ends_and_can_be_undone(server: Server) -> None:
    """P14: where a lesson is told stands how to undo it, and it ends by itself after a month."""
    today = [date(2026, 11, 1)]
    learnt = Learnt(today=lambda: today[0])
    server.script(
        refuse(400, "Unsupported parameter: 'top_p'", param="top_p", code="unsupported_parameter"), say("hi")
    )
    outcome = ask(provider(server.url, options={"learnt": learnt}), question(parameters={"top_p": 0.3}))
    assert "/doctor --forget test" in outcome.notices[0]
    assert learnt.left_out("test", "test-model") == {"top_p"}
    today[0] += timedelta(days=31)
    assert learnt.left_out("test", "test-model") == set()
    learnt.learn("test", "test-model", Lesson("drop", "top_p"))
    assert learnt.forget("test") == 1
    assert learnt.lessons("test", "test-model") == ()


@given(
    st.sampled_from(["unsupported", "invalid-api-key", "quota exceeded", "rate limit", "模型不存在"]),
    st.sampled_from([400, 422, 500]),
)
def test_names_of_our_own_decide_nothing(name: str, status: int) -> None:
    """P15: the name of a provider or model, whatever its words, does not change how a refusal is read."""
    body = {"error": {"message": f"temperature must be between 0 and 1 for “{name}”"}}
    error = error_of(status, body, Endpoint(name, "http://host/v1", name))
    assert error.kind == ("server" if status == 500 else "bad_request")


def test_an_overflow_without_a_number_teaches_none() -> None:
    """P18: a refusal that names no window is shown in the server's words, and gives no number."""
    error = told(
        400, {"error": {"message": "litellm.ContextWindowExceededError: OpenAIException - hi", "code": "400"}}
    )
    assert isinstance(error, ContextLengthError)
    assert error.limit is None
    assert error.requested is None
    assert "OpenAIException - hi" in error.message


@given(st.integers(128, 10_000_000), st.integers(1, 10_000_000))
def test_a_number_that_is_told_is_used_as_it_stands(limit: int, more: int) -> None:
    """P18: the window and the size of a request that a server names are taken exactly."""
    words = (
        f"This model's maximum context length is {limit} tokens. "
        f"However, your messages resulted in {limit + more} tokens."
    )
    error = told(400, {"error": {"message": words}})
    assert isinstance(error, ContextLengthError)
    assert (error.limit, error.requested) == (limit, max(limit + more, 128))


@pytest.mark.parametrize(
    "body",
    [
        "<html><head><title>413 Request Entity Too Large</title></head></html>",
        {"error": {"code": "request_too_large", "message": "Request exceeds the maximum size"}},
        "",
    ],
)
def test_a_request_that_is_too_large(body: Any) -> None:
    """P22: after a 413 the hint names what makes a request smaller."""
    error = told(413, body)
    assert "/undo" in error.hint
    assert "picture" in error.hint
    assert "/compact" in error.hint


def test_a_server_without_the_responses_api(server: Server) -> None:
    """P28: where a path is missing, the path and the setting that chose it are named."""
    server.script(refuse(404, "Not Found", type=""))
    failure = ask(provider(server.url, api="responses")).failure
    assert failure.kind == "not_found"
    assert "/v1/responses" in failure.message
    assert 'api = "chat"' in failure.hint
    assert "[providers.test]" in failure.hint


@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_event_stream_as_the_body_of_an_error(server: Server, status: int) -> None:
    """P30: an error whose body is an event stream is shown in its own words, not as raw data."""
    error = '{"error": {"message": "the engine fell over", "type": "x"}}'
    body = f": ping\n\nevent: error\ndata: {error}\n\ndata: [DONE]\n\n"
    server.script(raw(body, status=status))
    failure = ask(provider(server.url)).failure
    assert "the engine fell over" in failure.message
    assert "data:" not in failure.message


@pytest.mark.parametrize(
    "begun", ["", ": ping\n\n", 'data: {"choices": [{"index": 0, "delta": {"role": "assistant"}}]}\n\n']
)
@pytest.mark.parametrize("clean", [True, False])
def test_a_stream_that_is_cut_before_any_text_is_tried_again(server: Server, begun: str, clean: bool) -> None:
    """P36: a stream that ends before its first word is asked for again, as a dropped connection is."""
    server.script(raw(begun) if clean else raw(begun, CUT), say("hi"))
    outcome = ask(patient(server))
    assert outcome.text == "hi"
    assert len(server.requests) == 2


def test_a_reply_that_was_cut_is_not_asked_for_again(server: Server) -> None:
    """P36: what was begun is kept, and an empty reply with its end mark is told at once."""
    begun = raw('data: {"choices": [{"index": 0, "delta": {"content": "he"}}]}\n\n')
    server.script(begun, raw("data: [DONE]\n\n"))
    for kept in ("he", ""):
        outcome = ask(patient(server))
        assert outcome.text == kept
        assert outcome.failure.kind == "protocol"
    assert len(server.requests) == 2


_SAID = "Something never seen before"
ENVELOPES: list[Any] = [
    [{"error": {"code": 400, "message": _SAID, "status": "INVALID_ARGUMENT"}}],
    {"object": "error", "message": _SAID, "type": "x", "param": None, "code": None},
    {"choices": [], "error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": _SAID}}},
    {"base_resp": {"status_code": 9999, "status_msg": _SAID}},
    {"code": "Whatever", "message": _SAID, "request_id": "r"},
    {"detail": _SAID},
    {"detail": [{"loc": ["body", "n"], "msg": _SAID, "type": "x"}]},
    {"error": _SAID},
    {"errors": [{"code": 1, "message": _SAID}], "success": False},
    {"error_code": 336, "error_msg": _SAID},
    {"error": {"message": f'{{"error": {{"message": "{_SAID}"}}}}'}},
    {"fault": {"faultstring": _SAID, "detail": {"errorcode": "x"}}},
    {"type": "error", "error": {"type": "x", "message": _SAID}},
    {"header": {"code": 12345, "message": _SAID, "sid": "s"}},
]


@pytest.mark.parametrize("body", ENVELOPES, ids=str)
@pytest.mark.parametrize("form", ["status", "whole", "event", "bare"])
def test_one_reader_for_all_envelopes(server: Server, body: Any, form: str) -> None:
    """P39: an error is found in any envelope, as a refusal, as a reply, in a stream, and bare within a stream."""
    import json as plain

    text = plain.dumps(body, indent=2 if form == "bare" else None)
    server.script(
        {
            "status": raw(text, status=400, content_type="application/json"),
            "whole": raw(text, content_type="application/json"),
            "event": raw(f"data: {text}\n\n"),
            "bare": raw(f"\n{text}\n"),
        }[form]
    )
    assert _SAID in ask(provider(server.url)).failure.message


@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
def test_a_failure_within_a_response(server: Server, api: str) -> None:
    """P39: an error that ends a stream is read in each wire API, with its kind."""
    error = '{"code": "rate_limit_exceeded", "message": "Try again in 3s"}'
    event = {
        "responses": "event: response.failed\n"
        f'data: {{"type": "response.failed", "response": {{"status": "failed", "error": {error}}}}}\n\n'
    }.get(api, f'data: {{"error": {error}}}\n\n')
    server.script(raw(event))
    assert ask(provider(server.url, api=api)).failure.kind == "rate_limit"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "message", "code", "detail", "type", "loc", "x"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
    st.sampled_from([None, 200, 400, 401, 403, 404, 413, 418, 429, 500, 503]),
)
def test_any_body_gives_an_error(body: Any, status: int | None) -> None:
    """Whatever JSON a server sends instead of a reply, an error with a next step comes of it."""
    error = told(status, body)
    assert error.message
    assert error.hint


@given(st.text(max_size=200))
def test_any_text_gives_an_error(body: str) -> None:
    """Whatever text a server sends instead of a reply, it is read."""
    read(body)
    assert told(400, body).message


def test_what_is_not_understood_is_shown() -> None:
    """A body in which nothing is known is shown, without secrets and control characters."""
    error = told(400, {"weird": [1, {"zut": f"Foo \x1b[31mbar\x07 {KEY}"}]})
    assert "Foo" in error.message
    assert "bar" in error.message
    assert KEY not in error.message
    assert "\x1b" not in error.message
    assert "\\u001b" not in error.message


def test_a_guess_is_told_as_one() -> None:
    """Where only single words of a language speak for a cause, the hint says that it is a guess."""
    assert "guess" in told(400, {"error": {"message": "La clave no es válida, falta algo"}}).hint
    assert "guess" not in told(401, {"error": {"message": "Invalid API key"}}).hint
