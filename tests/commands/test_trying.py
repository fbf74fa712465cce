"""A provider is tried before it is chosen: what is chosen works, or the one before stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gptchat.commands.effects import Connect
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import AuthenticationError, ConfigurationError, ConnectionFailedError, NotFoundError
from gptchat.providers.address import require_private, resource_address
from gptchat.providers.registry import open_provider
from gptchat.providers.trying import attempt
from tests.support.program import KEY, command, compose_program, effects, running, settings_for
from tests.support.server import Recorded, Reply, Server, refuse, say

DEAD = '[providers.dead]\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n'
LOCKED = '[providers.locked]\nbase_url = "{url}"\nmodel = "m"\napi_key_env = "LOCKED_KEY"\n'


def test_where_nothing_answers_the_one_before_stays(tmp_path: Path, server: Server) -> None:
    """/provider NAME with nothing running there says so and how to insist; --anyway switches all the same."""
    program = compose_program(tmp_path, settings_for(server.url) + DEAD)
    with running(program) as loop:
        with pytest.raises(ConnectionFailedError) as refused:
            loop.run(command(program, "/provider dead"))
        assert "nothing answers at http://127.0.0.1:1/v1" in refused.value.message
        assert "/provider dead --anyway" in refused.value.hint
        assert program.services.settings.chat.provider == "test"
        told = loop.run(command(program, "/provider dead --anyway"))
        assert "nothing answers" in told
        assert "dead answers from now on" in told
        assert program.services.settings.chat.provider == "dead"
    assert compose_program(tmp_path).services.settings.chat.provider == "dead"


def test_a_setting_is_set_and_the_trouble_told(tmp_path: Path, server: Server) -> None:
    """/set provider NAME does what it is told, and says in the chat if nobody answers there."""
    program = compose_program(tmp_path, settings_for(server.url) + DEAD)
    with running(program) as loop:
        assert "nothing answers" in loop.run(command(program, "/set provider dead"))
    assert program.services.settings.chat.provider == "dead"


def test_a_wrong_key_is_not_kept(tmp_path: Path, server: Server) -> None:
    """A refused key is neither stored nor used, and a key that was stored before is still there."""
    program = compose_program(tmp_path, settings_for(server.url) + LOCKED.format(url=server.url))
    keys, locked = program.services.keys, program.services.settings.provider("locked")
    with running(program) as loop:
        with pytest.raises(AuthenticationError):
            loop.run(command(program, "/provider locked", "sk-wrong-0123456789"))
        assert keys.missing(locked)
        assert program.services.settings.chat.provider == "test"
        assert "locked answers from now on" in loop.run(command(program, "/provider locked", KEY))
        keys.hold(locked, "sk-wrong-0123456789")
        keys.drop(locked)
        found = keys.find(locked)
        assert found is not None
        assert found.value == KEY


def test_key_set_tries_the_key(tmp_path: Path, server: Server) -> None:
    """/key set in the chat keeps no key that is refused; where nothing answers it is kept, and the doubt told."""
    program = compose_program(tmp_path, settings_for(server.url) + LOCKED.format(url=server.url) + DEAD)
    keys, locked = program.services.keys, program.services.settings.provider("locked")
    with running(program) as loop:
        with pytest.raises(AuthenticationError) as refused:
            loop.run(command(program, "/key set locked", "sk-wrong-0123456789"))
        assert "was not kept" in refused.value.hint
        assert keys.missing(locked)
        assert "could not be tried" not in loop.run(command(program, "/key set locked", KEY))
        assert not keys.missing(locked)
        told = loop.run(command(program, "/key set dead", KEY))
        assert "could not be tried: nothing answers" in told


def test_another_person_does_not_get_a_key_on_trial(tmp_path: Path, server: Server) -> None:
    """A key that is not stored yet is forgotten when somebody else chats."""
    program = compose_program(tmp_path, settings_for(server.url) + LOCKED.format(url=server.url))
    locked = program.services.settings.provider("locked")
    program.services.keys.hold(locked, KEY)
    program.services.people.switch("bob")
    assert program.services.keys.missing(locked)


@pytest.mark.parametrize(
    "line", ["/provider azure", "/provider http://127.0.0.1:9/v1", "/provider localhost:8080"]
)
def test_what_needs_questions_opens_the_dialogue(tmp_path: Path, server: Server, line: str) -> None:
    """/provider with an address, or with a provider that lacks one, asks instead of pointing at the settings."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        assert loop.run(effects(program, line)) == [Connect(line.split()[1])]
        assert loop.run(effects(program, f"{line} --anyway")) == [Connect(line.split()[1], insist=True)]
        assert program.services.settings.chat.provider == "test"


def tried(server: Server, key: str = "", model: str = "m", path: str = "/v1", **fields: str) -> list[str]:
    """The models of a provider at `server` that is tried with `key`."""

    async def run() -> list[str]:
        given = {"base_url": f"{server.root}{path}", "kind": "compatible", **fields}
        entry = ProviderSettings("x", key_optional=True, **given)  # type: ignore[arg-type]
        provider = open_provider(entry, NetworkSettings(), key)
        try:
            return await attempt(provider, model)
        finally:
            await provider.close()

    return asyncio.run(run())


def gate(request: Recorded) -> Reply:
    """A server whose list of models is public, and whose chat is not."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return refuse(401, "Incorrect API key provided")
    return say("never sent") if "messages" in request.json else refuse(400, "messages is required")


def test_a_public_list_says_nothing_about_a_key() -> None:
    """Where everybody gets the list of models, a request without a message tells whether the key is good."""
    with Server() as server:
        server.default = gate
        assert tried(server, KEY) == ["test-model"]
        with pytest.raises(AuthenticationError):
            tried(server, "sk-wrong-0123456789")
        sent = [request.json for request in server.requests if request.method == "POST"]
    assert sent
    assert all("messages" not in body for body in sent)


def test_a_good_key_is_tried_with_the_list_alone(server: Server) -> None:
    """Where the list of models wants the key, nothing is posted at all."""
    assert tried(server, KEY) == ["test-model"]
    assert {request.method for request in server.requests} == {"GET"}


def test_a_server_without_a_list() -> None:
    """A server that lists no models is taken if it answers at the address, and not where nothing is."""
    with Server() as server:
        server.missing = ("/models",)
        server.default = gate
        assert tried(server, KEY) == []
        with pytest.raises(AuthenticationError):
            tried(server, "sk-wrong-0123456789")
        server.missing = ("/models", "/completions")
        with pytest.raises(NotFoundError, match="has no list of models"):
            tried(server, KEY)


@pytest.mark.parametrize("kind", ["demo", "compatible"])
def test_what_needs_no_key_is_tried_without_one(tmp_path: Path, kind: str) -> None:
    """The demo is not asked at all; a local server gets one request."""
    with Server() as server:
        program = compose_program(tmp_path, 'provider = "demo"\n')
        entry = ProviderSettings("y", kind, base_url=server.url, key_optional=True)  # type: ignore[arg-type]
        with running(program) as loop:
            found = loop.run(program.services.routing.tried(entry))
        assert (found, len(server.requests)) == (([], 0) if kind == "demo" else (["test-model"], 1))


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("myresource", "https://myresource.openai.azure.com"),
        ("  My-Resource-2 ", "https://my-resource-2.openai.azure.com"),
        ("localhost", "localhost"),
        ("https://x.openai.azure.com/", "https://x.openai.azure.com/"),
        ("x.cognitiveservices.azure.com", "x.cognitiveservices.azure.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_name_of_an_azure_resource(typed: str, address: str) -> None:
    """The resource's name alone stands for its address, with TLS; addresses stay as they are."""
    assert resource_address(typed) == address
    if typed.strip().isalnum() and typed != "localhost":
        entry = ProviderSettings("azure", "azure", endpoint=typed)
        told = open_provider(entry, NetworkSettings()).abilities.address
        assert told is not None
        assert told() == f"{address}/openai/v1"


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8080/v1", "http://127.0.0.1/v1", "http://127.8.8.8:1", "http://[::1]:8000/v1",
        "http://box.localhost/v1", "http://host.docker.internal:11434/v1", "https://example.com/v1", "no address",
    ],
)  # fmt: skip
def test_plain_http_on_this_machine(address: str) -> None:
    """Plain HTTP is fine where it does not leave the machine."""
    assert require_private(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/v1", "http://192.168.1.5:8080", "http://10.0.0.1", "http://litellm:4000/v1", "http://a.local",
        "http://localhost.evil.example/v1", "http://127.0.0.1.nip.example", "HTTP://EXAMPLE.COM", "http://[fe80::1]/v1",
        "http://user:secret@example.com/v1",
    ],
)  # fmt: skip
def test_plain_http_to_elsewhere(address: str) -> None:
    """Plain HTTP to any other machine is refused, with the way to insist and without a password in it."""
    with pytest.raises(ConfigurationError) as refused:
        require_private(address)
    assert "--anyway" in refused.value.hint
    assert "secret" not in refused.value.message + refused.value.hint


def test_a_setting_of_an_address_is_no_way_around(tmp_path: Path) -> None:
    """/set refuses plain HTTP to another machine as the dialogue does."""
    program = compose_program(tmp_path, 'provider = "demo"\n')
    with running(program) as loop:
        with pytest.raises(ConfigurationError):
            loop.run(command(program, "/set providers.x.base_url http://example.com/v1"))
        loop.run(command(program, "/set providers.x.base_url http://localhost:9/v1"))
        assert program.services.settings.provider("x").base_url == "http://localhost:9/v1"
