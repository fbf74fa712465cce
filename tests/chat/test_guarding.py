"""What stands between a message and its sending: moderation and the day's budget, as a person meets them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.home import Home, ready, say
from tests.support import server as scripted
from tests.support.server import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that flags the word `poison`."""
    with Server() as running:
        running.flagged = ("poison",)
        yield running


def test_flagged_words_in_the_chat(tmp_path: Path, server: Server) -> None:
    """A flagged message comes back into the prompt unsent; a flagged reply is shown only after a yes."""
    home = Home(tmp_path)
    home.connect(server.url, 'moderation = "both"')
    with home.chat(rows=40) as screen:
        screen.send("is this poison\r")
        screen.wait_for("your message was flagged: poison; send it all the same?")
        screen.send("n\r")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › is this poison")
        assert not [one for one in server.requests if one.path.endswith("/chat/completions")]
        screen.send("\x03")
        ready(screen)
        server.script(scripted.say("drink ", "this poison"))
        screen.send("what now\r")
        screen.wait_for("the reply was flagged: poison; show it all the same?")
        assert "drink" not in screen.text
        screen.send("y\r")
        screen.wait_for("drink this poison")
        ready(screen)
        server.script(scripted.say("more poison"))
        screen.send("and now\r")
        screen.wait_for(lambda: screen.text.count("show it all the same?") == 2)
        screen.send("n\r")
        screen.wait_for("the turn is taken back; /redo brings it back")
        ready(screen)
        assert "more poison" not in "\n".join(screen.transcript)
        say(screen, "something else", "You said: something else")
        screen.send("/exit\r")
        screen.wait_for_exit()
    sent = [one.json["messages"] for one in server.requests if one.path.endswith("/chat/completions")][-1]
    assert [message["content"] for message in sent] == ["what now", "drink this poison", "something else"]


def test_flagged_words_in_a_script(tmp_path: Path, server: Server) -> None:
    """A flagged question is not sent and a flagged reply not printed; the exit status and JSON say why."""
    home = Home(tmp_path)
    home.connect(server.url, 'moderation = "both"')
    asked = home.ask("is this poison")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "your message was flagged: poison; it was not sent" in asked.stderr
    server.script(scripted.say("drink this poison"))
    told = home.ask("--json", "what now")
    assert told.returncode == 1
    assert json.loads(told.stdout)["error"]["kind"] == "content_filter"
    assert "drink" not in told.stdout + told.stderr


def test_a_spent_budget_in_the_chat(tmp_path: Path, server: Server) -> None:
    """When the day's budget is spent, the message comes back into the prompt with what to do, and is sent then."""
    home = Home(tmp_path)
    home.connect(
        server.url, '[budget]\ndaily = 0.1\nstop = "stop"\n[models.test-model]\ninput = 10000\noutput = 10000'
    )
    with home.chat(rows=40) as screen:
        say(screen, "hello", "You said: hello")
        screen.send("once more\r")
        screen.wait_for("today's budget is spent")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › once more")
        screen.send("\x03")
        ready(screen)
        screen.send("/retry\r")
        screen.wait_for(lambda: screen.text.count("today's budget is spent") == 2)
        ready(screen)
        screen.send("/set budget.daily 1000\r")
        screen.wait_for("budget.daily = 1000")
        ready(screen)
        say(screen, "once more", "You said: once more")
        screen.send("/exit\r")
        screen.wait_for_exit()
