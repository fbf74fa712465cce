"""Where the text of a line came from, through every way in which a line is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.completion import Completion
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import DummyOutput

from gptchat.core.origin import Sourced, whole
from gptchat.terminal.input.folding import FoldedDraft
from gptchat.terminal.input.prompt import Prompt


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    """Keys that come from the test."""
    with create_pipe_input() as keyboard:
        yield keyboard


def prompt(keyboard: PipeInput, folder: Path) -> Prompt:
    """A prompt with its history in `folder`."""
    return Prompt(
        message=lambda: "› ", keyboard=keyboard, output=DummyOutput(), history=folder / "h", draft=folder / "d"
    )


def pasted(text: str) -> str:
    """What a terminal sends for a paste."""
    return f"\x1b[200~{text}\x1b[201~"


def origins(entry: Sourced) -> list[tuple[str, str]]:
    """The pieces of `entry` that were not typed, each with its origin."""
    return [(entry.text[part.start : part.end], part.origin) for part in entry.parts]


LONG = "!line\n" * 40  # folded when it is pasted

WRITTEN = {
    "typed": ("!ls", []),
    "typed, taken out and put back": ("!ls\x15\x19", []),
    "typed, undone and typed": ("!l\x1fls", []),
    "pasted": (pasted("!ls"), [("!ls", "pasted")]),
    "pasted, taken out and put back": (pasted("!ls") + "\x15\x19", [("!ls", "pasted")]),
    "pasted, undone and back by the kill ring": (pasted("!ls") + "\x17\x19", [("!ls", "pasted")]),
    "typed around a paste": ("a " + pasted("@b") + " @c", [("@b", "pasted")]),
    "typed into a paste": (pasted("ab") + "\x1b[D!", [("a", "pasted"), ("b", "pasted")]),
    "typed before a paste": (pasted("@x") + "\x01@", [("@x", "pasted")]),
    "a paste cut short": (pasted("abc") + "\x7f\x7f", [("a", "pasted")]),
    "a long paste, folded": ("see " + pasted(LONG) + " please", [(LONG, "pasted")]),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_line_knows_what_of_it_was_not_typed(keyboard: PipeInput, tmp_path: Path, how: str) -> None:
    """Typing, pasting, deleting, undoing and putting back keep each piece's origin; so does the history."""
    keys, expected = WRITTEN[how]

    async def talk() -> list[Sourced]:
        reading = prompt(keyboard, tmp_path)
        keyboard.send_text(keys + "\r")
        first = await reading.read()
        keyboard.send_text("\x1b[A\r")
        return [first, await reading.read()]

    for entry in asyncio.run(talk()):
        assert origins(entry) == expected
    keyboard.send_text("\x1b[A\r")
    later = asyncio.run(prompt(keyboard, tmp_path).read())
    assert origins(later) == expected, "in a later run, too"


def test_a_completion_counts_as_typed(keyboard: PipeInput, tmp_path: Path) -> None:
    """What a completion puts into the line was chosen by the person; the sign before it keeps its origin."""

    async def complete() -> Sourced:
        reading = prompt(keyboard, tmp_path)
        buffer = reading._buffer
        reading.origins.begin(Sourced(""))
        buffer.insert_text("@")
        with reading.origins.inserting("pasted"):
            buffer.insert_text("no")
        buffer.apply_completion(Completion("notes.txt", start_position=-2))
        return reading.origins.draft

    entry = asyncio.run(complete())
    assert (entry.text, entry.at(0), entry.at(1)) == ("@notes.txt", "typed", "completed")


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("!ls", [("!ls", "draft")]),
        (FoldedDraft("a !ls", None, whole("a !ls", "message").parts), [("a !ls", "message")]),
        (FoldedDraft("!ls"), []),
    ],
)
def test_a_draft_from_elsewhere_is_known(
    keyboard: PipeInput, tmp_path: Path, default: str | FoldedDraft, expected: list[tuple[str, str]]
) -> None:
    """A draft that a command or an earlier run put into the prompt is not taken for typing."""
    keyboard.send_text("\r")
    assert origins(asyncio.run(prompt(keyboard, tmp_path).read(default=default))) == expected


@pytest.mark.parametrize(
    "damaged",
    [
        "0-99 pasted",
        "x",
        "2-1 pasted",
        "0-2 pasted, 1-3 pasted",
        "0-3 nobody",
        "elsewhere",
        "-1-3 draft",
    ],
)
def test_a_damaged_history_is_of_unknown_origin(keyboard: PipeInput, tmp_path: Path, damaged: str) -> None:
    """An entry whose note on its origin does not fit is asked about like one without a note."""
    (tmp_path / "h").write_text(f"\n# 2026-01-01\n# from: {damaged}\n+!ls\n")
    keyboard.send_text("\x1b[A\r")
    entry = asyncio.run(prompt(keyboard, tmp_path).read())
    assert entry.text == "!ls"
    assert origins(entry) == [("!ls", "recalled")]


@pytest.mark.skipif("sys.platform == 'win32'")
def test_lines_at_once_are_a_paste() -> None:
    """Several lines in one read are one paste; Alt-Enter, a line with its Enter and other keys stay keys."""
    from gptchat.terminal.input.posix_keyboard import _as_paste, _several_lines

    def keys(text: str) -> list[KeyPress]:
        named = {"\r": Keys.ControlM, "\n": Keys.ControlJ, "\t": Keys.ControlI, "\x01": Keys.ControlA}
        return [KeyPress(named.get(character, character), character) for character in text]

    assert not _several_lines(keys("one\r"))
    assert not _several_lines(keys("\r \r"))
    assert not _several_lines([KeyPress("a", "a"), KeyPress(Keys.ControlJ, "\x1b\r"), KeyPress("b", "b")])
    assert _several_lines(keys("!a\rb\r"))
    found = _as_paste(keys("!a\rb\x01c\r"), whole=False)
    assert [(press.key, press.data) for press in found] == [
        (Keys.BracketedPaste, "!a\rb"),
        (Keys.ControlA, "\x01"),
        (Keys.BracketedPaste, "c\r"),
    ]
    assert _as_paste(keys("a\nb\r"), whole=False)[-1].key is Keys.ControlM


def test_a_recalled_text_is_folded_with_its_origins(keyboard: PipeInput, tmp_path: Path) -> None:
    """A text so long that it is folded when it is recalled keeps the origins of its first line and of the rest."""
    folding = prompt(keyboard, tmp_path).folding
    entry = Sourced("see this:\n").replaced(10, 10, whole(LONG * 3, "pasted"))
    folded = folding.folded(entry)
    assert len(folded.text) == 11
    assert folding.unfolded(folded) == entry
    assert folding.unfolded(folding.folded(Sourced(entry.text))) == Sourced(entry.text)
