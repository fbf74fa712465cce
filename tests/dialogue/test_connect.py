"""Connecting in the chat: from nothing to an answer, and later to another server, with everything tried first."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat import vendors
from tests.chat.home import Home, asked, ready, say
from tests.support.program import KEY
from tests.support.screen import Screen
from tests.support.server import Recorded, Reply, Server, hang, refuse
from tests.support.server import say as answer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

LIST = "How do you want to connect?"
SLOWER = float(os.environ.get("GPTCHAT_TEST_SLOWER", "5"))
"""How much slower than a free machine the one is that runs the tests, for limits in seconds."""


def listed(screen: Screen) -> None:
    """Wait until the list stands, with the caret below it."""
    screen.wait_for(lambda: LIST in screen.text and screen.lines[screen.cursor[0]] == "›")


def asked_for(screen: Screen, question: str) -> None:
    """Wait until the caret stands behind `question`."""
    screen.wait_for(lambda: screen.lines[screen.cursor[0]].startswith(question))


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """No other worker's test has a server on a usual port meanwhile, which the list would show."""
    import fcntl

    assert sys.platform != "win32"
    with (Path(tempfile.gettempdir()) / "gptchat-tests-usual-ports").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def local_port() -> int:
    """A free port on which a ready-made local provider is looked for."""
    for vendor in vendors.table().values():
        port = int(vendor.base_url.split(":")[2].split("/")[0]) if vendor.local else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port:
            return port
    pytest.skip("another server listens on each usual port")


def test_a_local_server_is_one_key_away(home: Home) -> None:
    """From the first start to the first reply of a server on this machine: one key, a question, three seconds."""
    with Server(port=local_port()) as server:
        began = time.monotonic()
        with home.chat(ready=LIST) as screen:
            screen.wait_for("on this machine")
            screen.send("\r")
            ready(screen)
            say(screen, "hello", "You said: hello")
            seconds = time.monotonic() - began
            screen.send("\x04")
            screen.wait_for_exit()
        assert asked(server)[-1].json["model"] == "test-model"
    assert seconds < 3 * SLOWER


def test_a_model_is_chosen_with_the_arrow_keys(home: Home) -> None:
    """A server with several models takes a second key; the arrow keys go through them."""
    with Server(port=local_port()) as server:
        server.models = [{"id": name} for name in ("one", "two", "three")]
        with home.chat(ready=LIST) as screen:
            screen.wait_for("(3 models)")
            screen.send("\r")
            screen.wait_for("which model should answer?")
            screen.wait_for("› 1  one")
            screen.send("\x1b[B\r")
            ready(screen)
            say(screen, "hello", "You said: hello")
            assert asked(server)[-1].json["model"] == "two"


def test_a_question_mark_among_models(home: Home) -> None:
    """Where there is nothing to explain `?` does not turn back, which would forget a key that was typed."""
    with Server(port=local_port()) as server:
        server.models = [{"id": name} for name in ("one", "two", "three")]
        with home.chat(ready=LIST) as screen:
            screen.wait_for("(3 models)")
            screen.send("\r")
            screen.wait_for("› 1  one")
            screen.send("?")
            screen.send("two\r")
            ready(screen)
            say(screen, "hello", "You said: hello")
            assert asked(server)[-1].json["model"] == "two"


def test_a_local_server_with_a_key(home: Home) -> None:
    """A server on this machine that wants a key is asked with the one that is typed, and a wrong one is told."""
    with Server(port=local_port(), key=KEY) as server, home.chat(ready=LIST) as screen:
        screen.wait_for("(asks for a key)")
        screen.send("1\r")
        asked_for(screen, "paste the key for")
        screen.send("sk-wrong-0123456789abcdef\r")
        screen.wait_for("hint: type or paste it again; Esc goes back")
        asked_for(screen, "paste the key for")
        screen.send(f"{KEY}\r")
        ready(screen)
        assert {one.headers.get("authorization") for one in server.requests} > {f"Bearer {KEY}"}


def test_a_wrong_openai_key_is_told_before_the_chat_opens(home: Home) -> None:
    """A refused key is told at once and can be typed again; only the right one is kept."""
    wrong = "sk-wrong-0123456789abcdef"
    with Server(key=KEY) as server, home.chat(ready=LIST, environment={"OPENAI_BASE_URL": server.url}) as screen:
        listed(screen)
        screen.send("o\r")
        asked_for(screen, "paste the key for openai")
        screen.paste(wrong)
        screen.send("\r")
        screen.wait_for("refused the key")
        asked_for(screen, "paste the key for openai")
        assert "/help" not in screen.text
        screen.paste(KEY)
        screen.send("\r")
        ready(screen)
        say(screen, "hello", "You said: hello")
        screen.send("\x04")
        screen.wait_for_exit()
        assert wrong.encode() not in screen.raw
    kept = (home.data / "credentials.json").read_text()
    assert KEY in kept
    assert wrong not in kept


@pytest.mark.parametrize("keys", ["\x1b", "\x03", "q"])
def test_leaving_says_so(home: Home, keys: str) -> None:
    """Esc, Ctrl-C and q leave the first screen, which says that nothing is chosen; nothing is saved."""
    with home.chat(ready=LIST) as screen:
        listed(screen)
        screen.send(keys)
        assert screen.wait_for_exit() == 2
        assert "nothing is chosen yet: gptchat ends here" in screen.text
    assert not home.config.exists()


def test_a_question_mark_explains(home: Home) -> None:
    """? explains each choice, and the list stands again; an Enter behind it takes nothing."""
    with home.chat(rows=40, ready=LIST) as screen:
        listed(screen)
        screen.send("?\r")
        screen.wait_for("platform.openai.com")
        listed(screen)
        assert "A key is tried before it is kept" in screen.text
        screen.send("d\r")
        ready(screen)


def test_connecting_later(home: Home) -> None:
    """/provider ADDRESS opens the dialogue in the chat; the key is tried, and the next message goes there.

    A key that is refused leaves everything as it was, and a key that was pasted as a name is none.
    """
    with Server() as before, Server(key=KEY) as server:
        home.connect(before.url)
        with home.chat(rows=40, columns=100) as screen:
            say(screen, "hello", "You said: hello")
            screen.send(f"/provider {server.url}\r")
            asked_for(screen, "a short name for it")
            screen.send(f"{KEY}\r")
            screen.wait_for("that looks like a key")
            asked_for(screen, "a short name for it")
            screen.send("work\r")
            asked_for(screen, "key (empty")
            screen.send("sk-wrong-0123456789abcdef\r")
            screen.wait_for("refused the key")
            asked_for(screen, "paste the key for work")
            screen.send("\x1b")
            screen.wait_for("nothing was changed; here answers as before")
            ready(screen)
            say(screen, "and now", "You said: and now")
            assert asked(before)[-1].last_text == "and now"
            assert not (home.data / "credentials.json").exists()
            screen.send(f"/connect 127.0.0.1:{server.port}\r")
            asked_for(screen, "a short name for it")
            screen.send("work\r")
            asked_for(screen, "key (empty")
            screen.send(f"{KEY}\r")
            screen.wait_for("work answers from now on, with test-model")
            ready(screen)
            say(screen, "there", "You said: there")
            assert asked(server)[-1].last_text == "there"
            screen.send("\x04")
            screen.wait_for_exit()
    assert "[providers.work]" in home.config.read_text()
    assert 'provider = "here"' in home.config.read_text()
    assert KEY not in home.config.read_text()
    assert json.loads((home.data / "users/alice/user.json").read_text())["settings"]["provider"] == "work"


def test_a_server_that_started_meanwhile_is_found(home: Home) -> None:
    """/connect looks for servers on this machine whenever it opens; Esc changes nothing."""
    port = local_port()
    with Server() as before:
        home.connect(before.url)
        with home.chat(rows=40) as screen:
            screen.send("/connect\r")
            listed(screen)
            screen.send("\x1b")
            screen.wait_for("nothing was changed; here answers as before")
            assert "on this machine" not in screen.text
            ready(screen)
            with Server(port=port):
                screen.send("/connect\r")
                screen.wait_for("on this machine")
                screen.send("2\r")  # the first is the one of the settings
                screen.wait_for("answers from now on, with test-model")


def test_esc_stops_the_trial(home: Home) -> None:
    """A server that says nothing is tried with a spinner, until Esc; nothing is changed."""
    with Server() as server:
        home.connect(server.url)
        server.answers["/models"] = hang()
        with home.chat(rows=30) as screen:
            screen.send(f"/connect {server.root}/other\r")
            asked_for(screen, "a short name for it")
            screen.send("slow\r")
            asked_for(screen, "key (empty")
            screen.send("\r")
            screen.wait_for("trying slow · Esc stops")
            screen.send("\x1b")
            screen.wait_for("nothing was changed; here answers as before")
            ready(screen)
            assert "Esc stops" not in screen.text
            say(screen, "hello", "You said: hello")


def test_azure_asks_for_what_is_missing(home: Home) -> None:
    """/provider azure asks for endpoint, deployment and key; a deployment that does not exist is told at once."""

    def deployed(request: Recorded) -> Reply:
        named = request.json["model"]
        if named != "mine":
            return refuse(404, "The API deployment for this resource does not exist", code="DeploymentNotFound")
        if "messages" not in request.json:
            return refuse(400, "messages is a required property")
        return answer("fine")

    with Server() as before, Server(key=KEY) as server:
        server.default = deployed
        home.connect(before.url)
        with home.chat(rows=40, columns=100) as screen:
            for name, told in (
                ("other", "use azure all the same?"),
                ("mine", "azure answers from now on, with mine"),
            ):
                screen.send("/provider azure\r")
                asked_for(screen, "endpoint")
                screen.send(f"{server.root}\r")
                asked_for(screen, "deployment")
                screen.send(f"{name}\r")
                asked_for(screen, "API version")
                screen.send("\r")
                asked_for(screen, "paste the key for azure")
                screen.send(f"{KEY}\r")
                screen.wait_for(told)
                if name == "other":
                    screen.send("n\r")
                    screen.wait_for("nothing was changed")
                ready(screen)
            say(screen, "hello", "fine")
            assert asked(server)[-1].headers["api-key"] == KEY


def test_plain_http_to_another_machine(home: Home) -> None:
    """An http address of another machine is refused with the reason and the way to insist."""
    home.configure('provider = "demo"\n')
    with home.chat(rows=30, columns=110) as screen:
        screen.send("/connect http://192.0.2.7:8080/v1\r")
        screen.wait_for("http://192.0.2.7:8080/v1 --anyway")
        assert "with plain http others can read the key and the chat" in " ".join(screen.text.split())
        ready(screen)
        screen.send("/connect http://192.0.2.7:8080/v1 --anyway\r")
        asked_for(screen, "a short name for it")
        screen.send("\x1b")
        screen.wait_for("nothing was changed; demo answers as before")
    assert "192.0.2.7" not in home.config.read_text()


def test_insisting_holds_for_one_address(home: Home) -> None:
    """`--anyway` behind one address in the list lets no other one pass after it."""
    home.configure('provider = "demo"\n')
    with home.chat(rows=40, columns=110) as screen:
        screen.send("/connect\r")
        screen.wait_for("q goes back")
        screen.send("http://192.0.2.7:8080/v1 --anyway\r")
        asked_for(screen, "a short name for it")
        screen.send("\x1b")
        screen.wait_for("q goes back")
        screen.send("http://192.0.2.8:8080/v1\r")
        screen.wait_for("192.0.2.8:8080/v1 is not on this machine")


def test_an_incognito_run_keeps_nothing(home: Home) -> None:
    """In an incognito run the connection holds, and neither key nor address is written anywhere."""
    home.configure('provider = "demo"\n')
    with Server(key=KEY) as server, home.chat("--incognito", rows=30, columns=110) as screen:
        screen.send(f"/connect {server.url}\r")
        asked_for(screen, "a short name for it")
        screen.send("\r")
        asked_for(screen, "key (empty")
        screen.send(f"{KEY}\r")
        screen.wait_for("local answers from now on")
        ready(screen)
        say(screen, "hello", "You said: hello")
        screen.send("\x04")
        screen.wait_for_exit()
    files = [Path(home.folder, name) for name in home.files()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert home.config.read_text() == 'provider = "demo"\n'


def test_a_script_is_told_where_to_connect(home: Home) -> None:
    """`gptchat /connect` without a chat says that it asks questions, and how to choose without them."""
    result = home.ask("/connect")
    assert (result.returncode, result.stdout) == (2, "")
    assert "-p NAME" in result.stderr
