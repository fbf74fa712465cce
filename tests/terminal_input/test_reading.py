"""Reading lines for the chat loop: defaults, users, and the ways a reading ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from gptchat.core.origin import Sourced
from gptchat.leaving import LeaveRequested
from gptchat.terminal.input.folding import FoldedDraft
from gptchat.terminal.input.prompt import Prompt


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    """Keys that come from the test."""
    with create_pipe_input() as keyboard:
        yield keyboard


def prompt(keyboard: PipeInput, folder: Path, on_change: Callable[[str], None] = lambda _text: None) -> Prompt:
    """A prompt for the user whose folder it is."""
    return Prompt(
        message=lambda: "› ",
        keyboard=keyboard,
        output=DummyOutput(),
        history=folder / "input_history",
        draft=folder / "draft",
        on_change=on_change,
    )


def test_a_draft_from_elsewhere_goes_on(keyboard: PipeInput, tmp_path: Path) -> None:
    """What was typed during a reply stands in the next prompt, folded pastes and the cursor where they were."""
    reading = prompt(keyboard, tmp_path)
    mark = reading.folding.fold("x\n" * 50)
    keyboard.send_text("!\r")
    read = asyncio.run(reading.read(default=FoldedDraft(f"see {mark} please", 5)))
    assert read.text == "see " + "x\n" * 50 + "! please"


def test_halves_of_a_character_are_joined(keyboard: PipeInput, tmp_path: Path) -> None:
    """A character that a Windows console delivers as two halves is one in the message."""
    reading = prompt(keyboard, tmp_path)
    keyboard.send_text("\r")
    assert asyncio.run(reading.read(default="\ud83d\ude00 \ud83d")).text == "😀 \ud83d"


def test_every_change_is_told_whole(keyboard: PipeInput, tmp_path: Path) -> None:
    """Whoever counts the draft gets each state of it, pastes unfolded, the first included."""
    told: list[str] = []
    reading = prompt(keyboard, tmp_path, told.append)
    keyboard.send_text("a\x1b[200~" + "y\n" * 20 + "\x1b[201~\x7f\r")
    assert asyncio.run(reading.read(default="_")).text == "_a"
    assert told == ["_", "_a", "_a" + "y\n" * 20, "_a"]


def test_users_have_their_own_history_and_draft(keyboard: PipeInput, tmp_path: Path) -> None:
    """After a change of user, Up and the unsent draft are the new user's, and the old one's are kept."""

    async def talk() -> list[str]:
        reading = prompt(keyboard, tmp_path / "alice")
        (tmp_path / "bob").mkdir()
        (tmp_path / "bob" / "draft").write_text("of bob")
        lines = []
        for keys in ("from alice\r", "\x1b[A!\r"):
            keyboard.send_text(keys)
            lines.append((await reading.read()).text)
        reading.use(tmp_path / "bob" / "input_history", tmp_path / "bob" / "draft")
        for keys in (" back\r", "\x1b[A\r", "\x1b[A\x1b[A?\r"):
            keyboard.send_text(keys)
            lines.append((await reading.read()).text)
        reading.use(tmp_path / "alice" / "input_history", tmp_path / "alice" / "draft")
        keyboard.send_text("\x1b[A\r")
        return [*lines, (await reading.read()).text]

    assert asyncio.run(talk()) == [
        "from alice", "from alice!", "of bob back", "of bob back", "of bob back?", "from alice!",
    ]  # fmt: skip


def test_what_was_queued_is_recalled(keyboard: PipeInput, tmp_path: Path) -> None:
    """A message that was sent from the queue is in the history like any other."""
    reading = prompt(keyboard, tmp_path)
    reading.remember(Sourced("queued"))
    keyboard.send_text("\x1b[A\r")
    assert asyncio.run(reading.read()).text == "queued"


@pytest.mark.parametrize("ending", ["end of input", "signal"])
def test_the_end_of_the_terminal_is_leaving(keyboard: PipeInput, tmp_path: Path, ending: str) -> None:
    """When there is nothing to read from any more, or a signal ends it, the draft is saved."""

    async def talk() -> None:
        reading = prompt(keyboard, tmp_path, lambda text: typed.set() if text == "half" else None)
        typed = asyncio.Event()
        keyboard.send_text("half")
        task = asyncio.create_task(reading.read())
        await typed.wait()
        if ending == "signal":
            task.cancel()
        else:
            keyboard.close()
        with pytest.raises(asyncio.CancelledError if ending == "signal" else LeaveRequested):
            await task

    asyncio.run(talk())
    assert (tmp_path / "draft").read_text() == "half"


def test_a_deleted_draft_does_not_come_back(keyboard: PipeInput, tmp_path: Path) -> None:
    """A draft that was emptied just before leaving is gone."""
    (tmp_path / "draft").write_text("abc")
    keyboard.send_text("\x15\x04")
    with pytest.raises(LeaveRequested):
        asyncio.run(prompt(keyboard, tmp_path).read())
    assert not (tmp_path / "draft").exists()


def test_typing_during_a_reply_is_kept(keyboard: PipeInput, tmp_path: Path) -> None:
    """What was typed while a reply streamed comes back too, if the program ends there."""
    reading = prompt(keyboard, tmp_path)
    reading.keep(FoldedDraft("typed " + reading.folding.fold("z\n" * 30)))
    reading.flush()
    assert (tmp_path / "draft").read_text() == "typed " + "z\n" * 30
