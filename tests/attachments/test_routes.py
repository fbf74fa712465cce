"""An attached address takes the same way to the network as a provider: proxies, exceptions, certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gptchat.attachments import load
from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import ConfigurationError, UsageError
from tests.support.proxies import HttpProxy, SocksProxy
from tests.support.replies import raw
from tests.support.server import Server

NOWHERE = "notes.example.test"  # a name that only a proxy can resolve, as RFC 6761 promises


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine's own stands between."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority nobody trusts yet."""
    return trustme.CA()


def serving(server: Server) -> Server:
    """`server` with a page at /notes."""
    server.answers["/notes"] = raw("the notes", content_type="text/plain")
    return server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of pages."""
    with Server() as running:
        yield serving(running)


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Server]:
    """A server of pages with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", NOWHERE).configure_cert(context)
    with Server(tls=context) as running:
        yield serving(running)


def words(address: str, network: NetworkSettings | None = None) -> str:
    """The text of the page at `address`."""
    return load(address, network=network).attachments[0].text


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_the_settings_proxy_carries_it(kind: type[HttpProxy | SocksProxy], server: Server) -> None:
    """An address is fetched through network.proxy, HTTP or SOCKS, which also resolves its name."""
    with kind() as proxy:
        network = NetworkSettings(proxy=proxy.url)
        assert words(f"http://{NOWHERE}:{server.port}/notes", network) == "the notes"
        assert proxy.targets == [f"{NOWHERE}:{server.port}"]


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_the_environments_proxy_carries_it(
    kind: type[HttpProxy | SocksProxy], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address is fetched through the environment's proxy, and past it where NO_PROXY says so."""
    with kind() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert words(f"http://{NOWHERE}:{server.port}/notes") == "the notes"
        assert len(proxy.targets) == 1
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert words(f"{server.root}/notes") == "the notes"
        assert len(proxy.targets) == 1


def test_a_redirection_to_another_host_finds_its_own_way(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an address points to another host, NO_PROXY is asked again for that host."""
    with HttpProxy() as proxy:
        server.answers["/moved"] = raw(status=302, headers={"Location": f"http://{NOWHERE}:{server.port}/notes"})
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert words(f"{server.root}/moved") == "the notes"
        assert proxy.targets == [f"{NOWHERE}:{server.port}"]


def test_an_authority_of_ones_own_is_trusted(secure: Server, authority: trustme.CA, tmp_path: Path) -> None:
    """With network.ca_file a page of one's own authority is fetched, through a proxy too, and only then."""
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    assert words(f"{secure.root}/notes", NetworkSettings(ca_file=str(pem))) == "the notes"
    with SocksProxy() as proxy:
        network = NetworkSettings(ca_file=str(pem), proxy=proxy.url)
        assert words(f"https://{NOWHERE}:{secure.port}/notes", network) == "the notes"
    with pytest.raises(UsageError, match="certificate"):
        words(f"{secure.root}/notes")


def test_a_proxy_that_fails_is_told(server: Server) -> None:
    """A proxy that is not there, wants a password or is no address is told in words, and without the password."""
    with HttpProxy(user="u", password="p-secret-7") as proxy:
        with pytest.raises(UsageError, match="407"):
            words(f"http://{NOWHERE}:{server.port}/notes", NetworkSettings(proxy=proxy.url))
        gone = proxy.url.replace("//", "//u:p-secret-7@")
    with pytest.raises(UsageError) as caught:
        words(f"http://{NOWHERE}:{server.port}/notes", NetworkSettings(proxy=gone))
    assert "proxy" in caught.value.hint
    assert "p-secret-7" not in caught.value.message
    with pytest.raises(ConfigurationError):
        words(f"{server.root}/notes", NetworkSettings(proxy="ftp://p:1"))


def test_an_address_that_leads_nowhere_ends(server: Server) -> None:
    """An address that points to itself is given up, with a reason."""
    server.answers["/round"] = raw(status=302, headers={"Location": "/round"})
    with pytest.raises(UsageError, match="without end"):
        words(f"{server.root}/round")
