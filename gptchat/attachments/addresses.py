"""Fetch an address for a message: http and https only, within a size and a time, saying what was fetched."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message as Headers
from typing import IO
from urllib.parse import quote, urlsplit, urlunsplit

from gptchat import __version__, words
from gptchat.attachments.limits import human_size
from gptchat.config.endpoints import DIRECT
from gptchat.errors import UsageError
from gptchat.redaction import redact
from gptchat.words import _

_CHUNK = 65_536
_SOCKET_WAIT = 10.0  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered. `note` tells the person what came from where."""

    data: bytes
    mime: str
    charset: str
    note: str


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows redirects within http and https; files are refused by the library, ftp here."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise UsageError(
                _("the address leads to {address}, which is not on the web").format(address=newurl),
                hint=_("use an http or https address"),
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type] # typeshed wants HTTPMessage


def fetch(address: str, *, limit: int, timeout: float, proxy: str = "") -> Fetched:
    """GET `address`; at most `limit` bytes within `timeout` seconds. Raises UsageError with the reason.

    `proxy` is as in the settings: an address, `none` for no proxy at all, or empty for the environment's.
    """
    deadline = time.monotonic() + timeout
    request = urllib.request.Request(  # noqa: S310 - the caller lets only http and https through
        _encoded(address), headers={"User-Agent": f"gptchat/{__version__}", "Accept": "*/*"}
    )
    handlers: list[urllib.request.BaseHandler] = [_OnlyWeb()]
    if proxy:
        proxies = {} if proxy.lower() in DIRECT else {"http": proxy, "https": proxy}
        handlers.append(urllib.request.ProxyHandler(proxies))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=min(timeout, _SOCKET_WAIT)) as response:
            data = _read(response, address, limit, deadline)
            headers, final = response.headers, response.geturl()
    except urllib.error.HTTPError as error:
        error.close()
        raise UsageError(
            _("{address} answered {status} {reason}").format(
                address=address, status=error.code, reason=redact(str(error.reason))
            ),
            hint=_("open it in a browser to see whether it needs a login"),
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        told = words.reason(why) if isinstance(why, Exception) else str(why)
        raise UsageError(
            _("{address} cannot be fetched: {why}").format(address=redact(address), why=redact(told)),
            hint=_("check the address, the network and the proxy"),
        ) from error
    mime, size = headers.get_content_type(), human_size(len(data))
    note = _("fetched {address} ({mime}, {size})").format(address=redact(final), mime=mime, size=size)
    return Fetched(data, mime, headers.get_content_charset() or "", note)


def _read(response: http.client.HTTPResponse, address: str, limit: int, deadline: float) -> bytes:
    data = bytearray()
    while piece := response.read1(_CHUNK):  # what is there, so that the clock is looked at
        data += piece
        if len(data) > limit:
            raise UsageError(
                _("{address} is larger than {limit}").format(address=address, limit=human_size(limit)),
                hint=_("save it and attach a part of it"),
            )
        if time.monotonic() > deadline:
            raise UsageError(
                _("{address} takes too long to arrive").format(address=address),
                hint=_("save it with a browser and attach the file"),
            )
    return bytes(data)


def _encoded(address: str) -> str:
    """`address` in ASCII: the host as IDNA, everything else percent-encoded; what is encoded already stays."""
    try:
        parts = urlsplit(address)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except ValueError as error:
        raise UsageError(
            _("{address} is not an address").format(address=address), hint=_("check how it is written")
        ) from error
    kept = "%/:=&?~#+!$,;'@()*[]"
    return urlunsplit((parts.scheme, host, quote(parts.path, kept), quote(parts.query, kept), ""))
