"""Refusals in the dialects of the services people use are told as what they are."""

from __future__ import annotations

import json

import pytest

from tests.providers.asking import KEY, ask, provider
from tests.support.server import Server, raw


def openai_error(message: str, **fields: object) -> str:
    """An error as OpenAI writes it."""
    return json.dumps({"error": {"message": message, "type": None, "param": None, "code": None, **fields}})


DIALECTS: dict[str, tuple[int, str, str]] = {
    "openai wrong key": (
        401,
        openai_error("Incorrect API key provided: sk-test-0123456789.", code="invalid_api_key"),
        "authentication",
    ),
    "openai country": (
        403,
        openai_error("Country not supported", code="unsupported_country_region_territory"),
        "permission",
    ),
    "openai model": (
        404,
        openai_error("The model `gpt-9` does not exist or you do not have access to it.", code="model_not_found"),
        "not_found",
    ),
    "openai quota": (
        429,
        openai_error("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        "quota",
    ),
    "openai rate": (429, openai_error("Rate limit reached for m", code="rate_limit_exceeded"), "rate_limit"),
    "openai window": (
        400,
        openai_error(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            code="context_length_exceeded",
        ),
        "context_length",
    ),
    "openai window of responses": (
        400,
        openai_error("Your input exceeds the context window of this model.", code="context_length_exceeded"),
        "context_length",
    ),
    "openai parameter": (
        400,
        openai_error("Invalid value for 'temperature': must be <= 2", param="temperature"),
        "bad_request",
    ),
    "openai policy": (400, openai_error("Rejected", code="content_policy_violation"), "content_filter"),
    "openai overloaded": (503, openai_error("The engine is currently overloaded"), "server"),
    "litellm string codes": (
        401,
        openai_error("Authentication Error, Invalid proxy key", code="401"),
        "authentication",
    ),
    "litellm window": (
        400,
        openai_error(
            "litellm.ContextWindowExceededError: prompt is too long: 208310 tokens > 200000 maximum", code="400"
        ),
        "context_length",
    ),
    "azure key": (
        401,
        '{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong endpoint."}}',
        "authentication",
    ),
    "azure deployment": (
        404,
        '{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}',
        "not_found",
    ),
    "azure filter": (
        400,
        openai_error(
            "It was filtered", code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}
        ),
        "content_filter",
    ),
    "azure no route": (404, '{"error":{"code":"404","message":"Resource not found"}}', "not_found"),
    "deepseek balance": (402, openai_error("Insufficient Balance", code="invalid_request_error"), "quota"),
    "deepseek model": (400, openai_error("Model Not Exist", code="invalid_request_error"), "not_found"),
    "dashscope key": (401, openai_error("Incorrect API key provided.", code="invalid_api_key"), "authentication"),
    "dashscope window": (
        400,
        openai_error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
        "context_length",
    ),
    "dashscope filter": (
        400,
        openai_error("Input data may contain inappropriate content.", code="data_inspection_failed"),
        "content_filter",
    ),
    "dashscope arrears": (
        400,
        openai_error("Access denied, account not in good standing", code="Arrearage"),
        "quota",
    ),
    "zhipu key": (401, '{"error":{"code":"1000","message":"身份验证失败。"}}', "authentication"),
    "zhipu filter": (
        400,
        '{"error":{"code":"1301","message":"系统检测到输入内容可能包含敏感内容"}}',
        "content_filter",
    ),
    "zhipu balance": (429, '{"error":{"code":"1113","message":"您的账户已欠费"}}', "quota"),
    "gemini key": (
        400,
        '[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]',
        "authentication",
    ),
    "gemini window": (
        400,
        openai_error(
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", code=400
        ),
        "context_length",
    ),
    "ollama model": (
        404,
        openai_error('model "nope" not found, try pulling it first', type="api_error"),
        "not_found",
    ),
    "vllm window": (
        400,
        '{"object":"error","message":"The maximum context length is 4096 tokens.","type":"BadRequestError"}',
        "context_length",
    ),
    "fastapi validation": (
        422,
        '{"detail":[{"type":"extra_forbidden","loc":["body","n"],"msg":"Extra inputs are not permitted"}]}',
        "bad_request",
    ),
    "openrouter nested": (
        502,
        '{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream"}}}',
        "server",
    ),
    "anthropic overloaded": (
        529,
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        "server",
    ),
    "cloudflare page": (403, "<html><head><title>Just a moment...</title></head></html>", "permission"),
    "gateway page": (504, "<html><head><title>504 Gateway Time-out</title></head></html>", "server"),
    "plain text": (500, "Internal Server Error", "server"),
    "nothing": (500, "", "server"),
    "a number": (400, "42", "bad_request"),
    "an odd error": (418, '{"error": [1, {"x": null}]}', "bad_request"),
    "payload too large": (413, "Request Entity Too Large", "bad_request"),
    "method": (405, '{"detail":"Method Not Allowed"}', "not_found"),
    "request timeout": (408, "", "timeout"),
    "conflict": (409, openai_error("Conflict"), "server"),
    "proxy wants a password": (407, "", "connection"),
    "redirect to nowhere": (304, "", "protocol"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects(server: Server, name: str) -> None:
    """Refusals in the dialects of the services people use are told as what they are, without the key."""
    status, body, kind = DIALECTS[name]
    server.script(raw(body.encode(), status=status, content_type="application/json"))

    failure = ask(provider(server.url)).failure

    assert failure.kind == kind
    assert failure.hint
    assert KEY not in failure.message + failure.hint
    assert not failure.message.endswith(".")


@pytest.mark.parametrize("name", [name for name, row in DIALECTS.items() if row[2] and row[1].startswith("{")])
def test_errors_inside_a_stream(server: Server, name: str) -> None:
    """The same error objects inside a stream that began well are never taken for the end of a reply."""
    _status, body, kind = DIALECTS[name]
    server.script(raw(b'data: {"choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n', f"data: {body}\n\n"))

    outcome = ask(provider(server.url))

    assert outcome.text == "so far"
    assert outcome.error is not None
    if "detail" not in body:  # FastAPI's complaint about a request cannot come in a stream
        expected = {kind, "server"} if kind in ("permission", "not_found", "rate_limit", "bad_request") else {kind}
        assert outcome.error.kind in expected


def test_the_key_that_a_proxy_has_is_not_ours(server: Server) -> None:
    """Where LiteLLM tells that the server behind it refused its key, nobody is sent to change their own."""
    said = "litellm.AuthenticationError: AuthenticationError: OpenAIException - Invalid API Key"
    server.script(raw(openai_error(said, code="401").encode(), status=401, content_type="application/json"))
    outcome = ask(provider(server.url))

    assert outcome.error is not None
    assert outcome.error.kind == "authentication"
    assert "not yours" in outcome.error.hint
