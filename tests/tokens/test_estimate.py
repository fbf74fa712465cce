"""The estimate for models without a vocabulary: near enough, for any writing, at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gptchat
from gptchat.tokens import vocabulary
from gptchat.tokens.estimate import Parts, estimate, together

ENGLISH = (
    "The harbour was quiet when we came down the hill. Two boats lay at the quay, and a man was mending a net "
    "under the lamp, though it was hardly four o'clock. He looked up, nodded, and went on with his work. We asked "
    "him about the ferry; he said that it had stopped for the winter, and that the next one would leave in March. "
)
CHINESE = (
    "傍晚我们走下山坡的时候，港口很安静。码头上停着两条船，一位老人正在路灯下补渔网，其实还不到四点钟。"
    "他抬起头来，朝我们点了点头，又继续干活。我们向他打听渡船，他说冬天已经停航了，下一班要等到三月才开。"
)


@pytest.mark.parametrize(
    ("text", "within"),
    [(ENGLISH * 4, 0.15), (CHINESE * 4, 0.15), ((ENGLISH + CHINESE) * 3, 0.12)],
    ids=["english", "chinese", "both"],
)
def test_prose(text: str, within: float) -> None:
    """English and Chinese prose is estimated within some percent of what o200k_base counts."""
    vocabulary.load("o200k_base")
    assert estimate(text).total == pytest.approx(vocabulary.count(text, "o200k_base"), rel=within)


def test_code() -> None:
    """Program text is estimated within some percent of what o200k_base counts."""
    vocabulary.load("o200k_base")
    source = "".join(
        path.read_text(encoding="utf-8") for path in sorted(Path(gptchat.__file__).parent.rglob("core/*.py"))
    )
    assert estimate(source).total == pytest.approx(vocabulary.count(source, "o200k_base"), rel=0.15)


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text has an estimate, of no more tokens than twice its bytes, and only the empty one has none."""
    parts = estimate(text)
    assert all(kind >= 0 for kind in parts)
    assert (parts.total == 0) == (text == "")
    assert parts.total <= 2 * len(text.encode("utf-8")) + 1


@given(st.text(st.characters(codec=None), min_size=1))
def test_lone_surrogates(text: str) -> None:
    """Text that is no valid Unicode is estimated too."""
    assert estimate(text + "\ud800").total > 0


def test_longer_is_more() -> None:
    """A text followed by another is never estimated at fewer tokens."""
    assert estimate(ENGLISH * 2).total > estimate(ENGLISH).total > estimate(ENGLISH[:100]).total


def test_together() -> None:
    """Counts add up kind by kind."""
    assert together([Parts(1, 2, 3), Parts(10, 20, 30)]) == Parts(11, 22, 33)
    assert together([]) == Parts(0, 0, 0)
