"""A comparison as a person sees it in the chat: at two sizes, with its keys, and after a kill."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.chat.home import Home, asked, ready
from tests.comparing.conftest import by_name
from tests.support.screen import Screen
from tests.support.server import Gate, Server, say


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose models tell their names."""
    with Server() as running:
        running.default = by_name
        yield running


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Home:
    """A machine that the server answers."""
    home = Home(tmp_path)
    home.connect(server.url)
    return home


def contents(screen: Screen, text: str) -> int:
    """How many rows, also those scrolled away, have `text`."""
    return sum(text in line for line in screen.transcript)


def test_side_by_side_and_the_arrows(home: Home, server: Server) -> None:
    """Three answers stand in columns; an arrow and Enter choose, the next message knows the chosen one alone."""
    with home.chat(rows=50, columns=200) as screen:
        ready(screen, "alice")
        screen.send("/compare m n here:bad why?\r")
        screen.wait_for("› [1]")
        assert any("I am m on why?" in line and "I am n on why?" in line for line in screen.lines)
        assert contents(screen, "I am m on why?") == 2  # the answer, and the choice below
        screen.send("\x1b[B")
        screen.wait_for("› [1] 2")
        screen.send("\r")
        screen.wait_for("going on with n ‹ ")
        ready(screen, "alice")
        screen.send("/ask o and you?\r")
        screen.wait_for("I am o on and you?")
        ready(screen, "alice")
        screen.send("/btw by the way\r")
        screen.wait_for("I am test-model on by the way")
        ready(screen, "alice")
        screen.send("and now?\r")
        screen.wait_for("I am test-model on and now?")
    sent = [message["content"] for message in asked(server)[-1].json["messages"]]
    assert sent == ["why?", "I am n on why?", "and you?", "I am o on and you?", "and now?"]


def test_one_under_the_other_and_esc(home: Home, server: Server) -> None:
    """In 80 columns the answers stand below each other; Esc stops all that still stream, and what came is kept."""
    server.default = lambda request: say("part ", "of ", request.json["model"], Gate())
    with home.chat(rows=24, columns=80) as screen:
        ready(screen, "alice")
        screen.send("/compare m n here:o why?\r")
        screen.wait_for(lambda: all(f"part of {name}" in screen.text for name in "mno"))
        screen.send("a draft")
        screen.wait_for("› a draft")
        screen.resize(20, 70)
        screen.resize(30, 90)
        screen.send("\x1b")
        screen.wait_for("› [1]")
        assert contents(screen, "part of o") == 2
        screen.send("3\r")
        screen.wait_for("going on with o")
        screen.wait_for("› a draft")
    kept = [(text, status) for role, text, status in home.messages() if role == "assistant"]
    assert sorted(kept) == [(f"part of {name}", "interrupted") for name in "mno"]


def test_a_kill_keeps_every_part(home: Home, server: Server) -> None:
    """After kill -9 in mid-stream the whole answer goes on, and what came of the others stands beside it."""
    server.default = lambda request: (
        say("whole") if request.json["model"] == "n" else say("part of ", request.json["model"], Gate())
    )
    with home.chat() as screen:
        ready(screen, "alice")
        screen.send("/compare m n here:o why?\r")
        screen.wait_for(lambda: all(text in screen.text for text in ("part of m", "whole", "part of o")))
        screen.wait_for(lambda: ("assistant", "whole", "complete") in home.messages())
        screen.kill(signal.SIGKILL)
        screen.wait_for_exit()
    for _start in range(2):
        with home.chat("-c", ready="whole") as screen:
            ready(screen, "alice")
            assert "part of" not in screen.text
    kept = [(text, status) for role, text, status in home.messages() if role == "assistant"]
    assert sorted(kept) == [("part of m", "interrupted"), ("part of o", "interrupted"), ("whole", "complete")]
    assert not [name for name in home.files() if name.endswith(".partial")]


def test_a_comparison_with_the_context_of_a_queue(home: Home, server: Server) -> None:
    """What is typed while the answers stream waits until the choice is made, and is then sent."""
    gate = Gate()
    server.default = lambda request: say("one", gate) if "why" in request.last_text else by_name(request)
    with home.chat() as screen:
        ready(screen, "alice")
        screen.send("/compare m n why?\r")
        screen.wait_for("one")
        screen.send("what next?\r")
        screen.wait_for("1 message waits")
        gate.open()
        screen.wait_for("› [1]")
        screen.send("\x1b")  # declined: the first goes on
        screen.wait_for("I am test-model on what next?")
