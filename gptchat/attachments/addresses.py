"""Fetches a URL for a message: http and https only, with limits on size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from email.message import Message as Headers
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from gptchat import __version__, words
from gptchat.attachments.limits import human_size
from gptchat.errors import ProviderError, TurnInterruptedError, UsageError
from gptchat.net.client import http_client
from gptchat.net.private_hosts import is_private, private_address
from gptchat.net.proxies import proxy_for
from gptchat.redaction import redact
from gptchat.values import dataclass
from gptchat.waiting import given_up, leavable
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

    from gptchat.config.endpoints import NetworkSettings

_SILENCE = 10.0  # seconds without a byte
_REDIRECTS = 10
_POLL = 0.05  # seconds between looks at whether anyone still waits


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response of a URL. `note` is a line for the user: the final URL, media type and size."""

    data: bytes
    mime: str
    charset: str
    note: str


def fetch(address: str, network: NetworkSettings, *, limit: int, timeout: float, private: bool = True) -> Fetched:
    """GET `address` with the proxy and certificates of `network`: at most `limit` bytes in `timeout` seconds.

    `private` says that its host may be in a private network. No redirect may lead into one, but to the same host.

    Blocks; call it in a thread without an event loop. Raises UsageError with the reason, and ConfigurationError
    for an unusable proxy or certificate file.
    """
    return asyncio.run(_watched(_fetch(address, network, limit, timeout, private)))


async def _watched(fetching: Coroutine[Any, Any, Fetched]) -> Fetched:
    """The result of `fetching`, which is cancelled once nobody waits for it."""
    task = asyncio.ensure_future(fetching)
    while not task.done():
        await asyncio.wait({task}, timeout=_POLL)
        if given_up():
            task.cancel()
    try:
        return task.result()
    except asyncio.CancelledError:
        raise TurnInterruptedError(_("stopped")) from None


async def _fetch(address: str, network: NetworkSettings, limit: int, timeout: float, private: bool) -> Fetched:  # noqa: ASYNC109 - the whole time, as the error says
    import httpx2

    at = _encoded(address)
    known = urlsplit(at).hostname if private else None
    try:
        async with asyncio.timeout(timeout):
            for _redirect in range(_REDIRECTS):  # each host may need a different proxy, or none
                async with http_client(at, None, network) as client:
                    public = urlsplit(at).hostname != known
                    if public and at != _encoded(address):
                        _keep_out(at, await leavable(private_address, urlsplit(at).hostname or ""))
                    direct = public and not proxy_for(at, None, network)
                    found = await _answer(client, at, address, limit, check=direct)
                if isinstance(found, Fetched):
                    return found
                at = found
    except TimeoutError as error:
        raise UsageError(
            _("{address} takes too long to arrive").format(address=redact(address)),
            hint=_("save it with a browser and attach the file"),
        ) from error
    except ProviderError as error:  # who failed on the way, with its own advice
        raise UsageError(
            _("{address} cannot be fetched: {why}").format(address=redact(address), why=error.message),
            hint=error.hint or _("check the address, the network and the proxy"),
        ) from error
    except (OSError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise _cannot(address, _reason(error)) from error
    raise _cannot(address, _("it leads from one address to the next without end"))


def _keep_out(at: str, private: str) -> None:
    """Refuse `at`, whose host is at the private address `private`; does nothing where that is empty."""
    if private:
        raise UsageError(
            _("the address leads to {address}, which is in a private network ({private})").format(
                address=redact(at), private=private
            ),
            hint=_("attach that address itself if you mean it"),
        )


async def _answer(client: httpx2.AsyncClient, at: str, address: str, limit: int, *, check: bool) -> Fetched | str:
    """The response of `at`, or the URL that it redirects to. `address` is the URL that the user gave.

    With `check` the machine that answers must not be in a private network: a name may resolve anew to another
    address than the one that was judged.
    """
    import httpx2

    headers = {"User-Agent": f"gptchat/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    patience = httpx2.Timeout(_SILENCE, connect=client.timeout.connect)
    request = client.build_request("GET", at, headers=headers, timeout=patience)
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None and check else None
        if peer and is_private(str(peer[0])):
            _keep_out(at, str(peer[0]))
        if response.has_redirect_location:
            there = urljoin(at, response.headers["location"])
            if urlsplit(there).scheme not in ("http", "https"):
                raise UsageError(
                    _("the address leads to {address}, which is not on the web").format(address=redact(there)),
                    hint=_("use an http or https address"),
                )
            return _encoded(there)
        if response.is_error:
            raise UsageError(
                _("{address} answered {status} {reason}")
                .format(
                    address=redact(address), status=response.status_code, reason=redact(response.reason_phrase)
                )
                .rstrip(),
                hint=_("open it in a browser to see whether it needs a login"),
            )
        data = bytearray()
        async for piece in response.aiter_raw():
            data += piece
            if len(data) > limit:
                raise UsageError(
                    _("{address} is larger than {limit}").format(address=redact(address), limit=human_size(limit)),
                    hint=_("save it and attach a part of it"),
                )
    finally:
        await response.aclose()
    told = Headers()
    told["Content-Type"] = response.headers.get("content-type", "")
    mime, size = told.get_content_type(), human_size(len(data))
    note = _("fetched {address} ({mime}, {size})").format(address=redact(at), mime=mime, size=size)
    return Fetched(bytes(data), mime, told.get_content_charset() or "", note)


def _cannot(address: str, why: str) -> UsageError:
    return UsageError(
        _("{address} cannot be fetched: {why}").format(address=redact(address), why=redact(why)),
        hint=_("check the address, the network and the proxy"),
    )


def _reason(error: BaseException) -> str:
    """The reason of the OSError that caused `error`, if there is one; else the message of `error`."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno is not None:
            return words.reason(link)
        link = link.__cause__ or link.__context__
    return str(error) or type(error).__name__


def _encoded(address: str) -> str:
    """`address` in ASCII: the host as IDNA, the rest percent-encoded; existing encoding is kept."""
    try:
        parts = urlsplit(address)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except ValueError as error:
        raise UsageError(
            _("{address} is not an address").format(address=address), hint=_("check how it is written")
        ) from error
    kept = "%/:=&?~#+!$,;'@()*[]"
    return urlunsplit((parts.scheme, host, quote(parts.path, kept), quote(parts.query, kept), ""))
