"""Drafts that are kept while they are typed."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

from gptchat.terminal.input.drafts import DraftKeeper
from gptchat.terminal.output.gauge import LiveCount


def wait(condition: threading.Event) -> None:
    """Wait for something that a thread does."""
    assert condition.wait(10)


def wait_for(path: Path, text: str) -> None:
    """Wait until a file holds `text`."""
    end = time.monotonic() + 10
    while not (path.exists() and path.read_text() == text):
        assert time.monotonic() < end, "the draft was not saved"
        time.sleep(0.01)


def test_a_draft_is_saved_when_typing_pauses(tmp_path: Path) -> None:
    """A moment after the last key the draft is on disk, private, and comes back."""
    keeper = DraftKeeper(tmp_path / "alice" / "draft", delay=0.01)
    for end in range(1, 12):
        keeper.changed("hello world"[:end])
    wait_for(tmp_path / "alice" / "draft", "hello world")
    assert stat.S_IMODE((tmp_path / "alice" / "draft").stat().st_mode) == 0o600
    keeper.close()
    assert DraftKeeper(tmp_path / "alice" / "draft").load() == "hello world"
    assert sorted(path.name for path in (tmp_path / "alice").iterdir()) == ["draft", "draft.lock"]


def test_flush_saves_at_once(tmp_path: Path) -> None:
    """When the program must go, the draft is saved without waiting for a pause."""
    keeper = DraftKeeper(tmp_path / "draft", delay=60)
    keeper.changed("lone \udcff half")
    keeper.close()
    assert DraftKeeper(tmp_path / "draft").load() == "lone \udcff half"


def test_a_sent_draft_is_forgotten(tmp_path: Path) -> None:
    """What was sent does not come back as a draft."""
    keeper = DraftKeeper(tmp_path / "draft", delay=60)
    keeper.changed("message")
    keeper.flush()
    keeper.changed("message!")
    keeper.sent()
    keeper.flush()
    assert not (tmp_path / "draft").exists()


def test_an_emptied_draft_is_forgotten(tmp_path: Path) -> None:
    """A draft that was deleted by hand does not come back."""
    keeper = DraftKeeper(tmp_path / "draft", delay=60)
    keeper.changed("message")
    keeper.flush()
    keeper.changed("")
    keeper.flush()
    assert not (tmp_path / "draft").exists()


def test_sending_leaves_another_terminals_draft(tmp_path: Path) -> None:
    """Sending a message in one terminal does not remove the draft that another one keeps."""
    other = DraftKeeper(tmp_path / "draft", delay=60)
    here = DraftKeeper(tmp_path / "draft", delay=60)
    other.changed("theirs")
    other.flush()
    here.changed("mine")
    here.sent()
    assert (tmp_path / "draft").read_text() == "theirs"


def test_a_draft_being_typed_is_not_offered_elsewhere(tmp_path: Path) -> None:
    """A second terminal of the same person begins empty; what is typed in the first stays the first one's."""
    first = DraftKeeper(tmp_path / "draft", delay=60)
    first.changed("half a thought")
    first.flush()
    second = DraftKeeper(tmp_path / "draft", delay=60)
    assert second.load() == ""
    second.changed("something else")
    second.close()
    first.close()
    assert DraftKeeper(tmp_path / "draft").load() == "half a thought"


def test_without_a_file_nothing_is_kept() -> None:
    """In incognito no draft is written."""
    keeper = DraftKeeper(None)
    keeper.changed("secret")
    keeper.flush()
    keeper.sent()
    assert keeper.load() == ""


def test_the_newest_draft_is_counted() -> None:
    """The count shown is that of the draft as it now stands, and a burst of keys is counted once."""
    counted, seen = threading.Event(), []

    def count(text: str) -> int:
        seen.append(text)
        return len(text)

    live = LiveCount(count, counted.set, delay=0.05)
    for end in range(1, 12):
        live.changed("hello world"[:end])
    wait(counted)
    assert live.tokens == 11
    assert len(seen) < 11
    live.changed("")
    assert live.tokens == 0


def test_a_count_that_fails_keeps_the_last_one() -> None:
    """A text that cannot be counted leaves the last count, and the next text is counted again."""
    counted = threading.Event()

    def count(text: str) -> int:
        if text == "bad":
            raise ValueError(text)
        return len(text)

    live = LiveCount(count, counted.set, delay=0.01)
    for text, tokens in (("four", 4), ("bad", 4), ("seven..", 7)):
        counted.clear()
        live.changed(text)
        wait(counted)
        assert live.tokens == tokens


def test_a_slow_count_never_holds_a_key() -> None:
    """While a long draft is being counted, changing it returns, and the newer text is counted afterwards."""
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def count(text: str) -> int:
        begun.set()
        assert go_on.wait(10)
        if text == "new":
            done.set()
        return len(text)

    live = LiveCount(count, delay=0.01)
    live.changed("old one")
    wait(begun)
    live.changed("new")
    go_on.set()
    wait(done)


def test_a_draft_is_counted_again_when_the_model_is_known() -> None:
    """A draft typed before the model is known is counted anew once it is, without another key; no draft is not."""
    tokens, counted = 0, threading.Event()

    live = LiveCount(lambda text: tokens * len(text), counted.set, delay=0.01)
    live.recount()
    live.changed("four")
    wait(counted)
    assert live.tokens == 0
    tokens = 1
    counted.clear()
    live.recount()
    wait(counted)
    assert live.tokens == 4
