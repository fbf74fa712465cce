"""Every front end leads the same conversation: the chat, the shell, the library, and one without a screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gptchat import Chat
from tests.chat.home import Home, ready, say
from tests.support.front_end import FrontEnd
from tests.support.program import KEY, compose_program, running, settings_for
from tests.support.server import Recorded, Reply, Server
from tests.support.server import say as reply

OWN = ("ts", "id", "parent", "message", "turn", "user", "provider", "model", "settings", "tokens", "title")
"""Fields that name a run, a person or a provider: they differ, and nothing else may."""


def written(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a journal says, without the fields that differ from run to run."""
    return [{key: value for key, value in record.items() if key not in OWN} for record in records]


def test_every_front_end_writes_the_same_journal(
    home: Home, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words, retry and continuation leave the same records, whichever front end they came through.

    Only the shell marks that it began with a one-shot question, which was then gone on with.
    """
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "hello", "You said: hello")
        screen.send("/retry\r")
        screen.wait_for(lambda: screen.text.count("You said: hello") == 2)
        ready(screen)
        say(screen, "again", "You said: again")
        screen.send("/continue\r")
        screen.wait_for("Continue exactly")
        ready(screen)
    shell = Home(tmp_path / "shell")
    shell.connect(server.url)
    for line in (["hello"], ["-c", "/retry"], ["-c", "again"], ["-c", "/continue"]):
        assert shell.ask(*line).returncode == 0
    program = compose_program(tmp_path / "double", settings_for(server.url))
    front = FrontEnd()
    with running(program) as loop:
        room = program.services.conversation
        for exchange in (room.say("hello"), room.retry(), room.say("again"), room.continue_()):
            loop.run(front.drive(exchange))
        path = program.services.journals.journal_path("ann", program.services.manager.session.id)
    with Chat(user="ann", config=tmp_path / "double/config.toml", data_dir=tmp_path / "library") as library:
        library.send("hello")
        library.retry()
        library.send("again")
        library.continue_()
    (called,) = (tmp_path / "library/users/ann/sessions").glob("*.jsonl")
    double, from_library = (
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] for file in (path, called)
    )
    (chat,), (asked,) = home.journals(), shell.journals()
    asked[0].pop("kind")
    asked.remove(next(record for record in asked if record.get("kind") == "conversation"))
    assert written(chat) == written(asked) == written(double) == written(from_library)
    assert len(chat) > 5


def test_a_question_from_the_shell_sums_up_a_full_window(home: Home, server: Server) -> None:
    """With context.compact = "auto" a conversation that is led by single questions is summed up as in the chat."""
    home.connect(server.url, '[context]\ncompact = "auto"\nreserve = 50\n[models.test-model]\ncontext = 900\n')

    def answer(request: Recorded) -> Reply:
        asked_to_sum_up = "Answer with the summary only" in str(request.json["messages"][0]["content"])
        return reply("They counted.") if asked_to_sum_up else reply("noted")

    server.default = answer
    assert home.ask("one " * 120).stdout.strip() == "noted"
    for number in ("two", "three"):
        assert home.ask("-c", f"{number} " * 120).stdout.strip() == "noted"
    last = home.ask("-c", "four " * 450)
    assert last.stdout.strip() == "noted"
    assert "a summary stands for 2 older turns" in last.stderr
    assert "summary" in [record["type"] for record in home.journals()[-1]]
