"""The first run: how a person gets from nothing to an answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.config.endpoints import ProviderSettings
from gptchat.net.local_servers import LocalServer, find_local
from tests.chat.home import Home, ready, say
from tests.support.program import KEY
from tests.support.server import Server, raw

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def entry(server: Server, name: str = "llamacpp") -> ProviderSettings:
    """A ready-made entry for a server on this machine."""
    return ProviderSettings(name, "compatible", base_url=server.url, key_optional=True)


def looked(*entries: ProviderSettings, seconds: float = 5.0) -> list[LocalServer]:
    """What the first screen finds."""
    return asyncio.run(find_local(entries, seconds))


def test_servers_on_this_machine_are_found() -> None:
    """A local server is offered with its models, one that wants a key as such, and a dead port not at all."""
    with Server() as opened, Server(key=KEY) as locked, Server() as dead:
        dead.close()
        found = looked(entry(opened), entry(locked, "vllm"), entry(dead, "ollama"))
    assert [(one.settings.name, one.models, one.needs_key) for one in found] == [
        ("llamacpp", ("test-model",), False),
        ("vllm", (), True),
    ]


def test_another_program_on_the_port_is_not_offered() -> None:
    """Some web server on a model server's usual port is not taken for one, whatever it answers."""
    with Server() as website, Server() as refusing, Server() as listing:
        website.answers["/models"] = raw("<html>{welcome}</html>", content_type="text/html")
        refusing.answers["/models"] = raw("<html>no</html>", content_type="text/html", status=403)
        listing.answers["/models"] = raw('{"items": []}', content_type="application/json")
        assert looked(*map(entry, (website, refusing, listing)), seconds=0.5) == []
        assert all(server.requests for server in (website, refusing, listing))


def test_a_silent_program_does_not_hold_up_the_first_screen() -> None:
    """A port that answers nothing is given up in time."""

    async def silent() -> tuple[list[LocalServer], float]:
        async with await asyncio.start_server(lambda *_streams: None, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            began = time.monotonic()
            found = await find_local([ProviderSettings("x", "compatible", base_url=f"http://127.0.0.1:{port}/v1")])
            return found, time.monotonic() - began

    found, seconds = asyncio.run(silent())
    assert found == []
    assert seconds < 5


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that wants a key."""
    with Server(key=KEY) as running:
        yield running


def test_any_address_is_connected_in_a_few_answers(tmp_path: Path, server: Server) -> None:
    """With an address and a key the chat works at once; the key is kept closed; the next start asks nothing."""
    home = Home(tmp_path)
    server.models = [{"id": f"model-{number}"} for number in range(30)]
    with home.chat(rows=50, ready="How do you want to connect?") as screen:
        screen.send("c\r")
        screen.wait_for("a name from above, or an address")
        screen.send(f"127.0.0.1:{server.port}\r")
        screen.wait_for("a short name for it")
        screen.send("\r")
        screen.wait_for("key (empty")
        screen.send("sk-wrong-0123456789abcdef\r")
        screen.wait_for("refused the key")
        screen.wait_for("paste the key for")
        screen.send("\x1b")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "›")
        screen.send("c\r")
        screen.wait_for(lambda: screen.text.count("a name from above, or an address") == 2)
        screen.send(f"127.0.0.1:{server.port}/v1/chat/completions\r")
        screen.wait_for(lambda: screen.text.count("a short name for it") == 2)
        screen.send("\r")
        screen.wait_for(lambda: screen.text.count("key (empty") == 2)
        screen.send(f"{KEY}\r")
        screen.wait_for("another one, by its name (10 more)")
        screen.send("n\r")
        screen.wait_for("the model's name")
        screen.send("model-29\r")
        ready(screen)
        say(screen, "hello", "You said: hello")
        assert KEY not in "\n".join(screen.transcript)
        screen.send("/exit\r")
        screen.wait_for_exit()
    assert [one.json["model"] for one in server.requests if one.method == "POST"][-1:] == ["model-29"]
    assert KEY not in home.config.read_text()
    assert (home.data / "credentials.json").stat().st_mode & 0o077 == 0
    assert home.ask("again").stdout.strip() == "You said: again"


def test_the_demo_needs_one_letter(tmp_path: Path) -> None:
    """With no key and no network, d and Enter open the offline demo."""
    home = Home(tmp_path)
    with home.chat(rows=40, ready="How do you want to connect?") as screen:
        screen.send("d\r")
        ready(screen)
        assert "demo" in screen.text
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def test_leaving_the_first_screen_leaves(tmp_path: Path) -> None:
    """Esc on the first screen leaves with the status for missing settings, and writes none."""
    home = Home(tmp_path)
    with home.chat(rows=40, ready="How do you want to connect?") as screen:
        screen.send("\x1b")
        assert screen.wait_for_exit() == 2
    assert not home.config.exists()


def test_a_key_that_others_can_read_is_pointed_out(home: Home, server: Server) -> None:
    """A key in a file that other people can read is told of at the start, with the command that mends it."""
    server.key = KEY
    home.connect(server.url)
    file = home.folder / "key.txt"
    file.write_text(KEY)
    file.chmod(0o644)
    home.configure(home.config.read_text().replace("key_optional = true", f'api_key_file = "{file}"'))
    with home.chat(columns=120) as screen:
        assert f"chmod 600 {file}" in " ".join(screen.text.split())
        say(screen, "hello", "You said: hello")
    file.chmod(0o600)
    with home.chat(columns=120) as screen:
        assert "chmod" not in screen.text


@pytest.mark.parametrize("typed", ["深度求索", "DeepSeek", "ds"])
def test_a_providers_name_at_the_first_question(tmp_path: Path, server: Server, typed: str) -> None:
    """At the first question a provider's Chinese name or alias leads to its key, as the menu's letters do."""
    home = Home(tmp_path)
    home.configure(f'[providers.deepseek]\nbase_url = "{server.url}"\nmodel = "deepseek-flash"\n')
    with home.chat(rows=40, ready="How do you want to connect?") as screen:
        screen.send(f"{typed}\r")
        screen.wait_for("paste the key")
        screen.send(f"{KEY}\r")
        screen.wait_for("deepseek/deepseek-flash")
        screen.send("\x04")
        screen.wait_for_exit()
    assert 'provider = "deepseek"' in home.config.read_text()


def test_a_name_that_is_none_is_no_host(tmp_path: Path) -> None:
    """A Chinese name that no provider has is not taken for an address; what ended is told as such."""
    home = Home(tmp_path)
    with home.chat(rows=50, ready="How do you want to connect?") as screen:
        for typed, told in (("深度求", "did you mean deepseek?"), ("perplexity", "ended on 2026-09-27")):
            screen.send("c\r")
            screen.wait_for(lambda: screen.text.rstrip().endswith("(http://HOST:PORT/v1)"))
            screen.send(f"{typed}\r")
            screen.wait_for(told)
        screen.send("\x1b")
        screen.wait_for_exit()


def test_several_keys_are_asked_about_once(tmp_path: Path, server: Server) -> None:
    """With the keys of several providers the first start asks who answers, and keeps the answer."""
    home = Home(tmp_path)
    home.configure(f'[providers.moonshot]\nbase_url = "{server.url}"\nmodel = "kimi-k3.1-pro"\n')
    keys = {"DEEPSEEK_API_KEY": KEY, "MOONSHOT_API_KEY": KEY}
    with home.chat(rows=40, environment=keys, ready="How do you want to connect?") as screen:
        screen.wait_for("the key in MOONSHOT_API_KEY")
        screen.send("2\r")
        screen.wait_for("moonshot/kimi-k3.1-pro")
        screen.send("\x04")
        screen.wait_for_exit()
    assert 'provider = "moonshot"' in home.config.read_text()
    with home.chat(rows=40, environment=keys, ready="moonshot/kimi-k3.1-pro") as screen:
        screen.send("\x04")
        screen.wait_for_exit()


def test_a_single_key_is_told(tmp_path: Path) -> None:
    """With one key nothing is asked; the first line says who answers and by which variable."""
    home = Home(tmp_path)
    with home.chat(columns=100, environment={"ARK_API_KEY": KEY}) as screen:
        screen.wait_for("volcengine/doubao-seed-2-1-pro-260915 (ARK_API_KEY)")


def test_two_servers_for_one_key_are_asked_about(tmp_path: Path, server: Server) -> None:
    """Where variables name different servers, the chat asks which one is meant, and the key goes there alone."""
    home = Home(tmp_path)
    with Server(key=KEY) as other:
        addresses = {"OPENAI_BASE_URL": server.url, "OPENAI_API_BASE": other.url, "OPENAI_API_KEY": KEY}
        with home.chat(rows=40, environment=addresses, ready="How do you want to connect?") as screen:
            screen.wait_for("(OPENAI_API_BASE)")
            screen.send("2\r")
            ready(screen)
            say(screen, "hello", "You said: hello")
        assert server.requests == []
        assert other.requests
    assert other.url in home.config.read_text()
