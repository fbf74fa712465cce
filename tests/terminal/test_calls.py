"""Calls of tools on the screen: one row for the call, one for its state or result, and nothing that jumps."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from gptchat.core.events import ToolCall, ToolFinished
from gptchat.core.messages import Message
from gptchat.core.tooling import ToolSpec
from gptchat.core.width import cells
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.plain_output import PlainReply
from gptchat.terminal.output.reply import RawPainter
from tests.terminal.emulator import Window

SPEC = ToolSpec("weather", "The weather", {"type": "object"}, "python weather.py", "weather", effect="reads")


def call(number: int, **arguments: object) -> ToolCall:
    """A call of the weather."""
    return ToolCall(f"c{number}", "weather", json.dumps(arguments or {"city": f"Town {number}"}))


def ended(
    one: ToolCall,
    text: str = "3 °C",
    outcome: Literal["done", "failed", "denied", "interrupted"] = "done",
) -> ToolFinished:
    """The end of a call."""
    return ToolFinished(one, Message("tool", text, extra={"tool_call_id": one.id}), outcome, 0.3, 12)


def rows(window: Window) -> list[str]:
    return [row for row in window.transcript if row]


def test_a_call_takes_two_rows_that_stay() -> None:
    """A running call shows spinner and seconds below its line; its result takes their place, and text follows."""
    window, one = Window(), call(1)
    window.stream("Let me **look**.")
    window.painter.begin_round()
    window.painter.call_started(one, SPEC)
    window.painter.frame()
    assert window.lines[:4] == [
        "Let me look.", "", '▸ weather(city="Town 1") · only reads · python weather.py', "  ⠋ 0 s"
    ]  # fmt: skip
    window.now += 2
    window.painter.call_progress(one, "half\x1b[2J way")
    window.painter.frame()
    assert "2 s · half␛[2J way" in window.lines[3]
    window.painter.call_finished(ended(one))
    window.painter.frame()
    assert window.lines[2:4] == [
        '▸ weather(city="Town 1") · only reads · python weather.py', "  ✓ 5 B · 12 tokens · 0.3 s · 3 °C"
    ]  # fmt: skip
    window.stream("It is *3* °C.")
    window.painter.finish("the end")
    assert window.transcript[4:] == ["", "It is 3 °C.", "", "the end"]


def test_several_calls_end_in_their_places() -> None:
    """Calls that run at once keep their order and their rows, whichever ends first; no row is written twice."""
    window, calls = Window(), [call(number) for number in range(3)]
    for one in calls:
        window.painter.call_started(one, SPEC)
    window.painter.frame()
    places = [
        window.lines.index(f'▸ weather(city="Town {number}") · only reads · python weather.py')
        for number in range(3)
    ]
    for number in (2, 0, 1):
        window.now += 1
        window.painter.call_finished(ended(calls[number], f"result {number}"))
        window.painter.frame()
        assert [window.lines.index(line) for line in window.lines if line.startswith("▸")] == places
        assert f"result {number}" in window.lines[places[number] + 1]
    window.painter.finish()
    assert [row[-8:] for row in rows(window)[1::2]] == ["result 0", "result 1", "result 2"]


def test_a_calm_screen_writes_only_what_changes() -> None:
    """While calls run, a step of their spinners costs a few bytes, not their rows."""
    window = Window()
    for number in range(4):
        window.painter.call_started(call(number), SPEC)
    window.painter.frame()
    window.written.clear()
    window.now += 0.2
    window.painter.frame()
    assert 0 < len("".join(window.written)) < 400
    assert "Town" not in "".join(window.written)


def test_more_calls_than_the_screen_holds() -> None:
    """Where a low window cannot hold all calls, the first are shown and the others counted; all are printed."""
    window, calls = Window(rows=10), [call(number) for number in range(9)]
    for one in calls:
        window.painter.call_started(one, SPEC)
    window.painter.frame()
    assert any("more calls" in line for line in window.lines)
    for one in reversed(calls):
        window.painter.call_finished(ended(one))
        window.painter.frame()
    window.painter.finish()
    assert [row for row in window.transcript if row.startswith("▸")] == [
        f'▸ weather(city="Town {number}") · only reads · python weather.py' for number in range(9)
    ] or [row.split(")")[0] for row in window.transcript if row.startswith("▸")] == [
        f'▸ weather(city="Town {number}"' for number in range(9)
    ]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_lines_of_calls_fit_the_width(columns: int) -> None:
    """Long arguments and results, also wide characters, fold to the width of the window, one row each."""
    window, one = Window(columns=columns), call(1, city="城市" * 200, more="x" * 500)
    window.painter.call_started(one, SPEC)
    window.painter.frame()
    window.painter.call_finished(ended(one, "多行\n" * 300))
    window.painter.finish()
    assert len(rows(window)) == 2
    assert all(cells(row) < columns for row in rows(window))


def test_calls_that_did_not_run_are_told() -> None:
    """A denied call shows its reason, a failed one its error, and a stopped turn which calls were cut off."""
    window, one, two, three = Window(), call(1), call(2), call(3)
    window.painter.call_finished(ended(one, "The person said no: too dear", "denied"))
    window.painter.call_started(two, SPEC)
    window.painter.call_finished(ended(two, "no such town", "failed"))
    window.painter.call_started(three, SPEC)
    window.painter.interrupt()
    assert [row.strip()[:16] for row in rows(window)[1::2]] == [
        "⊘ not run · The ",
        "✗ failed · 12 B ",
        "■ interrupted",
    ]
    assert rows(window)[-1] == "■ stopped"


def test_a_dumb_terminal_gets_each_line_once() -> None:
    """Where the cursor cannot move, a call is told when it has ended."""
    window, one = Window(terminal=Terminal(dumb=True)), call(1)
    window.painter.call_started(one, SPEC)
    window.painter.frame()
    window.painter.call_finished(ended(one))
    window.painter.frame()
    window.painter.feed("Done.")
    window.painter.finish()
    assert [row.strip().split(" ")[0] for row in rows(window)] == ["▸", "✓", "Done."]


def test_a_pipe_gets_the_text_alone() -> None:
    """Piped replies hold the texts of all rounds, a blank line between; calls are told elsewhere."""

    class Out:
        written = ""

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None:
            """Nothing is held."""

    out, told = Out(), list[str]()
    reply = PlainReply(out, told.append, False, silent=False, watched=True)  # type: ignore[arg-type]
    reply.feed("Looking.\n")
    reply.begin_round()
    reply.call_started(call(1), SPEC)
    reply.call_finished(ended(call(1)))
    reply.feed("3 °C.")
    reply.finish()
    assert out.written == "Looking.\n\n3 °C."
    assert told == ['▸ weather(city="Town 1")', "  ✓ 5 B · 12 tokens · 0.3 s · 3 °C"]


def test_raw_replies_on_a_terminal_show_calls_apart() -> None:
    """With raw replies in the chat, calls stand between the texts, a blank line around them, and are cleaned."""
    written: list[str] = []
    painter = RawPainter(written.append, terminal=Terminal(is_tty=True))
    painter.feed("One")
    painter.begin_round()
    for number in (1, 2):
        painter.call_finished(ended(call(number), "\x1b]52;c;x\x07"))
    painter.feed("Two")
    painter.finish()
    assert "".join(written) == (
        'One\n\n▸ weather(city="Town 1")\n  ✓ 9 B · 12 tokens · 0.3 s · ␛]52;c;x␇\n'
        '▸ weather(city="Town 2")\n  ✓ 9 B · 12 tokens · 0.3 s · ␛]52;c;x␇\n\nTwo\n'
    )
