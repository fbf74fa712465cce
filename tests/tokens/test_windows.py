"""Whose word counts for a model's window."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gptchat.tokens.windows import DEFAULT_WINDOW, Lookup, Window, Windows


def test_order_of_sources() -> None:
    """The settings go before a learnt limit, that before the server's list, that before the catalogue."""
    learnt = {"local/llama": 1024}
    sources = {"settings": 4096, "server": 2048, "catalogue": 128_000}

    def window(*names: str, learnt: Mapping[str, object] | None = None) -> Window:
        def lookup(name: str) -> Lookup | None:
            return (lambda provider, model: sources[name]) if name in names else None

        windows = Windows(
            settings=lookup("settings"), server=lookup("server"), catalogue=lookup("catalogue"), learnt=learnt
        )
        return windows.window("local", "llama")

    assert window("settings", "server", "catalogue", learnt=learnt) == (4096, "settings")
    assert window("server", "catalogue", learnt=learnt) == (1024, "learnt")
    assert window("server", "catalogue") == (2048, "server")
    assert window("catalogue") == (128_000, "catalogue")
    assert window() == (DEFAULT_WINDOW, "default")


def test_a_source_that_knows_nothing() -> None:
    """A source that says nothing, or zero, is passed over."""
    windows = Windows(settings=lambda p, m: 0, server=lambda p, m: None, catalogue=lambda p, m: 500)
    assert windows.window("local", "llama") == (500, "catalogue")


def test_learnt_limit_is_kept() -> None:
    """A limit learnt from a refusal is kept for that model of that provider, and known after a restart."""
    kept: list[str] = []
    windows = Windows(catalogue=lambda p, m: 128_000, save=lambda limits: kept.append(json.dumps(dict(limits))))
    assert windows.learn_limit("local", "llama", 1024)
    assert not windows.learn_limit("local", "llama", 1024)
    assert windows.window("local", "llama") == (1024, "learnt")
    assert windows.window("other", "llama") == (128_000, "catalogue")
    assert len(kept) == 1

    again = Windows(learnt=json.loads(kept[0]), save=lambda limits: kept.append(json.dumps(dict(limits))))
    assert again.window("local", "llama") == (1024, "learnt")
    assert again.learnt("local", "llama") == 1024
    assert again.forget("local", "llama")
    assert not again.forget("local", "llama")
    assert again.window("local", "llama").source == "default"
    assert json.loads(kept[-1]) == {}


def test_a_guess_follows_what_was_answered() -> None:
    """A guessed window grows with the requests that the server answered; one that is known does not."""
    windows = Windows(catalogue=lambda p, m: 16_000 if m == "known" else None)
    windows.taken("local", "llama", 100)
    assert windows.window("local", "llama") == (DEFAULT_WINDOW, "default")
    windows.taken("local", "llama", 9_000)
    windows.taken("local", "known", 9_000)
    windows.taken("local", "llama", 100)
    assert windows.window("local", "llama") == (18_000, "default")
    assert windows.window("local", "known") == (16_000, "catalogue")
    assert windows.window("other", "llama") == (DEFAULT_WINDOW, "default")


def test_a_ridiculous_limit_is_not_learnt() -> None:
    """A limit too small for any conversation is not believed."""
    windows = Windows()
    assert not windows.learn_limit("local", "llama", 5)
    assert windows.window("local", "llama").source == "default"


@given(
    st.dictionaries(
        st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.none())
    )
)
def test_damaged_file_is_taken(learnt: dict[str, object]) -> None:
    """Whatever stands in the file of learnt limits, every window is a sensible number."""
    windows = Windows(learnt=learnt)
    assert all(windows.window("", key).tokens >= 128 for key in learnt)
