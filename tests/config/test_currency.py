"""Money in the person's own currency."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat import words
from gptchat.words import money, price
from tests.support.program import command, compose_program, running


@pytest.fixture(autouse=True)
def dollars() -> Iterator[None]:
    """Whatever a test sets, the next one sees US$."""
    yield
    words.show_money_in(words.in_dollars)


def test_amounts_in_another_currency() -> None:
    """With a rate every amount is shown in the currency; without one in US$, rather than wrong."""
    words.show_money_in(lambda: ("CNY", 7.1))
    assert [money(value) for value in (0, 0.00421, 2)] == ["¥0.00", "¥0.0299", "¥14.20"]
    assert price(1.32) == "¥9.372"
    words.show_money_in(lambda: ("chf", 0.8))
    assert money(10) == "CHF 8.00"
    words.show_money_in(lambda: ("CNY", 0.0))
    assert money(2) == "$2.00"


def test_prices_and_usage_follow_the_setting(tmp_path: Path) -> None:
    """`ui.currency` with its rate holds at once for /model; the rate is asked for where it is missing."""
    program = compose_program(tmp_path, 'provider = "deepseek"\nmodel = "deepseek-v4-pro"\n')
    with running(program) as loop:
        before = loop.run(command(program, "/model"))
        asked = loop.run(command(program, "/set ui.currency CNY"))
        still = loop.run(command(program, "/model"))
        loop.run(command(program, "/set ui.currency_rate 6.8"))
        after = loop.run(command(program, "/model"))
    assert "$1.32 in, $3.96 out" in before
    assert "$0.66 in, $1.98 out" in before
    assert "/set ui.currency_rate" in asked
    assert "$1.32 in" in still
    assert "¥8.976 in, ¥26.928 out" in after
