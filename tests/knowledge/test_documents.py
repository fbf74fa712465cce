"""The index of a collection: only a cache, right at any time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gptchat.errors import StorageError
from gptchat.knowledge import documents
from gptchat.knowledge.cutting import cut
from gptchat.knowledge.documents import DocumentIndex, Stamp

TEXTS = {
    "tea.md": "# Tea\n\nBoil the water, then wait for three minutes.",
    "茶.md": "# 泡茶\n\n水开以后等三分钟，再放茶叶。",
    "cars.md": "# Cars\n\nChange the oil once a year.",
}


def fill(index: DocumentIndex, texts: dict[str, str]) -> None:
    index.put([(name, name, Stamp(len(text), 1, name), cut(text, name)) for name, text in texts.items()])


def found(index: DocumentIndex, question: str) -> list[str]:
    return [one.path for one in index.search(question, 10)]


def test_questions_find_their_document(tmp_path: Path) -> None:
    """English is found whatever the ending of a word, and Chinese without spaces, a single character too."""
    with DocumentIndex(tmp_path / "a" / "i.sqlite3") as index:
        fill(index, TEXTS)
        assert found(index, "how long do I wait for the boiling water?")[0] == "tea.md"
        assert found(index, "茶叶什么时候放") == ["茶.md"]
        assert found(index, "茶") == ["茶.md"]
        assert found(index, "oil changes") == ["cars.md"]
        assert found(index, "!") == found(index, '" OR * NEAR(') == found(index, "zebra") == []
        one = index.search("oil", 1)[0]
        assert (one.segment.line, one.segment.heading, one.score < 0) == (1, "Cars", True)


def test_a_changed_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    """What a file no longer says is not found, and what is gone is forgotten."""
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        fill(index, TEXTS)
        fill(index, {"tea.md": "# Tea\n\nUse a pot."})
        index.put((), ["cars.md", "never.md"])
        index.touch("茶.md", Stamp(9, 9))
        assert (found(index, "boil"), found(index, "pot"), found(index, "oil")) == ([], ["tea.md"], [])
        assert index.stamps()["茶.md"] == Stamp(9, 9, "茶.md")
        assert index.totals() == (2, 2, {})
        index.note({"hidden": 2})
        index.put([("x", "x", Stamp(0, 0, "", "empty"), ())])
        assert index.totals() == (2, 2, {"hidden": 2, "empty": 1})


def test_one_file_does_not_fill_all(tmp_path: Path) -> None:
    """Of a file two pieces come before the first of another."""
    long = "\n\n".join(f"# Part {n}\n\n" + "oil " * 300 for n in range(5))
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        fill(index, {"long.md": long, "cars.md": TEXTS["cars.md"]})
        assert "cars.md" in found(index, "oil")[:3]
        assert found(index, "oil").count("long.md") > 2


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    """A file that is no index, or one of another version, is replaced by an empty one."""
    path = tmp_path / "i.sqlite3"
    path.write_bytes(b"no database" * 500)
    with DocumentIndex(path) as index:
        assert index.stamps() == {}
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with DocumentIndex(path) as index:
        fill(index, TEXTS)
        assert found(index, "oil") == ["cars.md"]
    with DocumentIndex(path) as index:
        assert len(index.stamps()) == 3
        index._database.close()
        with pytest.raises(StorageError):
            index.stamps()


def test_damage_met_later_is_told(tmp_path: Path) -> None:
    """Damage that shows while the index is read is told; the next use begins with an empty one."""
    path = tmp_path / "i.sqlite3"
    with DocumentIndex(path) as index:
        fill(index, {f"{n}.md": f"# N {n}\n\n" + f"word{n} " * 500 for n in range(60)})
        index._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(bytes(data))
    with pytest.raises(StorageError, match="cannot be used"), DocumentIndex(path) as index:  # noqa: PT012 - either
        index.stamps()
        index.search("word1", 5)
    with DocumentIndex(path) as index:
        assert index.stamps() == {}


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where no index can be, that is said with its path; removing one that is not there does nothing."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be used"):
        DocumentIndex(tmp_path / "file" / "i.sqlite3")
    documents.remove(tmp_path / "file" / "i.sqlite3")


def test_a_failed_change_changes_nothing(tmp_path: Path) -> None:
    """Where taking in a file fails, all of that change is taken back."""

    def broken() -> object:
        yield "new.md", "new.md", Stamp(1, 1), cut("new words")
        raise KeyboardInterrupt

    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        fill(index, TEXTS)
        with pytest.raises(KeyboardInterrupt):
            index.put(broken(), ["tea.md"])  # type: ignore[arg-type] # a generator that ends early
        assert (found(index, "boil"), found(index, "new")) == (["tea.md"], [])
