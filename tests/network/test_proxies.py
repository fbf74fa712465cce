"""Proxies, real and broken: who failed is told, soon, and never blamed on somebody else."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path

import openai  # noqa: F401 - loaded before anything is timed
import pytest

from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import GptchatError, ProviderError
from gptchat.redaction import redact
from tests.providers.asking import ask, provider
from tests.support.peers import (
    ScriptedPeer,
    answering,
    deaf,
    free_port,
    microsocks,
    saying,
    silent,
    tinyproxy,
)
from tests.support.server import Reply, Server

SHORT = NetworkSettings(connect_timeout=0.5, idle_timeout=3, max_retries=0)
TARGETS = ("http://chat.example.test/v1", "https://chat.example.test/v1")
HTTP_AND_SOCKS = ("http", "socks5")
HTTP_AND_HTTPS = ("http", "https")


def failure(address: str, proxy: str, network: NetworkSettings = SHORT) -> ProviderError:
    """The error of a chat with `address` through `proxy`, which came within twice the time to connect."""
    began = time.monotonic()
    error: GptchatError = ask(provider(address, network=replace(network, proxy=proxy))).failure
    assert time.monotonic() - began < 2 * network.connect_timeout + 1
    assert isinstance(error, ProviderError), error
    assert error.path is not None, error.message
    return error


def blames_the_proxy(error: ProviderError, place: str) -> None:
    """The error is about the proxy at `place`, and about nobody's key."""
    assert error.path is not None
    assert error.path.culprit == "proxy"
    assert place in error.message
    assert "key" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
def test_a_real_proxy_carries_a_chat(server: Server, tmp_path: Path, scheme: str) -> None:
    """A chat goes through tinyproxy and microsocks, with a password and without."""
    started = tinyproxy(tmp_path) if scheme == "http" else microsocks()
    with started as place:
        assert ask(provider(server.url, proxy=f"{scheme}://{place}")).text == "You said: hello"
        assert ask(provider(server.url, proxy=f"{scheme}://u:unneeded@{place}")).text == "You said: hello"
    locked = (
        tinyproxy(tmp_path, "BasicAuth u s3cret-word")
        if scheme == "http"
        else microsocks("-u", "u", "-P", "s3cret-word")
    )
    with locked as place:
        assert ask(provider(server.url, proxy=f"{scheme}://u:s3cret-word@{place}")).text == "You said: hello"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
def test_a_real_proxy_that_wants_a_password(tmp_path: Path, scheme: str, target: str) -> None:
    """Without a password the hint shows how to write one, unmasked; a wrong one is told as wrong and not shown."""
    locked = (
        tinyproxy(tmp_path, "BasicAuth u s3cret-word")
        if scheme == "http"
        else microsocks("-u", "u", "-P", "s3cret-word")
    )
    with locked as place:
        without = failure(target, f"{scheme}://{place}")
        wrong = failure(target, f"{scheme}://u:wrong-word@{place}")
    blames_the_proxy(without, place)
    assert f"{scheme}://user:password@host:port" in without.hint
    blames_the_proxy(wrong, place)
    assert "refused the user name or password" in wrong.message
    assert "wrong-word" not in wrong.message + wrong.hint
    assert without.path is not None
    assert without.path.lasting, "trying again cannot help"


@pytest.mark.parametrize("target", HTTP_AND_HTTPS)
@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
def test_a_real_proxy_whose_target_is_down(tmp_path: Path, scheme: str, target: str) -> None:
    """A proxy that cannot reach the server is quoted, and its own settings are not suspected."""
    started = tinyproxy(tmp_path) if scheme == "http" else microsocks()
    with started as place:
        address = f"{target}://127.0.0.1:{free_port()}/v1"
        error = failure(address, f"{scheme}://{place}", replace(SHORT, connect_timeout=3))
    blames_the_proxy(error, place)
    assert "says that it cannot reach" in error.message
    assert "the proxy itself works" in error.hint


def test_a_real_proxy_that_forbids(server: Server, tmp_path: Path) -> None:
    """A proxy's filter is told as the proxy's rule, for http and https."""
    rules = tmp_path / "filter"
    rules.write_text("127.0.0.1\nchat.example.test\n")
    with tinyproxy(tmp_path, f'Filter "{rules}"') as place:
        for target in (server.url, TARGETS[1]):
            error = failure(target, f"http://{place}")
            blames_the_proxy(error, place)
            assert "does not let us through" in error.message
            assert error.status == 403
    assert not server.requests


def test_a_real_proxy_that_tunnels_to_443_alone(server: Server, tmp_path: Path) -> None:
    """An http:// server behind a proxy that opens tunnels to port 443 alone is reached, and speaks for itself."""
    with tinyproxy(tmp_path, "ConnectPort 443", "BasicAuth u s3cret-word") as place:
        proxy = f"http://u:s3cret-word@{place}"
        assert ask(provider(server.url, proxy=proxy)).text == "You said: hello"
        server.script(Reply.error(403, "no such project", type="permission_error"))
        refused = ask(provider(server.url, proxy=proxy)).failure
        assert refused.kind == "permission", "the server's own refusal is not the proxy's"
        server.close()
        blames_the_proxy(failure(server.url, proxy), place)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
@pytest.mark.parametrize(
    "behaviour",
    [silent, saying(b"H", hang=True), saying(b"\x05", hang=True), saying(*[b"H"] * 99, pause=0.05)],
    ids=["silent", "one byte of HTTP", "one byte of SOCKS", "drop by drop"],
)
def test_a_proxy_that_hangs(scheme: str, target: str, behaviour: object) -> None:
    """A proxy that accepts and says nothing, or too little, is named within the time to connect."""
    with ScriptedPeer(behaviour) as peer:  # type: ignore[arg-type]
        error = failure(target, f"{scheme}://{peer.place}")
    blames_the_proxy(error, peer.place)


def test_an_https_proxy_that_hangs() -> None:
    """A proxy with an https:// address that never finishes its handshake is named as the proxy."""
    with ScriptedPeer(silent) as peer:
        blames_the_proxy(failure(TARGETS[1], f"https://{peer.place}"), peer.place)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
@pytest.mark.parametrize("behaviour", [deaf, saying(b"HTTP/1.1 2"), saying(b"\x05\x00"), saying(b"220 smtp\r\n")])
def test_a_proxy_that_dies_or_is_none(scheme: str, target: str, behaviour: object) -> None:
    """A proxy that closes in the middle of the handshake, or is no proxy of that kind, is named."""
    with ScriptedPeer(behaviour) as peer:  # type: ignore[arg-type]
        error = failure(target, f"{scheme}://{peer.place}")
    blames_the_proxy(error, peer.place)


@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
def test_a_slow_proxy_is_waited_for(server: Server, scheme: str) -> None:
    """A handshake that arrives byte by byte is read to its end, within the time."""
    answer = (
        b"HTTP/1.1 200 OK\r\n\r\n" if scheme == "http" else b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
    )
    pieces = [answer[index : index + 1] for index in range(len(answer))]
    with ScriptedPeer(saying(*pieces, pause=0.005)) as peer:
        error = ask(provider(server.url, network=replace(SHORT, proxy=f"{scheme}://{peer.place}"))).failure
    assert isinstance(error, ProviderError)
    assert error.path is not None
    # The handshake is over: only then does the tunnel close (or, for SOCKS, refuse by its code 5)
    assert error.path.culprit == ("server" if scheme == "http" else "proxy")


@pytest.mark.parametrize("code", range(1, 9))
def test_the_reply_codes_of_socks(code: int) -> None:
    """Each reply code of a SOCKS proxy is told as the proxy's word."""
    with ScriptedPeer(saying(b"\x05\x00", bytes((5, code, 0, 1, 0, 0, 0, 0, 0, 0)))) as peer:
        error = failure(TARGETS[1], f"socks5://{peer.place}")
    blames_the_proxy(error, peer.place)
    assert f"SOCKS {code}" in error.message


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("status", [401, 403, 407, 429, 451, 500, 502, 503, 504])
def test_the_statuses_of_an_http_proxy(target: str, status: int) -> None:
    """What an HTTP proxy refuses is told as the proxy's word, with its status, for http and https."""
    with ScriptedPeer(
        answering(f"HTTP/1.1 {status} Whatever", "Content-Type: text/html", body="<h1>no</h1>")
    ) as peer:
        error = failure(target, f"http://{peer.place}")
    blames_the_proxy(error, peer.place)
    assert error.status == status


def test_a_proxy_that_wants_another_login() -> None:
    """A proxy that takes NTLM alone is told with a way to speak it."""
    lines = ("HTTP/1.1 407 Login", "Proxy-Authenticate: Negotiate", "Proxy-Authenticate: NTLM")
    with ScriptedPeer(answering(*lines)) as peer:
        error = failure(TARGETS[1], f"http://u:pw-secret@{peer.place}")
    assert "ntlm" in error.hint
    assert "px" in error.hint


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_proxy_whose_name_does_not_resolve(scheme: str) -> None:
    """A mistyped proxy is told as the proxy's name, not the server's."""
    error = failure(TARGETS[1], f"{scheme}://no-such-proxy.invalid:3128")
    assert error.path is not None
    assert error.path.culprit == "name"
    assert "no-such-proxy.invalid" in error.message
    assert "proxy" in error.message


def test_a_login_page_of_the_network() -> None:
    """A network that wants a login first (511) is told as the network's, with what to do."""
    with ScriptedPeer(answering("HTTP/1.1 511 Network Authentication Required", body="log in")) as peer:
        error = ask(provider(f"http://{peer.place}/v1", network=SHORT)).failure
    assert isinstance(error, ProviderError)
    assert error.path is not None
    assert error.path.culprit == "network"
    assert "browser" in error.hint


def test_a_server_that_hangs_up_is_not_the_proxys_fault(tmp_path: Path) -> None:
    """A server that closes behind a working proxy is blamed itself."""
    with ScriptedPeer(deaf) as peer, tinyproxy(tmp_path) as place:
        error = failure(f"http://{peer.place}/v1", f"http://{place}")
    assert error.path is not None
    assert error.path.culprit == "server"
    assert peer.place in error.message


def test_the_example_of_a_login_is_shown() -> None:
    """The example in a hint reads as it is written, while a real login is masked, however like it it looks."""
    assert redact("http://user:password@host:port") == "http://user:password@host:port"
    for login in ("user:hunter2@", "user:password1@", "me:password@"):
        assert login not in redact(f"http://{login}proxy.example.test:3128")


def test_a_proxy_that_speaks_inside_of_the_tunnel() -> None:
    """A proxy that intercepts the connection and fails inside of its tunnel is told as the proxy."""
    inside = b"HTTP/1.1 502 Bad Gateway\r\nServer: mitmproxy 12\r\nContent-Length: 0\r\n\r\n"
    with ScriptedPeer(saying(b"HTTP/1.1 200 OK\r\n\r\n", inside)) as peer:
        error = failure(TARGETS[0], f"http://{peer.place}")
    blames_the_proxy(error, peer.place)
    assert error.status == 502


@pytest.mark.parametrize("scheme", HTTP_AND_SOCKS)
def test_addresses_of_ipv6_behind_a_proxy(scheme: str) -> None:
    """An IPv6 address goes to the proxy in the form that its protocol has for it."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        if scheme == "socks5":
            writer.write(b"\x05\x00")
            heard.append(await reader.read(4096))

    with ScriptedPeer(listen) as peer:
        failure("https://[2001:db8::1]:8443/v1", f"{scheme}://{peer.place}")
    if scheme == "http":
        assert heard[0].startswith(b"CONNECT [2001:db8::1]:8443 HTTP/1.1")
    else:
        assert heard[1] == b"\x05\x01\x00\x04" + bytes.fromhex("20010db8") + bytes(11) + b"\x01" + b"\x20\xfb"


def test_a_server_on_the_second_address_of_its_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose first address does not answer is reached at its next one, in time."""

    def addresses(_host: str, port: int, *_more: object, **_named: object) -> list[tuple[object, ...]]:
        return [(0, 1, 6, "", (host, port)) for host in ("::1", "127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    engine = provider(f"http://many.example.test:{server.port}/v1", network=replace(SHORT, connect_timeout=3))
    assert ask(engine).text == "You said: hello"
