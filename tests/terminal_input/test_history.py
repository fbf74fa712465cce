"""The file of what was typed."""

from __future__ import annotations

import asyncio
import stat
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory

from gptchat.terminal.input.folding import Folding
from gptchat.terminal.input.history import HistorySuggestion, InputHistory


def entries(path: Path | None, folding: Folding | None = None) -> list[str]:
    """All entries of a file, newest first, as a prompt would get them."""

    async def load() -> list[str]:
        return [text async for text in InputHistory(path, folding or Folding()).load()]

    return asyncio.run(load())


anything = st.text(st.characters(), min_size=1, max_size=40).filter(str.strip)


@given(st.lists(anything, max_size=8, unique=True))
def test_any_text_comes_back(texts: list[str]) -> None:
    """Whatever was typed comes back as it was: lines, control characters, halves of surrogate pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input_history")
        folding = Folding()
        history = InputHistory(path, folding)
        for text in texts:
            history.append_string(folding.fold(text))
        fresh = Folding()
        assert [fresh.unfold(entry) for entry in entries(path, fresh)] == texts[::-1]


def test_two_terminals_add_to_one_file(tmp_path: Path) -> None:
    """What is typed in two terminals at once is all there, and private."""
    path = tmp_path / "folder" / "input_history"
    first, second = InputHistory(path, Folding()), InputHistory(path, Folding())
    for number in range(20):
        (first if number % 2 else second).append_string(f"line {number}\nmore")
    assert entries(path) == [f"line {number}\nmore" for number in reversed(range(20))]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.integers(1, 60))
def test_a_torn_end_spoils_only_itself(cut: int) -> None:
    """A kill in the middle of saving costs at most the end of that entry, never the ones around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input_history")
        history = InputHistory(path, Folding())
        history.append_string("before")
        whole = path.stat().st_size
        history.append_string("torn 你好\nlines")
        data = path.read_bytes()
        path.write_bytes(data[: max(len(data) - cut, whole)])
        history.append_string("after")
        found = entries(path)
        assert (found[0], found[-1]) == ("after", "before")
        assert len(found) <= 3


def test_the_format_is_prompt_toolkits_own(tmp_path: Path) -> None:
    """A history written by another program of this kind can be put in place, and ours can be read by it."""
    path = tmp_path / "input_history"
    FileHistory(path).append_string("from elsewhere\nsecond line")
    InputHistory(path, Folding()).append_string("ours")
    assert entries(path) == ["ours", "from elsewhere\nsecond line"]
    assert list(FileHistory(path).load_history_strings()) == ["ours", "from elsewhere\nsecond line"]


def test_a_folded_paste_is_saved_whole(tmp_path: Path) -> None:
    """The history holds the pasted text itself, and shows it folded when it comes back."""
    path, folding = tmp_path / "input_history", Folding()
    pasted = "x\n" * 300
    InputHistory(path, folding).append_string("see\n" + folding.fold(pasted))
    fresh = Folding()
    (found,) = entries(path, fresh)
    assert fresh.unfold(found) == "see\n" + pasted
    assert fresh.shown(found) == "see\n[pasted 300 lines]"


def test_nothing_is_saved_without_a_file() -> None:
    """In incognito, recall works and nothing is written."""
    history = InputHistory(None, Folding())
    history.append_string("secret plan")
    assert history.get_strings() == ["secret plan"]
    assert history.failure is None


def test_a_disk_that_refuses_does_not_stop_the_typing(tmp_path: Path) -> None:
    """Where the file cannot be written, the line is still recalled, and the reason is known."""
    (tmp_path / "file").touch()
    history = InputHistory(tmp_path / "file" / "input_history", Folding())
    history.append_string("kept in memory")
    assert history.get_strings() == ["kept in memory"]
    assert isinstance(history.failure, OSError)


def test_a_repetition_is_kept_once(tmp_path: Path) -> None:
    """Sending the same line twice in a row does not make Up stop at it twice."""
    history = InputHistory(tmp_path / "h", Folding())
    for _time in range(3):
        history.append_string("again")
    assert entries(tmp_path / "h") == ["again"]


words = st.text(alphabet="ab ", min_size=1, max_size=6)


@given(st.lists(words, max_size=12), st.lists(st.one_of(words, st.just("\x7f")), max_size=12))
def test_a_suggestion_is_the_newest_line_that_begins_so(lines: list[str], keys: list[str]) -> None:
    """The grey suggestion is always the rest of the newest line with this beginning, however one got there."""
    folding = Folding()
    history = InputHistory(None, folding)
    for line in lines:
        history.append_string(line)
    buffer, suggesting, typed = Buffer(history=history), HistorySuggestion(folding), ""
    for key in keys:
        typed = typed[:-1] if key == "\x7f" else typed + key
        found = suggesting.get_suggestion(buffer, Document(typed))
        matching = [line for line in reversed(history.get_strings()) if line.startswith(typed)]
        expected = matching[0][len(typed) :] if matching and typed.strip() else ""
        assert (found.text if found else "") == expected
