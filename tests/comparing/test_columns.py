"""Answers that stream at once in front of an emulated terminal: each line once in the end, at any size."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from gptchat.config.schema import UiSettings
from gptchat.conversation.events import AnswerChosen, AnswerEvent, ComparisonEnded, ConversationEvent
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import (
    FileReceived,
    Notice,
    ReasoningDelta,
    Retrying,
    SourcesFound,
    TextDelta,
    TextWasReasoning,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)
from gptchat.core.messages import Message, Usage
from gptchat.core.session import Session
from gptchat.errors import RateLimitError
from gptchat.terminal.comparing.columns import ColumnsPainter
from gptchat.terminal.comparing.painting import chosen_line, names_of, paint_answers
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.theme import Theme
from gptchat.values import replace
from tests.terminal.emulator import Window


class Comparison(Window):
    """An emulated window in which answers are painted."""

    def __init__(self, count: int, rows: int = 50, columns: int = 200, *, raw: bool = False, dumb: bool = False):
        super().__init__(rows, columns)
        terminal = Terminal(depth="256", reflows=False, dumb=dumb)
        ui = replace(UiSettings(), raw=raw)
        self.answers = ColumnsPainter(
            self._write,
            [f"model-{n}" for n in range(1, count + 1)],
            size=lambda: (self.columns, self.rows),
            theme=Theme("dark"),
            terminal=terminal,
            ui=ui,
            clock=lambda: self.now,
        )
        self.texts = [""] * count

    def take(self, number: int, *events: TurnEvent) -> None:
        """Let the answer `number` go on, and paint."""
        for event in events:
            self.answers.take(number, event)
            if isinstance(event, TextDelta):
                self.texts[number] += event.text
        self.now += 0.2
        self.answers.frame()

    def end(self, outcomes: Sequence[Outcome] = ()) -> None:
        """End all answers, and print them."""
        for number, answer in enumerate(self.answers.answers):
            if not answer.ended:
                self.take(number, finished(self.texts[number]))
        self.answers.print_whole(outcomes or [answer.outcome for answer in self.answers.answers])
        while self.answers.behind:
            self.answers.frame()
        self.answers.finish()


def finished(text: str, **more: Any) -> TurnFinished:
    usage = Usage(10, 34, 44)
    message = Message("assistant", text, id="m2", finish_reason="stop", usage=usage, **more)
    return TurnFinished(message, 2.5, 0.5, 0.25, (), usage, 0.25)


def marks(number: int, count: int) -> list[str]:
    return [f"<{number}{n:03d}>" for n in range(count)]


def document(number: int, count: int) -> str:
    wide = "汉字与 " if number == 1 else ""
    return "\n\n".join(f"`{mark}` {wide}words" + " more" * (n % 9) for n, mark in enumerate(marks(number, count)))


@pytest.mark.parametrize(("rows", "columns"), [(50, 200), (24, 80), (24, 130), (10, 60), (5, 30)])
@pytest.mark.parametrize("seed", [0, 1])
def test_each_line_of_each_answer_is_printed_once(rows: int, columns: int, seed: int) -> None:
    """Whatever the window and however the pieces come, each line of each answer is there exactly once."""
    chance = random.Random(seed)
    window = Comparison(3, rows, columns)
    window.answers.set_footer([[("> ", "prompt"), ("draft", "text")]], (0, 7))
    left = [document(number, 12) for number in range(3)]
    while any(left):
        number = chance.choice([n for n, text in enumerate(left) if text])
        size = chance.randint(1, 60)
        window.take(number, TextDelta(left[number][:size]))
        left[number] = left[number][size:]
    window.end()
    assert window.count([mark for number in range(3) for mark in marks(number, 12)]) == {}
    text = "\n".join(window.transcript)
    assert text.count("34 tokens") == 3
    assert not any(sign in text for sign in ("Esc stops", "draft"))


@pytest.mark.parametrize("seed", range(6))
def test_a_resize_in_mid_stream_neither_repeats_nor_loses(seed: int) -> None:
    """A window dragged from wide to narrow and back while answers stream shows each line once in the end."""
    chance = random.Random(seed)
    window = Comparison(2, 40, 160)
    left = [document(number, 20) for number in range(2)]
    while any(left):
        for number in range(2):
            size = chance.randint(1, 300)
            window.take(number, TextDelta(left[number][:size]))
            left[number] = left[number][size:]
        window.resize(chance.randint(26, 45), chance.randint(60, 180))
        window.now += 1
        window.answers.frame()
    window.resize(40, 160)
    window.end()
    assert window.count([mark for number in range(2) for mark in marks(number, 20)]) == {}


def test_wide_windows_have_columns_and_narrow_ones_do_not() -> None:
    """In 200 columns three answers stand side by side with their figures below; in 80 one under the other."""
    window = Comparison(3)
    for number, text in enumerate(["**one**", "二", "three"]):
        window.take(number, TextDelta(text))
    assert any(line.count("│") == 2 and "one" in line and "二" in line for line in window.lines)
    height = len([line for line in window.lines if "│" in line])
    window.take(0, TextDelta("\n\nmore\n\nand more"))
    assert len([line for line in window.lines if "│" in line]) == height
    window.end()
    row = next(line for line in window.transcript if "one" in line)
    assert [cell.strip() for cell in row.split("│")] == ["one", "二", "three"]
    below = next(line for line in window.transcript if "34 tokens" in line)
    assert below.count("34 tokens · 17 tok/s · $0.25 · 2.5 s") == 3
    narrow = Comparison(3, 24, 80)
    for number in range(3):
        narrow.take(number, TextDelta(f"answer {number}"))
    assert [line.split(" · ")[0] for line in narrow.lines if line[:2] in ("1 ", "2 ", "3 ")] == [
        f"{n} model-{n}" for n in (1, 2, 3)
    ]
    narrow.end()
    assert not any("│" in line for line in narrow.transcript)
    two = Comparison(2, 24, 80)
    two.end()
    assert any("│" in line for line in two.transcript)


def test_a_row_that_terminals_measure_differently_keeps_its_bar() -> None:
    """Behind a character whose width terminals disagree about the bar is placed by its column."""
    window = Comparison(2, 24, 100)
    window.take(0, TextDelta("family 👨‍👩‍👧 here"))
    assert "\x1b[49G" in "".join(window.written)
    assert "\x1b[49G" not in "".join(Comparison(2, 24, 100).written)


def test_what_each_answer_does_is_told_in_its_place() -> None:
    """Thinking, a wait for another try, a notice, a failure, a stop and a withheld text stand at their answer."""
    error = RateLimitError("too much at once", hint="wait a little")
    window = Comparison(4, 50, 200)
    window.take(0, ReasoningDelta("hm"))
    assert any("thinking" in line for line in window.lines)
    window.take(1, Retrying(3.0, 2, 5, error))
    assert any("trying again in 3 s" in line for line in window.lines)
    window.take(1, Notice("the window is small"))
    assert any("the window is small" in line for line in window.lines)
    window.take(1, TextDelta("was it?"), TextWasReasoning("was it?"), TextDelta("\n \nshown"))
    window.take(2, FileReceived("[picture]", None), SourcesFound(()))
    window.take(0, TextDelta("a part"), TurnFailed(error, Message("assistant", "a part")))
    window.take(1, TurnInterrupted(Message("assistant", "shown"), 1.0))
    window.take(3, TextDelta("never shown"))
    outcomes = [answer.outcome for answer in window.answers.answers]
    outcomes[3] = Outcome(withheld="it was flagged")
    window.end(outcomes)
    text = "\n".join(window.transcript)
    for told in ("cut off; what came is kept: too much at", "wait a little", "stopped", "shown", "[picture]"):
        assert told in text, told
    assert "it was flagged; it is not shown" in text
    assert "never shown" not in text
    assert "was it?" not in text


def test_raw_answers_and_a_dumb_terminal() -> None:
    """With `ui.raw` Markdown stays as it was written; a terminal without a cursor gets the answers at the end."""
    raw = Comparison(2, raw=True)
    raw.take(0, TextDelta("**as it is**\nnext"))
    assert any("**as it is**" in line for line in raw.lines)
    raw.end()
    assert sum("**as it is**" in line for line in raw.transcript) == 1
    dumb = Comparison(2, 24, 200, dumb=True)
    dumb.take(0, TextDelta("one"))
    assert "one" not in "".join(dumb.written)
    dumb.end()
    assert "\x1b" not in "".join(dumb.written)
    assert [line for line in dumb.transcript if "one" in line] == ["one"]


def test_output_of_commands_and_the_screen_for_others() -> None:
    """What a command shows meanwhile is printed above the answers; the screen can be cleared or lent."""
    window = Comparison(2)
    window.take(0, TextDelta("one"))
    show = window.answers.expect("/history")
    window.answers.frame()
    assert any("/history comes below" in line for line in window.lines)
    show([[("what was said", "text")]])
    window.answers.frame()
    assert any("what was said" in line for line in window.lines)
    window.answers.make_way()
    assert not any("Esc stops" in line for line in window.lines)
    window.answers.clear()
    window.answers.frame(force=True)
    assert any("one" in line for line in window.lines)
    window.answers.set_activity("busy")
    window.answers.frame()
    assert any("busy" in line for line in window.lines)
    for nothing in (window.answers.feed, window.answers.feed_reasoning, window.answers.text_was_reasoning):
        nothing("x")
    window.answers.begin_round()
    window.end()


def test_the_rest_of_a_long_answer_can_be_skipped() -> None:
    """Long answers are printed in small steps; Esc leaves the rest out and says so."""
    window = Comparison(2)
    window.take(0, TextDelta(document(0, 400)), finished("x"))
    window.take(1, TurnFailed(RateLimitError("no")))
    window.answers.print_whole([answer.outcome for answer in window.answers.answers])
    window.answers.frame()
    assert window.answers.behind
    window.answers.skip()
    assert not window.answers.behind
    window.answers.finish()
    assert any("the rest of what came is not drawn" in line for line in window.transcript)
    assert "<0399>" not in "\n".join(window.transcript)
    whole = Comparison(1)
    whole.take(0, TextDelta(document(0, 100)), finished("x"))
    whole.answers.print_whole([whole.answers.answers[0].outcome])
    whole.answers.finish()  # without a step in between
    assert whole.count(marks(0, 100)) == {}


def test_the_loop_paints_what_comes() -> None:
    """Events are painted until the comparison has ended; a stop is told to the chat."""
    window = Comparison(1)

    async def events() -> AsyncGenerator[ConversationEvent, None]:
        yield AnswerEvent(0, TextDelta("hello"))
        await asyncio.sleep(0)
        yield AnswerEvent(0, TurnInterrupted(Message("assistant", "hello"), 1.0))
        yield ComparisonEnded([Outcome(interrupted=True)])

    assert asyncio.run(paint_answers(events(), window.answers)).interrupted
    assert sum("hello" in line for line in window.transcript) == 1


def test_what_is_said_of_the_choice() -> None:
    """The line names the model that goes on and its version; with nothing to choose there is none."""
    session = Session("s", "ann")
    session.apply(Message("user", "q", id="m1").to_record())
    assert "no answer came" in chosen_line(AnswerChosen(None), session)
    session.apply(Message("assistant", "a", id="m2", parent="m1", model="m").to_record())
    assert chosen_line(AnswerChosen(0), session) == ""
    session.apply(Message("assistant", "b", id="m3", parent="m1", model="n").to_record())
    assert chosen_line(AnswerChosen(1), session) == "going on with n ‹ 2/2 ›; /versions goes to another answer"
    assert names_of([("a", "m"), ("a", "n")]) == ["m", "n"]
    assert names_of([("a", "m"), ("b", "n")]) == ["a:m", "b:n"]
