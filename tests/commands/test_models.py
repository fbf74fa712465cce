"""Providers, keys and models: who answers, asked for and changed by commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat import catalogue
from gptchat.commands.effects import Ask
from gptchat.errors import AuthenticationError, ConfigurationError, NotFoundError
from gptchat.manager import Send
from tests.support.program import KEY, command, compose_program, data, effects, running, settings_for, turn
from tests.support.server import Server, say

SECOND = """
[providers.second]
kind = "compatible"
base_url = "{url}"
api_key_env = "SECOND_KEY"
model = "test-model"
"""


def test_models_are_listed_with_what_is_known(tmp_path: Path, server: Server) -> None:
    """/models joins the server's list with settings and catalogue: window, price, abilities; words filter it."""
    server.models = [{"id": "gpt-6-luna"}, {"id": "own", "context_length": 5000}, {"id": "gpt-4o"}]
    config = settings_for(server.url, model='"own"') + "[models.own]\ninput = 2.5\n"
    program = compose_program(tmp_path, config)
    with running(program) as loop:
        everything = loop.run(command(program, "/models"))
        some = loop.run(command(program, "/models luna"))
        none = loop.run(command(program, "/models nothing of it"))
        found = {row["name"]: row for row in data(loop.run(effects(program, "/models")))}
    assert "› own" in everything
    assert "5k" in everything
    assert "2.5" in everything
    known = catalogue.facts("gpt-6-luna", "openai")
    assert known is not None
    assert found["gpt-6-luna"]["context"] == known.context
    assert found["gpt-6-luna"]["reasoning"]
    assert "own" not in some
    assert "gpt-6-luna" in some
    assert "no model has" in none


def test_a_list_that_cannot_be_had_is_an_error(tmp_path: Path, server: Server) -> None:
    """/models with a refused key fails like a request, so that a script notices."""
    server.key = "another"
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop, pytest.raises(AuthenticationError):
        loop.run(command(program, "/models"))


def test_a_server_without_a_list_is_not_called_wrong(tmp_path: Path, server: Server) -> None:
    """A server that chats and lists no models is told as that, and what to do instead."""
    server.missing = ("/models",)
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop, pytest.raises(NotFoundError) as caught:
        loop.run(effects(program, "/models"))
    assert f"has no list of models at {server.url}/models" in caught.value.message
    assert "/model NAME" in caught.value.hint


def test_a_retired_model_names_its_successor(tmp_path: Path) -> None:
    """/model with a name that was shut down says since when, and what takes its place."""
    program = compose_program(tmp_path, 'provider = "openai"')
    with running(program) as loop:
        text = loop.run(command(program, "/model gpt-4"))
    known = catalogue.facts("gpt-4")
    assert "gpt-4 was shut down on 2026-10-23" in text
    assert known is not None
    assert known.successor
    assert f"{known.successor} takes its place" in text


def test_a_mistyped_model_names_similar_ones(tmp_path: Path, server: Server) -> None:
    """/model with a name that the catalogue does not know offers the nearest."""
    program = compose_program(tmp_path, settings_for(server.url, kind='"openai"'))
    with running(program) as loop:
        assert "gpt-6-luna" in loop.run(command(program, "/model gpt-6-lunar"))


def test_another_provider_asks_for_its_key_and_works(tmp_path: Path, server: Server) -> None:
    """/provider NAME asks for the key, hidden, keeps it for this person alone, and the next message goes there."""
    program = compose_program(tmp_path, settings_for("http://127.0.0.1:1/v1") + SECOND.format(url=server.url))
    with running(program) as loop:
        found = loop.run(effects(program, "/provider second", f'  "{KEY}" '))
        assert [effect.secret for effect in found if isinstance(effect, Ask)] == [True]
        server.script(say("here"))
        loop.run(turn(program, Send("hello")))
    assert program.services.manager.session.path()[-1].text == "here"
    assert (program.services.paths.data_dir / "credentials.json").stat().st_mode & 0o077 == 0
    again = compose_program(tmp_path)
    assert again.services.settings.chat.provider == "second"
    assert not again.services.keys.missing(again.services.settings.provider())
    again.services.people.switch("bob")
    assert again.services.keys.missing(again.services.settings.provider("second"))


def test_declining_the_key_changes_nothing(tmp_path: Path, server: Server) -> None:
    """Without a key the provider stays; a script is told what is missing, with status 2."""
    config = settings_for(server.url) + SECOND.format(url=server.url)
    program = compose_program(tmp_path, config)
    with running(program) as loop:
        assert "nothing was changed" in loop.run(command(program, "/provider second", None))
        assert program.services.settings.chat.provider == "test"
    script = compose_program(tmp_path, config, attended=False)
    with running(script) as loop, pytest.raises(ConfigurationError, match="no key for second") as refused:
        loop.run(command(script, "/provider second", None))
    assert refused.value.exit_status == 2


def test_a_provider_that_cannot_be_reached_is_not_chosen(tmp_path: Path, server: Server) -> None:
    """/provider with a name that nobody knows, or from a script azure without an endpoint, changes nothing."""
    program = compose_program(tmp_path, settings_for(server.url), attended=False)
    with running(program) as loop:
        for line in ("/provider azure", "/provider nonsense", "/set provider nonsense", "/set fallback nonsense"):
            with pytest.raises(ConfigurationError) as refused:
                loop.run(command(program, line))
            assert refused.value.hint
        assert program.services.settings.chat.provider == "test"
        assert "answers from now on" in loop.run(command(program, "/provider demo"))


def test_set_provider_brings_the_providers_own_model(tmp_path: Path, server: Server) -> None:
    """/set provider NAME does what /provider NAME does: a model chosen for the one before is not taken along."""
    program = compose_program(tmp_path, settings_for(server.url) + SECOND.format(url=server.url))
    with running(program) as loop:
        loop.run(command(program, "/model own"))
        loop.run(command(program, "/set provider second"))
        assert program.services.routing.model() == "test-model"


def test_a_key_is_shown_masked_given_and_forgotten(tmp_path: Path, server: Server) -> None:
    """/key shows where the key is and its end only; /key set and /key forget change what gptchat keeps."""
    program = compose_program(tmp_path, settings_for(server.url, api_key_env='"OTHER"'))
    with running(program) as loop:
        assert "no key for test" in loop.run(command(program, "/key"))
        loop.run(command(program, "/key set", KEY))
        text = loop.run(command(program, "/key"))
        assert "****cdef" in text
        assert KEY not in text
        assert "forgotten" in loop.run(command(program, "/key forget"))
        assert program.services.keys.missing(program.services.settings.provider())
        with pytest.raises(ConfigurationError, match="character 4 of the key"):
            loop.run(command(program, "/key set", "sk-é12345678901234"))


def test_a_key_in_the_shade_of_a_variable_is_told(tmp_path: Path, server: Server) -> None:
    """Where a variable holds another key, /key set says that the variable goes first."""
    server.key = "sk-new-0123456789abcdef"
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        assert "but TEST_KEY holds another key" in loop.run(
            command(program, "/key set", "sk-new-0123456789abcdef")
        )


def test_a_new_key_is_used_at_once(tmp_path: Path, server: Server) -> None:
    """After /key set the next request carries the new key."""
    program = compose_program(tmp_path, settings_for(server.url, api_key_env='"OTHER"'))
    with running(program) as loop:
        program.services.keys.store(program.services.settings.provider(), "sk-wrong-0123456789abcdef")
        loop.run(turn(program, Send("hello")))
        loop.run(command(program, "/key set", KEY))
        loop.run(turn(program, Send("hello")))
    assert program.services.manager.session.path()[-1].text == "You said: hello\n\nhello"
