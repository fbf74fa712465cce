"""The output of commands typed while a reply streams: whole, below the block in progress, and echoed."""

from __future__ import annotations

import pytest

from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.reply import RawPainter
from tests.terminal.emulator import Window

OUTPUT = [[("alice › ", "prompt"), ("/status", "text")], [("  model", "toolbar.key"), ("  gpt", "text")]]
BLOCKS = {
    "code": ("```py\n" + "".join(f"x{n} = {n}\n" for n in range(40)), "```\n\n", "╶ py · 1", "x39 = 39"),
    "table": (
        "| a | b |\n|---|---|\n" + "".join(f"| row{n} | {n} |\n" for n in range(10, 50)),
        "\n",
        "a     │ b",
        "row49 │ 49",
    ),
}


def rows(window: Window) -> list[str]:
    return [row for row in window.transcript if row]


def painted(window: Window) -> None:
    """Let the next frame come due."""
    window.now += 0.5
    window.painter.frame()


@pytest.mark.parametrize("kind", BLOCKS)
def test_output_never_splits_a_block(kind: str) -> None:
    """What a command shows while code or a table streams stands below it, after its echo, before what follows."""
    body, end, first, last = BLOCKS[kind]
    window = Window()
    half = len(body) // 2
    window.stream(body[:half])
    take = window.painter.expect("/status")
    window.painter.frame()
    assert any("/status comes below this block" in row for row in window.lines)
    take(OUTPUT)
    window.now += 30
    window.painter.frame()
    window.stream(body[half:] + end + "And then.\n\nMore.\n")
    window.painter.finish("the end")
    shown = rows(window)
    block = shown[shown.index(first) : shown.index(last) + 1]
    assert len(block) == 41 + (kind == "table")
    assert shown[shown.index(last) + 1 :] == [
        "alice › /status", "  model  gpt", "And then.", "More.", "the end",
    ]  # fmt: skip
    assert not any("comes below" in row for row in window.transcript)


def test_output_beside_prose_comes_at_once() -> None:
    """While a paragraph is being written there is no block to split, so the output stands above it at once."""
    window = Window()
    window.stream("First.\n\nSecond is being wri")
    painted(window)
    window.painter.expect("/status")(OUTPUT)
    window.painter.frame()
    assert [row for row in window.lines if row][:4] == [
        "First.", "alice › /status", "  model  gpt", "Second is being wri",
    ]  # fmt: skip


def test_a_long_list_is_divided_between_its_items_after_a_while() -> None:
    """In a list or quote the output waits a few seconds for its end, then stands between two items."""
    window = Window()
    window.stream("- one\n- two\n- three\n- fo")
    painted(window)
    window.painter.expect("/status")(OUTPUT)
    window.painter.frame()
    assert "alice › /status" not in window.lines
    window.now += 3.1
    window.painter.frame()
    assert [row for row in window.lines if row][:6] == [
        "• one", "• two", "alice › /status", "  model  gpt", "• three", "• fo",
    ]  # fmt: skip


@pytest.mark.parametrize("stopped", [False, True])
def test_output_of_an_endless_block_comes_after_the_reply(stopped: bool) -> None:
    """A block that does not end gives way to nothing: the output stands below the reply and its status line."""
    window = Window()
    window.stream("```\nendless\ncode\nmo")
    take = window.painter.expect("/status")
    (window.painter.interrupt if stopped else window.painter.finish)("the end")
    take(OUTPUT)
    shown = rows(window)
    assert shown[1:4] == ["endless", "code", "mo"]
    assert shown[4].endswith("the end")
    assert shown[5:] == ["alice › /status", "  model  gpt"]
    assert not window.transcript[window.transcript.index("alice › /status") - 1]


def test_outputs_stand_in_the_order_of_their_commands() -> None:
    """Two commands keep their order, even where the second is done first, and a notice keeps its place."""
    window = Window()
    window.stream("```\ncode\n")
    first, second = window.painter.expect("/usage"), window.painter.expect("/status")
    second([[("second", "text")]])
    window.painter.note("a notice")
    window.painter.frame()
    assert any("/usage, /status comes below" in row for row in window.lines)
    window.stream("```\n\nafter\n")
    first([[("first", "text")]])
    window.painter.finish()
    shown = rows(window)
    assert [row for row in shown if row in ("code", "first", "second", "a notice")] == [
        "code", "first", "second", "a notice",
    ]  # fmt: skip


def test_a_raw_reply_is_not_mixed_with_output() -> None:
    """With raw replies the output stands below the reply; a pipe gets the reply alone."""
    for tty, expected in ((True, "a reply\n\nalice › /status\n  model  gpt\n"), (False, "a reply")):
        written: list[str] = []
        painter = RawPainter(written.append, terminal=Terminal(is_tty=tty))
        painter.feed("a rep")
        painter.expect("/status")(OUTPUT)
        painter.feed("ly")
        painter.finish()
        assert "".join(written) == expected
