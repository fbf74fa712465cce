"""Training files: what sessions give, what is left out, and what a check finds before a file leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gptchat.core.messages import Message
from gptchat.core.session import Session
from gptchat.exchange.exporting import render
from gptchat.exchange.training.checking import check
from gptchat.exchange.training.examples import example

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def session(*records: dict[str, Any], **settings: Any) -> Session:
    """A session in which each record follows the one before, but for those that name a parent."""
    found = Session("20261120-083015-4f2a", "ann")
    found.apply({"type": "session", "id": found.id, "settings": settings})
    for number, record in enumerate(records, 1):
        before = f"m{number - 1}" if number > 1 else None
        found.apply({"type": "message", "id": f"m{number}", "parent": before, **record})
    return found


def said(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    """A message."""
    return {"role": role, "content": content or "", **more}


def test_only_whole_turns_teach() -> None:
    """An example has the system prompt and whole turns; failed, cut, unanswered ones and asides are counted."""
    found = session(
        said("user", "one"),
        said("assistant", "1"),
        said("user", "two"),
        said("assistant", "half", status="interrupted"),
        said("user", "three"),
        said("assistant", "", status="failed"),
        said("user", "four"),
        said("assistant", "", tool_calls=[CALL]),
        said("tool", "r", tool_call_id="c1", name="f"),
        said("assistant", "4"),
        said("user", "five"),
        system="Be kind.",
    )
    found.apply({"type": "message", "id": "m90", "parent": "m10", **said("user", "by the way", aside=True)})
    found.apply({"type": "head", "message": "m11"})
    entry, left = example(found)
    assert entry is not None
    assert [one["role"] for one in entry["messages"]] == [
        *("system", "user", "assistant", "user", "assistant", "tool", "assistant"),
    ]
    assert entry["messages"][4]["tool_calls"] == [CALL]
    assert left == {"aside": 1, "failed": 2, "unanswered": 1}
    chosen, _left = example(found, {4})
    assert chosen is not None
    assert [one.get("content") for one in chosen["messages"]][:2] == ["Be kind.", "four"]
    assert example(found, {2, 3, 5})[0] is None
    assert json.loads("".join(render([found, session(said("user", "x"))], "training"))) == entry


def test_an_aside_on_the_path_is_left_out() -> None:
    """A question aside teaches nothing even where the conversation stands at it."""
    found = session(said("user", "q", aside=True), said("assistant", "a", aside=True))
    assert example(found) == (None, {"aside": 1})


def line(*messages: dict[str, Any]) -> bytes:
    """A line of a training file."""
    return json.dumps({"messages": list(messages)}).encode()


GOOD = line(said("user", "q"), said("assistant", "a"))
BAD = {
    b"nonsense": "no JSON",
    b"[]": "no list of messages",
    b'{"messages": []}': "no list of messages",
    line(said("robot", "x")): '"robot" is no role',
    line(said("user", "q")): "no message is the assistant's",
    line(said("assistant", "a"), said("user", "q")): "the last message is not",
    line(said("user", ""), said("assistant", "a")): "role user is empty",
    line({"role": "user", "content": None}, said("assistant", "a")): "has no content",
    line({"role": "user", "content": 5}, said("assistant", "a")): "is no text",
    line(said("user", "q"), {"role": "assistant", "tool_calls": [CALL]}): "no result",
    line(said("user", "q"), {"role": "assistant", "tool_calls": [CALL]}, said("user", "x")): "no result",
    line(said("user", "q"), said("tool", "r", tool_call_id="c9"), said("assistant", "a")): "belongs to no call",
    line(said("user", "q", tool_calls=[CALL]), said("assistant", "a")): "stand in an assistant's message",
    line(said("user", "long " * 200), said("assistant", "a")): "the model takes 100",
}


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_what_a_server_would_refuse_is_found(bad: bytes) -> None:
    """A line that a server would refuse is named with its number and the reason."""
    report = check([GOOD, b"", bad], _letters, 100)
    assert report.examples == 2
    [(number, words)] = report.problems
    assert number == 3
    assert BAD[bad] in words
    assert report.told()[0].startswith("line 3: ")


def _letters(message: Message) -> int:
    return len(message.text)


def test_tokens_and_epochs_are_counted() -> None:
    """Tokens of the texts, calls and parts are counted; few examples are gone through more often."""
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    parts = [{"type": "text", "text": "pp"}, {"type": "image_url", "image_url": {"url": "u"}}]
    lines = [GOOD, line(said("user", "q"), call, said("tool", "r", tool_call_id="c1"), said("assistant", "a"))]
    lines.append(line({"role": "user", "content": parts}, said("assistant", "a")))
    report = check(lines, _letters, None)
    assert not report.problems
    sizes = [3 + 6 + 2, 3 + 12 + 3 + len(json.dumps([CALL])), 3 + 6 + 4]
    assert (report.examples, report.messages, report.longest) == (3, 8, max(sizes))
    assert report.tokens in (sum(sizes), sum(sizes) - 1)  # parts are joined by a line's end
    assert [check([GOOD] * n, _letters, None).epochs for n in (1, 10, 100, 9_000, 30_000)] == [25, 10, 3, 2, 1]
    many = check([b"x"] * 7, _letters, None)
    assert many.told()[-1] == "and 2 more"
