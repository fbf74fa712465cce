"""`/doctor` on broken networks: the line that fails names the culprit, after the steps that were passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.commands.test_doctor import examine, failures
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


def test_the_steps_that_were_passed(tmp_path: Path, server: Server) -> None:
    """Through a real proxy each step is told: the proxy, its name, the server, then the key and the model."""
    with tinyproxy(tmp_path, "BasicAuth u s3cret-word") as place:
        config = settings_for(server.url) + f'[network]\nproxy = "http://u:s3cret-word@{place}"\n'
        found = examine(compose_program(tmp_path, config))
    assert not failures(found)
    checks = [check for check in found if check in ("name", "proxy", "tls", "server", "key", "models", "request")]
    assert checks == ["proxy", "name", "tls", "server", "key", "models", "request"]
    assert "s3cret-word" not in str(found)
