"""What single services say in words of their own: refusals, ends of a reply, limits that pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gptchat.config.endpoints import NetworkSettings
from gptchat.providers.faults.lessons import lesson_in
from gptchat.providers.faults.limits import wait_in_words
from gptchat.providers.faults.quirks import Lesson
from tests.providers.asking import ask, lines, provider, question, refused
from tests.support.server import Server, raw, refuse, say


def error(message: str, **fields: Any) -> str:
    """An error object as most services write it."""
    return json.dumps({"error": {"message": message, **fields}})


REFUSALS: dict[str, tuple[int, str, str, str]] = {
    "a wrong key, with a link to the page for payments": (
        401,
        error("Incorrect API key provided. Keys are made at https://example.com/account/billing"),
        "authentication",
        "refused the key",
    ),
    "an account that was flagged, whatever it says": (
        403,
        error("Your account has been flagged for potential abuse. Contact support."),
        "permission",
        "does not allow this",
    ),
    "fastapi: a complaint about the field, not a missing model": (
        422,
        '{"detail":[{"loc":["body","model"],"msg":"Input should be a valid string"}]}',
        "bad_request",
        "model: Input should",
    ),
    "openai: a passing limit with a link to the payments": (
        429,
        error(
            "Rate limit reached. To increase it, add a payment method at https://platform.openai.com/account/billing",
            code="rate_limit_exceeded",
        ),
        "rate_limit",
        "",
    ),
    "openai: a prompt that was flagged": (
        400,
        error(
            "Invalid prompt: your prompt was flagged as potentially violating our policy", code="invalid_prompt"
        ),
        "content_filter",
        "",
    ),
    "openai: a key without the right": (
        401,
        error("You have insufficient permissions for this operation. Missing scopes: model.request"),
        "permission",
        "model.request",
    ),
    "moonshot: an account that is closed, however long it asks to wait": (
        429,
        error("Your account is not active. Please retry in 5s.", type="exceeded_current_quota_error"),
        "quota",
        "not active",
    ),
    "deepseek: the filter": (400, error("Content Exists Risk"), "content_filter", ""),
    "volcengine: the filter": (
        400,
        error("The request failed because the input text may contain sensitive information"),
        "content_filter",
        "",
    ),
    "volcengine: debts": (
        403,
        error("Your account has an overdue balance", code="AccountOverdueError"),
        "quota",
        "",
    ),
    "siliconflow: no money": (
        403,
        '{"code":30001,"message":"Sorry, your account balance is insufficient"}',
        "quota",
        "",
    ),
    "siliconflow: the window": (
        400,
        '{"code":20015,"message":"length of prompt_tokens (40000) must be less than max_seq_len (32768)"}',
        "context_length",
        "",
    ),
    "zhipu: the window": (400, error("Prompt 超长", code="1261"), "context_length", ""),
    "new-api: no money": (403, error("用户额度不足", code="insufficient_user_quota"), "quota", ""),
    "new-api: a token that is used up": (401, error("该令牌额度已用尽"), "quota", ""),
    "dashscope: the free tier is over": (
        403,
        error("The free tier of the model has been exhausted.", code="AllocationQuota.FreeTierOnly"),
        "quota",
        "",
    ),
    "litellm: the budget": (
        400,
        error("Budget has been exceeded! Current cost: 1.2, Max budget: 1.0", type="budget_exceeded", code="400"),
        "quota",
        "",
    ),
    "litellm: a model the key may not use": (
        401,
        error("key not allowed to access model.", type="key_model_access_denied", code="401"),
        "permission",
        "",
    ),
    "gemini: the region": (
        400,
        '[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"X"}}]',
        "permission",
        "",
    ),
    "groq: a model that is gone": (400, error("The model `x` has been decommissioned"), "not_found", "no model"),
    "anthropic: the model": (
        404,
        '{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}',
        "not_found",
        "no model",
    ),
    "openrouter: the model": (400, error("foo/bar is not a valid model ID", code=400), "not_found", "no model"),
    "openrouter: moderation without a sentence": (
        403,
        error("", code="content_filter", metadata={"reasons": ["harassment", "hate"]}),
        "content_filter",
        "the request: harassment, hate\n",
    ),
    "openrouter: moderation": (
        403,
        error("Input flagged by moderation", code=403, metadata={"reasons": ["harassment"]}),
        "content_filter",
        "harassment",
    ),
    "azure: what the filter found in the prompt": (
        400,
        error(
            "The response was filtered due to the prompt",
            code="content_filter",
            innererror={
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {
                    "hate": {"filtered": False, "severity": "safe"},
                    "jailbreak": {"filtered": True, "detected": True},
                    "violence": {"filtered": True, "severity": "high"},
                },
            },
        ),
        "content_filter",
        "jailbreak, violence (high); The response was filtered",
    ),
    "openrouter: what the service behind it said": (
        400,
        error(
            "Provider returned error",
            code=400,
            metadata={"raw": error("This model's maximum context length is 8192 tokens"), "provider_name": "X"},
        ),
        "context_length",
        "8192",
    ),
    "mistral: a complaint within the message": (
        422,
        json.dumps({"message": {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}}),
        "bad_request",
        "x: Extra inputs",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(server: Server, name: str) -> None:
    """A refusal in a service's own words is told as what it is, with the reason."""
    status, body, kind, words = REFUSALS[name]
    server.script(raw(body.encode(), status=status, content_type="application/json"))

    failure = ask(provider(server.url)).failure

    assert failure.kind == kind
    assert words in failure.message + "\n"
    assert failure.hint


BARE = {
    '{"id":"","choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}': "authentication",
    '{"code":50507,"message":"Request processing failed","data":null}': "server",
    '{"code":429,"message":"slow down"}': "rate_limit",
    '{"detail":"rate limit reached"}': "rate_limit",
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("body", BARE)
def test_errors_with_a_status_of_success(server: Server, body: str, streamed: bool) -> None:
    """An error that comes where a reply was due is told in the server's words, not as an empty answer."""
    server.script(raw(lines(body)) if streamed else raw(body.encode(), content_type="application/json"))

    failure = ask(provider(server.url), question(stream=streamed)).failure

    assert failure.kind == BARE[body]
    assert "empty" not in failure.message


ENDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "mistral": ({"finish_reason": "error"}, "server", ""),
    "openrouter": (
        {"finish_reason": "error", "error": {"code": 502, "message": "Upstream died"}},
        "server",
        "died",
    ),
    "openrouter's limit": ({"error": {"code": 429, "message": "Try later"}}, "rate_limit", "Try later"),
    "zhipu": ({"finish_reason": "network_error"}, "server", "network_error"),
    "deepseek": ({"finish_reason": "insufficient_system_resource"}, "server", "insufficient_system_resource"),
}


@pytest.mark.parametrize("api", ["chat", "completions"])
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("name", ENDS)
def test_a_reply_that_ends_in_a_failure(server: Server, name: str, streamed: bool, api: str) -> None:
    """A reply whose end marks a failure is one, and what came before it is kept."""
    end, kind, words = ENDS[name]
    said = (
        {"text": "so far"} if api == "completions" else {"delta" if streamed else "message": {"content": "so far"}}
    )
    body = json.dumps({"choices": [{"index": 0, **said, **end}]})
    server.script(raw(lines(body, "[DONE]")) if streamed else raw(body.encode(), content_type="application/json"))

    outcome = ask(provider(server.url, api=api), question(stream=streamed))

    assert (outcome.text, outcome.failure.kind, outcome.ends) == ("so far", kind, [])
    assert words in outcome.failure.message


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [("sensitive", "content_filter"), ("model_length", "length"), ("max_tokens", "length"), ("stop", "stop")],
)
def test_ends_by_other_names(server: Server, reason: str, meaning: str) -> None:
    """A reply that was cut or filtered says so, by whatever name the service has for it."""
    server.script(say("so far", finish=reason))

    assert ask(provider(server.url)).ends[0].reason == meaning


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("Please retry in 32.1s.", 32.1),
        ("Please try again in 120ms.", 0.12),
        ("Please try again in 7m12s.", 432),
        ("Please try again in 2h3m4.5s", 7384.5),
        ("Please retry after 26 seconds.", 26),
        ("try again after 1 minute", 60),
        ("Please try again in a while", None),
        ("retry in 3 regions", None),
        (f"try again in {'9' * 400}m", None),
        (f"try again in {'9' * 5000}h", None),
        (f"try again in {'9' * 400}s", None),
    ],
)
def test_a_wait_in_words(sentence: str, seconds: float | None) -> None:
    """How long a server asks to wait is read out of its sentence where no header tells it."""
    assert wait_in_words(sentence) == (None if seconds is None else pytest.approx(seconds))


def test_a_quota_that_is_full_for_a_moment(server: Server) -> None:
    """Gemini's limit by the minute, which it calls a quota, is waited for as long as its sentence asks."""
    told = "You exceeded your current quota, please check your plan and billing details. Please retry in 0.02s."
    server.script(refuse(429, told), say("done"))

    outcome = ask(provider(server.url, network=NetworkSettings(max_retries=1)))

    assert outcome.text == "done"
    assert [retry.seconds for retry in outcome.retries] == [pytest.approx(0.02)]


BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "n": 2,
    "stop": ["x"],
    "seed": 1,
    "presence_penalty": 0.5,
    "reasoning_effort": "low",
    "stream": True,
}


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Only one completion choice is allowed", "n"),
        ("'n' : number must be at most 1", "n"),
        ("Invalid value for 'n': only n=1 is supported", "n"),
        ("Model grok-4 does not support parameter presencePenalty", "presence_penalty"),
        ("Argument not supported on this model: stop", "stop"),
        ("Penalty is not enabled for this model: models/x", "presence_penalty"),
        ("body.seed: property 'body.seed' is unsupported", "seed"),
        ("unknown field `seed`, expected one of `model`, `messages`", "seed"),
        ('"gemma:2b" does not support thinking', "reasoning_effort"),
        ("Your organization must be verified to stream this model", "stream"),
    ],
)
def test_refused_parameters(sentence: str, name: str) -> None:
    """A parameter is left out from then on, however a service says that it does not take it."""
    assert lesson_in(refused(sentence), BODY, "chat") == Lesson("drop", name)


@pytest.mark.parametrize(
    "sentence",
    [
        "'n' must be at most 128",
        "n must be at most 10",
        "Range of n should be [1, 4]",
        "n must be 1-128",
        "n must be 1 or more",
        "n must be 1 to 8",
    ],
)
def test_a_number_of_choices_out_of_range(sentence: str) -> None:
    """Where fewer choices would do, the person is told so and none is dropped."""
    assert lesson_in(refused(sentence), BODY, "chat") is None


def test_a_model_that_may_not_stream(server: Server) -> None:
    """A model that streams for verified organisations alone answers at once, without a word of streaming."""
    server.script(
        refuse(400, "Your organization must be verified to stream this model.", param="stream"), say("done")
    )

    outcome = ask(provider(server.url))

    assert (outcome.text, outcome.error) == ("done", None)
    assert not {"stream", "stream_options"} & server.requests[1].json.keys()
