"""Classifies a server's error response, by status and body, as one of the program's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gptchat.core.limits import is_overflow, limit_from_words, requested_from_words
from gptchat.errors import (
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    ContentFilterError,
    ContextLengthError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitError,
    Refusal,
    RequestTimeoutError,
    ServerError,
)
from gptchat.providers.faults.dialects import ErrorObject, read, retry_after, wait_in_words, without_name
from gptchat.redaction import redact
from gptchat.values import dataclass
from gptchat.words import _

_LONGEST = 400  # maximum characters of a server's message that are shown


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a request, as error messages name it; `address` and `proxy` must be redacted.

    `key_hint` says how to give a key.
    """

    provider: str = ""
    address: str = ""
    model: str = ""
    key_hint: str = ""
    proxy: str = ""
    path: str = ""
    """The path of the wire API below the address, if it was asked."""


_QUOTA = re.compile(
    r"exceeded your current quota|insufficient.?(?:quota|balance|credit|funds)|arrear|credit balance"
    r"|out of credits|any credits|balance is insufficient|overdue balance|budget has been exceeded"
    r"|free tier .{0,40}exhausted|余额不足|欠费|额度不足|额度已用",
    re.IGNORECASE,
)
_BILLING = re.compile(r"billing", re.IGNORECASE)
"""Usually means that there is no credit, but a refused key (401) also links to the billing page for new keys."""
_KEY = re.compile(
    r"(?:incorrect|invalid|wrong|missing|no|expired).{0,12}(?:api.?key|access token|credential)"
    r"|api.?key.{0,20}(?:not valid|invalid|expired|required)|a valid api.?key|login fail"
    r"|unauthori[sz]ed|身份验证|令牌",
    re.IGNORECASE,
)
_PERMISSION = re.compile(
    r"location is not supported|insufficient permission|does not have access to|not allowed to access",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model.{0,80}(?:not.?(?:found|exist)|does.?n[o']t exist|unknown|not supported by)"
    r"|(?:no such|unknown|invalid|not a valid|not found the) model|model.{0,80}decommissioned"
    r"|model identifier is invalid|no endpoints found|^model: \S+$"
    r"|supported (?:\w+ )?models?(?: names?| ids?)? (?:are|is|include)|model.{0,80}(?:must|should) be one of"
    r"|deployment.{0,40}(?:not.?found|does not exist)|模型不存在",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(
    r"(?:models?(?: names?| ids?)? (?:are|is|include)|be one of):? *(?P<names>.+?)(?:[,.;]? but\b|\.\s|\.?$)",
    re.IGNORECASE | re.DOTALL,
)
"""Where a server that does not know a model lists those that it has."""
_FILTER = re.compile(
    r"content.?(?:filter|policy|management|risk|exists risk)|data.?inspection|responsible.?ai|safety system"
    r"|(?:prompt|input|message|request|content|text|image)s? (?:\w+ ){0,4}flagged"
    r"|sensitive (?:information|content)|inappropriate content|敏感",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset(
    (
        "context_length_exceeded",
        "exceed_context_size_error",
        "context_window_exceeded",
        "model_context_window_exceeded",
    )
)
_QUOTA_CODES = frozenset(
    (
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "quota_exceeded",
        "insufficient_user_quota",
        "exceeded_current_quota_error",
        "budget_exceeded",
        "arrearage",
        "accountoverdueerror",
        "1113",
    )
)
_FILTER_CODES = frozenset(
    ("content_filter", "content_policy_violation", "data_inspection_failed", "datainspectionfailed", "1301",
     "responsibleaipolicyviolation")
)  # fmt: skip
_KEY_CODES = frozenset(
    ("invalid_api_key", "invalidapikey", "authentication_error", "token_expired", "account_deactivated", "1004")
)
_MODEL_CODES = frozenset(("model_not_found", "deploymentnotfound", "model_not_supported", "not_found_error"))
_RATE_CODES = frozenset(("rate_limit_exceeded", "rate_limit_error", "too_many_requests"))
_RATE = re.compile(r"rate.?limit|too many requests", re.IGNORECASE)

_STATUSES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "too_many_requests": 429,
    "permission_error": 403,
    "unsupported_country_region_territory": 403,
    "server_error": 500,
    "internal_error": 500,
    "api_error": 500,
    "overloaded_error": 529,
    "invalid_request_error": 400,
}
"""The HTTP status for an error inside a stream, by its code or type."""


def error_of(
    status: int | None, body: Any, endpoint: Endpoint, headers: Mapping[str, str] | None = None
) -> ProviderError:
    """The error for a response with `status` and `body`, or for an error object inside a reply (`status` None)."""
    said = read(body)
    error = _classified(status, said, endpoint, headers or {})
    error.said = Refusal(said.message, said.code, said.type, said.param)
    return error


def _classified(
    status: int | None, said: ErrorObject, endpoint: Endpoint, headers: Mapping[str, str]
) -> ProviderError:
    names = {said.code, said.type}
    message = without_name(said.message, endpoint.model)
    told = status if status is not None and status >= 400 else said.status
    code = told or next((_STATUSES[name] for name in (said.code, said.type) if name in _STATUSES), None)
    if code is None and _RATE.search(message):
        code = 429
    text = words_of(said)
    wait = retry_after(headers)
    if wait is None:
        wait = wait_in_words(message)
    number = _(" ({status})").format(status=told) if told else ""
    tail = _(": {why}").format(why=text) if text else ""
    who = endpoint.provider or _("the server")

    if code == 407:
        return ConnectionFailedError(
            _("the proxy wants a user name and password{number}").format(number=number),
            hint=_("write them into the proxy's address: http://user:password@host:port"),
            status=told,
        )
    # A temporary rate limit does not mean that the credit is used up, even if the message mentions billing
    passing = code == 429 and (names & _RATE_CODES or wait is not None)
    empty = _QUOTA.search(message) or (code != 401 and _BILLING.search(message))
    spent = code in (None, 400, 401, 403, 429) and not passing and empty
    if names & _QUOTA_CODES or code == 402 or spent:
        return QuotaError(
            _("{who} says there is no credit left{tail}").format(who=who, tail=tail),
            hint=_("top up or raise the limit at the provider, or choose another one with /provider"),
            status=told,
        )
    if names & _CONTEXT_CODES or (code not in (401, 403, 404, 429) and is_overflow(message)):
        return ContextLengthError(
            _("the request is larger than the model's window{tail}").format(tail=tail),
            hint=_("/compact shortens the conversation, /context shows what is sent, /new starts afresh"),
            status=told,
            limit=said.limit or limit_from_words(message),
            requested=said.requested or requested_from_words(message),
        )
    if names & _FILTER_CODES or (code in (None, 400, 403) and _FILTER.search(message)):
        if said.filtered:
            reasons = filter(None, (_(", ").join(said.filtered), said.message))
            tail = _(": {why}").format(why=shorten(_("; ").join(reasons)))
        return ContentFilterError(
            _("{who}'s content filter stopped the request{tail}").format(who=who, tail=tail),
            hint=_("say it in other words with /edit"),
            status=told,
        )
    if "key_model_access_denied" in names or (code in (400, 401, 403) and _PERMISSION.search(message)):
        code = 403
    elif code == 401 or names & _KEY_CODES or (code in (None, 400) and _KEY.search(message)):
        return AuthenticationError(
            _("{who} refused the key{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_key_hint(endpoint, message),
            status=told,
        )
    if code == 403:
        return PermissionDeniedError(
            _("{who} does not allow this{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("the key, its project or your region may not use this model; try another model or provider"),
            status=told,
        )
    if code == 429:
        return RateLimitError(
            _("{who}'s rate limit is reached{tail}").format(who=who, tail=tail),
            hint=_("wait a little and /retry, or use another model"),
            status=told,
            retry_after=wait,
        )
    if (
        names & _MODEL_CODES
        or code in (404, 405)
        or (code == 501 and _other_api(endpoint))
        or (code in (None, 400, 422) and _MODEL.search(message))
    ):
        if _MODEL.search(message) or names & {"model_not_found", "deploymentnotfound"}:
            return NotFoundError(
                _("{who} has no model “{model}”{tail}").format(who=who, model=endpoint.model, tail=tail),
                hint=_models_hint(message),
                status=told,
            )
        return NotFoundError(
            _("{who} has nothing at {address}{number}{tail}").format(
                who=who, address=endpoint.address.rstrip("/") + endpoint.path, number=number, tail=tail
            ),
            hint=_path_hint(endpoint),
            status=told,
        )
    if code == 408:
        return RequestTimeoutError(
            _("{who} gave up waiting{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("/retry"),
            status=told,
            retry_after=wait,
        )
    if code == 409 or (code is not None and code >= 500):
        return ServerError(
            _("{who} failed{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("this is not your doing; try again in a while with /retry"),
            status=told,
            retry_after=wait,
        )
    if code is not None:
        return BadRequestError(
            _("{who} refused the request{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("/json shows what was sent; /set and /unset change the parameters"),
            status=told,
        )
    if status is not None:
        return ProtocolError(
            _("{who} answered {status} where a reply was due{tail}").format(who=who, status=status, tail=tail),
            hint=_("check the base address in the settings"),
            status=status,
        )
    return ServerError(
        (
            _("{who} broke off with an error{tail}") if tail else _("{who} broke off with an error and no reason")
        ).format(who=who, tail=tail),
        hint=_("try again with /retry"),
    )


def _key_hint(endpoint: Endpoint, message: str) -> str:
    """What to do about a refused key: a LiteLLM proxy has keys of its own for the servers behind it."""
    if "litellm.AuthenticationError" in message:
        return _(
            "the key that the proxy has for this model was refused, not yours: correct it in the proxy's settings"
        )
    return endpoint.key_hint or _("check the key, or give a new one with /key set")


def _path_hint(endpoint: Endpoint) -> str:
    """What to do where nothing answers at the path: many servers have the chat API alone."""
    if not _other_api(endpoint):
        return _("check the base address in the settings; most end in /v1")
    return _('it may lack this API: set api = "chat" for providers.{who}, or check the base address').format(
        who=endpoint.provider
    )


def _other_api(endpoint: Endpoint) -> bool:
    """Whether another API than chat was asked."""
    return endpoint.path not in ("", "/chat/completions")


def _models_hint(message: str) -> str:
    """What to do where there is no such model: with the names that the server told, if it did."""
    found = _NAMES.search(message)
    if found is None:
        return _("/models lists what there is")
    names = re.split(r"[\s,;'\"`\[\]]+|\band\b|\bor\b", found["names"])
    shown = _(", ").join(list(dict.fromkeys(filter(None, names)))[:10])
    return _("/model NAME chooses one of: {names}").format(names=redact(shown))


def words_of(said: ErrorObject) -> str:
    """A server's message for display, shortened and redacted; for a web page, its title."""
    text = shorten(said.message)
    return _("a web page, “{title}”").format(title=text or "…") if said.page else text


def shorten(text: str) -> str:
    """A server's message as one redacted line of at most 400 characters, without a final period."""
    line = redact(" ".join(text.split()))
    return line[: _LONGEST - 1] + "…" if len(line) > _LONGEST else line.rstrip(".")
