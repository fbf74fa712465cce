"""What a plan keeps, drops and says, for any history, window, pins and limits."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.context import ContextPlan, Limits, nearly_full, plan
from gptchat.core.messages import Message


def cost(message: Message) -> int:
    """A stand-in for a counter: a token a character, and 4 for the format."""
    return message.tokens.get("letters", len(message.text)) + 4


@st.composite
def paths(draw: st.DrawFn) -> list[Message]:
    """Conversations of up to 12 turns: questions, replies, tool calls with results, interrupted ends."""
    path: list[Message] = []

    def say(role: str) -> None:
        text = "x" * draw(st.integers(0, 60))
        path.append(Message(role, text, id=f"m{len(path) + 1}"))

    if draw(st.booleans()):
        say("assistant")  # an imported session can begin anyhow
    for _ in range(draw(st.integers(0, 12))):
        say("user")
        for _ in range(draw(st.integers(0, 2))):
            say("assistant")
            for _ in range(draw(st.integers(0, 2))):
                say("tool")
        if draw(st.booleans()):
            say("assistant")
    return path


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    """All arguments of `plan` but the limits."""
    path = draw(paths())
    ids = [message.id for message in path]
    return {
        "path": path,
        "system": draw(st.sampled_from(["", "Be brief", "y" * 80])),
        "summary": draw(st.sampled_from(["", "They talked", "z" * 60])),
        "until": draw(st.sampled_from([None, "m999", *ids])),
        "pins": draw(st.lists(st.sampled_from([*ids, "m999"]), max_size=4, unique=True)),
        "overhead": draw(st.integers(0, 5)),
    }


LIMITS = st.builds(
    Limits,
    window=st.integers(0, 900),
    reserve=st.integers(0, 100),
    max_tokens=st.sampled_from([0, 0, 50, 300]),
    max_turns=st.sampled_from([0, 0, 1, 3]),
)


def planned(case: dict[str, object], limits: Limits) -> ContextPlan:
    """The plan of a case."""
    arguments = {key: value for key, value in case.items() if key != "path"}
    return plan(case["path"], cost, limits, **arguments)  # type: ignore[arg-type]  # the strategy's dictionary


def ids(result: ContextPlan) -> list[str]:
    """The ids of what is sent."""
    return [message.id for message in result.messages]


@settings(max_examples=300)
@given(cases(), LIMITS)
def test_budget_is_never_exceeded(case: dict[str, object], limits: Limits) -> None:
    """A plan that says it fits holds no more than the budget, as the sum of what is sent shows."""
    result = planned(case, limits)
    counted = sum(map(cost, result.everything())) + result.overhead
    assert result.tokens == counted
    assert result.fits == (counted <= limits.budget)
    assert result.over == max(counted - limits.budget, 0)


@settings(max_examples=300)
@given(cases(), LIMITS)
def test_what_must_go_goes(case: dict[str, object], limits: Limits) -> None:
    """System prompt, pins and the newest message are in every plan, each once and in their order."""
    path: list[Message] = case["path"]  # type: ignore[assignment]  # the strategy's dictionary
    result = planned(case, limits)
    sent = ids(result)
    assert result.system == case["system"]
    assert {message.id for message in path} & set(case["pins"]) <= set(sent)  # type: ignore[call-overload]  # as above
    covered = result.summary and case["until"] == path[-1].id
    if path and not covered:
        assert sent[-1] == path[-1].id
    order = {message.id: n for n, message in enumerate(path)}
    assert sent == sorted(set(sent), key=order.__getitem__)


@settings(max_examples=300)
@given(cases(), LIMITS)
def test_no_turn_is_split(case: dict[str, object], limits: Limits) -> None:
    """Beside the pins whole turns go, without a gap up to the newest; a tool's result never without its call."""
    path: list[Message] = case["path"]  # type: ignore[assignment]  # the strategy's dictionary
    result = planned(case, limits)
    turns = [message.id for message in result.messages if message.id not in result.pinned]
    assert turns == [message.id for message in path[len(path) - len(turns) :]]
    if turns and not result.summary:
        first = next(message for message in path if message.id == turns[0])
        assert first.role == "user" or first is path[0]
    sent = set(ids(result))
    for before, message in itertools.pairwise(path):
        if message.role == "tool" and message is not path[-1]:
            assert message.id not in sent or before.id in sent
        if message.role == "tool" and before.id in sent:
            assert message.id in sent


@settings(max_examples=300)
@given(cases(), LIMITS, st.integers(0, 400))
def test_larger_window_never_sends_less(case: dict[str, object], limits: Limits, more: int) -> None:
    """Whatever a window holds, a larger one holds too."""
    small = planned(case, limits)
    large = planned(case, replace(limits, window=limits.window + more))
    assert set(ids(small)) <= set(ids(large))
    assert small.fits <= large.fits


@settings(max_examples=300)
@given(cases(), LIMITS)
def test_cached_counts_change_nothing(case: dict[str, object], limits: Limits) -> None:
    """The plan is the same whether counts come with the messages or are made anew."""
    path: list[Message] = case["path"]  # type: ignore[assignment]  # the strategy's dictionary
    cached = [replace(message, tokens={"letters": len(message.text)}) for message in path]
    one, other = planned(case, limits), planned({**case, "path": cached}, limits)
    assert ids(one) == ids(other)
    assert replace(one, messages=(), unsent=()) == replace(other, messages=(), unsent=())
    assert (one.left_out, one.left_out_tokens) == (other.left_out, other.left_out_tokens)


@settings(max_examples=300)
@given(cases(), LIMITS)
def test_what_is_left_out_is_told(case: dict[str, object], limits: Limits) -> None:
    """What is left out is counted exactly, and a reason stands beside it; nothing left out, no reason."""
    path: list[Message] = case["path"]  # type: ignore[assignment]  # the strategy's dictionary
    result = planned(case, limits)
    sent = set(ids(result))
    dropped = [message for message in path if message.id not in sent]
    assert result.left_out == len(dropped)
    assert result.left_out_tokens == sum(map(cost, dropped))
    assert (result.reason is None) == (not dropped)
    assert 0 <= result.summarised <= result.left_out
    assert result.trimmed == (result.left_out > result.summarised)


def talk(turns: int) -> list[Message]:
    """A conversation of so many turns, each of 2 messages of 14 tokens."""
    roles = ("user", "assistant") * turns
    return [Message(role, "0123456789", id=f"m{i + 1}") for i, role in enumerate(roles)]


def test_reasons() -> None:
    """The reason names what cut: the window, the person's own limit on tokens or turns, or a summary."""
    path = talk(5)
    assert plan(path, cost, Limits(window=1000)).reason is None
    assert plan(path, cost, Limits(window=100)).reason == "window"
    assert plan(path, cost, Limits(window=1000, max_tokens=100)).reason == "max_tokens"
    assert plan(path, cost, Limits(window=1000, max_turns=2)).reason == "max_turns"
    assert plan(path, cost, Limits(window=1000), summary="all", until="m4").reason == "summary"


def test_a_budget_may_be_used_up_to_its_last_token() -> None:
    """What fills the budget exactly fits: nothing is left out until one token is missing."""
    path = talk(3)
    whole = sum(map(cost, path))
    exactly = plan(path, cost, Limits(window=whole + 10, reserve=10))
    assert (exactly.left_out, exactly.fits, exactly.over) == (0, True, 0)
    less = plan(path, cost, Limits(window=whole + 9, reserve=10))
    assert (less.left_out, less.fits, less.reason) == (2, True, "window")
    newest = sum(map(cost, path[-2:]))
    assert plan(path, cost, Limits(window=newest)).fits
    assert not plan(path, cost, Limits(window=newest - 1)).fits


def test_summary_stands_for_its_messages() -> None:
    """A summary takes the place of the messages up to its own, in the one system message."""
    result = plan(talk(4), cost, Limits(window=1000), system="Be brief", summary="They met", until="m4")
    assert ids(result) == ["m5", "m6", "m7", "m8"]
    assert result.summarised == result.left_out == 4
    assert not result.trimmed
    first, *rest = result.everything()
    assert first.role == "system"
    assert first.text.startswith("Be brief")
    assert first.text.endswith("They met")
    assert "system" not in {message.role for message in rest}


def test_summary_of_another_branch_is_not_sent() -> None:
    """A summary whose last message is not on this path stands for nothing here."""
    result = plan(talk(2), cost, Limits(window=1000), summary="They met", until="m99")
    assert result.summary == ""
    assert result.left_out == 0


def test_pin_of_a_tool_result_brings_its_call() -> None:
    """Pinning a tool's result sends its call too, for no server takes one without the other."""
    path = [
        Message("user", "weather?", id="m1"),
        Message("assistant", "", id="m2", extra={"tool_calls": [{"id": "c1"}]}),
        Message("tool", "rain", id="m3"),
        *(replace(message, id=f"n{i}") for i, message in enumerate(talk(6))),
    ]
    result = plan(path, cost, Limits(window=80), pins=["m3"])
    assert ids(result)[:2] == ["m2", "m3"]
    assert result.pinned == {"m2", "m3"}


def test_newest_alone_too_large() -> None:
    """A message that does not fit by itself is planned alone, and the plan says by how much it is over."""
    result = plan([*talk(3), Message("user", "x" * 500, id="m7")], cost, Limits(window=200, reserve=50))
    assert ids(result) == ["m7"]
    assert not result.fits
    assert result.over == 504 - 150


def test_warning_comes_before_trimming() -> None:
    """The warning shows from 80 % of the budget on, and is gone once something is left out."""
    path = talk(3)  # 84 tokens
    assert not nearly_full(plan(path, cost, Limits(window=200)))
    assert nearly_full(plan(path, cost, Limits(window=100)))
    assert not nearly_full(plan(path, cost, Limits(window=80)))
    assert nearly_full(plan(path, cost, Limits(window=1000, max_turns=3)))
    assert not nearly_full(plan(path, cost, Limits(window=1000, max_turns=4)))
    asked = [*path, Message("user", "and?", id="m7")]  # a question without an answer is a turn too
    assert nearly_full(plan(asked, cost, Limits(window=1000, max_turns=4)))
    assert not nearly_full(plan([], cost, Limits(window=0)))
