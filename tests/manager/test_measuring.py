"""Counts by the server's own tokenizer: only of what it is sent anyway, and never at the cost of the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.core.context import Limits
from gptchat.core.events import TextDelta, TurnEvent, TurnFinished, TurnStarted
from gptchat.core.messages import Message
from gptchat.manager import Order, Route, Send, SessionManager
from gptchat.storage.store import JournalStore
from gptchat.tokens.counter import Counter
from tests.providers.asking import provider
from tests.support.replies import Gate, Recorded, Reply, hang, raw, say
from tests.support.server import Server

MODEL = "m"


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted server that says it is llama.cpp, and whose tokens are letters."""
    with Server() as running:
        running.models = [{"id": MODEL, "object": "model", "owned_by": "llamacpp"}]
        running.tokenizer = _letters
        yield running


@pytest.fixture
def manager(tmp_path: Path) -> SessionManager:
    """A manager with an empty session of Ada's, saved in a folder of the test's own."""
    manager = SessionManager(JournalStore(tmp_path), Counter())
    manager.begin("ada")
    return manager


def _letters(request: Recorded) -> Reply:
    return Reply.document({"tokens": list(range(len(request.json["content"])))})


def _asked(server: Server) -> list[str]:
    return [request.json["content"] for request in server.requests if request.path.endswith("/tokenize")]


def _run(manager: SessionManager, server: Server, *orders: Order, limits: Limits | None = None) -> list[TurnEvent]:
    """The events of all `orders`, one after the other, on one connection to the server."""

    async def gather() -> list[TurnEvent]:
        engine = provider(server.url)
        try:
            await engine.models()
            route = Route(engine, MODEL, limits or Limits(8000, 100), system="Be brief.")
            return [event for order in orders async for event in manager.run_turn(order, [route])]
        finally:
            await engine.close()

    return asyncio.run(gather())


def test_a_request_is_planned_with_the_servers_counts(server: Server, manager: SessionManager) -> None:
    """The texts of a request are counted before it is planned, each of them once in a conversation."""
    for answer, prompt in (("one", 40), ("two", 70)):
        usage = {"prompt_tokens": prompt, "completion_tokens": 3, "total_tokens": prompt + 3}
        server.script(say(answer, usage=usage))
    events = _run(manager, server, Send("first question"), Send("second question"))
    first, second = (event.plan for event in events if isinstance(event, TurnStarted))
    frame = len("Be brief.") + 4
    assert first.system_tokens == frame
    assert first.turn_tokens == len("first question") + 4
    assert second.tokens > first.tokens
    assert sorted(_asked(server)) == sorted(["Be brief.", "first question", "one", "second question"])


def test_a_text_is_saved_before_it_is_counted(server: Server, manager: SessionManager, tmp_path: Path) -> None:
    """What the person said is on the disk before any of it goes out, even to be counted."""
    on_disk: list[bool] = []

    def look(request: Recorded) -> Reply:
        journals = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.jsonl")]
        on_disk.append(any("hello there" in text for text in journals))
        return _letters(request)

    server.tokenizer = look
    server.script(say("hi"))
    _run(manager, server, Send("hello there"))
    assert on_disk
    assert all(on_disk)


def test_what_is_left_out_is_not_counted(server: Server, manager: SessionManager) -> None:
    """A message that is no longer sent is not given to the server's tokenizer either."""
    manager.record(Message("user", "an old secret", ts="2026-01-01T00:00:00Z").to_record())
    manager.record(
        Message("assistant", "kept to myself", parent=manager.session.head, ts="2026-01-01T00:00:01Z").to_record()
    )
    server.script(say("fine"))
    _run(manager, server, Send("hello"), limits=Limits(8000, 100, max_turns=1))
    assert sorted(_asked(server)) == ["Be brief.", "hello"]


def test_a_tokenizer_that_does_not_answer_holds_up_no_reply(server: Server, manager: SessionManager) -> None:
    """Where the counts do not come, the request goes out with the estimate."""
    server.tokenizer = lambda _request: hang()
    server.script(say("here you are"))
    *_rest, last = _run(manager, server, Send("hello"))
    assert isinstance(last, TurnFinished)
    assert last.message.text == "here you are"


def test_a_slow_tokenizer_goes_on_while_the_reply_streams(server: Server, manager: SessionManager) -> None:
    """Counts that came too late for one request are there for the next, and are not asked for again."""
    told, streamed = Gate(), Gate()

    answer = raw(told, b'{"tokens": [1, 2, 3]}', content_type="application/json")
    server.tokenizer = lambda _request: answer
    server.script(say("begun ", streamed, "and done"))

    async def run() -> int:
        engine = provider(server.url)
        await engine.models()
        route = Route(engine, MODEL, Limits(8000, 100))
        async for event in manager.run_turn(Send("hello"), [route]):
            if isinstance(event, TextDelta) and not streamed.is_open():
                assert manager.counter.untold(route.counted_as, manager.session.path()) == ["hello"]
                told.open()
                while manager.counter.untold(route.counted_as, manager.session.path()):
                    await asyncio.sleep(0.001)
                streamed.open()
        await engine.close()
        return manager.counter.count("hello", route.counted_as)

    assert asyncio.run(asyncio.wait_for(run(), 20)) == 3
