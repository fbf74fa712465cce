"""Whether a call may run: what each answer does, and what is kept of what a person edits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from gptchat.commands.effects import Ask
from gptchat.conversation.events import Decision, WantedCall
from gptchat.core.events import ToolCall
from gptchat.core.tooling import ToolSpec
from gptchat.core.tooling.described import call_line, fold
from gptchat.core.width import cells
from gptchat.terminal.answers import with_words
from gptchat.terminal.calls.approval import approve

CHOICES = (("y", "once"), ("a", "always"), ("n", "no"))


class Person:
    """Answers in order; keeps what was asked and shown. `edits` are what the editor gives back, in order."""

    def __init__(self, *answers: str | None, edits: Sequence[str | None] = ()) -> None:
        self.answers = list(answers)
        self.edits = list(edits)
        self.asked: list[Ask] = []
        self.shown: list[str] = []
        self.given: list[str] = []

    async def ask(self, ask: Ask) -> str | None:
        self.asked.append(ask)
        return self.answers.pop(0)

    def show(self, text: str, look: str = "text") -> None:
        self.shown.append(text)

    async def edit(self, text: str) -> str | None:
        self.given.append(text)
        return self.edits.pop(0)


def decided(
    person: Person, arguments: dict[str, Any] | None = None, choices: Sequence[tuple[str, str]] = CHOICES
) -> tuple[bool, Decision, WantedCall]:
    """What `approve` makes of a call with these arguments."""
    given = {"command": "ls"} if arguments is None else arguments
    spec = ToolSpec("run", "Runs it", {"type": "object"}, "command", "run")
    wanted = WantedCall(ToolCall("c1", "run", json.dumps(given)), spec, given)
    decision = Decision("tool_call", "run it?", choices, "n", answer="n", call=wanted)
    return asyncio.run(approve(decision, person, 80)), decision, wanted


@pytest.mark.parametrize("answer", ["y", "a"])
def test_yes(answer: str) -> None:
    """`y` and `a` let the call run with its arguments as they are."""
    going, decision, wanted = decided(Person(answer))
    assert (going, decision.answer, wanted.arguments) == (True, answer, {"command": "ls"})


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (("n", ""), ""),
        (("n", "too dear"), "too dear"),
        (("n too dear",), "too dear"),
        (("否 太贵",), "太贵"),
        (("否，太贵",), "太贵"),
    ],
)
def test_no(answers: tuple[str, ...], reason: str) -> None:
    """`n` does not run it; a reason, behind it or asked for, goes to the model."""
    going, decision, wanted = decided(Person(*answers))
    assert (going, decision.answer, wanted.reason) == (True, "n", reason)


@pytest.mark.parametrize("answers", [(None,), ("Esc",), ("n", None), ("v", None)])
def test_escape_stops_the_turn(answers: tuple[str | None, ...]) -> None:
    """Esc at any of its questions declines: the turn is stopped, and the call does not run."""
    going, decision, _wanted = decided(Person(*answers))
    assert (going, decision.answer) == (False, None)


def test_always_is_left_out_where_it_is_never_remembered() -> None:
    """A tool that always asks has no `a`."""
    person = Person("y")
    decided(person, choices=[choice for choice in CHOICES if choice[0] != "a"])
    assert [key for key, _meaning in person.asked[0].choices] == ["y", "n", "e", "Esc"]


def test_edited_arguments_run() -> None:
    """What is no JSON object is told and given back as it was typed; the call runs with what is one at last."""
    person = Person("e", "y", edits=['{"command": "ls -l"', "[1]", '{"command": "ls -l"}'])
    _going, decision, wanted = decided(person)
    assert person.given == ['{"command": "ls"}', '{"command": "ls -l"', "[1]"]
    assert "no JSON" in person.shown[0]
    assert (decision.answer, wanted.arguments) == ("y", {"command": "ls -l"})
    assert 'run(command="ls -l")' in person.asked[1].question


def test_an_edit_that_is_left_changes_nothing() -> None:
    """Leaving the edit asks again about the call as it was."""
    person = Person("e", "n no", edits=[None])
    _going, _decision, wanted = decided(person)
    assert (wanted.arguments, wanted.reason) == ({"command": "ls"}, "no")


def test_long_arguments_fold_and_can_be_seen_whole() -> None:
    """A question is short however long the arguments are; `v` shows all of them, cleaned, before the answer."""
    long = {"command": "echo " + "x" * 500 + "; rm -rf ~ \x1b]0;hi\x07"}
    person = Person("v", "n no")
    decided(person, long)
    assert cells(person.asked[0].question) < 3 * 80
    assert "v" in [key for key, _meaning in person.asked[0].choices]
    assert "rm -rf ~" in person.shown[0]
    assert "\x1b" not in person.shown[0] + person.asked[0].question
    assert "v" not in [key for key, _meaning in _ask_of({"command": "ls"}).choices]


def _ask_of(arguments: dict[str, Any]) -> Ask:
    person = Person("y")
    decided(person, arguments)
    return person.asked[0]


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("weather", '{"city": "Oslo", "days": 3}', 'weather(city="Oslo", days=3)'),
        ("weather", "", "weather()"),
        ("weather", "{not json", "weather({not json)"),
        ("weather", "[1, 2]", "weather([1, 2])"),
        ("天气", '{"城市": "上海"}', '天气(城市="上海")'),
        ("w\x1b[2Jx", '{"a\\u202e": "b\\nc\\u202e"}', 'w␛[2Jx(a⟨U+202E⟩="b\\nc⟨U+202E⟩")'),
        ("w", '{"a": ' + "[" * 100_000, None),
    ],
)
def test_a_call_is_one_safe_line(name: str, arguments: str, line: str | None) -> None:
    """A call is told on one line as a person reads it, whatever the model wrote for its name and arguments."""
    shown = call_line(name, arguments)
    assert "\n" not in shown
    assert line is None or shown == line
    for width in (1, 2, 10, 40):
        assert cells(fold(shown, width)) <= max(width, 2)


def test_words_behind_a_key() -> None:
    """Only words behind the key itself, with a blank between, are taken for a reason."""
    assert with_words("n too dear", ("n",)) == ("n", "too dear")
    assert with_words("No, too dear", ("n",)) == ("n", "too dear")
    assert with_words("never mind", ("n",)) is None
    assert with_words("n", ("n",)) is None
    assert with_words("y really", ("n",)) is None
