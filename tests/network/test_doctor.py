"""`/doctor` on broken networks: the line that fails names the culprit, after the steps that were passed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.commands.test_doctor import examine, failures
from tests.network.test_tls import context, handshakes_alone, self_signed
from tests.support.peers import ScriptedPeer, answering, deaf, free_port, saying, silent, tinyproxy
from tests.support.program import compose_program, settings_for
from tests.support.server import Server

TARGET = "https://chat.example.test/v1"
Peers = Callable[[object], str]


@pytest.fixture
def peer() -> Iterator[Peers]:
    """Starts scripted peers; gives where they listen."""
    with ExitStack() as stack:
        yield lambda behaviour: stack.enter_context(ScriptedPeer(behaviour)).place  # type: ignore[arg-type]


def culprit(folder: Path, url: str, proxy: str = "") -> tuple[str, str]:
    """The one check that fails on the way to `url`, and its line."""
    config = settings_for(url) + f'[network]\nproxy = "{proxy}"\nconnect_timeout = 0.5\nmax_retries = 0\n'
    found = failures(examine(compose_program(folder, config)))
    assert len(found) == 1, found
    return found.popitem()


def test_who_fails(tmp_path: Path, peer: Peers) -> None:
    """Name resolution, proxy, TLS, server and the network's login are told apart, each in one line."""
    hanging, dying, refusing = peer(silent), peer(saying(b"\x05\x00")), peer(answering("HTTP/1.1 503 Busy"))
    dead = f"127.0.0.1:{free_port()}"
    tunnel = peer(saying(b"HTTP/1.1 200 OK\r\n\r\n", hang=True))
    login, closing = peer(answering("HTTP/1.1 511 Login")), peer(deaf)
    cases = [
        ("name", "no-such-host.invalid", "https://no-such-host.invalid/v1", ""),
        ("name", "no-such-proxy.invalid", TARGET, "http://no-such-proxy.invalid:1"),
        ("proxy", hanging, TARGET, f"http://{hanging}"),
        ("proxy", hanging, TARGET, f"socks5://{hanging}"),
        ("proxy", dying, TARGET, f"socks5://{dying}"),
        ("proxy", refusing, TARGET, f"http://{refusing}"),
        ("proxy", dead, TARGET, f"http://{dead}"),
        ("tls", "chat.example.test", TARGET, f"http://{tunnel}"),
        ("tls", hanging, f"https://{hanging}/v1", ""),
        ("server", dead, f"http://{dead}/v1", ""),
        ("server", closing, f"http://{closing}/v1", ""),
        ("network", login, f"http://{login}/v1", ""),
    ]
    for number, (check, named, url, proxy) in enumerate(cases):
        failed, line = culprit(tmp_path / str(number), url, proxy)
        assert (failed, named in line) == (check, True), line


def test_whose_certificate_fails(tmp_path: Path) -> None:
    """Each broken certificate of P23 has a line of its own: expired, of another name, unknown, ours missing."""
    authority, today = trustme.CA(), datetime.now(UTC)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    expired: dict[str, Any] = {"not_before": today - timedelta(days=9), "not_after": today - timedelta(days=2)}
    wanting = context(authority.issue_cert("127.0.0.1"))
    wanting.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(wanting)
    trusted = f'[network]\nca_file = "{bundle}"\n'
    with ExitStack() as stack:

        def serving(tls: ssl.SSLContext) -> str:
            return stack.enter_context(Server(tls=tls)).url

        plain = stack.enter_context(Server())
        cases = [
            ("tls", "expired", serving(context(authority.issue_cert("127.0.0.1", **expired))), trusted),
            ("tls", "127.0.0.1", serving(context(authority.issue_cert("other.example.test"))), trusted),
            ("tls", "unknown here", serving(context(authority.issue_cert("127.0.0.1"))), ""),
            ("tls", "self-signed", serving(self_signed()), ""),
            ("tls", "client certificate", stack.enter_context(handshakes_alone(wanting)), trusted),
            ("tls", "does not speak TLS", plain.url.replace("http:", "https:"), ""),
        ]
        for number, (check, said, url, network) in enumerate(cases):
            found = failures(examine(compose_program(tmp_path / str(number), settings_for(url) + network)))
            assert list(found) == [check], (said, found)
            assert said in found[check], found


def test_what_a_proxy_says(tmp_path: Path, peer: Peers) -> None:
    """A proxy that wants a password, forbids, or cannot reach the server is the one that fails (P20, P21)."""
    for status in ("407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"):
        place = peer(answering(f"HTTP/1.1 {status}"))
        for url in (TARGET, TARGET.replace("https", "http")):
            failed, line = culprit(tmp_path / f"{status[:3]}{url[:5]}".replace(":", ""), url, f"http://{place}")
            assert (failed, place in line or "proxy" in line) == ("proxy", True), (status, url, line)


def test_the_steps_that_were_passed(tmp_path: Path, server: Server) -> None:
    """Through a real proxy each step is told: the proxy, its name, the server, then the key and the model."""
    with tinyproxy(tmp_path, "BasicAuth u s3cret-word") as place:
        config = settings_for(server.url) + f'[network]\nproxy = "http://u:s3cret-word@{place}"\n'
        found = examine(compose_program(tmp_path, config))
    assert not failures(found)
    checks = [check for check in found if check in ("name", "proxy", "tls", "server", "key", "models", "request")]
    assert checks == ["proxy", "name", "tls", "server", "key", "models", "request"]
    assert "s3cret-word" not in str(found)
