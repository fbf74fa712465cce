"""What of the input history goes with a session, by rule: its words go, and what others said stays."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.storage.index.library import Library
from gptchat.storage.removal.traces import sweep
from gptchat.storage.store import JournalStore
from gptchat.storage.users import ensure_user, input_history
from gptchat.terminal.input.drafts import DraftKeeper
from gptchat.terminal.input.folding import Folding
from gptchat.terminal.input.history import InputHistory
from tests.storage.helpers import turn

words = st.sampled_from(["egg", "bread", "über", "鸡蛋很好", "面包不错", "m1\nm2x", "русский"])
sentences = st.lists(words, min_size=1, max_size=3).map(" ".join)
EXAMPLES = int(os.environ.get("GPTCHAT_TEST_TRACES", "12"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.lists(sentences, min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(["/search ", "/rename ", ""]), sentences), max_size=5),
)
def test_the_words_of_a_session_go_with_it(sessions: list[list[str]], typed: list[tuple[str, str]]) -> None:
    """Of what was typed, exactly that goes which belongs to the session or has a word said only there."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ensure_user(data, "ann")
        store, place = JournalStore(data), ""
        history = InputHistory(input_history(data, "ann"), Folding(), lambda: place)
        ids = []
        for said in sessions:
            session = store.create("ann", {})
            ids.append(place := session.id)
            for text in said:
                turn(store, session, text, "yes")
                history.append_string(text)
        place = "another"
        for command, text in typed:
            history.append_string(command + text)
        size = input_history(data, "ann").stat().st_size
        Library(data).delete_forever("ann", ids[0])

        left = asyncio.run(_entries(data))
        told = "\n".join(left)
        elsewhere = " ".join(text for said in sessions[1:] for text in said)
        for word in " ".join(sessions[0]).split():
            if len(word) > 2 and word not in elsewhere:
                assert word not in told
        for text in (text for said in sessions[1:] for text in said):
            assert text in left or text in sessions[0]
        assert input_history(data, "ann").stat().st_size == size


async def _entries(data: Path) -> list[str]:
    return [text async for text in InputHistory(input_history(data, "ann"), Folding()).load()]


def test_a_draft_goes_with_its_session(tmp_path: Path) -> None:
    """The draft that was begun in a session goes with it, whatever its words; another session's stays."""
    ensure_user(tmp_path, "ann")
    store = JournalStore(tmp_path)
    first, second = store.create("ann", {}), store.create("ann", {})
    for session in (first, second):
        turn(store, session, "hello", "yes")
    path = input_history(tmp_path, "ann").with_name("draft")
    for deleted, stays in ((first, True), (second, False)):
        keeper = DraftKeeper(path, delay=60, place=lambda: second.id)
        keeper.changed("nothing in common")
        keeper.close()
        Library(tmp_path).delete_forever("ann", deleted.id)
        assert path.exists() is stays
    assert DraftKeeper(path).load() == ""


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    """What a killed program left half-written is removed; what was touched just now gets time to be finished."""
    old, new = tmp_path / ".a.0a.tmp", tmp_path / ".b.0b.tmp"
    for path in (old, new):
        path.write_text("secret")
    os.utime(old, (1, 1))
    begun = time.monotonic()
    sweep(tmp_path)
    assert time.monotonic() - begun >= 0.4
    assert list(tmp_path.iterdir()) == []
