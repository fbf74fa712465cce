"""The way to the server: addresses as people write them, proxies, certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.net.proxies import proxy_for
from gptchat.providers.address import base_address
from tests.providers.asking import QUICK, ask, provider
from tests.support.proxies import HttpProxy, SocksProxy
from tests.support.server import Server

SETTINGS = ProviderSettings("test", "compatible")
NOWHERE = "chat.example.test"  # a name that only a proxy can resolve, as RFC 6761 promises


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com", "https://api.example.com/v1"),
        ("https://api.example.com/", "https://api.example.com/v1"),
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com/v1/v1", "https://api.example.com/v1"),
        ("https://api.example.com//v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1"),
        ("https://api.example.com/v1/chat/completions/", "https://api.example.com/v1"),
        ("https://api.example.com/chat/completions", "https://api.example.com/v1"),
        ("https://api.example.com/v1/responses", "https://api.example.com/v1"),
        ("https://api.example.com/v1/models", "https://api.example.com/v1"),
        ("https://api.example.com/v1/messages", "https://api.example.com/v1"),
        ("https：//api.example.com/v1", "https://api.example.com/v1"),
        ("http:/localhost:8080/v1", "http://localhost:8080/v1"),
        ("http//localhost:8080", "http://localhost:8080/v1"),
        ("http://localhost:11434/api/chat", "http://localhost:11434/v1"),
        ("localhost:11434/api", "http://localhost:11434/v1"),
        ("gpubox:8000", "http://gpubox:8000/v1"),
        (" 'https://api.example.com/v1' ", "https://api.example.com/v1"),
        ("https://open.example.cn/api/paas/v4/", "https://open.example.cn/api/paas/v4"),
        ("https://gate.example.com/v1beta/openai/", "https://gate.example.com/v1beta/openai"),
        ("api.example.com", "https://api.example.com/v1"),
        ("localhost:11434", "http://localhost:11434/v1"),
        ("127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("192.168.1.5:1234", "http://192.168.1.5:1234/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_addresses_are_forgiven(written: str, meant: str) -> None:
    """A base address works with or without `/v1`, a slash, a pasted route, quotes or a scheme."""
    assert base_address(written) == meant


def test_the_query_of_a_pasted_address(server: Server) -> None:
    """A query in the address goes with every request, beside the settings' own."""
    ask(provider(f"{server.root}/v1/chat/completions?tenant=7&x=1", query={"x": "2"}))

    assert server.requests[0].target == "/v1/chat/completions?tenant=7&x=2"


def test_a_password_in_the_address_is_not_shown(server: Server) -> None:
    """Credentials in an address do not appear in what a person reads."""
    server.close()

    failure = ask(provider(server.url.replace("//", "//me:p-secret-9@"))).failure

    assert failure.kind == "connection"
    assert "p-secret-9" not in failure.message + failure.hint


@pytest.mark.parametrize("written", ["", "ftp://x/v1", "https://", "http://host:notaport/v1", "http://[bad/v1"])
def test_what_is_no_address_is_said_so(written: str) -> None:
    """Something that cannot be an address is an error in the settings, before anything is sent."""
    with pytest.raises(ConfigurationError):
        base_address(written)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/v1/", "/v1/chat/completions", "/chat/completions"])
def test_forgiven_addresses_reach_the_server(server: Server, path: str) -> None:
    """However the address is written, the request arrives at the one right path."""
    assert ask(provider(server.root + path)).text == "You said: hello"
    assert server.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("environment", "address", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.test/v1", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.test/v1", ""),
        ({"HTTP_PROXY": "p:1"}, "http://a.test/v1", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "https://a.test/v1", "socks5h://p:1"),
        ({"all_proxy": "socks://p:1"}, "https://a.test/v1", "socks5h://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "https://a.test/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".test"}, "https://b.a.test/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "https://aa.test/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.test/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8, x"}, "http://10.1.2.3:8080/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "localhost,127.0.0.1"}, "http://127.0.0.1:8080/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1:9"}, "http://127.0.0.1:8080/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.a.test"}, "https://b.a.test/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.a.test"}, "https://ba.test/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.test:443"}, "https://a.test/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.test:80"}, "https://a.test/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "[::1]"}, "http://[::1]:8080/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, "http://[fd00::5]:8080/v1", ""),
        ({"HTTPS_PROXY": " ", "ALL_PROXY": "http://p:1"}, "https://a.test/v1", "http://p:1"),
        ({"HTTPS_PROXY": " "}, "https://a.test/v1", ""),
        ({}, "https://a.test/v1", ""),
    ],
)
def test_proxies_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str, proxy: str
) -> None:
    """The environment's proxies and exceptions are obeyed as curl obeys them, and `socks://` is understood."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert proxy_for(address, SETTINGS, NetworkSettings()) == proxy


def test_the_nearest_proxy_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's proxy goes before the one for all, that before the environment's, and `none` means none."""
    monkeypatch.setenv("ALL_PROXY", "http://env:1")
    everywhere, address = NetworkSettings(proxy="http://all:1"), "https://a.test/v1"

    assert proxy_for(address, replace(SETTINGS, proxy="http://own:1"), everywhere) == "http://own:1"
    assert proxy_for(address, SETTINGS, everywhere) == "http://all:1"
    assert proxy_for(address, replace(SETTINGS, proxy="none"), everywhere) == ""


@pytest.mark.parametrize("written", ["ftp://p:1", "http://", "socks5://p:x", "://", "http://p q:1"])
def test_what_is_no_proxy_is_said_so(server: Server, written: str) -> None:
    """A proxy that cannot be one is an error in the settings, not a traceback."""
    failure = ask(provider(server.url, network=replace(QUICK, proxy=written))).failure

    assert failure.kind == "configuration"
    assert "proxy" in failure.hint


@pytest.mark.parametrize(
    "written", ["u:{}@p:99999", "http://u:{}/x@p:1", "socks5://u:x@{}@p:x", "http://u:a {}@p:1", "ftp://{}@p:1"]
)
def test_an_address_that_is_refused_shows_no_password(written: str) -> None:
    """A password is not shown in an error about an address, however the address is miswritten."""
    text = written.format("pw-7")
    with pytest.raises(ConfigurationError) as proxy:
        proxy_for("https://a.test", None, NetworkSettings(proxy=text))
    with pytest.raises(ConfigurationError) as server:
        base_address(text.replace("socks5", "https"))
    for refused in (proxy.value, server.value):
        assert "pw-7" not in refused.message + refused.hint
        assert "p:" in refused.message


@pytest.fixture
def http_proxy() -> Iterator[HttpProxy]:
    """An HTTP proxy."""
    with HttpProxy() as proxy:
        yield proxy


def test_a_chat_through_an_http_proxy(server: Server, http_proxy: HttpProxy) -> None:
    """A chat goes through a forward proxy to a name that only the proxy can reach."""
    engine = provider(f"http://{NOWHERE}:{server.port}/v1", network=replace(QUICK, proxy=http_proxy.url))

    assert ask(engine).text == "You said: hello"
    assert http_proxy.targets == [f"{NOWHERE}:{server.port}"]


def test_a_chat_through_the_environments_proxy(
    server: Server, http_proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy carries the chat, and NO_PROXY keeps it away."""
    monkeypatch.setenv("HTTP_PROXY", http_proxy.url)

    assert ask(provider(f"http://{NOWHERE}:{server.port}/v1")).text == "You said: hello"
    assert len(http_proxy.targets) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ask(provider(server.url)).text == "You said: hello"
    assert len(http_proxy.targets) == 1


def test_a_proxy_that_wants_a_password(server: Server) -> None:
    """A proxy's 407 is told with what to write; with the password the chat goes through, unseen in errors."""
    with HttpProxy(user="u", password="p-secret-7") as proxy:
        address = f"http://{NOWHERE}:{server.port}/v1"
        refused = ask(provider(address, network=replace(QUICK, proxy=proxy.url))).failure
        assert (refused.kind, refused.status) == ("connection", 407)
        assert "user:password@" in refused.hint

        own = f"http://u:p-secret-7@127.0.0.1:{proxy.port}"
        assert ask(provider(address, proxy=own)).text == "You said: hello"
        proxy.close()
        dead = ask(provider(address, proxy=own)).failure
    assert "p-secret-7" not in dead.message
    assert str(proxy.port) in dead.message, "the proxy is named, for it is the proxy that does not answer"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_a_chat_through_a_socks_proxy(server: Server, scheme: str) -> None:
    """A chat goes through a SOCKS5 proxy, which also resolves the name."""
    with SocksProxy() as proxy:
        address = proxy.url.replace("socks5", scheme)
        engine = provider(f"http://{NOWHERE}:{server.port}/v1", proxy=address)

        assert ask(engine).text == "You said: hello"
        assert proxy.targets == [f"{NOWHERE}:{server.port}"]


def test_a_socks_proxy_with_a_password(server: Server) -> None:
    """A SOCKS5 proxy's user name and password are used, and a wrong one is told."""
    with SocksProxy(user="u", password="p-secret-7") as proxy:
        right = proxy.url.replace("//", "//u:p-secret-7@")
        assert ask(provider(server.url, proxy=right)).text == "You said: hello"

        wrong = ask(provider(server.url, proxy=proxy.url.replace("//", "//u:wrong-pw@"))).failure
    assert wrong.kind == "connection"
    assert "proxy" in wrong.hint


def test_a_proxy_that_is_none(server: Server) -> None:
    """A server that is no SOCKS proxy is told as a failed proxy."""
    failure = ask(
        provider(server.url, proxy=f"socks5://127.0.0.1:{server.port}", network=replace(QUICK, idle_timeout=1))
    )

    assert failure.failure.kind in ("connection", "timeout")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Server]:
    """A server with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", NOWHERE).configure_cert(context)
    with Server(tls=context) as server:
        yield server


def test_an_untrusted_certificate_names_the_way_out(secure: Server) -> None:
    """A certificate of an unknown authority is refused, with the setting that would trust it, and once only."""
    failure = ask(provider(secure.url, network=replace(QUICK, max_retries=3)))

    assert failure.failure.kind == "connection"
    assert "certificate" in failure.failure.message
    assert "ca_file" in failure.failure.hint
    assert failure.retries == []


def test_a_certificate_of_ones_own_authority(secure: Server, authority: trustme.CA, tmp_path: Path) -> None:
    """With the authority's certificate in `ca_file`, for all or for one provider, the chat is secure."""
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)

    assert ask(provider(secure.url, network=replace(QUICK, ca_file=str(pem)))).text == "You said: hello"
    assert ask(provider(secure.url, ca_file=str(pem))).text == "You said: hello"
    with HttpProxy() as proxy:
        engine = provider(f"https://{NOWHERE}:{secure.port}/v1", ca_file=str(pem), proxy=proxy.url)
        assert ask(engine).text == "You said: hello"
        assert proxy.targets == [f"{NOWHERE}:{secure.port}"]


def test_a_certificate_of_the_environments(
    secure: Server, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's SSL_CERT_FILE is trusted, and a wrong one is named."""
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert ask(provider(secure.url)).text == "You said: hello"

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    assert "missing.pem" in ask(provider(secure.url)).failure.message


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_cannot_be_read(server: Server, tmp_path: Path, content: str | None) -> None:
    """A missing or wrong certificate file is named."""
    path = tmp_path / "wrong.pem"
    if content is not None:
        path.write_text(content)

    failure = ask(provider(server.url, ca_file=str(path))).failure

    assert failure.kind == "configuration"
    assert "wrong.pem" in failure.message


def test_plain_speech_to_a_secure_port(secure: Server) -> None:
    """http against https in the address ends in an error, not in a traceback."""
    assert ask(provider(secure.url.replace("https:", "http:"))).failure.kind in ("connection", "protocol")


def test_secure_speech_to_a_plain_port(server: Server) -> None:
    """https against http in the address is told, with a hint at the scheme."""
    failure = ask(provider(server.url.replace("http:", "https:"))).failure

    assert failure.kind == "connection"
    assert "https://" in failure.hint


def test_a_name_that_does_not_resolve() -> None:
    """A name that does not exist is told as such."""
    failure = ask(provider("https://no-such-host.invalid/v1")).failure

    assert failure.kind == "connection"
    assert "no-such-host.invalid" in failure.message
