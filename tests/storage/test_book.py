"""The account book on the disk: what was spent is never lost, never counted twice, and never in the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import notices
from gptchat.core.messages import Usage
from gptchat.storage.accounts.book import Book, Entry, moment
from gptchat.storage.users import ensure_user

DAY = "2026-11-28T00:00:00Z"


def entry(ts: str = "2026-11-28T10:00:00Z", cost: float | None = 0.5, ref: str = "r") -> Entry:
    """A request; its usage does not matter."""
    return Entry(ts, ref, "test", "m", Usage(10, 5, 15), cost)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in which there is ann."""
    ensure_user(tmp_path, "ann")
    return tmp_path


def folder(data: Path) -> Path:
    """Where ann's book is."""
    return data / "users" / "ann" / "spending"


def test_what_is_booked_is_read_again(data: Path) -> None:
    """Another program reads each request as it was booked, by person and since any time, across months."""
    old, new = entry("2026-10-31T23:59:59Z", None), entry(cost=0.25, ref="s")
    for one in (old, new):
        Book(data).add("ann", one)
    other = Book(data)
    assert other.entries("ann") == [old, new]
    assert other.entries("ann", DAY) == [new]
    assert (other.spent("ann", DAY), other.spent("ann", "2026-10-01T00:00:00Z")) == (0.25, 0.25)
    assert (other.entries("bob"), other.spent("bob", "")) == ([], 0)
    assert {file.name for file in folder(data).iterdir()} == {"2026-10.ndjson", "2026-11.ndjson"}
    assert moment(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=8))
def test_any_order_of_two_programs_adds_up(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, float]]
) -> None:
    """Whoever books, and however often each looks, both programs see the same sum."""
    data = tmp_path_factory.mktemp("data")
    ensure_user(data, "ann")
    books, total = (Book(data), Book(data)), 0.0
    for which, cost in steps:
        books[which].add("ann", entry(cost=cost))
        total += cost
        assert books[not which].spent("ann", DAY) == pytest.approx(total)
    assert {round(book.spent("ann", DAY), 6) for book in books} == {round(total, 6)}


@pytest.mark.parametrize(
    "line",
    [
        b'{"ts":"2026-11-28T09:00:00Z","ref":"x","usage":{"prompt_to',
        b"null",
        b"[1]",
        b"[" * 100_000,
        b'{"ts":"2026-11-28T09:00:00Z","usage":{},"cost":-1}',
        b'{"ts":"2026-11-28T09:00:00Z","usage":{},"cost":1e400}',
        b'{"usage":{},"cost":1}',
        b'{"ts":"2026-11-28T09:00:00Z","cost":1}',
        b"\xff\xfe",
    ],
)
def test_a_torn_or_strange_line_spoils_no_other(data: Path, line: bytes) -> None:
    """A line that was torn by a crash, or that cannot be believed, is skipped, and the next one is whole."""
    book = Book(data)
    book.add("ann", entry())
    with (folder(data) / "2026-11.ndjson").open("ab") as file:
        file.write(line)
    book.add("ann", entry(ref="s"))
    for one in (book, Book(data)):
        assert one.spent("ann", DAY) == 1.0
        assert [found.ref for found in one.entries("ann")] == ["r", "s"]


def test_a_book_that_was_replaced_is_read_anew(data: Path) -> None:
    """Where the file was removed, cut or put back from a backup, its present contents count."""
    book, file = Book(data), folder(data) / "2026-11.ndjson"
    book.add("ann", entry())
    book.add("ann", entry())
    assert book.spent("ann", DAY) == 1.0
    half = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(half)
    assert book.spent("ann", DAY) == 0.5
    file.unlink()
    assert book.spent("ann", DAY) == 0
    book.add("ann", entry(cost=2.0))
    assert book.spent("ann", DAY) == 2.0


def test_what_cannot_be_written_counts_in_this_run(data: Path) -> None:
    """If the book cannot be written, the person is told once, and the run counts on; incognito writes nothing."""
    notices.forget()
    folder(data).write_text("in the way")
    book = Book(data)
    for one in (entry(), entry(ref="s")):
        book.add("ann", one)
    told = notices.take()
    assert len(told) == 1
    assert "could not be written down" in told[0]
    assert (book.spent("ann", DAY), len(book.entries("ann"))) == (1.0, 2)
    hidden = Book(data, readonly=True)
    hidden.add("ann", entry())
    assert (hidden.spent("ann", DAY), Book(data).spent("ann", DAY)) == (0.5, 0)


def test_nobody_is_made_by_what_they_spend(data: Path) -> None:
    """A request that ends after its person was removed brings no folder of theirs back."""
    Book(data).add("carl", entry())
    assert not (data / "users" / "carl").exists()


def test_lines_are_json_for_other_programs(data: Path) -> None:
    """Each line is one JSON object with time, model, tokens and US$, null where no price is known."""
    Book(data).add("ann", entry(cost=None))
    [line] = (folder(data) / "2026-11.ndjson").read_text().split()
    assert json.loads(line) == {
        "ts": "2026-11-28T10:00:00Z", "ref": "r", "provider": "test", "model": "m", "cost": None,
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "estimated": False},
    }  # fmt: skip
