"""The session manager: what is said is on disk first, what comes is kept, and every end is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.context import Limits
from gptchat.core.events import (
    ContextTrimmed,
    Notice,
    ReasoningDelta,
    TextDelta,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)
from gptchat.core.session import move
from gptchat.errors import ContextLengthError, UsageError
from gptchat.manager import Continue, Order, Retry, Route, Send, SessionManager
from gptchat.manager.request import INTERRUPTED
from gptchat.providers.registry import open_provider
from gptchat.storage.store import JournalStore
from gptchat.tokens.counter import Counter
from tests.support.server import CUT, Gate, Server, raw, refuse, say

QUICK = NetworkSettings(connect_timeout=5, idle_timeout=5, max_retries=0)


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted model server."""
    with Server() as running:
        yield running


@pytest.fixture
def manager(tmp_path: Path) -> SessionManager:
    """A manager with an empty session of Ada's, saved in a folder of the test's own."""
    manager = SessionManager(JournalStore(tmp_path), Counter())
    manager.begin("ada")
    return manager


def _route(server: Server, *, window: int = 8000, name: str = "local", **more: object) -> Route:
    settings = ProviderSettings(name, "compatible", base_url=server.url, key_optional=True)
    limits = more.pop("limits", Limits(window, 100))
    assert isinstance(limits, Limits)
    return Route(open_provider(settings, QUICK), "test-model", limits, **more)  # type: ignore[arg-type]  # the test's own words


def _run(manager: SessionManager, order: Order, *routes: Route) -> list[TurnEvent]:
    async def gather() -> list[TurnEvent]:
        events = [event async for event in manager.run_turn(order, routes)]
        for route in routes:
            await route.provider.close()
        return events

    return asyncio.run(gather())


def _journal(tmp_path: Path, manager: SessionManager) -> list[dict[str, object]]:
    path = tmp_path / "users" / "ada" / "sessions" / f"{manager.session.id}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _sent(server: Server, number: int = -1) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in server.requests[number].json["messages"]]


def test_a_turn_is_saved_before_it_is_announced(server: Server, manager: SessionManager, tmp_path: Path) -> None:
    """When a reply is announced as finished, question and answer are both in the journal."""
    server.script(say("Hel", "lo"))

    async def watch() -> list[dict[str, object]]:
        async for event in manager.run_turn(Send("hi"), [_route(server)]):
            if isinstance(event, TurnStarted):
                assert _journal(tmp_path, manager)[-1]["content"] == "hi"
            if isinstance(event, TurnFinished):
                return _journal(tmp_path, manager)
        raise AssertionError("the turn never finished")

    *_rest, question, answer = asyncio.run(watch())
    assert (question["role"], question["content"]) == ("user", "hi")
    assert (answer["role"], answer["content"], answer["parent"]) == ("assistant", "Hello", question["id"])
    assert (answer["status"], answer["finish_reason"], answer["model"]) == ("complete", "stop", "test-model")


def test_the_conversation_so_far_is_sent_with_each_turn(server: Server, manager: SessionManager) -> None:
    """The model sees the system prompt and all earlier turns, in their order."""
    for answer in ("one", "two"):
        server.script(say(answer))
        _run(manager, Send(f"say {answer}"), _route(server, system="Be brief."))
    assert _sent(server) == [
        ("system", "Be brief."),
        ("user", "say one"),
        ("assistant", "one"),
        ("user", "say two"),
    ]


def test_a_stopped_reply_is_kept_and_marked(server: Server, manager: SessionManager, tmp_path: Path) -> None:
    """What had come when the person stopped a reply is kept as interrupted, and nothing is left beside it."""
    gate = Gate()
    server.script(say("first ", gate, "never seen"))

    async def stop() -> TurnEvent:
        last: TurnEvent | None = None
        async for event in manager.run_turn(Send("hi"), [_route(server)]):
            last = event
            if isinstance(event, TextDelta):
                manager.stop()
        assert last is not None
        return last

    last = asyncio.run(stop())
    gate.open()
    assert isinstance(last, TurnInterrupted)
    assert last.message is not None
    assert (last.message.text, last.message.status) == ("first ", "interrupted")
    assert _journal(tmp_path, manager)[-1]["status"] == "interrupted"
    assert not list(tmp_path.rglob("*.partial"))


def test_a_reply_that_is_cut_off_is_kept_with_the_reason(server: Server, manager: SessionManager) -> None:
    """A connection that breaks in mid-reply keeps what came, marked as failed, and says why."""
    server.script(say("half of ", CUT))
    *_rest, last = _run(manager, Send("hi"), _route(server))
    assert isinstance(last, TurnFailed)
    assert last.message is not None
    assert (last.message.text, last.message.status) == ("half of ", "failed")
    assert last.error.kind in ("connection", "protocol")


def test_a_refused_turn_keeps_the_question(server: Server, manager: SessionManager) -> None:
    """A question that the server refused is in the session, and can be asked again without typing it."""
    server.script(refuse(401, "wrong key"))
    *_rest, last = _run(manager, Send("hi"), _route(server))
    assert isinstance(last, TurnFailed)
    assert (last.error.kind, last.message) == ("authentication", None)
    server.script(say("now it works"))
    *_rest, last = _run(manager, Retry(), _route(server))
    assert isinstance(last, TurnFinished)
    assert [message.text for message in manager.session.path()] == ["hi", "now it works"]


def test_an_unanswered_question_is_joined_with_the_next(server: Server, manager: SessionManager) -> None:
    """Two messages of the person's in a row go out as one, since many servers refuse two."""
    server.script(refuse(500), say("yes"))
    _run(manager, Send("first"), _route(server))
    _run(manager, Send("second"), _route(server))
    assert _sent(server) == [("user", "first\n\nsecond")]


def test_another_answer_stands_beside_the_first(server: Server, manager: SessionManager) -> None:
    """Routing again keeps the first answer as a branch."""
    server.script(say("A"), say("B"))
    _run(manager, Send("hi"), _route(server))
    _run(manager, Retry(), _route(server))
    question = manager.session.path()[0]
    assert [manager.session.messages[id].text for id in manager.session.children_of(question.id)] == ["A", "B"]
    assert manager.session.path()[-1].text == "B"
    assert len(server.requests[1].json["messages"]) == 1


def test_a_call_without_its_result_is_sent_back_as_interrupted(server: Server, manager: SessionManager) -> None:
    """A tool call that came with a reply and was never run is sent with a result that says so."""
    call = {"function": {"name": "look", "arguments": "{}"}}
    server.script(say("I would look it up.", calls=[{"id": "c1", **call}]))
    _run(manager, Send("hello"), _route(server))
    assert "tool_calls" in manager.session.path()[-1].extra
    _run(manager, Send("never mind"), _route(server))
    assert server.requests[-1].json["messages"] == [
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": "I would look it up.",
            "tool_calls": [{"id": "c1", "type": "function", **call}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": INTERRUPTED},
        {"role": "user", "content": "never mind"},
    ]


def test_going_on_makes_the_same_message_longer(server: Server, manager: SessionManager, tmp_path: Path) -> None:
    """A reply that was cut at its length limit goes on in the same message, also after a restart."""
    server.script(say("one two ", finish="length"), say("three"))
    _run(manager, Send("count"), _route(server))
    *_rest, last = _run(manager, Continue(), _route(server))
    assert isinstance(last, TurnFinished)
    assert (last.message.text, last.message.finish_reason) == ("one two three", "stop")
    again = JournalStore(tmp_path).open("ada", manager.session.id)
    assert [message.text for message in again.path()] == ["count", "one two three"]


def test_thoughts_are_kept_apart_and_never_sent_back(server: Server, manager: SessionManager) -> None:
    """What a model thinks is saved beside its answer, and is no part of what the next turn sends."""
    server.script(say("<thi", "nk>hm, ", "hm</think>\n\n", "42"), say("ok"))
    events = _run(manager, Send("6 x 7?"), _route(server))
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "hm, hm"
    reply = manager.session.path()[-1]
    assert (reply.text, reply.reasoning) == ("42", "hm, hm")
    _run(manager, Send("sure?"), _route(server))
    assert _sent(server)[1] == ("assistant", "42")


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_character_cut_in_two_arrives_whole(server: Server, manager: SessionManager, field: str) -> None:
    """An emoji in two pieces is one, in text and in reasoning, and a half that stays alone is not lost."""
    pieces = (r"a\ud83d", r"\ude00b\ud83d", r"c\ud83d")
    told = [f'data: {{"choices":[{{"index":0,"delta":{{"{field}":"{piece}"}}}}]}}\n\n' for piece in pieces]
    told.append('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
    server.script(raw(*(one.encode() for one in told)))

    end = _run(manager, Send("hello"), _route(server))[-1]

    assert isinstance(end, TurnFinished)
    said = end.message.text if field == "content" else end.message.reasoning
    assert said == "a\U0001f600b\ud83dc\ud83d"


def test_what_does_not_fit_is_left_out_and_told_once(server: Server, manager: SessionManager) -> None:
    """When older turns no longer fit, the person is told when that begins and not at every turn."""
    told, left_out = [], []
    for number in range(8):
        server.script(say("word " * 20))
        events = _run(manager, Send(f"question {number}"), _route(server, window=220))
        told.append([event.plan.left_out for event in events if isinstance(event, ContextTrimmed)])
        left_out += [event.plan.left_out for event in events if isinstance(event, TurnStarted)]
    began = next(number for number, left in enumerate(left_out) if left)
    assert 0 < began < 6
    assert told == [[left_out[began]] if number == began else [] for number in range(8)]
    assert _sent(server)[-1] == ("user", "question 7")
    assert len(_sent(server)) < 11


def test_what_is_left_out_is_told_of_each_session(server: Server, manager: SessionManager) -> None:
    """Who opens a session is told at its first turn that older ones are left out, whatever was told before."""
    for number in range(3):
        _run(manager, Send(f"question {number}"), _route(server))
    long, told = manager.session.id, []
    for _time in range(2):
        manager.open("ada", long)
        events = _run(manager, Send("and now?"), _route(server, limits=Limits(8000, 100, max_turns=2)))
        told.append(any(isinstance(event, ContextTrimmed) for event in events))
    assert told == [True, True]


def test_a_message_that_is_too_large_comes_back(server: Server, manager: SessionManager) -> None:
    """A message larger than the window is not sent and not saved; it comes back to be shortened."""
    text = "word " * 500
    [last] = _run(manager, Send(text), _route(server, window=300))
    assert isinstance(last, TurnFailed)
    assert isinstance(last.error, ContextLengthError)
    assert last.draft == text
    assert not server.requests
    assert not manager.session.messages


def test_a_question_that_no_longer_fits_is_not_asked_again(server: Server, manager: SessionManager) -> None:
    """/retry in a window too small for its question says so; what is saved already does not come back."""
    _run(manager, Send("word " * 500), _route(server))
    [last] = _run(manager, Retry(), _route(server, window=300))
    assert isinstance(last, TurnFailed)
    assert isinstance(last.error, ContextLengthError)
    assert last.draft == ""
    assert len(server.requests) == 1


def test_a_reply_without_words_has_a_time_too(server: Server, manager: SessionManager) -> None:
    """Where no word came, the time of the first is that of the whole turn."""
    server.script(raw(b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}\n\n'))
    end = _run(manager, Send("hello"), _route(server))[-1]
    assert isinstance(end, TurnFinished)
    assert end.first == end.seconds > 0


def test_an_overflow_teaches_the_window_and_is_planned_again(server: Server, manager: SessionManager) -> None:
    """A server that turns out to hold less is obeyed at once: the person sees an answer and no error."""
    learnt: list[int | None] = []

    def learn(error: ContextLengthError) -> Limits | None:
        learnt.append(error.limit)
        return Limits(error.limit or 0, 20)

    for number in range(4):
        server.script(say("answer " * 10))
        _run(manager, Send(f"question {number}"), _route(server))
    words = "request (180 tokens) exceeds the available context size (150 tokens), try increasing it"
    overflow = refuse(400, words, code=400, type="exceed_context_size_error", n_prompt_tokens=180, n_ctx=150)
    server.script(overflow, say("fine"))
    events = _run(manager, Send("last"), _route(server, learn_limit=learn))
    assert learnt == [150]
    assert isinstance(events[-1], TurnFinished)
    assert len(server.requests[-1].json["messages"]) < len(server.requests[-2].json["messages"])


def test_another_provider_answers_when_the_first_is_down(server: Server, manager: SessionManager) -> None:
    """With a fallback in the settings, a dead server costs a line of notice and not the answer."""
    with Server() as dead:
        broken = _route(dead, name="broken")
    server.script(say("from the other"))
    events = _run(manager, Send("hi"), broken, _route(server, name="other"))
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].message.provider == "other"
    assert any(isinstance(event, Notice) and "broken" in event.text for event in events)


def test_a_wrong_key_is_no_reason_to_ask_elsewhere(server: Server, manager: SessionManager) -> None:
    """A refusal that the person must mend is told, and not hidden behind another provider's answer."""
    server.script(refuse(401, "wrong key"))
    events = _run(manager, Send("hi"), _route(server), _route(server, name="other"))
    assert isinstance(events[-1], TurnFailed)
    assert len(server.requests) == 1


def test_a_branch_does_not_see_what_another_branch_said(server: Server, manager: SessionManager) -> None:
    """After going back, the model is sent the branch the conversation stands on, and nothing of the other."""
    for text in ("one", "two"):
        server.script(say(text.upper()))
        _run(manager, Send(text), _route(server))
    manager.record(move(manager.session.path()[1].id))
    server.script(say("THREE"))
    _run(manager, Send("three"), _route(server))
    assert [content for _role, content in _sent(server)] == ["one", "ONE", "three"]


def test_orders_without_meaning_are_refused(server: Server, manager: SessionManager) -> None:
    """Routing again, or going on, where nothing was said is refused in words."""
    for order in (Retry(), Continue()):
        with pytest.raises(UsageError):
            _run(manager, order, _route(server))


def test_a_server_that_counts_nothing_is_counted_for(server: Server, manager: SessionManager) -> None:
    """Where the server tells no usage, the reply's tokens are our own count and say so."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hello there"}, "finish_reason": "stop"}]}
    server.script(raw(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"))
    *_rest, last = _run(manager, Send("hi"), _route(server))
    assert isinstance(last, TurnFinished)
    assert last.message.usage is not None
    assert last.message.usage.estimated
    assert last.message.usage.completion_tokens > 0
