"""The wire format of the GPT+ open platform, without I/O: keys, prompts, response envelopes and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gptchat import errors
from gptchat.core.messages import Message
from gptchat.core.numbers import MOST
from gptchat.redaction import redact
from gptchat.values import dataclass
from gptchat.words import _

RENEW_AHEAD = 60.0
"""Seconds before expiry at which a token is renewed."""

_EXPIRES = ("expires_at", "access_token_expired_at", "access_token_expires_at", "expired_at")
"""The names under which a token's end is kept; the second is that of the platform's SDK."""
_SECONDS = 100_000_000_000
"""A larger time is in milliseconds."""
_CONTINUE = "Go on exactly where your last reply broke off. Repeat nothing of it."
_QUOTA = ("quota", "balance", "insufficient", "credit", "余额", "欠费", "额度")
_LENGTH = ("context length", "context window", "maximum context", "too long", "过长", "超长")
_RATE = ("rate limit", "too many", "频繁", "限流")
_TOKEN = ("token expired", "invalid token", "unauthorized", "access_token", "app_key", "未授权", "未登录", "登录")
_SHOWN = 300  # maximum characters of a server's message that are shown


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An access token, not to be used from `renew_at` on (seconds since 1970; None if it does not expire)."""

    value: str
    renew_at: float | None = None

    def usable(self, now: float) -> bool:
        """Whether the token may still be used at `now` (seconds since 1970)."""
        return self.renew_at is None or now < self.renew_at


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The user's credentials: an application's id and key, a token, or both."""

    app_id: str = ""
    app_key: str = ""
    token: Token | None = None

    @property
    def can_log_in(self) -> bool:
        """Whether a new token can be requested with these credentials."""
        return bool(self.app_id and self.app_key)


def credentials(key: str, app_id: str, now: float) -> Credentials:
    """Parse a key: an `app_key` if there is an `app_id`, else an access token, or JSON.

    The JSON may have `access_token` with its end (`_EXPIRES`: seconds since 1970, or ISO 8601) or `expires_in`
    (seconds from `now`), and `app_id` with `app_key` to renew it. Raises ConfigurationError.
    """
    key = key.strip()
    if not key.startswith("{"):
        return Credentials(app_id, key) if app_id else Credentials(token=Token(key))
    try:
        data = json.loads(key)
    except ValueError as error:
        raise errors.ConfigurationError(
            _("the GPT+ key looks like JSON and is not"), hint=_("set it again with /key set")
        ) from error
    token = data.get("access_token")
    held = Credentials(
        str(data.get("app_id") or app_id),
        str(data.get("app_key") or ""),
        Token(token, _renew_at(data, now)) if isinstance(token, str) and token else None,
    )
    if held.token is None and not held.can_log_in:
        raise errors.ConfigurationError(
            _("the GPT+ key holds neither access_token nor app_id and app_key"),
            hint=_("set it again with /key set"),
        )
    return held


def token_of(data: Mapping[str, Any], now: float) -> Token:
    """The token in the answer to a login at `now`. Raises ProtocolError if there is none."""
    value = data.get("access_token")
    if not isinstance(value, str) or not value:
        raise errors.ProtocolError(_("GPT+ answered the login without an access token"), hint=_hint_address())
    return Token(value, _renew_at(data, now))


def content_of(message: Message | None, *, continuing: bool) -> str:
    """The text to send for `message`, or a request to continue the last reply if `continuing`.

    Raises BadRequestError if there is no message, or if it has parts other than text.
    """
    if continuing:
        return _CONTINUE
    if message is None:
        raise errors.BadRequestError(_("there is no message to send"), hint=_("write one first"))
    if not isinstance(message.content, str) and any(part.get("type") != "text" for part in message.content):
        raise errors.BadRequestError(
            _("GPT+ takes text only, and the message holds an image"),
            hint=_("remove the attachment, or choose another provider with /provider"),
        )
    return message.text


def prompt_of(earlier: Sequence[Message]) -> str:
    """The initial prompt of a new conversation: the system prompt and the `earlier` turns as text."""
    system = [message.text for message in earlier if message.role in ("system", "developer")]
    names = {"user": "User", "assistant": "Assistant", "tool": "Tool"}
    turns = [f"{names[message.role]}: {message.text}" for message in earlier if message.role in names]
    if turns:
        system.append("The conversation so far, which you are to go on with:")
    return "\n\n".join([*system, *turns])


def reply_of(data: Mapping[str, Any]) -> str:
    """The text of the reply in `data`. Raises ProtocolError if there is none."""
    inner = data.get("message")
    message = inner if isinstance(inner, Mapping) else data
    for name in ("content_raw", "content"):
        text = message.get(name)
        if isinstance(text, str) and text:
            return text
    raise errors.ProtocolError(_("GPT+ answered with an empty message"), hint=_("try again with /retry"))


def data_of(status: int, body: bytes, retry_after: str | None = None) -> Mapping[str, Any]:
    """The `data` of a response envelope. `retry_after` is the response's header, in seconds.

    Raises a ProviderError for a refusal, by HTTP status or by the `code` in the envelope, and ProtocolError
    for a body in another format.
    """
    try:
        envelope = json.loads(body)
    except ValueError:
        envelope = None
    code = _number(envelope.get("code")) if isinstance(envelope, dict) else None
    if status >= 400 or (code is not None and code != 200):
        words = _words(envelope)
        error = _refusal(status, code, words, retry_after)
        error.said = errors.Refusal(words, "" if code is None else str(code))
        raise error
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if code is None or not isinstance(data, dict):
        raise errors.ProtocolError(
            _("the address answered with something that is not GPT+"), hint=_hint_address(), status=status
        )
    return data


def _refusal(status: int, code: int | None, words: str, retry_after: str | None) -> errors.ProviderError:
    number = status if status >= 400 or code is None else code
    shown = status if status >= 400 else (number if 400 <= number < 600 else None)
    why = words or _("no reason was given")
    message = _("GPT+ refused the request ({code}): {why}").format(code=number, why=why)
    low = words.lower()
    if number == 402 or any(word in low for word in _QUOTA):
        return errors.QuotaError(message, hint=_("top up the account at the platform"), status=shown)
    if any(word in low for word in _LENGTH):
        return errors.ContextLengthError(message, hint=_("shorten the message, or use /compact"), status=shown)
    if number == 429 or any(word in low for word in _RATE):
        wait = float(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 16 else None
        return errors.RateLimitError(message, hint=_("wait a little"), status=shown, retry_after=wait)
    if number == 401 or any(word in low for word in _TOKEN):
        return errors.AuthenticationError(message, hint=_("check app_id and the key with /key"), status=shown)
    if number == 403:
        return errors.PermissionDeniedError(message, hint=_("see what the account may use"), status=shown)
    if number == 404:
        return errors.NotFoundError(message, hint=_("check the model's name and base_url"), status=shown)
    if 500 <= number < 600:
        return errors.ServerError(message, hint=_("try again in a while with /retry"), status=shown)
    return errors.BadRequestError(message, hint=_("check the model's name and the settings"), status=shown)


def _renew_at(data: Mapping[str, Any], now: float) -> float | None:
    """When to renew a token: `RENEW_AHEAD` before it expires, or halfway there if that is later; None: never."""
    expires = next((data[name] for name in _EXPIRES if data.get(name) is not None), None)
    if isinstance(expires, str):
        expires = _timestamp(expires)
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 <= expires <= MOST * 1000:
        lasts = _number(data.get("expires_in"))
        if lasts is None:
            return None
        expires = now + lasts
    if expires > _SECONDS:
        expires /= 1000
    return float(expires) - min(RENEW_AHEAD, max(float(expires) - now, 0.0) / 2)


def _timestamp(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass  # not a number: a date
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.ConfigurationError(
            _("the expiry of the GPT+ token cannot be read: {text}").format(text=text),
            hint=_("write it as 2026-11-20T08:30:15Z"),
        ) from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return None
    return int(value)


def _words(envelope: object) -> str:
    """The server's message in one redacted line; empty if there is none."""
    if not isinstance(envelope, dict):
        return ""
    for name in ("message", "msg", "error", "detail"):
        found = envelope.get(name)
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return redact(" ".join(found.split()))[:_SHOWN]
    return ""


def _hint_address() -> str:
    return _("check base_url of the provider")
