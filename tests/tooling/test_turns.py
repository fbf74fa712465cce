"""Turns with tools that are unusual: several terminals, stubborn tools, pictures, cut results, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gptchat import Chat
from gptchat.conversation.services import Services
from gptchat.conversation.tooling import calls as calls_module
from gptchat.conversation.tooling.rounds import NOT_RUN
from gptchat.core import branches
from gptchat.core import session as tree
from gptchat.core.compaction import fold
from gptchat.core.events import RoundEnded, ToolFinished, ToolStarted, TurnInterrupted
from gptchat.core.messages import Message
from gptchat.core.session import Session
from gptchat.core.tooling import ToolResult
from gptchat.manager import build
from gptchat.manager.request import INTERRUPTED
from gptchat.storage.store import JournalStore
from gptchat.values import replace
from tests.support.front_end import FrontEnd
from tests.support.program import KEY, compose_program, running, settings_for
from tests.support.server import Server, say
from tests.tooling.shelf import Function, Shelf, call, program_with

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASKED = {"role": "user", "content": "go"}


def sent(server: Server, number: int = -1) -> list[dict[str, Any]]:
    """The messages of a request in the chat API."""
    messages: list[dict[str, Any]] = server.requests[number].json["messages"]
    return messages


def test_a_round_on_azure(tmp_path: Path) -> None:
    """Azure gets the tool conversation field by field as the chat API does."""
    config = """
provider = "work"
[providers.work]
kind = "azure"
endpoint = "{address}"
api_version = "2024-10-21"
deployment = "m"
api_key_env = "TEST_KEY"
[network]
max_retries = 0
"""
    with Server() as server:
        weather = Function("weather", about="Tells the weather.")
        program = compose_program(tmp_path, config.format(address=server.root), attended=True)
        program.services.__dict__["toolbox"] = Shelf(weather)
        wanted = call("weather", '{"q": "here"}')
        server.script(say("Let me look.", calls=[wanted]), say("It rains."))
        with running(program) as runner:
            runner.run(FrontEnd().drive(program.services.conversation.say("go")))
        first, second = server.requests
    assert first.path == second.path == "/openai/deployments/m/chat/completions"
    assert first.json["tools"] == second.json["tools"] == [weather.spec.definition()]
    assert second.json["messages"] == [
        ASKED,
        {"role": "assistant", "content": "Let me look.", "tool_calls": [wanted]},
        {"role": "tool", "tool_call_id": "c1", "content": "weather says yes"},
    ]


def test_another_terminal_writes_in_the_middle_of_a_round(tmp_path: Path) -> None:
    """The rounds of a turn stay one line of the conversation, whatever another terminal adds to the session."""
    with Server() as server:

        async def work(_arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> str:
            other = JournalStore(tmp_path / "data")
            session = other.open(program.services.manager.user, program.services.manager.session.id)
            record = {"type": "message", "id": "", "parent": None, "role": "user", "content": "from elsewhere"}
            other.append(session, [record], durable=True)
            return "worked"

        program = program_with(tmp_path, server.url, Function("work", work))
        server.script(say(calls=[call("work", id="a"), call("work", id="b")]), say("done"))
        with running(program) as runner:
            runner.run(FrontEnd().drive(program.services.conversation.say("go")))
        assert [message["role"] for message in sent(server)] == ["user", "assistant", "tool", "tool"]
    path = program.services.manager.session.path()
    assert [message.text for message in path] == ["go", "", "worked", "worked", "done"]


def test_a_session_opened_while_calls_run_is_left_alone(tmp_path: Path) -> None:
    """Opening a session elsewhere calls nothing interrupted that still runs; once its program is gone, it does."""
    with Server() as server:
        seen: list[list[str]] = []

        def look() -> list[str]:
            again = compose_program(tmp_path, (tmp_path / "config.toml").read_text(encoding="utf-8"))
            again.services.open_first(program.services.manager.session.id)
            return [message.text for message in again.services.manager.session.path()]

        async def work(_arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> str:
            seen.append(await asyncio.to_thread(look))
            return "worked"

        program = program_with(tmp_path, server.url, Function("work", work))
        server.script(say(calls=[call("work")]), say("done"))
        with running(program) as runner:
            runner.run(FrontEnd().drive(program.services.conversation.say("go")))
        assert seen == [["go", ""]]
        assert look() == ["go", "", "worked", "done"]


def test_a_call_that_was_killed_says_so_when_the_session_is_opened(tmp_path: Path) -> None:
    """A journal that ends with a call gets its result on opening, once: it was interrupted, and does not run."""
    program = compose_program(tmp_path, "")
    manager = program.services.manager
    manager.record({"type": "message", "id": "m1", "parent": None, "role": "user", "content": "go"})
    reply = {"type": "message", "id": "m2", "parent": "m1", "role": "assistant", "content": ""}
    manager.record({**reply, "tool_calls": [call("work", id="a"), call("work", id="b")]})
    done = {"role": "tool", "tool_call_id": "a", "name": "work", "content": "worked", "outcome": "done"}
    manager.record({"type": "message", "id": "m3", "parent": "m2", **done})
    for _time in range(2):
        again = compose_program(tmp_path, "")
        again.services.open_first(manager.session.id)
        assert [message.text for message in again.services.manager.session.path()[1:]] == [
            "",
            "worked",
            INTERRUPTED,
        ]
        assert again.services.manager.session.path()[-1].extra["outcome"] == "interrupted"


def test_a_tool_that_cannot_be_cancelled_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop ends the turn though a tool does not end; its call is told as interrupted."""
    monkeypatch.setattr(calls_module, "_PATIENCE", 0.05)
    let_go = asyncio.Event()

    async def stubborn(_arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> str:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    with Server() as server:
        program = program_with(tmp_path, server.url, Function("stubborn", stubborn))
        server.script(say(calls=[call("stubborn")]))

        async def drive() -> list[Any]:
            events = []
            async for event in program.services.conversation.say("go"):
                events.append(event)
                if isinstance(event, ToolStarted):
                    asyncio.get_running_loop().call_soon(program.services.manager.stop)
            let_go.set()
            return events

        with running(program) as runner:
            events = runner.run(drive())
    assert [event.outcome for event in events if isinstance(event, ToolFinished)] == ["interrupted"]
    assert any(isinstance(event, TurnInterrupted) for event in events)


def test_pictures_of_a_tool_go_behind_the_results(tmp_path: Path) -> None:
    """A picture that a tool returns is kept with the result, and sent behind it, told as the tool's."""

    async def draw(_arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> ToolResult:
        return ToolResult("a cat", [PICTURE])

    with Server() as server:
        program = program_with(tmp_path, server.url, Function("draw", draw), Function("look"))
        server.script(say(calls=[call("draw", id="a"), call("look", id="b")]), say("nice"))
        with running(program) as runner:
            runner.run(FrontEnd().drive(program.services.conversation.say("go")))
            runner.run(FrontEnd().drive(program.services.conversation.say("more")))
        results = sent(server, 1)[2:]
        assert results == [
            {"role": "tool", "tool_call_id": "a", "content": "a cat\n[image]"},
            {"role": "tool", "tool_call_id": "b", "content": "look says yes"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "[returned by the tool draw, not sent by the user:]"},
                    PICTURE,
                ],
            },
        ]
        assert sent(server)[2:5] == results
        route = replace(program.services.routing.route(), pictures=False)
        manager = program.services.manager
        unseen = build(manager.plan(route), route, manager.session, store=manager.store).messages
        assert not any(isinstance(message["content"], list) for message in unseen)


def test_a_model_reads_on_in_a_result_that_was_cut(tmp_path: Path) -> None:
    """Of a large result the model may ask for the rest, piece by piece up to its end, and for no other file."""
    whole = "\n".join(f"line {number}" for number in range(6_000))

    async def much(_arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> str:
        return whole

    with Server() as server:
        program = program_with(
            tmp_path, server.url, Function("much", much), config="[models.m]\ncontext = 32768\n"
        )
        found: list[str] = []

        def answer(request: Any) -> Any:
            last = request.json["messages"][-1]["content"]
            assert ("rest_of_result" in json.dumps(request.json.get("tools"))) == (last != "go")
            if last == "go":
                return say(calls=[call("much", id="first")])
            at = last.find('"start": ')
            if not found:
                found.append(last[: last.index("\n[...")])
            else:
                found.append(last[: last.rindex("\n[")])
            if at < 0:
                return say("read")
            start = int(last[at + 9 : last.index("]", at)])
            assert start == len("".join(found))
            wanted = json.dumps({"result": "first", "start": start})
            return say(calls=[call("rest_of_result", wanted, f"r{len(found)}")])

        server.default = answer
        front = FrontEnd()
        with running(program) as runner:
            runner.run(front.drive(program.services.conversation.say("go")))
    assert front.outcome.message is not None, front.outcome.error
    assert front.outcome.message.text == "read"
    assert "".join(found) == whole
    assert len(found) > 3


def test_a_result_that_is_no_cut_one_cannot_be_read(tmp_path: Path) -> None:
    """The tool that reads on reaches no file but those of cut results, whatever the model names."""
    with Server() as server:
        program = program_with(tmp_path, server.url, Function("much"))
        manager = program.services.manager
        secret = tmp_path / "secret"
        secret.write_text("secret")
        manager.record({"type": "message", "id": "m1", "parent": None, "role": "user", "content": "go"})
        reply = {"type": "message", "id": "m2", "parent": "m1", "role": "assistant", "content": ""}
        manager.record({**reply, "tool_calls": [call("much", id="a")]})
        cut = {"role": "tool", "tool_call_id": "a", "name": "much", "content": "x", "whole": str(secret)}
        manager.record({"type": "message", "id": "m3", "parent": "m2", **cut})
        for name in ("a", "b", str(secret)):
            wanted = json.dumps({"result": name, "start": 0})
            server.script(say(calls=[call("rest_of_result", wanted, f"r{name}")]), say("no"))
            with running(program) as runner:
                runner.run(FrontEnd().drive(program.services.conversation.say("read")))
            assert "there is no file" in sent(server)[-1]["content"]


def test_a_tool_that_changes_is_asked_about_again(tmp_path: Path) -> None:
    """An "always" holds for the tool as it was described: one that changes afterwards is asked about."""
    with Server() as server:
        tool = Function("work", permission="ask")
        program = program_with(tmp_path, server.url, tool)
        front = FrontEnd({"tool_call": ["a", "n"]})
        with running(program) as runner:
            for about in ("Does work.", "Does work.", "Sends all your files away."):
                tool.spec = replace(tool.spec, description=about)
                server.script(say(calls=[call("work")]), say("done"))
                runner.run(front.drive(program.services.conversation.say("go")))
    assert (len(tool.calls), len(front.asked)) == (2, 2)


def test_calls_beyond_the_rounds_do_not_run(tmp_path: Path) -> None:
    """A server that lets its model call although no call may run any more gets no call run: each says so."""
    with Server() as server:
        tool = Function("more")
        program = program_with(tmp_path, server.url, tool, config="[tools]\nrounds = 1\n")
        server.default = lambda _request: say("on", calls=[call("more")])
        front = FrontEnd()
        with running(program) as runner:
            runner.run(front.drive(program.services.conversation.say("go")))
    assert len(tool.calls) == 1
    assert front.outcome.message is not None
    assert [message.text for message in program.services.manager.session.path()] == [
        "go",
        "on",
        "more says yes",
        "on",
        NOT_RUN,
    ]


def test_an_api_without_tools_is_told(tmp_path: Path) -> None:
    """On an API that has no tools the conversation goes on without them, and a line says so once."""
    with Server() as server:
        program = program_with(tmp_path, server.url, Function("work"), api='"completions"')
        front = FrontEnd()
        with running(program) as runner:
            for _turn in range(2):
                runner.run(front.drive(program.services.conversation.say("go")))
        assert all("tools" not in request.json for request in server.requests)
    assert sum("takes no tools" in line for line in front.told) == 1
    assert not any(isinstance(event, RoundEnded) for event in front.events)


def test_undo_retry_and_fork_take_a_turn_with_its_rounds(tmp_path: Path) -> None:
    """A turn with rounds is one turn: it is answered again, taken back, brought back and copied as a whole."""
    with Server() as server:
        program = program_with(tmp_path, server.url, Function("look"))
        manager, conversation = program.services.manager, program.services.conversation
        server.script(say("before"), say(calls=[call("look")]), say("one"), say("two"))
        with running(program) as runner:
            runner.run(FrontEnd().drive(conversation.say("hello")))
            runner.run(FrontEnd().drive(conversation.say("go")))
            whole = [message.text for message in manager.session.path()]
            assert whole == ["hello", "before", "go", "", "look says yes", "one"]
            copy = Session("copy", "ann")
            for record in branches.fork(manager.session, 2):
                copy.apply(record)
            assert [message.text for message in copy.path()] == whole
            back = tree.undo(manager.session)
            assert back is not None
            manager.record(back)
            assert [message.text for message in manager.session.path()] == whole[:2]
            forth = tree.redo(manager.session)
            assert forth is not None
            manager.record(forth)
            runner.run(FrontEnd().drive(conversation.retry()))
        assert sent(server)[-1] == ASKED
        assert [message.text for message in manager.session.path()] == [*whole[:3], "two"]


def test_a_python_program_sees_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply of the library tells the calls of its turn, and the tokens of all rounds."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    with Server() as server:
        (tmp_path / "config.toml").write_text(settings_for(server.url), encoding="utf-8")
        monkeypatch.setattr(Services, "toolbox", Shelf(Function("look", permission="ask")))
        server.script(say(calls=[call("look", '{"q": "x"}')], usage=usage), say("seen", usage=usage))
        with Chat(
            user="ann", config=tmp_path / "config.toml", data_dir=tmp_path / "data", approve=lambda _asked: "y"
        ) as chat:
            reply = chat.send("go")
    assert reply.text == "seen"
    [used] = reply.tools
    assert (used.name, used.arguments, used.outcome, used.text) == ("look", '{"q": "x"}', "done", "look says yes")
    assert reply.usage is not None
    assert reply.usage.total_tokens == 30


def test_a_summary_tells_what_was_called() -> None:
    """What is summed up holds the calls of a turn beside their results."""
    path = [
        Message("user", "weather?", id="m1"),
        Message("assistant", "", id="m2", extra={"tool_calls": [call("weather", '{"q": "here"}')]}),
        Message("tool", "rain", id="m3", extra={"tool_call_id": "c1"}),
        Message("assistant", "It rains.", id="m4"),
    ]
    made = fold(path, lambda message: len(message.text), 100_000, keep=0)
    assert made is not None
    assert '[called weather {"q": "here"}]\n\nTool result: rain' in made.messages[-1].text
