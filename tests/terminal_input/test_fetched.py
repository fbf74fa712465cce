"""Candidates that are fetched behind."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gptchat.terminal.completion import Candidate
from gptchat.terminal.fetched import Fetched


def test_asking_never_waits_for_the_network() -> None:
    """The first answer is empty and immediate; what was fetched is there as soon as it has come, and is kept."""
    go_on, ready, fetches = threading.Event(), threading.Event(), []

    def fetch() -> Sequence[Candidate]:
        fetches.append(1)
        assert go_on.wait(10)
        return [Candidate("model")]

    fetched = Fetched(fetch, ready.set)
    assert list(fetched.get()) == []
    assert list(fetched.get()) == []
    go_on.set()
    assert ready.wait(10)
    assert list(fetched.get()) == [Candidate("model")]
    assert len(fetches) == 1


def test_a_failed_fetch_changes_nothing() -> None:
    """Where the list cannot be fetched, what was known stays."""
    results = iter([[Candidate("known")], None, [Candidate("new")]])
    ready, tried = threading.Event(), threading.Semaphore(0)

    def fetch() -> Sequence[Candidate]:
        try:
            result = next(results)
            if result is None:
                raise OSError("no network")
            return result
        finally:
            tried.release()

    fetched = Fetched(fetch, ready.set, lifetime=0.0)
    fetched.get()
    assert ready.wait(10)
    ready.clear()
    while not ready.is_set():
        assert list(fetched.get()) in ([Candidate("known")], [Candidate("new")])
    assert list(fetched.get()) == [Candidate("new")]


def test_another_user_starts_afresh() -> None:
    """After a change of user or provider nothing of the old list is offered."""
    ready, go_on, user = threading.Event(), threading.Event(), ["alice"]

    def fetch() -> Sequence[Candidate]:
        asking = user[0]
        asked.set()
        assert asking == "bob" or go_on.wait(10)
        return [Candidate(f"model of {asking}")]

    asked = threading.Event()
    fetched = Fetched(fetch, ready.set)
    fetched.get()
    assert asked.wait(10)
    fetched.forget()
    user[0] = "bob"
    assert list(fetched.get()) == []
    assert ready.wait(10)
    go_on.set()
    assert list(fetched.get()) == [Candidate("model of bob")]
