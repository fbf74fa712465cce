"""What holds of a question aside, and of comparisons by the library."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gptchat import AsyncChat, Chat, GptchatError
from gptchat.commands.program import Program
from gptchat.core import branches
from gptchat.core.events import TextDelta, TurnStarted
from gptchat.errors import ContentFilterError, UsageError
from tests.comparing.stage import ended, path_of, records
from tests.support.front_end import FrontEnd
from tests.support.program import KEY, command, compose_program, running, settings_for
from tests.support.server import Gate, Server, say


def test_a_question_aside_leaves_the_conversation_as_it_was(program: Program, server: Server) -> None:
    """It sees the conversation; the next message knows nothing of it, and the tree has it, and no version."""
    room, services = program.services.conversation, program.services
    with running(program) as runner:
        runner.run(FrontEnd().drive(room.say("one")))
        before = path_of(program)
        front = FrontEnd()
        runner.run(front.drive(room.aside("by the way", piped="data")))
        assert front.shown == "I am m on by the way\n\ndata"
        sent = [message["content"] for message in server.requests[-1].json["messages"]]
        assert sent == ["one", "I am m on one", "by the way\n\ndata"]
        assert path_of(program) == before
        runner.run(FrontEnd().drive(room.say("two")))
        sent = [message["content"] for message in server.requests[-1].json["messages"]]
        assert sent == ["one", "I am m on one", "two"]
        session = services.manager.session
        asked = next(one for one in session.messages.values() if branches.is_aside(one))
        assert branches.versions(session, session.user_ids()[-1]) == [session.user_ids()[-1]]
        assert branches.versions(session, asked.id) == [asked.id]
        assert branches.tip(session, session.path_ids()[1]) == session.head
    again = compose_program(server_folder(program), attended=False)
    again.services.profile.open_session(services.manager.session.id)
    with running(again) as runner:
        told = runner.run(command(again, "/tree"))
    assert "by the way" in told
    assert "aside" in told
    assert path_of(again) == path_of(program)


def server_folder(program: Program) -> Path:
    """The folder in which a test composed `program`."""
    return program.services.paths.data_dir.parent


def test_a_question_aside_leaves_what_is_attached(program: Program, tmp_path: Path) -> None:
    """A file that waits for the next message still waits after a question aside, and did not go with it."""
    (tmp_path / "note.txt").write_text("secret")
    room = program.services.conversation
    with running(program) as runner:
        runner.run(FrontEnd().drive(room.attach(str(tmp_path / "note.txt"))))
        waiting = list(program.services.outbox.attached)
        front = FrontEnd()
        runner.run(front.drive(room.aside("q")))
        assert front.shown == "I am m on q"
        assert program.services.outbox.attached == waiting != []
        front = FrontEnd()
        runner.run(front.drive(room.compare("c", ["m", "n"])))
        assert program.services.outbox.attached == []
        assert any("secret" in (o.message.text if o.message else "") for o in ended(front).outcomes)
        with pytest.raises(UsageError, match="empty"):
            runner.run(FrontEnd().drive(room.aside("")))


def test_an_aside_can_be_stopped(program: Program, server: Server) -> None:
    """Stopping a question aside keeps what came, beside the conversation."""
    server.default = lambda _request: say("part", Gate())

    async def stopped(when: type) -> None:
        async for event in program.services.conversation.aside("q"):
            if isinstance(event, when):
                program.services.manager.stop()

    with running(program) as runner:
        runner.run(stopped(TextDelta))
        runner.run(stopped(TurnStarted))  # before a word has come
    assert [one["content"] for one in records(program) if one.get("status") == "interrupted"] == ["part"]
    assert path_of(program) == []


def test_asides_of_an_incognito_run(server: Server, tmp_path: Path) -> None:
    """Without a journal both work the same, in memory."""
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as runner:
        runner.run(FrontEnd().drive(program.services.conversation.compare("q", ["m", "n"])))
        runner.run(FrontEnd().drive(program.services.conversation.aside("r")))
    assert path_of(program) == [("user", "q"), ("assistant", "I am m on q")]


def test_the_library_compares(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`compare` returns each reply or its error, in order; the first whole answer goes on."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")
    file = tmp_path / "config.toml"
    file.write_text('moderation = "output"\n' + settings_for(server.url), encoding="utf-8")
    server.flagged = ("I am o",)
    with Chat(user="ann", config=file, data_dir=tmp_path / "data") as chat:
        first, second, third = chat.compare("q", ["bad", "n", "o"])
        assert isinstance(first, GptchatError)
        assert not isinstance(second, GptchatError)
        assert second.text == "I am n on q"
        assert isinstance(third, ContentFilterError)
        assert [message.text for message in chat.messages] == ["q", "I am n on q"]

    async def stopped() -> list[Any]:
        server.default = lambda _request: say("part", Gate())
        async with AsyncChat(user="ann", config=file, data_dir=tmp_path / "data") as chat:
            task = asyncio.create_task(chat.compare("r", ["m", "n"]))
            while sum(one.json.get("stream") is True for one in server.requests if one.method == "POST") < 5:
                await asyncio.sleep(0.01)
            while not all(one.status == "interrupted" for one in chat.messages if one.role == "assistant"):
                await asyncio.sleep(0.01)
            chat.stop()
            return list(await task)

    assert [error.kind for error in asyncio.run(stopped())] == ["interrupted", "interrupted"]
