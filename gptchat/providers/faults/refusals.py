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
from gptchat.providers.faults.codes import CODES
from gptchat.providers.faults.dialects import ErrorObject, read, retry_after, wait_in_words, without_name
from gptchat.providers.faults.phrases import (
    BILLING,
    BUSY,
    FILTER,
    GONE,
    KEY,
    MODEL,
    NAMES,
    PER,
    PERMISSION,
    QUOTA,
    RATE,
    UNABLE,
)
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
    meant = CODES.get(said.code) or CODES.get(said.type, "")
    message = without_name(said.message, endpoint.model)
    told = status if status is not None and status >= 400 else said.status
    code = told or next((_STATUSES[name] for name in (said.code, said.type) if name in _STATUSES), None)
    if code is None and RATE.search(message):
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
    # A temporary rate limit does not mean that the credit is used up, even if the message mentions billing.
    in_time = code == 429 and (wait is not None or bool(RATE.search(message)) or meant == "rate_limit")
    empty = QUOTA.search(message) or (code != 401 and BILLING.search(message))
    spent = bool(code in (None, 400, 401, 403, 429) and empty) or bool(
        code in (500, 503) and QUOTA.search(message)
    )
    if meant == "quota":
        spent = not (code == 429 and PER.search(message))
    elif in_time or meant == "content_filter":
        spent = False
    if code == 402 or spent:
        return QuotaError(
            _("{who} says there is no credit left{tail}").format(who=who, tail=tail),
            hint=_("top up or raise the limit at the provider, or choose another one with /provider"),
            status=told,
        )
    if meant == "context_length" or (not meant and code not in (401, 404, 429) and is_overflow(message)):
        return ContextLengthError(
            _("the request is larger than the model's window{tail}").format(tail=tail),
            hint=_("/compact shortens the conversation, /context shows what is sent, /new starts afresh"),
            status=told,
            limit=said.limit or limit_from_words(message),
            requested=said.requested or requested_from_words(message),
        )
    if meant == "content_filter" or (code in (None, 400, 403, 422, 451, 498) and FILTER.search(message)):
        if said.filtered:
            reasons = filter(None, (_(", ").join(said.filtered), said.message))
            tail = _(": {why}").format(why=shorten(_("; ").join(reasons)))
        return ContentFilterError(
            _("{who}'s content filter stopped the request{tail}").format(who=who, tail=tail),
            hint=_("say it in other words with /edit"),
            status=told,
        )
    if meant == "permission" or (code in (None, 400, 401, 403, 404) and PERMISSION.search(message)):
        code = 403
    elif code == 401 or meant == "authentication" or (code in (None, 400, 403) and KEY.search(message)):
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
    busy = code == 429 and not meant and BUSY.search(message) and not RATE.search(message)
    if not busy and (code == 429 or (meant == "rate_limit" and code != 403)):
        return RateLimitError(
            _("{who}'s rate limit is reached{tail}").format(who=who, tail=tail),
            hint=_("wait a little and /retry, or use another model"),
            status=told,
            retry_after=wait,
        )
    if code == 404 and UNABLE.search(message):
        code = 400
    gone = bool(code in (None, 400, 422) and MODEL.search(message) and not UNABLE.search(message))
    gone = gone or bool(code == 503 and GONE.search(message)) or (code == 501 and _other_api(endpoint))
    if meant == "not_found" or code in (404, 405) or gone:
        if MODEL.search(message) or meant == "not_found":
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
    if code == 408 or meant == "timeout":
        return RequestTimeoutError(
            _("{who} gave up waiting{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("/retry"),
            status=told,
            retry_after=wait,
        )
    if busy or code == 409 or meant == "server" or (code is not None and code >= 500):
        return ServerError(
            _("{who} failed{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("this is not your doing; try again in a while with /retry"),
            status=told,
            retry_after=wait,
        )
    if code == 413:
        return BadRequestError(
            _("{who} takes no request of this size{number}{tail}").format(who=who, number=number, tail=tail),
            hint=_("/undo takes the message back; attach a smaller picture or a shorter text, or shorten the"
                   " conversation with /compact"),
            status=told,
        )  # fmt: skip
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
    found = NAMES.search(message)
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
