"""The first start: nothing is set up, and a chat is a few keys away."""

from __future__ import annotations

import asyncio
import json
import stat

import pytest

from gptchat.config.endpoints import ProviderSettings
from gptchat.net.local_servers import find_local
from tests.chat.home import Home, asked, ready, say
from tests.support.server import Server

WELCOME = "How do you want to connect?"


def test_the_demo_is_two_keys_away(home: Home) -> None:
    """With no key and no settings, two keys lead to a chat with the demo, and the choice is remembered."""
    with home.chat(ready=WELCOME) as screen:
        screen.wait_for("›")
        screen.send("d\r")
        ready(screen)
        assert 'provider = "demo"' in home.config.read_text()
        say(screen, "hello", "not a language model")
        screen.send("exit\r")
        assert screen.wait_for_exit() == 0
    with home.chat(ready="demo/demo") as screen:
        assert WELCOME not in screen.text
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def test_a_settings_file_that_is_named_need_not_be_there_yet(home: Home) -> None:
    """With --config and GPTCHAT_CONFIG the choice goes to the file named; until it is there, that is told."""
    named = home.folder / "mine" / "settings.toml"
    result = home.ask("--config", str(named), "-p", "demo", "hello")
    assert (result.returncode, "demo" in result.stdout) == (0, True)
    assert result.stderr == f"there is no settings file {named} yet; the defaults hold\n"
    with home.chat("--config", str(named), ready=WELCOME) as screen:
        screen.wait_for("›")
        screen.send("d\r")
        ready(screen)
        assert "there is no settings file" not in screen.text
    assert 'provider = "demo"' in named.read_text()
    result = home.ask("hello", environment={"GPTCHAT_CONFIG": str(named)})
    assert (result.returncode, result.stderr) == (0, "")
    assert not home.config.exists()


def test_leaving_the_first_screen(home: Home) -> None:
    """Esc on the first screen leaves with status 2, and nothing was chosen."""
    with home.chat(ready=WELCOME) as screen:
        screen.wait_for("›")
        screen.send("\x1b")
        assert screen.wait_for_exit() == 2
    assert not home.config.exists()


def test_without_a_terminal_there_is_one_clear_error(home: Home) -> None:
    """Where nobody can be asked and nothing is set up, one error says what to do, and the status is 2."""
    asked = home.ask("hello")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.splitlines() == [
        "gptchat: no provider is chosen",
        "hint: open gptchat in a terminal to choose, set a key such as OPENAI_API_KEY, or try --provider demo",
    ]
    document = json.loads(home.ask("--json", stdin="hello").stdout)
    assert document["error"]["kind"] == "configuration"


def test_an_openai_key_is_hidden_and_kept_private(home: Home) -> None:
    """A pasted key is never shown, lies in a file that only its owner reads, and not in the settings."""
    key = "sk-test-0123456789abcdef"
    with (
        Server(key=key) as server,
        home.chat(ready=WELCOME, environment={"OPENAI_BASE_URL": server.url}) as screen,
    ):
        screen.wait_for("›")
        screen.send("o\r")
        screen.wait_for("paste the key")
        screen.paste(key)
        screen.send("\r")
        ready(screen)
        say(screen, "/key show", "****cdef")
        assert key.encode() not in screen.raw
        screen.send("\x04")
        screen.wait_for_exit()
    assert 'provider = "openai"' in home.config.read_text()
    assert key not in home.config.read_text()
    kept = home.data / "credentials.json"
    assert key in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700


def test_a_compatible_address_and_a_second_try(home: Home) -> None:
    """A wrong key is told at once and forgotten; the right one, typed again, opens the chat with a model."""
    with Server(key="sk-right") as server, home.chat(ready=WELCOME) as screen:
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "›")
        screen.send("c\r")
        screen.wait_for("or an address")
        screen.send(f"127.0.0.1:{server.port}/v1\r")
        screen.wait_for("a short name")
        screen.send("mine\r")
        screen.wait_for("key (empty")
        screen.send("sk-wrong\r")
        screen.wait_for("refused the key")
        screen.wait_for("paste the key for mine")
        screen.send("sk-right\r")
        ready(screen)
        say(screen, "hello", "You said: hello")
        assert asked(server)[-1].headers["authorization"] == "Bearer sk-right"
        assert asked(server)[-1].json["model"] == "test-model"
        assert "sk-wrong" not in (home.data / "credentials.json").read_text()


@pytest.mark.parametrize(
    ("typed", "told"), [("depseek", "did you mean deepseek?"), ("no address", "is not an address")]
)
def test_what_is_no_server_is_told_at_once(home: Home, typed: str, told: str) -> None:
    """A misspelt name, or words that are no address, lead back to the choice before a key is asked for."""
    with home.chat(ready=WELCOME) as screen:
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "›")
        screen.send("c\r")
        screen.wait_for("or an address")
        screen.send(f"{typed}\r")
        screen.wait_for(told)
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "›")
        assert "a short name" not in screen.text


def test_local_servers_are_found_together() -> None:
    """Servers on this machine are found with their models, those that want a key too; others are no servers."""
    with Server() as open_server, Server(key="sk-x") as locked:
        addresses = {"one": open_server.url, "two": locked.url, "four": "http://127.0.0.1:9"}
        found = asyncio.run(
            find_local([ProviderSettings(name, "compatible", base_url=url) for name, url in addresses.items()], 5)
        )
    assert [(one.settings.name, one.models, one.needs_key) for one in found] == [
        ("one", ("test-model",), False),
        ("two", (), True),
    ]
