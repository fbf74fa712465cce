"""A storm: the program is killed at random moments of a day with every command, and nothing said is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from typing import Any

import pytest

from gptchat.commands.program import registry
from gptchat.storage.store import JournalStore
from tests.chat.home import Home, asked, ready
from tests.support.replies import Recorded, Reply
from tests.support.screen import Screen
from tests.support.server import Server, say

KILLS = int(os.environ.get("GPTCHAT_TEST_STORM", "6"))
TOKEN = re.compile(r"q\d{5}q")
FOR_EVER = re.compile(r"/delete --forever|/trash empty|/users remove")

Messages = dict[tuple[str, str], dict[str, Any]]
"""Message records by the names of their session and their own."""


def commands() -> list[str]:
    """The examples of every command, and some lines that its examples lack."""
    shown = [line for command in registry().commands for line, _note in command.examples]
    assert len(shown) > 60
    return [*shown, "/sessions --all", "/export html page.html", "/import chat.md", "!echo hello", "/delete 2"]


def saved(home: Home) -> Messages:
    """Every message on disk, in whatever folder. A line that is no JSON may only be the last of a journal."""
    found: Messages = {}
    for path in home.data.rglob("*.jsonl"):
        if path.parent.name not in ("sessions", "trash"):
            continue
        lines = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines):
            try:
                record = json.loads(line) if line.strip() else {}
            except ValueError:
                assert number == len(lines) - 1, f"{path} has a torn line that is not its last"
                continue
            if record.get("type") == "message":
                key = (path.name.split(".")[0], record["id"])
                assert key not in found, f"{key} is there twice"
                found[key] = record
    return found


def answer(request: Recorded) -> Reply:
    """A reply in pieces, which ends with the token of what was asked."""
    tokens = TOKEN.findall(request.last_text)
    last = tokens[-1] if tokens else "nothing"
    return say("Here ", 0.02, "is ", 0.03, "**what** you asked: ", 0.02, "some words " * 20, f"ends {last}")


def finished(screen: Screen, token: str) -> bool:
    """Whether the reply to `token` was seen whole, with a prompt below it."""

    def stands() -> bool:
        row, column = screen.cursor
        line = screen.lines[row]
        return f"ends {token}" in screen.text and line.endswith("›") and column == len(line) + 1

    try:
        screen.wait_for(stands, 4)
    except TimeoutError:
        return False
    return True


def glance(screen: Screen, seconds: float) -> None:
    """Look at the screen for that long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        screen.read(0.01)


@pytest.mark.timeout(60 + KILLS * 8)
def test_a_day_of_kills_loses_nothing(home: Home, server: Server) -> None:
    """Whatever runs when the program is killed, every message that was sent stays, once, and opens again."""
    home.connect(server.url)
    (home.folder / "notes.txt").write_text("notes", encoding="utf-8")
    (home.folder / "questions.txt").write_text("one\ntwo\n", encoding="utf-8")
    server.default = answer
    rng = random.Random(KILLS)
    lines = commands()
    whole: set[str] = set()
    gone: set[str] = set()
    forgotten: set[str] = set()
    known: Messages = {}
    used: set[str] = set()
    deck: list[str] = []  # so that many kills try every line
    number = 0
    for _life in range(KILLS):
        arguments = rng.choice([["-c"], ["-c"], [], ["-c", "-u", "bob", "--create-user"]])
        for_ever = False
        before = number
        screen = home.chat(*arguments, environment={"EDITOR": "true"})
        try:
            for _action in range(rng.randint(1, 4)):
                if rng.random() < 0.5:
                    number += 1
                    token = f"q{number:05}q"
                    screen.send(f"please {token}\r")
                    if rng.random() < 0.5 and finished(screen, token):
                        whole.add(token)
                else:
                    deck = deck or rng.sample(lines, len(lines))
                    line = deck.pop()
                    used.add(line)
                    for_ever = for_ever or bool(FOR_EVER.match(line))
                    screen.send(line + "\r")
                    glance(screen, rng.uniform(0, 0.2))
                    if rng.random() < 0.3:
                        screen.send("y\r")
                glance(screen, rng.uniform(0, 0.25))
        except OSError:
            pass  # it left, as /exit does
        finally:
            if screen.status is None:
                screen.kill(signal.SIGKILL)
            screen.close()
        now = saved(home)
        if for_ever:
            kept = {session for session, _message in now}
            removed = {key for key in known if key[0] not in kept}
            gone |= {session for session, _message in removed}
            forgotten |= {token for key in removed for token in TOKEN.findall(str(known[key]["content"]))}
            forgotten |= {f"q{sent:05}q" for sent in range(before + 1, number + 1)}
        lost = [key for key in known if key not in now and key[0] not in gone]
        assert not lost, f"{[known[key] for key in lost]} lost"
        known = now
    number += 1
    last = f"q{number:05}q"
    with home.chat("-c", "-u", "alice", "--create-user") as screen:
        ready(screen)
        screen.send(f"please {last}\r")
        assert finished(screen, last), screen.text
    whole.add(last)
    now = saved(home)
    for path in home.data.glob("users/*/sessions/*.jsonl"):
        name = json.loads((path.parents[1] / "user.json").read_text())["name"]
        assert JournalStore(home.data).read(name, path.stem).messages is not None
    texts = [str(record["content"]) for record in now.values() if record["role"] == "user"]
    replies = " ".join(str(record["content"]) for record in now.values() if record["role"] == "assistant")
    sent = {token for request in asked(server) for token in TOKEN.findall(request.last_text)}
    assert sent - forgotten <= set(TOKEN.findall(" ".join(texts))), "a message was sent and is nowhere"
    assert all(f"ends {token}" in replies for token in whole - forgotten), "a finished reply is nowhere"
    journals = len({session for session, _message in now})
    print(
        f"\n{KILLS} kills, {journals} journals, {len(now)} messages, {len(whole)} turns seen to end, "
        f"{len(used)} of {len(lines)} command lines, {len(gone)} sessions removed for good"
    )
