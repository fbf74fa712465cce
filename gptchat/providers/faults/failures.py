"""Converts all exceptions of the SDK, HTTP, TLS and streams to the program's errors.

Exceptions are recognised by the names of their class and its bases, so that no library is imported for this.
`NAMES` lists every exception class of `openai` and `httpx2`; a test fails if a new version of either library
adds one that is missing here.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

from gptchat.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ContentFilterError,
    GptchatError,
    PathFault,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from gptchat.net.tls_failing import tls_failed
from gptchat.net.way import Way
from gptchat.providers.faults.refusals import Endpoint, error_of, shorten
from gptchat.providers.wire.common import ServerSaid
from gptchat.words import _

Explain = Callable[[BaseException, Endpoint], GptchatError]


def explain(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    """The error to show for `failure`; a GptchatError is returned unchanged.

    `failure` is kept as `__cause__`, for `--debug`. Never raises.
    """
    if isinstance(failure, GptchatError):
        return failure
    error = _find(failure)(failure, endpoint)
    error.__cause__ = failure
    return error


def may_retry(error: GptchatError) -> bool:
    """Whether the same request may succeed if it is sent again later."""
    if isinstance(error, ProviderError) and error.passing is not None:
        return error.passing
    if isinstance(error, ConnectionFailedError):
        return error.path is None or not error.path.lasting
    return isinstance(error, (RateLimitError, ServerError, RequestTimeoutError))


def is_stale(error: GptchatError) -> bool:
    """Whether the cause is a reused connection that the server had closed before it answered."""
    return any(
        "without sending" in str(link) or type(link).__name__ in ("ReadError", "WriteError")
        for link in _chain(error)
    )


def _find(failure: BaseException) -> Explain:
    if isinstance(failure, ServerSaid):
        return lambda error, endpoint: error_of(None, getattr(error, "body", None), endpoint)
    for base in type(failure).__mro__:
        root = base.__module__.partition(".")[0]
        found = NAMES.get(f"{root}.{base.__name__}") or _ROOTS.get(root)
        if found is not None:
            return found
    return _unforeseen


def _chain(failure: BaseException) -> list[BaseException]:
    """`failure` and its causes, outermost first."""
    links: list[BaseException] = []
    link: BaseException | None = failure
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links


def _status(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    response: Any = getattr(failure, "response", None)
    headers: Mapping[str, str] = getattr(response, "headers", {})
    try:
        body = response.text  # whole: the SDK's `body` lacks what stands around `error`
    except Exception:  # a body that was not read, or cannot be decoded
        body = ""
    return error_of(
        getattr(response, "status_code", None), body or getattr(failure, "body", None), endpoint, headers
    )


def _connection(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    chain = _chain(failure)
    for link in chain:
        if isinstance(link, GptchatError):  # who failed was told where it failed (`net.failing`)
            return link
        if type(link).__name__.endswith(("TimeoutException", "Timeout")) or isinstance(link, TimeoutError):
            return _timeout(failure, endpoint)
        if isinstance(link, ssl.SSLError):  # from a library that has a client of its own
            return tls_failed(Way(endpoint.address, None, 0.0), link, client_cert=False, sent=True)
    why = shorten(str(chain[-1])) or type(chain[-1]).__name__
    return ConnectionFailedError(
        _("the connection with {where} failed: {why}").format(where=endpoint.address, why=why),
        hint=_("check the network and the proxy; /doctor tests each step"),
        path=PathFault("server", sent=True),
    )


def _timeout(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    if any(type(link).__name__ in ("ConnectTimeout", "PoolTimeout") for link in _chain(failure)):
        return RequestTimeoutError(
            _("no connection with {where} within the time allowed").format(where=endpoint.address),
            hint=_("check the network; behind a firewall a proxy is needed: network.proxy"),
        )
    return RequestTimeoutError(
        _("{where} was silent for too long").format(where=endpoint.address),
        hint=_("/retry; a slow server needs a larger network.idle_timeout"),
    )


def silent(seconds: float, endpoint: Endpoint) -> RequestTimeoutError:
    """The error for a reply without any event for `seconds`; comment pings do not count."""
    return RequestTimeoutError(
        _("{where} sent nothing for {seconds:g} s").format(where=endpoint.address, seconds=seconds),
        hint=_("/retry; a slow server needs a larger network.idle_timeout"),
    )


def _broken(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ProtocolError(
        _("{where} answered with something that cannot be read: {why}").format(
            where=endpoint.address, why=shorten(str(failure)) or type(failure).__name__
        ),
        hint=_("the server, or something between, does not speak the API; check the base address"),
    )


def _address(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ConfigurationError(
        _("the address “{address}” cannot be used: {why}").format(
            address=endpoint.address, why=shorten(str(failure))
        ),
        hint=_("an address looks like https://host/v1"),
    )


def _settings(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ConfigurationError(
        _("the request could not be made: {why}").format(why=shorten(str(failure)) or type(failure).__name__),
        hint=_("check the provider's settings and its key with /config"),
    )


def _identity(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return AuthenticationError(
        _("no token could be had for {who}: {why}").format(who=endpoint.provider, why=shorten(str(failure))),
        hint=endpoint.key_hint,
    )


def _cut_short(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ProtocolError(_("the reply ended before it was complete"), hint=_("raise max_tokens, or /continue"))


def _filtered(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ContentFilterError(
        _("{who}'s content filter stopped the reply").format(who=endpoint.provider),
        hint=_("say it in other words with /edit"),
    )


def _unforeseen(failure: BaseException, endpoint: Endpoint) -> GptchatError:
    return ProtocolError(
        _("an unexpected failure: {kind}: {why}").format(kind=type(failure).__name__, why=shorten(str(failure))),
        hint=_("--debug writes the details to a log file"),
    )


NAMES: Mapping[str, Explain] = {
    "openai.APITimeoutError": _timeout,
    "openai.APIConnectionError": _connection,
    "openai.OAuthError": _status,
    "openai.AuthenticationError": _status,
    "openai.BadRequestError": _status,
    "openai.ConflictError": _status,
    "openai.InternalServerError": _status,
    "openai.NotFoundError": _status,
    "openai.PermissionDeniedError": _status,
    "openai.RateLimitError": _status,
    "openai.UnprocessableEntityError": _status,
    "openai.APIStatusError": _status,
    "openai.APIResponseValidationError": _broken,
    "openai.APIError": lambda error, endpoint: error_of(
        None, getattr(error, "body", None) or str(error), endpoint
    ),
    "openai.LengthFinishReasonError": _cut_short,
    "openai.ContentFilterFinishReasonError": _filtered,
    "openai.SubjectTokenProviderError": _identity,
    "openai.MutuallyExclusiveAuthError": _settings,
    "openai.InvalidWebhookSignatureError": _broken,
    "openai.WebSocketConnectionClosedError": _connection,
    "openai.WebSocketQueueFullError": _connection,
    "openai.StreamAlreadyConsumed": _broken,
    "openai._AmbiguousModuleClientUsageError": _settings,
    "openai.APIRemovedInV1": _settings,
    "openai.MissingDependencyError": _settings,
    "openai.MissingStreamClassError": _broken,
    "openai.OpenAIError": _settings,
    "httpx2.ConnectTimeout": _timeout,
    "httpx2.ReadTimeout": _timeout,
    "httpx2.WriteTimeout": _timeout,
    "httpx2.PoolTimeout": _timeout,
    "httpx2.TimeoutException": _timeout,
    "httpx2.ConnectError": _connection,
    "httpx2.ReadError": _connection,
    "httpx2.WriteError": _connection,
    "httpx2.CloseError": _connection,
    "httpx2.NetworkError": _connection,
    "httpx2.ProxyError": _connection,
    "httpx2.RemoteProtocolError": _connection,
    "httpx2.LocalProtocolError": _settings,
    "httpx2.ProtocolError": _connection,
    "httpx2.UnsupportedProtocol": _address,
    "httpx2.TransportError": _connection,
    "httpx2.DecodingError": _broken,
    "httpx2.TooManyRedirects": _broken,
    "httpx2.RequestError": _connection,
    "httpx2.HTTPStatusError": _status,
    "httpx2.HTTPError": _connection,
    "httpx2.InvalidURL": _address,
    "httpx2.CookieConflict": _broken,
    "httpx2.StreamConsumed": _broken,
    "httpx2.StreamClosed": _broken,
    "httpx2.ResponseNotRead": _broken,
    "httpx2.RequestNotRead": _broken,
    "httpx2.StreamError": _broken,
    "httpx2.SSEError": _broken,
    "builtins.TimeoutError": _timeout,
    "builtins.ImportError": _settings,
    "builtins.UnicodeEncodeError": _settings,
    "builtins.OSError": _connection,
    "builtins.RecursionError": _broken,
    "json.JSONDecodeError": _broken,
    "ssl.SSLError": _connection,
}
"""The function that explains each known exception class, by `library.ClassName`."""

_ROOTS: Mapping[str, Explain] = {
    "httpcore2": _connection,
    "anyio": _connection,
    "h11": _connection,
}
"""Libraries used by httpx2, which should convert their exceptions but may miss some."""

__all__ = ["NAMES", "Endpoint", "explain", "is_stale", "may_retry", "silent"]
