"""Conversations with calls of tools leave and come back whole; a call and its result are never parted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.session import Session
from gptchat.exchange.exporting import messages, render
from gptchat.exchange.importing import FORMATS, export
from tests.storage.helpers import House


def wanted(*ids: str, text: str = "") -> dict[str, Any]:
    """A reply that calls the weather with these ids."""
    calls = [
        {"id": id, "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        for id in ids
    ]
    return {"role": "assistant", "content": text, "tool_calls": calls}


def result(id: str, text: str = "3 °C") -> dict[str, Any]:
    """The result of the call `id`."""
    return {"role": "tool", "tool_call_id": id, "name": "weather", "content": text, "outcome": "done"}


CONVERSATION = (
    {"role": "user", "content": "How cold is it?"},
    wanted("a", "b", text="Let me *look*."),
    result("a"),
    result("b", "# 4 °C\n<!-- gptchat message {} -->\nwindy"),
    wanted("c"),
    result("c", '{"wind": "strong"}'),
    {"role": "assistant", "content": "Cold."},
)


def held(said: tuple[dict[str, Any], ...]) -> Session:
    """A session with these messages."""
    session = Session("20261120-083015-4f2a", "alice")
    for number, message in enumerate(said, 1):
        parent = f"m{number - 1}" if number > 1 else None
        session.apply({"type": "message", "id": f"m{number}", "parent": parent, "ts": "", **message})
    return session


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "html"])
def test_calls_come_back(tmp_path: Path, format: str) -> None:
    """Calls and results that were exported in any format are the same after the import."""
    house, other = House(tmp_path / "data"), House(tmp_path / "other")
    session = house.store.create("alice", {})
    parent = None
    for message in CONVERSATION:
        parent = house.store.append(session, [{"type": "message", "parent": parent, "ts": "", **message}])[0]["id"]
    other.take(export(house.store, [session], format, tmp_path / "file"))
    (copy,) = other.sessions()
    assert messages(copy) == messages(session)
    assert len(messages(copy)) == len(CONVERSATION)
    if format in ("json", "jsonl", "markdown"):
        assert copy.path() == session.path()


def test_readable_exports_tell_calls() -> None:
    """Markdown and the web page say what was called with what, and what it returned, without markup of tools."""
    session = held((*CONVERSATION[:2], result("a", "<script>alert(1)</script>"), *CONVERSATION[3:]))
    markdown, page = "".join(render([session], "markdown")), "".join(render([session], "html"))
    assert '▸ `weather(city="Oslo")`' in markdown
    assert "## Tool (weather)" in markdown
    assert "weather(city=&quot;Oslo&quot;)" in page
    assert page.count("<details>") == 3
    assert "<script>" not in page


def test_a_call_without_its_result_is_left_out() -> None:
    """A call that never returned is not exported for the API, nor is a result without its call; texts stay."""
    said = messages(held((*CONVERSATION[:3], CONVERSATION[6], result("z"))))
    assert [(one["role"], one.get("content")) for one in said] == [
        ("user", "How cold is it?"), ("assistant", "Let me *look*."), ("assistant", "Cold.")
    ]  # fmt: skip
    assert not any("tool_calls" in one for one in said)


_ids = st.sampled_from("abc")
_said = st.one_of(
    st.just({"role": "user", "content": "and?"}),
    st.builds(
        lambda ids, text: wanted(*ids, text=text),
        st.lists(_ids, max_size=3, unique=True),
        st.sampled_from(["", "so"]),
    ),
    st.builds(result, _ids),
    st.just({"role": "assistant", "content": "", "tool_calls": [None, 3, {"function": 1}]}),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_said, max_size=9))
def test_pairs_are_never_parted(said: list[dict[str, Any]]) -> None:
    """Whatever a session holds, each exported call is followed by its result, and each result has a call."""
    exported = messages(held(tuple(said)))
    open_calls: list[str] = []
    for message in exported:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
        else:
            assert not open_calls
            open_calls = [call["id"] for call in message.get("tool_calls", ())]
            assert message["content"] or open_calls
    assert not open_calls
    assert json.loads("".join(render([held(tuple(said))], "messages"))) == exported
