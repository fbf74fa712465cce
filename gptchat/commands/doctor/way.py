"""What `/doctor` finds on the way to a server, in the order of a request: name, proxy, TLS, server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from gptchat import redaction
from gptchat.commands.doctor.finding import Finding, failed
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import GptchatError, ProviderError
from gptchat.net.proxies import proxy_for
from gptchat.net.way import Step
from gptchat.providers.probing import reach
from gptchat.values import replace
from gptchat.words import _

_SKEW = 60.0
"""Seconds our clock may be off; tokens and certificates begin to fail a few minutes beyond."""
_SOON = timedelta(days=14)
"""A certificate that ends sooner is worth a word."""


async def way(address: str, entry: ProviderSettings, network: NetworkSettings) -> AsyncIterator[Finding]:
    """Walk the way to `address` with a request, and tell each step as it is passed; the one that fails is last."""
    try:
        proxy = proxy_for(address, entry, network)
    except GptchatError as error:
        yield failed("proxy", error)
        return
    if proxy:
        origin = _("[providers.{name}]").format(name=entry.name) if entry.proxy else "network.proxy"
        if not (entry.proxy or network.proxy):
            origin = _("the environment")
        words = _("proxy: {proxy}, from {origin}")
        shown = redaction.redact(proxy)
        yield Finding("proxy", "ok", words.format(proxy=shown, origin=origin), more={"proxy": shown})
    else:
        yield Finding("proxy", "note", _("no proxy is used"), more={"proxy": None})
    # A server that is slow to answer is a finding of the request, not of the way to it
    patience = replace(network, idle_timeout=min(network.idle_timeout, 2 * network.connect_timeout))
    steps: asyncio.Queue[Step | None] = asyncio.Queue()
    walk = asyncio.ensure_future(reach(address, entry, patience, steps.put_nowait))
    walk.add_done_callback(lambda _walk: steps.put_nowait(None))
    secured = ""
    try:
        while (step := await steps.get()) is not None:
            if step.kind == "tls":
                secured = step.host
            else:
                yield _passed(step, proxy)
        reached = await walk
    except GptchatError as error:
        if secured:
            words = _("TLS with {host} is agreed on, and its certificate trusted")
            yield Finding("tls", "ok", words.format(host=secured))
        path = error.path if isinstance(error, ProviderError) else None
        yield failed(path.culprit if path is not None else "server", error)
        return
    finally:
        walk.cancel()
    yield _tls(address, reached.tls, reached.expires)
    shown = redaction.redact(address)
    yield Finding(
        "server", "ok", _("{address} answers").format(address=shown),
        more={"address": shown, "status": reached.status},
    )  # fmt: skip
    if reached.skew is not None:
        yield _clock(reached.skew)


def _passed(step: Step, proxy: str) -> Finding:
    if step.kind == "proxy":
        return Finding("proxy", "ok", _("the proxy opens the way to {host}").format(host=step.host))
    words = _("the proxy's name {host} resolves to {addresses}") if proxy else _("{host} resolves to {addresses}")
    return Finding("name", "ok", words.format(host=step.host, addresses=_(", ").join(step.addresses[:3])))


def _tls(address: str, version: str, expires: datetime | None) -> Finding:
    if not version:
        local = (urlsplit(address).hostname or "") in ("localhost", "127.0.0.1", "::1")
        if local:
            return Finding("tls", "note", _("no TLS: nothing leaves this machine"))
        return Finding(
            "tls", "warning", _("no TLS: key and conversation travel in the clear"),
            _("use an https:// address where the server has one"),
        )  # fmt: skip
    if expires is not None and expires - datetime.now(UTC) < _SOON:
        words = _("{version}; the certificate ends on {date}").format(
            version=version, date=expires.date().isoformat()
        )
        return Finding("tls", "warning", words, _("tell whoever runs the server"))
    return Finding("tls", "ok", _("{version}, certificate trusted").format(version=version))


def _clock(skew: float) -> Finding:
    if abs(skew) <= _SKEW:
        return Finding("clock", "ok", _("the clock agrees with the server's"), more={"seconds": round(skew)})
    words = _("the clock is {seconds} s ahead of the server's") if skew > 0 else _(
        "the clock is {seconds} s behind the server's"
    )  # fmt: skip
    return Finding(
        "clock", "warning", words.format(seconds=f"{abs(skew):,.0f}"),
        _("set the system's clock: logins and certificates depend on it"), {"seconds": round(skew)},
    )  # fmt: skip
