"""Providers, keys and models: who answers, asked for and changed by commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat import catalogue
from gptchat.commands.effects import Ask
from gptchat.errors import AuthenticationError, ConfigurationError, NotFoundError
from gptchat.manager import Send
from tests.support.server import Server, say
from tests.support.workspace import KEY, command, compose_workspace, data, effects, running, settings_for, turn

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
    workspace = compose_workspace(tmp_path, config)
    with running(workspace) as loop:
        everything = loop.run(command(workspace, "/models"))
        some = loop.run(command(workspace, "/models luna"))
        none = loop.run(command(workspace, "/models nothing of it"))
        found = {row["name"]: row for row in data(loop.run(effects(workspace, "/models")))}
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
    workspace = compose_workspace(tmp_path, settings_for(server.url))
    with running(workspace) as loop, pytest.raises(AuthenticationError):
        loop.run(command(workspace, "/models"))


def test_a_server_without_a_list_is_not_called_wrong(tmp_path: Path, server: Server) -> None:
    """A server that chats and lists no models is told as that, and what to do instead."""
    server.missing = ("/models",)
    workspace = compose_workspace(tmp_path, settings_for(server.url))
    with running(workspace) as loop, pytest.raises(NotFoundError) as caught:
        loop.run(effects(workspace, "/models"))
    assert f"has no list of models at {server.url}/models" in caught.value.message
    assert "/model NAME" in caught.value.hint


def test_a_retired_model_names_its_successor(tmp_path: Path) -> None:
    """/model with a name that was shut down says since when, and what takes its place."""
    workspace = compose_workspace(tmp_path, 'provider = "openai"')
    with running(workspace) as loop:
        text = loop.run(command(workspace, "/model gpt-4"))
    successor = catalogue.successor("gpt-4")
    assert "gpt-4 was shut down on 2026-10-23" in text
    assert successor
    assert f"{successor} takes its place" in text


def test_a_mistyped_model_names_similar_ones(tmp_path: Path, server: Server) -> None:
    """/model with a name that the catalogue does not know offers the nearest."""
    workspace = compose_workspace(tmp_path, settings_for(server.url, kind='"openai"'))
    with running(workspace) as loop:
        assert "gpt-6-luna" in loop.run(command(workspace, "/model gpt-6-lunar"))


def test_another_provider_asks_for_its_key_and_works(tmp_path: Path, server: Server) -> None:
    """/provider NAME asks for the key, hidden, keeps it for this person alone, and the next message goes there."""
    workspace = compose_workspace(tmp_path, settings_for("http://127.0.0.1:1/v1") + SECOND.format(url=server.url))
    with running(workspace) as loop:
        found = loop.run(effects(workspace, "/provider second", f'  "{KEY}" '))
        assert [effect.secret for effect in found if isinstance(effect, Ask)] == [True]
        server.script(say("here"))
        loop.run(turn(workspace, Send("hello")))
    assert workspace.session.path()[-1].text == "here"
    assert (workspace.paths.data_dir / "credentials.json").stat().st_mode & 0o077 == 0
    again = compose_workspace(tmp_path)
    assert again.settings.text("provider") == "second"
    assert not again.key_missing(again.settings.provider())
    again.switch_user("bob")
    assert again.key_missing(again.settings.provider("second"))


def test_declining_the_key_changes_nothing(tmp_path: Path, server: Server) -> None:
    """Without a key the provider stays; a script is told what is missing, with status 2."""
    config = settings_for(server.url) + SECOND.format(url=server.url)
    workspace = compose_workspace(tmp_path, config)
    with running(workspace) as loop:
        assert "nothing was changed" in loop.run(command(workspace, "/provider second", None))
        assert workspace.settings.text("provider") == "test"
    script = compose_workspace(tmp_path, config, attended=False)
    with running(script) as loop, pytest.raises(ConfigurationError, match="no key for second") as refused:
        loop.run(command(script, "/provider second", None))
    assert refused.value.exit_status == 2


def test_a_provider_that_cannot_be_reached_is_not_chosen(tmp_path: Path, server: Server) -> None:
    """/provider azure without an endpoint says what is missing and leaves the provider as it is."""
    workspace = compose_workspace(tmp_path, settings_for(server.url))
    with running(workspace) as loop:
        for line in ("/provider azure", "/provider nonsense", "/set provider nonsense", "/set fallback nonsense"):
            with pytest.raises(ConfigurationError) as refused:
                loop.run(command(workspace, line))
            assert refused.value.hint
        assert workspace.settings.text("provider") == "test"
        assert "answers from now on" in loop.run(command(workspace, "/provider demo"))


def test_set_provider_brings_the_providers_own_model(tmp_path: Path, server: Server) -> None:
    """/set provider NAME does what /provider NAME does: a model chosen for the one before is not taken along."""
    workspace = compose_workspace(tmp_path, settings_for(server.url) + SECOND.format(url=server.url))
    with running(workspace) as loop:
        loop.run(command(workspace, "/model own"))
        loop.run(command(workspace, "/set provider second"))
        assert workspace.routing.model() == "test-model"


def test_a_key_is_shown_masked_given_and_forgotten(tmp_path: Path, server: Server) -> None:
    """/key shows where the key is and its end only; /key set and /key forget change what gptchat keeps."""
    workspace = compose_workspace(tmp_path, settings_for(server.url, api_key_env='"OTHER"'))
    with running(workspace) as loop:
        assert "no key for test" in loop.run(command(workspace, "/key"))
        loop.run(command(workspace, "/key set", KEY))
        text = loop.run(command(workspace, "/key"))
        assert "****cdef" in text
        assert KEY not in text
        assert "forgotten" in loop.run(command(workspace, "/key forget"))
        assert workspace.key_missing(workspace.settings.provider())
        with pytest.raises(ConfigurationError, match="character 4 of the key"):
            loop.run(command(workspace, "/key set", "sk-é12345678901234"))


def test_a_key_in_the_shade_of_a_variable_is_told(tmp_path: Path, server: Server) -> None:
    """Where a variable holds another key, /key set says that the variable goes first."""
    workspace = compose_workspace(tmp_path, settings_for(server.url))
    with running(workspace) as loop:
        assert "but TEST_KEY holds another key" in loop.run(
            command(workspace, "/key set", "sk-new-0123456789abcdef")
        )


def test_a_new_key_is_used_at_once(tmp_path: Path, server: Server) -> None:
    """After /key set the next request carries the new key."""
    workspace = compose_workspace(tmp_path, settings_for(server.url, api_key_env='"OTHER"'))
    with running(workspace) as loop:
        loop.run(command(workspace, "/key set", "sk-wrong-0123456789abcdef"))
        loop.run(turn(workspace, Send("hello")))
        loop.run(command(workspace, "/key set", KEY))
        loop.run(turn(workspace, Send("hello")))
    assert workspace.session.path()[-1].text == "You said: hello\n\nhello"
