"""Keys on their way: none, odd, pasted, expired, refused, and never shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.providers.asking import KEY, QUICK, ask, provider
from tests.support.server import Server, refuse

PATIENT = replace(QUICK, max_retries=3)


def test_no_key(server: Server) -> None:
    """Without a key nothing is sent, and the error tells how to give one."""
    failure = ask(provider(server.url, key=None, api_key_env="TEST_API_KEY")).failure

    assert (failure.kind, failure.exit_status) == ("configuration", 2)
    assert "TEST_API_KEY" in failure.hint
    assert "/key set" in failure.hint
    assert server.requests == []


def test_no_key_needed(server: Server) -> None:
    """A local server that needs no key is asked without one."""
    outcome = ask(provider(server.url, key=None, key_optional=True))

    assert outcome.text == "You said: hello"
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(("key", "position"), [("sk-тест", 4), ("sk-abc def", 7), ("sk-\x1b[31m", 4), ("密钥", 1)])
def test_a_key_that_cannot_be_one(server: Server, key: str, position: int) -> None:
    """A key with a character that no key has is refused with the position, and never shown."""
    failure = ask(provider(server.url, key=key)).failure

    assert failure.kind == "configuration"
    assert f"position {position}" in failure.message
    assert key not in failure.message
    assert server.requests == []


@pytest.mark.parametrize("pasted", [f"  {KEY}\n", f'"{KEY}"', f"'{KEY}' ", f"Bearer {KEY}"])
def test_a_pasted_key_is_cleaned(server: Server, pasted: str) -> None:
    """Spaces, quotes and the word Bearer that a paste brings along do no harm."""
    ask(provider(server.url, key=pasted))

    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_expired_token_is_renewed(server: Server) -> None:
    """A token from a command that has expired is asked for again, once, without a word."""
    server.key = "token-number-2"
    tokens = iter(["token-number-1", "token-number-2", "token-number-3"])

    outcome = ask(provider(server.url, key=lambda: next(tokens)))

    assert outcome.text == "You said: hello"
    assert len(server.requests) == 2


def test_a_wrong_key_is_asked_for_once(server: Server) -> None:
    """A key that stays the same is not tried twice."""
    server.key = "another"

    assert ask(provider(server.url, key=lambda: KEY)).failure.kind == "authentication"
    assert len(server.requests) == 1


def test_a_key_echoed_by_the_server_is_masked(server: Server) -> None:
    """A server that repeats the key in its error does not get it onto the screen."""
    server.script(refuse(401, f"Incorrect API key provided: {KEY}. Also {KEY[:-1]}"))

    failure = ask(provider(server.url)).failure

    assert KEY not in failure.message
    assert KEY[:-1] not in failure.message
    assert "****" in failure.message
