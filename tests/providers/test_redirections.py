"""A server that points elsewhere: the key and the conversation stay with the provider they are meant for."""

from __future__ import annotations

import pytest

from tests.providers.asking import KEY, ask, provider
from tests.support.server import Reply, Server, raw, say


def moved(address: str, status: int) -> Reply:
    """An answer that points to `address`."""
    return raw(b"", status=status, headers={"Location": address})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["compatible", "azure", "openai"])
def test_nothing_is_taken_to_another_server(server: Server, kind: str, status: int) -> None:
    """Another server that a redirection names gets neither key, headers nor words, and the person its address."""
    with Server() as other:
        server.script(moved(f"{other.url}/chat/completions?next=1", status))

        failure = ask(provider(server.root, kind=kind, headers={"X-Secret": KEY})).failure

        assert other.requests == []
    assert failure.kind == "protocol"
    assert f"points to {other.url}/chat/completions" in failure.message
    assert "next=1" not in failure.message
    assert failure.hint


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_message_is_not_lost_on_the_way(server: Server, status: int) -> None:
    """Where following would ask without the message, the person is told the address instead of given an answer."""
    server.script(moved(f"{server.root}/v2/chat/completions", status))

    assert f"{server.root}/v2" in ask(provider(server.url)).failure.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_within_a_server_it_is_followed(server: Server, status: int) -> None:
    """A server may send the request on to another of its own paths, with key and message."""
    server.script(moved("/v2/chat/completions", status), say("here"))

    assert ask(provider(server.url)).text == "here"
    assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"
    assert server.requests[1].last_text == "hello"
