"""People talk, stop, leave, and come back: nothing they said is lost, whatever ends the program."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chat.home import Home, asked, ready, say
from tests.support.screen import Screen
from tests.support.server import Gate, Server
from tests.support.server import say as reply

STOP_KEYS = {"alice": "\x03", "bob": "\x1b"}  # Ctrl-C and Esc


def test_two_people_three_turns_each(home: Home, server: Server) -> None:
    """Two people have three turns each, each stops one reply, and all of it is there when they come back."""
    home.connect(server.url)
    gate = Gate()
    with home.chat() as screen:
        for user in ("alice", "bob"):
            if user == "bob":
                screen.send("/user bob\r")
                screen.wait_for("hello bob, you are new here; /user alice goes back")
                screen.send("\x0c")  # so that what the screen says is of bob alone
                ready(screen, "bob")
            say(screen, f"first of {user}", f"You said: first of {user}", user)
            server.script(reply("this much came ", gate, "and this never did"))
            screen.send(f"second of {user}\r")
            screen.wait_for("this much came")
            screen.send(STOP_KEYS[user])
            screen.wait_for("■ stopped")
            ready(screen, user)
            say(screen, f"third of {user}", f"You said: third of {user}", user)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
    for user in ("alice", "bob"):
        assert home.messages(user) == [
            ("user", f"first of {user}", ""),
            ("assistant", f"You said: first of {user}", "complete"),
            ("user", f"second of {user}", ""),
            ("assistant", "this much came ", "interrupted"),
            ("user", f"third of {user}", ""),
            ("assistant", f"You said: third of {user}", "complete"),
        ]
    with home.chat("-c", rows=40, ready="You said: third of bob") as screen:  # bob was here last
        ready(screen, "bob")
        for shown in ("first of bob", "this much came\n■ stopped", "You said: third of bob"):
            assert shown in screen.text
        say(screen, "fourth of bob", "You said: fourth of bob", "bob")
        sent = [message["content"] for message in asked(server)[-1].json["messages"]]
        assert sent[:2] == ["first of bob", "You said: first of bob"]
        assert sent[-1] == "fourth of bob"
        screen.send("\x1b[A\x1b[A")
        screen.wait_for("bob › third of bob")
        assert "alice" not in screen.text  # the history of what is typed is bob's own
        screen.send("\x03/users\r")
        screen.wait_for("› bob           1")
        assert "  alice         1" in screen.text
        screen.send("\x04")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGHUP])
def test_a_program_that_is_ended_in_mid_reply(home: Home, server: Server, ending: signal.Signals) -> None:
    """A program killed in mid-reply loses no turn, no piece of the reply, and not the line being typed."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "before", "You said: before")
        server.script(reply("the part ", "that came", Gate()))
        screen.send("long one\r")
        screen.wait_for("the part that came")
        screen.send("a queued message\rand a draft")
        screen.wait_for("› and a draft")
        drafts = home.data / "users" / "alice" / "draft"
        until(lambda: drafts.exists() and "and a draft" in drafts.read_text(), screen)
        screen.kill(ending)
        assert screen.wait_for_exit() == (-signal.SIGKILL if ending is signal.SIGKILL else 128 + signal.SIGHUP)
    for _start in range(2 if ending is signal.SIGKILL else 1):
        with home.chat("-c", ready="your unsent draft is back") as screen:
            assert "the part that came\n■ stopped" in screen.text
            assert "alice › a queued message\n        and a draft" in screen.text
            screen.kill(signal.SIGHUP)
            assert screen.wait_for_exit() == 128 + signal.SIGHUP
        assert home.messages() == [
            ("user", "before", ""),
            ("assistant", "You said: before", "complete"),
            ("user", "long one", ""),
            ("assistant", "the part that came", "interrupted"),
        ]


def until(condition: Callable[[], bool], screen: Screen) -> None:
    """Wait until `condition` holds, taking in what the program draws."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, screen.text
        screen.read(0.02)


def test_two_terminals_on_one_session(home: Home, server: Server) -> None:
    """When another terminal has gone on with a session, one is told, and may go on, branch, fork or wait."""
    home.connect(server.url)
    with home.chat() as one:
        say(one, "hello", "You said: hello")
        with home.chat("-c", ready="You said: hello") as other:
            ready(other)
            say(other, "from the other", "You said: from the other")
            one.send("wait for me\r")
            one.wait_for("another gptchat has added 2 messages to this session")
            one.wait_for("wait, I want to think")
            assert "You said: from the other" in one.text
            one.send("n\r")
            one.wait_for(lambda: "alice › wait for me" in one.lines[one.cursor[0]])
            one.send("\r")  # thought about it: from there
            one.wait_for("You said: wait for me")
            ready(one)
            other.send("branch\r")
            other.wait_for("has added 2 messages")
            other.send("b\r")
            other.wait_for("You said: branch")
            ready(other)
            sent = [message["content"] for message in asked(server)[-1].json["messages"]]
            assert sent == ["hello", "You said: hello", "from the other", "You said: from the other", "branch"]
            say(one, "/rename Both", "this session is now called Both")
            one.send("fork\r")
            one.wait_for("has added 2 messages")
            one.send("f\r")
            one.wait_for("You said: fork")
            ready(one)
            assert "Both (fork)" in one.text
    said = [[words for _role, words, _status in home.messages(session=number)] for number in (0, 1)]
    assert {"hello", "from the other", "wait for me", "branch"} <= set(said[0])
    assert said[1][-2:] == ["fork", "You said: fork"]
    assert len(said[0]) == len(set(said[0]))


def test_a_session_deleted_while_another_terminal_goes_on(home: Home, server: Server) -> None:
    """A session deleted in one terminal goes on whole in the other, and is there once when opened by its id."""
    home.connect(server.url)
    with home.chat() as one:
        say(one, "hello", "You said: hello")
        with home.chat("-c", ready="You said: hello") as other:
            ready(other)
            one.send("/delete\r")
            one.wait_for("delete hello?")
            one.send("y\r")
            one.wait_for("is in the trash")
            ready(one)
            say(other, "still here", "You said: still here")
            [id] = [Path(name).stem for name in home.files() if "/trash/" in name and name.endswith(".jsonl")]
            say(one, f"/resume {id}", "You said: still here")
    assert len(home.journals("alice")) == 1
    assert [words for role, words, _status in home.messages() if role == "user"] == ["hello", "still here"]
