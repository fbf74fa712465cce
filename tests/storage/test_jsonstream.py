"""Large JSON arrays are read one element after another, however they come and wherever they break."""

from __future__ import annotations

import io
import json
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.exchange.jsonstream import Garbled, elements

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


class _Slow(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7)


@settings(max_examples=100, deadline=None)
@given(st.lists(OBJECTS, max_size=6), st.sampled_from([None, 2]), st.booleans())
def test_any_array_is_read_in_pieces(values: list[Any], indent: int | None, ascii_only: bool) -> None:
    """Whatever objects an array holds, they come out one by one as they are, however the file is read."""
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    assert list(elements(_Slow(data), r"\{")) == json.loads(data)


@settings(max_examples=100, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=5), st.data())
def test_any_array_is_read_as_far_as_it_goes(values: list[Any], data: st.DataObject) -> None:
    """Of an array that is cut anywhere every whole object comes out, and at most one more is named as broken."""
    text = json.dumps(values).encode()
    cut = data.draw(st.integers(1, len(text)))
    found = list(elements(_Slow(text[:cut]), r"never matches"))
    good = [value for value in found if not isinstance(value, Garbled)]
    assert good == values[: len(good)]
    assert len(found) - len(good) <= 1
    assert cut < len(text) or good == values


def test_a_string_that_is_cut_is_searched_once() -> None:
    """A file that ends in a string of many escaped quotes is named as broken in time linear in its length."""

    def taken(quotes: int) -> float:
        data = '[{"c": {"a": 1}, "b": "' + '\\"' * quotes
        begun = time.process_time()
        first, second = elements(io.BytesIO(data.encode()), r'\{"[ac]"')
        spent = time.process_time() - begun
        assert isinstance(first, Garbled)
        assert first.unfinished
        assert second == {"a": 1}
        return spent

    short, long = (min(taken(quotes) for _try in range(3)) for quotes in (5_000, 40_000))
    assert long < 20 * max(short, 0.002)  # eight times the length; searched anew at each quote it is 64 times
