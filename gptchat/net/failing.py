"""What is said about a connection that failed: who failed, why, and the next step."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from gptchat import words
from gptchat.errors import ConnectionFailedError, PathFault, ProviderError, RequestTimeoutError
from gptchat.net.way import Way
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.errors import Culprit

_NO_ROUTE = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))


def settings_hint() -> str:
    """Where a proxy is set."""
    return _("check network.proxy, or HTTP_PROXY, HTTPS_PROXY and ALL_PROXY in the environment")


def _failed(
    message: str,
    hint: str,
    culprit: Culprit,
    *,
    sent: bool = False,
    lasting: bool = False,
    status: int | None = None,
) -> ConnectionFailedError:
    return ConnectionFailedError(message, hint=hint, status=status, path=PathFault(culprit, sent, lasting))


def unresolved(way: Way, host: str, error: OSError | UnicodeError) -> ProviderError:
    """The name `host` of the server or of the proxy was not resolved."""
    away = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    if way.proxy is not None:
        message = _("the name of the proxy {proxy} does not resolve").format(proxy=way.proxy.shown)
        return _failed(message, settings_hint(), "name")
    message = _("the name in {where} does not resolve").format(where=way.where)
    if away:
        hint = _("the name server gives no answer: check the network connection; where only a proxy resolves"
                 " names, set network.proxy")  # fmt: skip
    else:
        hint = _("check the address for typing errors, and the network connection")
    return _failed(message, hint, "name")


def resolved_late(way: Way) -> ProviderError:
    """The name server gave no answer in time."""
    where = way.proxy.shown if way.proxy is not None else way.where
    return RequestTimeoutError(
        _("the name in {where} was not resolved within {seconds:g} s").format(where=where, seconds=way.seconds),
        hint=_("check the network connection and its name server"),
        path=PathFault("name"),
    )


def unreached(way: Way, addresses: tuple[str, ...], error: OSError) -> ProviderError:
    """None of `addresses`, those of the server or of the proxy, took a connection."""
    refused = isinstance(error, ConnectionRefusedError)
    if way.proxy is not None:
        message = _("the proxy {proxy} does not answer")
        if not refused:
            message = _("the proxy {proxy} cannot be reached: {why}")
        return _failed(message.format(proxy=way.proxy.shown, why=words.reason(error)), settings_hint(), "proxy")
    if refused:
        return _failed(
            _("nothing answers at {where}").format(where=way.where),
            _("is the server running, and the address right? A proxy may be needed: network.proxy"),
            "server",
        )
    message = _("{where} cannot be reached: {why}").format(where=way.where, why=words.reason(error))
    if error.errno in _NO_ROUTE and all(":" in address for address in addresses):
        hint = _("it has IPv6 addresses alone, and this network has no IPv6: a proxy that has it would help")
    else:
        hint = _("check the network connection; behind a firewall a proxy is needed: network.proxy")
    return _failed(message, hint, "server")


def reached_late(way: Way) -> ProviderError:
    """The server or the proxy took no connection in time."""
    if way.proxy is not None:
        return RequestTimeoutError(
            _("the proxy {proxy} took no connection within {seconds:g} s").format(
                proxy=way.proxy.shown, seconds=way.seconds
            ),
            hint=settings_hint(),
            path=PathFault("proxy"),
        )
    return RequestTimeoutError(
        _("no connection with {where} within {seconds:g} s").format(where=way.where, seconds=way.seconds),
        hint=_("check the network; behind a firewall a proxy is needed: network.proxy"),
        path=PathFault("server"),
    )


def proxy_silent(way: Way) -> ProviderError:
    """The proxy took the connection, and did not say in time whether it lets us through."""
    assert way.proxy is not None
    return RequestTimeoutError(
        _("the proxy {proxy} did not open the way to {where} within {seconds:g} s").format(
            proxy=way.proxy.shown, where=way.where, seconds=way.seconds
        ),
        hint=_("the proxy hangs, or cannot reach the server either: try another proxy, or without one"
               " (network.proxy = \"none\")"),
        path=PathFault("proxy"),
    )  # fmt: skip


def proxy_closed(way: Way, why: str = "", *, sent: bool = False) -> ProviderError:
    """The proxy broke the connection off in the middle of the handshake."""
    assert way.proxy is not None
    tail = _(": {why}").format(why=why) if why else ""
    return _failed(
        _("the proxy {proxy} broke off the connection{tail}").format(proxy=way.proxy.shown, tail=tail),
        _("is it a proxy of that kind (http://, https://, socks5://), and does it let this machine in?"),
        "proxy",
        sent=sent,
    )


def forward_silent(way: Way) -> ProviderError:
    """A proxy that forwards requests has passed on no answer."""
    assert way.proxy is not None
    return RequestTimeoutError(
        _("neither the proxy {proxy} nor {where} behind it said anything in the time allowed").format(
            proxy=way.proxy.shown, where=way.where
        ),
        hint=_("/retry, or try another proxy; a slow server needs a larger network.idle_timeout"),
        path=PathFault("proxy", sent=True),
    )


def proxy_speaks_otherwise(way: Way) -> ProviderError:
    """What listens at the proxy's address does not speak the protocol of its scheme."""
    assert way.proxy is not None
    kind = _("a SOCKS5 proxy") if way.proxy.scheme == "socks5h" else _("an HTTP proxy")
    return _failed(
        _("{proxy} does not answer as {kind} does").format(proxy=way.proxy.shown, kind=kind),
        _("write the scheme that the proxy speaks: http://, https:// or socks5://; {where}").format(
            where=settings_hint()
        ),
        "proxy",
        lasting=True,
    )


def proxy_login(way: Way, *, status: int | None = None, schemes: tuple[str, ...] = ()) -> ProviderError:
    """The proxy wants a user name and a password, or other ones. `schemes` are those of `Proxy-Authenticate`."""
    assert way.proxy is not None
    number = _(" ({status})").format(status=status) if status else ""
    given = way.proxy.login
    if given:
        message = _("the proxy {proxy} refused the user name or password{number}")
    else:
        message = _("the proxy {proxy} wants a user name and password{number}")
    if schemes and "basic" not in schemes:
        hint = _("it takes only {schemes}, which a helper such as px or cntlm speaks: run one, and name its"
                 " address in network.proxy").format(schemes=_(", ").join(schemes))  # fmt: skip
    elif given:
        hint = _("correct them in the proxy's address; special characters are written as in %40 for @")
    else:
        scheme = "socks5" if way.proxy.scheme == "socks5h" else way.proxy.scheme
        hint = _("write them into the proxy's address: {example}").format(
            example=f"{scheme}://user:password@host:port"
        )
    return _failed(
        message.format(proxy=way.proxy.shown, number=number), hint, "proxy", lasting=True, status=status
    )


def schemes(challenge: str) -> tuple[str, ...]:
    """The schemes in a `Proxy-Authenticate` header, in lower case."""
    first = (part.strip().partition(" ")[0] for part in challenge.split(","))
    return tuple(dict.fromkeys(word.lower() for word in first if word and "=" not in word))


def proxy_refused(way: Way, why: str, *, status: int | None = None) -> ProviderError:
    """The proxy does not allow the connection, by its rules."""
    assert way.proxy is not None
    return _failed(
        _("the proxy {proxy} does not let us through to {where}: {why}").format(
            proxy=way.proxy.shown, where=way.where, why=why
        ),
        _("its rules forbid it: ask whoever runs the proxy, or use another; the server was not asked"),
        "proxy",
        lasting=True,
        status=status,
    )


def proxy_failed(way: Way, why: str, *, status: int | None = None) -> ProviderError:
    """The proxy says that it cannot reach the server."""
    assert way.proxy is not None
    return _failed(
        _("the proxy {proxy} says that it cannot reach {where}: {why}").format(
            proxy=way.proxy.shown, where=way.where, why=why
        ),
        _("the proxy itself works: check the server's address, and whether the server is up; else try another"
          " proxy, or NO_PROXY for a server of this network"),
        "proxy",
        status=status,
    )  # fmt: skip


def closed_early(way: Way, why: str = "") -> ProviderError:
    """The server took the connection and the request, and closed without a word."""
    tail = _(": {why}").format(why=why) if why else ""
    hint = _("is that port the API's? It may also want a client certificate: network.client_cert")
    if way.where.startswith("http:"):
        hint = _("is that port the API's, and does it speak http, not https? /doctor tests each step")
    return _failed(
        _("{where} closed the connection without an answer{tail}").format(where=way.where, tail=tail),
        hint,
        "server",
        sent=True,
    )


def login_wanted(way: Way, why: str, status: int) -> ProviderError:
    """The network, or its proxy, wants a login on a page of its own first."""
    return ConnectionFailedError(
        _("the network wants a login before it lets anything through to {where} ({why})").format(
            where=way.where, why=why
        ),
        hint=_("open any http:// page in a browser, log in there, then /retry"),
        status=status,
        path=PathFault("network", lasting=True),
    )
