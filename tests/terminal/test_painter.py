"""The painter in front of an emulated terminal: each line once, at any size, at small cost."""

from __future__ import annotations

import random

import pytest

from gptchat.terminal.markdown import render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.reply import reply_pieces
from gptchat.terminal.output.theme import Theme
from tests.terminal.documents import document
from tests.terminal.emulator import Window


def marks(count: int) -> list[str]:
    return [f"<{n:04d}>" for n in range(count)]


def paragraphs(count: int) -> str:
    return "\n\n".join(f"`{mark}` " + "some words " * (n % 23) for n, mark in enumerate(marks(count)))


REPLIES = {
    "paragraphs taller than the screen": (paragraphs(60), 60),
    "code of 4,000 lines": ("```python\n" + "\n".join(f"x = '{m}'" for m in marks(4000)) + "\n```\n", 4000),
    "table of 200 rows": ("| a | b |\n|--|--|\n" + "\n".join(f"| `{m}` | cell text |" for m in marks(200)), 200),
    "lists nested five deep": (
        "\n".join("  " * (n % 5) + f"- `{mark}` item" for n, mark in enumerate(marks(100))),
        100,
    ),
    "code in a list": (
        "1. first\n\n   ```c\n" + "\n".join(f"   int x; /* {m} */" for m in marks(200)) + "\n   ```\n2. second",
        200,
    ),
    "quotes": ("\n>\n".join(f"> > `{mark}` said" for mark in marks(80)), 80),
}


@pytest.mark.parametrize("columns", [20, 80])
@pytest.mark.parametrize("reply", REPLIES)
def test_each_line_is_printed_exactly_once(reply: str, columns: int) -> None:
    """A reply of any length and nesting stands in the scrollback with each of its lines exactly once."""
    text, count = REPLIES[reply]
    window = Window(rows=16, columns=columns)
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    window.stream(text, rate=2000)
    window.painter.finish("the end")
    assert window.count(marks(count)) == {}
    assert sum("the end" in line for line in window.transcript) == 1
    assert not any("Esc stops" in line for line in window.transcript)


@pytest.mark.parametrize("seed", range(25))
def test_the_scrollback_is_the_whole_rendering(seed: int) -> None:
    """What is on the screen after a stream is what rendering the reply at once prints, blank lines aside."""
    chance = random.Random(seed)
    text = document(chance).replace("[ref]", "ref")
    columns = chance.choice([24, 60, 100])
    window = Window(rows=12, columns=columns)
    window.stream(text, longest=30, seed=seed)
    window.painter.finish()
    expected: list[str] = []
    for line in render_lines(text, columns - 1, Theme("dark")):
        shown = Window(rows=40, columns=columns)  # lines of code longer than the window are left to the terminal
        shown.screen.draw(plain(line))
        expected += [row for row in shown.transcript if row.strip(" ▎")]
    assert [row for row in window.transcript if row.strip(" ▎")] == expected


@pytest.mark.parametrize("seed", range(12))
def test_resizing_while_streaming_neither_repeats_nor_loses(seed: int) -> None:
    """A window resized several times in mid-stream shows each line exactly once in the end."""
    chance = random.Random(seed)
    text = "\n\n".join(f"`{mark}` a line of its own" for mark in marks(40))
    window = Window(rows=24, columns=80)
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    cuts = sorted(chance.sample(range(len(text)), 4))
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        window.stream(text[begin:end], seed=seed)
        window.resize(chance.randint(14, 40), chance.randint(40, 120))
    window.painter.finish()
    assert window.count(marks(40)) == {}


def test_the_tail_never_fills_more_than_its_part_of_the_screen() -> None:
    """A paragraph longer than the screen is alive in a few rows only, with the footer always below it."""
    window = Window(rows=24, columns=40)
    window.painter.set_footer([[("> ", "prompt"), ("my draft", "text")]], (0, 10))
    for _ in range(150):
        window.stream("words and words ")
        window.now += 0.1
        window.painter.frame()
        assert "> my draft" in window.lines
        assert len([line for line in window.lines if line]) <= 12


def test_typing_is_echoed_at_once_at_the_cursor() -> None:
    """A change of the draft is painted by the very next frame, with the cursor where the caret is."""
    window = Window()
    window.painter.feed("Hello\n\nworld")
    window.painter.frame()
    for end in range(1, 6):
        window.painter.set_footer([[("> ", "prompt"), ("typed"[:end], "text")]], (0, 2 + end))
        window.painter.frame()
        row = window.lines.index("> " + "typed"[:end])
        assert (window.screen.cursor.y, window.screen.cursor.x) == (row, 2 + end)


def test_nothing_is_written_when_nothing_changed() -> None:
    """Frames without news send nothing to the terminal."""
    window = Window()
    window.painter.feed("Hello\n\nworld")
    window.painter.frame()
    window.now += 0.5
    window.painter.frame()
    before = len(window.written)
    for _ in range(10):
        window.painter.frame()
    assert len(window.written) == before


def test_frames_are_few_and_the_first_word_is_not_kept_waiting() -> None:
    """Text is painted at most twenty times a second, and the first of it at once."""
    window = Window()
    assert window.painter.frame() is not None
    window.painter.feed("Hello there")
    window.painter.frame()
    assert "Hello there" in window.lines
    before = len(window.written)
    window.stream("words and more words " * 40, rate=840 / 2.0, longest=3)
    assert len(window.written) - before <= 2.0 * 20 + 4


def test_bytes_stay_within_a_few_times_the_text() -> None:
    """A reply at 200 tokens a second costs at most 60 kB for 2,000 tokens, the status line included."""
    text = (
        "Some **words** of a reply, with `code` and so on. " * 6 + "\n\n- point\n- point\n\n```py\nx = 1\n```\n\n"
    ) * 22
    window = Window(rows=40, columns=100)
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    window.stream(text, rate=900)
    window.painter.finish("done")
    assert len("".join(window.written).encode()) <= 60_000


def test_frames_are_synchronised_and_erase_row_by_row() -> None:
    """Every write is one synchronised frame with the cursor hidden; the screen is never erased as a whole."""
    window = Window()
    window.stream(paragraphs(30))
    window.painter.finish("end")
    for frame in window.written:
        assert frame.startswith("\x1b[?2026h\x1b[?25l")
        assert frame.endswith("\x1b[?2026l")
        assert "\x1b[J" not in frame
        assert "\x1b[2J" not in frame
        assert frame.count("\x1b[?7l") == frame.count("\x1b[?7h")
    assert window.screen.cursor.hidden is False


def test_code_is_printed_without_padding_or_wrap_marks() -> None:
    """Lines of code stand at the left edge, unbroken and without blanks at their ends, as a copy wants them."""
    line = "value = '" + "x" * 150 + "'"
    window = Window(columns=60)
    window.stream(f"```python\nif True:\n    pass\n{line}\n```\n")
    window.painter.finish()
    assert "".join(window.transcript).count(line) == 1
    assert "if True:" in window.transcript
    assert "    pass" in window.transcript
    assert all(row == row.rstrip() for frame in window.written for row in frame.split("\r\n") if "pass" in row)


def test_reasoning_is_folded_when_the_answer_begins() -> None:
    """Reasoning is shown while it comes and becomes one line, with its time and words, above the answer."""
    window = Window()
    for word in ("Let", " me", " think", " about", " it"):
        window.painter.feed_reasoning(word)
        window.now += 1.0
        window.painter.frame()
    assert "Let me think about it" in window.lines
    window.painter.feed("The answer")
    window.painter.frame()
    window.painter.finish()
    assert window.transcript == ["∴ thought for 5 s · 5 words", "", "The answer"]


def test_reasoning_can_be_kept_or_hidden() -> None:
    """With `full` the reasoning stays above the answer; with `off` nothing of it is shown."""
    for mode, expected in (("full", ["First line", "and second", "", "Answer"]), ("off", ["Answer"])):
        window = Window(reasoning="full" if mode == "full" else "off")
        for piece in ("First li", "ne\nand", " second"):
            window.painter.feed_reasoning(piece)
            window.now += 0.5
            window.painter.frame()
        window.painter.feed("Answer")
        window.painter.finish()
        assert window.transcript == expected


def test_an_interrupted_reply_is_kept_and_marked() -> None:
    """Stopping prints what came, the unfinished line too, and says that it was stopped."""
    window = Window()
    window.stream("One paragraph.\n\nAnd a second, unfin")
    window.painter.interrupt()
    assert window.transcript == ["One paragraph.", "", "And a second, unfin", "", "■ stopped"]


def test_waiting_shows_a_spinner_with_its_seconds() -> None:
    """Before the first word the status line counts the seconds and says what is waited for."""
    window = Window()
    window.painter.set_activity("retrying")
    window.painter.frame()
    window.now = 3.2
    window.painter.frame()
    assert window.lines[0].endswith(" 3 s · Esc stops · retrying")  # right below the blank line after the question
    window.painter.finish()
    assert window.transcript == []


def test_how_to_stop_a_wait_is_never_cut_off() -> None:
    """While the program waits to try again, how to stop it stands in the line, however long the reason is."""
    window = Window(columns=60)
    window.painter.set_activity("trying again in 12 s (1 of 3): " + "the rate limit is reached " * 9)
    window.painter.frame()
    assert any("Esc stops · trying again in 12 s (1 of 3)" in line for line in window.lines)


def test_the_reason_of_a_wait_is_shown_whole() -> None:
    """What a server says about a refusal goes on below its first row, with the cursor still in the draft."""
    window = Window(rows=24, columns=60)
    window.painter.set_footer([[("> ", "prompt"), ("draft", "text")]], (0, 7))
    reason = "the server is busy: Rate limit reached for gpt-6 in organization org-1 on tokens per min"
    window.painter.set_activity(f"trying again in 2 s (1 of 3): {reason}")
    window.painter.frame(force=True)
    assert reason in " ".join(" ".join(window.lines).split())
    row, column = window.screen.cursor.y, window.screen.cursor.x
    assert window.lines[row] == "> draft"
    assert column == 7
    window.painter.set_activity("")
    window.painter.feed("words")
    window.painter.finish("end")
    assert not any("busy" in line or "org-1" in line for line in window.transcript)


def test_leaving_for_the_shell_and_coming_back() -> None:
    """Ctrl-Z leaves only finished lines; after `fg` the reply goes on below the shell's, every line once."""
    window = Window()
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    window.stream("First.\n\nSecond is", rate=100)
    window.painter.frame(force=True)
    window.painter.step_aside()
    assert window.transcript == ["First."]
    window.show("$ fg\n")
    window.stream(" long.\n\nThird.")
    window.painter.finish()
    assert [row for row in window.transcript if row] == ["First.", "$ fg", "Second is long.", "Third."]


def test_a_note_in_mid_reply_is_printed_once() -> None:
    """A notice that comes while a reply streams stands between its lines, once."""
    window = Window()
    window.stream("First.\n\nSecond.\n\nThird is lo")
    window.painter.note("temperature was dropped")
    window.stream("ng.\n")
    window.painter.finish()
    assert window.transcript.count("temperature was dropped") == 1
    assert [row for row in window.transcript if row][-1] == "Third is long."


def test_a_note_stands_apart_from_the_reply() -> None:
    """Notices that come before or between the paragraphs of a reply have one blank line on either side."""
    window = Window()
    window.painter.note("one")
    window.painter.frame()
    assert window.lines[:3] == ["one", "", "⠋ 0 s · Esc stops"]
    window.painter.note("two")
    window.stream("First.\n\nSecond ")
    window.painter.frame(force=True)
    assert window.lines[:6] == ["one", "two", "", "First.", "", "Second"]
    window.painter.note("three")
    window.painter.frame(force=True)
    assert window.lines[3:8] == ["First.", "", "three", "", "Second"]
    window.stream("goes on.")
    window.painter.finish()
    assert window.transcript == ["one", "two", "", "First.", "", "three", "", "Second goes on."]


def test_a_dumb_terminal_gets_plain_lines_only() -> None:
    """With TERM=dumb finished lines are printed plainly: no escape code, no cursor movement, no colour."""
    window = Window(terminal=Terminal(depth="none", dumb=True, reflows=False, synchronised=False))
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    window.stream("# Title\n\n**Bold** text\n\n- item\n")
    window.painter.finish("done")
    assert "".join(window.written) == "Title\n\nBold text\n\n• item\n\ndone\n"


def test_without_colour_bold_is_kept() -> None:
    """NO_COLOR takes the colours away and leaves bold and underline."""
    window = Window(terminal=Terminal(depth="none", reflows=False))
    window.stream("**Bold** `code` [a](https://example.com)\n\n# Title\n")
    window.painter.finish()
    output = "".join(window.written)
    assert "\x1b[1mBold" in output
    assert "38;" not in output
    assert "\x1b[3" not in output.replace("\x1b[3m", "")


@pytest.mark.parametrize(("rows", "columns"), [(2, 10), (3, 5), (4, 12), (200, 400)])
def test_windows_of_any_size_work(rows: int, columns: int) -> None:
    """In the smallest and the largest windows the whole reply is printed, its marks once each."""
    window = Window(rows=rows, columns=columns)
    window.painter.set_footer([[("> ", "prompt"), ("draft", "text")]], (0, 7))
    window.stream("\n\n".join(f"`<{n}>` 字" for n in range(30)) + "\n\n| a | b |\n|---|---|\n| c | d |\n")
    window.painter.finish("end")
    joined = "".join(window.transcript)
    assert all(joined.count(f"<{n}>") == 1 for n in range(30))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("footer", [0, 1, 2])
def test_a_low_window_repeats_nothing(rows: int, footer: int) -> None:
    """However low the window and however fast the reply, each row of code stands there once, its head too."""
    code = marks(30)
    text = "Here is code:\n\n```py\n" + "\n".join(code) + "\n```\n\nand the end."
    for rate in (40, 200, 800):
        window = Window(rows=rows, columns=40)
        window.painter.set_footer([[("> ", "prompt")]] * footer, (0, 2) if footer else None)
        window.stream(text, rate=rate)
        window.painter.finish("end")
        assert window.count([*code, "py · 1", "Here is code", "and the end"]) == {}
        assert not any("Esc stops" in line for line in window.transcript)


def test_clearing_the_screen_keeps_the_reply_going() -> None:
    """After Ctrl-L the live rows are painted again at the top, and the rest of the reply follows."""
    window = Window()
    window.painter.set_footer([[("> ", "prompt")]], (0, 2))
    window.stream("First.\n\nSecond is", rate=100)
    window.painter.frame(force=True)
    window.painter.clear()
    window.painter.frame()
    assert next(row for row in window.lines if row) == "Second is"
    assert "First." not in window.lines
    window.stream(" long.\n\nThird.")
    window.painter.finish()
    assert [row for row in window.lines if row] == ["Second is long.", "Third."]


def test_a_replayed_reply_looks_as_it_did() -> None:
    """A reply printed from history has the lines that it had when it streamed."""
    text = "# Title\n\n- one\n- two\n\n```py\nx = 1\n```\n"
    window = Window()
    window.stream(text)
    window.painter.finish()
    terminal = Terminal(depth="none", dumb=True)
    assert (
        "".join(reply_pieces(text, columns=80, theme=Theme("dark"), terminal=terminal)).splitlines()
        == window.transcript
    )


def test_the_first_frame_shows_a_whole_word() -> None:
    """A reply that begins in pieces is first seen with a whole word, and after a moment in any case."""
    window = Window()
    window.painter.frame()
    window.painter.feed("## H")
    window.painter.frame()
    assert not any("H" in line for line in window.lines)
    window.now += 0.01
    window.painter.feed("eading on")
    window.painter.frame()
    assert any("Heading on" in line for line in window.lines)
    slow = Window()
    slow.painter.frame()
    slow.painter.feed("Hm")
    slow.now += slow.painter.frame() or 0.0
    slow.painter.frame()
    assert any("Hm" in line for line in slow.lines)
    chinese = Window()
    chinese.painter.feed("好")
    chinese.painter.frame()
    assert any("好" in line for line in chinese.lines)
