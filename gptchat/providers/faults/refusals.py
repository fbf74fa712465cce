"""Classifies a server's error response, by status and body, as one of the program's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gptchat.core.limits import limit_from_words, requested_from_words
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
from gptchat.providers.faults.causes import cause_in
from gptchat.providers.faults.codes import status_of
from gptchat.providers.faults.dialects import ErrorObject, read, without_name
from gptchat.providers.faults.limits import retry_after, wait_in_words
from gptchat.redaction import redact
from gptchat.values import dataclass
from gptchat.words import _

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_LONGEST = 400  # maximum characters of a server's message that are shown


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a request, as error messages name it; `address` and `proxy` must be redacted.

    `key_hint` says how to give a key; `path` is the path below the address, empty if it does not matter.
    """

    provider: str = ""
    address: str = ""
    model: str = ""
    key_hint: str = ""
    proxy: str = ""
    path: str = ""


_NAMES = re.compile(
    r"(?:models?(?: names?| ids?)? (?:are|is|include)|be one of):? *(?P<names>.+?)(?:[,.;]? but\b|\.\s|\.?$)",
    re.IGNORECASE | re.DOTALL,
)
"""Where a server that does not know a model lists those that it has."""


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
    message = without_name(said.message, endpoint.model)
    told = status if status is not None and status >= 400 else said.status
    code = told or next(filter(None, map(status_of, said.codes)), None)
    wait = next(
        (one for one in (retry_after(headers), said.wait, wait_in_words(message)) if one is not None), None
    )
    cause = cause_in(code, said, message, wait)
    if code is None and status is not None and cause.name == "unknown":
        return ProtocolError(
            _("{who} answered {status} where a reply was due{tail}").format(
                who=endpoint.provider or _("the server"), status=status, tail=_tail(said)
            ),
            hint=_("check the base address in the settings"),
            status=status,
        )
    name = "path" if code == 501 and _other_api(endpoint) else cause.name
    error = _errors(name, said, message, endpoint, told)
    error.retry_after = wait
    if cause.name in ("heavy", "memory", "plan"):
        error.passing = False
    if not cause.sure and error.hint:
        error.hint = _("{hint} (a guess from the server's words)").format(hint=error.hint)
    return error


def _tail(said: ErrorObject) -> str:
    text = words_of(said)
    return _(": {why}").format(why=text) if text else ""


def _errors(cause: str, said: ErrorObject, message: str, endpoint: Endpoint, status: int | None) -> ProviderError:
    """The error for a cause (see `Cause`), with what to do next."""
    who, tail = endpoint.provider or _("the server"), _tail(said)
    number = _(" ({status})").format(status=status) if status else ""

    def told(sentence: str) -> str:
        return sentence.format(who=who, tail=tail, number=number, model=endpoint.model)

    match cause:
        case "proxy":
            return ConnectionFailedError(
                _("the proxy wants a user name and password{number}").format(number=number),
                hint=_("write them into the proxy's address: http://user:password@host:port"),
                status=status,
            )
        case "credit":
            return QuotaError(
                told(_("{who} says there is no credit left{tail}")), hint=_credit_hint(message), status=status
            )
        case "plan":
            return RateLimitError(
                told(_("{who}'s plan is used up for now{tail}")),
                hint=_("wait until the time that the server names, or use another model or /provider"),
                status=status,
            )
        case "window":
            return ContextLengthError(
                told(_("the request is larger than the model's window{tail}")),
                hint=_("/compact shortens the conversation, /context shows what is sent, /new starts afresh"),
                status=status,
                limit=said.limit or limit_from_words(message),
                requested=said.requested or requested_from_words(message),
            )
        case "filter":
            if said.filtered:
                reasons = filter(None, (_(", ").join(said.filtered), said.message))
                tail = _(": {why}").format(why=shorten(_("; ").join(reasons)))
            return ContentFilterError(
                told(_("{who}'s content filter stopped the request{tail}")),
                hint=_("say it in other words with /edit"),
                status=status,
            )
        case "key":
            return AuthenticationError(
                told(_("{who} refused the key{number}{tail}")),
                hint=_key_hint(endpoint, message),
                status=status,
            )
        case "region":
            return PermissionDeniedError(
                told(_("{who} does not serve this region{number}{tail}")),
                hint=_(
                    "use it from a supported region, through network.proxy, or choose another one with /provider"
                ),
                status=status,
            )
        case "permission":
            return PermissionDeniedError(
                told(_("{who} does not allow this{number}{tail}")),
                hint=_permission_hint(message),
                status=status,
            )
        case "rate":
            return RateLimitError(
                told(_("{who}'s rate limit is reached{tail}")),
                hint=_("wait a little and /retry, or use another model"),
                status=status,
            )
        case "heavy":
            return RateLimitError(
                told(_("this request alone is above {who}'s rate limit{tail}")),
                hint=_("waiting does not help: /compact shortens the conversation, or use another model"),
                status=status,
            )
        case "model":
            return NotFoundError(
                told(_("{who} has no model “{model}”{tail}")), hint=_models_hint(message), status=status
            )
        case "path":
            address = endpoint.address.rstrip("/") + endpoint.path
            return NotFoundError(
                _("{who} has nothing at {address}{number}{tail}").format(
                    who=who, address=address, number=number, tail=tail
                ),
                hint=_path_hint(endpoint),
                status=status,
            )
        case "timeout":
            return RequestTimeoutError(
                told(_("{who} gave up waiting{number}{tail}")), hint=_("/retry"), status=status
            )
        case "large":
            return BadRequestError(
                told(_("the request is too large for {who}{number}{tail}")),
                hint=_("/undo takes the last message back; attach a smaller picture or file, or /compact"),
                status=status,
            )
        case "memory":
            return ServerError(
                told(_("{who} could not load the model{number}{tail}")),
                hint=_("/model NAME chooses a smaller model; or the server needs more memory, its log says more"),
                status=status,
            )
        case "busy":
            return ServerError(
                told(_("{who} is overloaded{number}{tail}")),
                hint=_("try again in a while with /retry, or use another model"),
                status=status,
            )
        case "server":
            return ServerError(
                told(_("{who} failed{number}{tail}")),
                hint=_("this is not your doing; try again in a while with /retry"),
                status=status,
            )
        case "unknown":
            sentence = _("{who} broke off with an error{tail}")
            return ServerError(
                told(sentence if tail else _("{who} broke off with an error and no reason")),
                hint=_("try again with /retry"),
            )
    return BadRequestError(
        told(_("{who} refused the request{number}{tail}")), hint=_request_hint(message, said.param), status=status
    )


def _key_hint(endpoint: Endpoint, message: str) -> str:
    """What to do about a refused key: a LiteLLM proxy has keys of its own for the servers behind it."""
    if "litellm.AuthenticationError" in message:
        return _(
            "the key that the proxy has for this model was refused, not yours: correct it in the proxy's settings"
        )
    return endpoint.key_hint or _("check the key, or give a new one with /key set")


def _credit_hint(message: str) -> str:
    if found := re.search(r"can only afford (\d{1,9})", message):
        return _("/set max_tokens {number} asks for less; or top up at the provider").format(number=found[1])
    return _("top up or raise the limit at the provider, or choose another one with /provider")


def _permission_hint(message: str) -> str:
    if re.search(r"verif|实名", message, re.IGNORECASE):
        return _("verify the account or organisation at the provider; another model may work without: /model")
    if re.search(
        r"activat|enable|terms|未开通|not found for account|privacy|data policy|open", message, re.IGNORECASE
    ):
        return _(
            "activate the model, or change this setting of the account, at the provider; /model chooses another"
        )
    if re.search(r"lock|disabled|suspend|banned|inactive|锁定|封禁|异常", message, re.IGNORECASE):
        return _("ask the provider about this account, or choose another one with /provider")
    return _("the key, its project or your region may not use this model; try another model or provider")


def _path_hint(endpoint: Endpoint) -> str:
    if _other_api(endpoint):
        name = endpoint.provider or "NAME"
        return _(
            'the server may lack this API: set api = "chat" in [providers.{name}]; or check the base address'
        ).format(name=name)
    return _("check the base address in the settings; most end in /v1")


def _other_api(endpoint: Endpoint) -> bool:
    """Whether another API than chat was asked: many servers have chat alone."""
    return endpoint.path not in ("", "/chat/completions")


_AT_MOST = re.compile(
    r"(?:at most|<=|less than or equal to|not (?:exceed|greater than)|maximum (?:value )?(?:of|is)|up to"
    r"|range of max_tokens should be \[\d+, ?|不能?(?:超过|大于)|最大(?:值)?为?) ?(\d{2,9})",
    re.IGNORECASE,
)


def _request_hint(message: str, param: str) -> str:
    """What to do about a parameter or part of the request that is refused."""
    text = f"{message} {param}"
    if re.search(r"max_(?:\w+_)?tokens", text) and (most := _AT_MOST.search(message)):
        return _("/set max_tokens {number} asks for no more than the model gives").format(number=most[1])
    if re.search(r"image|picture|multimodal|图片|图像|画像|vision|TextContentPart", text, re.IGNORECASE):
        return _("the model may not take pictures so: /undo takes the message back, /model chooses another model")
    if re.search(r"\btools?\b|tool[_ ]choice|function.?call|工具", text, re.IGNORECASE):
        return _("/tools off sends no tools; or choose another model with /model")
    return _("/json shows what was sent; /set and /unset change the parameters")


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
    line = redact(" ".join(_CONTROLS.sub("", text).split()))
    return line[: _LONGEST - 1] + "…" if len(line) > _LONGEST else line.rstrip(".")
