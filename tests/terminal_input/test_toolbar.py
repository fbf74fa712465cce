"""The line below the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.utils import get_cwidth

from gptchat.terminal.output.layout import styled
from gptchat.terminal.output.theme import NAMES, Theme
from gptchat.terminal.output.toolbar import Status, count, toolbar
from gptchat.values import replace
from gptchat.words import money

FULL = Status(
    user="alice",
    title="Trip to Kyoto",
    provider="openai",
    model="gpt-6.1-terra",
    tokens=15360,
    window=128000,
    cost=0.0123,
    left_out=4,
)


def text(status: Status, width: int, plain: bool = False) -> str:
    """The toolbar's text."""
    return fragment_list_to_text(toolbar(status, width, plain=plain))


def test_everything_where_there_is_room() -> None:
    """A wide window shows user, title, provider and model, the bar and percentage, cost, and what is left out."""
    line = "alice · Trip to Kyoto · openai/gpt-6.1-terra · █░░░░░░░ 12% 15k/128k · $0.0123 · 4 messages left out"
    assert text(FULL, 140) == line
    plain = line.replace("·", "|").replace("█", "#").replace("░", "-")
    assert text(FULL, 140, plain=True) == plain


def test_sixty_columns_hold_what_matters() -> None:
    """In 60 columns the model, the percentage and the warning are still there."""
    shown = text(FULL, 60)
    assert get_cwidth(shown) <= 60
    for wanted in ("gpt-6.1-terra", "12%", "4 messages left out"):
        assert wanted in shown


@pytest.mark.parametrize("width", [140, 80, 60, 30, 12, 9])
def test_incognito_is_always_in_sight(width: int) -> None:
    """That nothing is saved is said first, however narrow the window."""
    assert text(replace(FULL, incognito=True), width).startswith("incognito")


names = st.text(alphabet="ab你好 \x1b\n…", max_size=40)


@given(
    st.builds(
        Status,
        user=names,
        title=names,
        provider=names,
        model=names,
        tokens=st.none() | st.integers(0, 3_000_000),
        window=st.none() | st.integers(0, 2_000_000),
        incognito=st.booleans(),
        estimated=st.booleans(),
        cost=st.none() | st.floats(0, 2000),
        left_out=st.integers(0, 5000),
        waiting=st.integers(0, 3),
    ),
    st.integers(1, 160),
)
def test_it_always_fits(status: Status, width: int) -> None:
    """Whatever there is to tell, the toolbar is one line that fits the window."""
    shown = text(status, width)
    assert get_cwidth(shown) <= width
    assert "\n" not in shown


def test_titles_are_made_safe() -> None:
    """A title from outside is cleaned before it is drawn."""
    shown = fragment_list_to_text(
        toolbar(Status(title="a\x1b]0;x\x07b"), 80, clean=lambda dirty: dirty.replace("\x1b]0;x\x07", ""))
    )
    assert shown == "ab"


def test_an_unknown_window_shows_tokens_alone() -> None:
    """Where the window is not known, the tokens are shown, marked when they are an estimate."""
    assert text(Status(model="m", tokens=4100, estimated=True), 80) == "m · ≈4.1k tokens"


def test_the_bar_warns_when_nearly_full() -> None:
    """From four fifths of the window on, the bar has another style."""
    styles = {style for style, *_rest in toolbar(Status(tokens=81, window=100), 80)}
    assert "class:toolbar.bar.high" in styles
    assert "class:toolbar.bar.high" not in {style for style, *_rest in toolbar(Status(tokens=79, window=100), 80)}


def test_trimming_is_announced_before_it_begins() -> None:
    """Where little more fits into what may be sent, words say so, though the window itself has room."""
    shown = text(Status(model="m", tokens=60, window=100, near=True), 80)
    assert shown.endswith("soon the oldest is left out")
    assert "soon" not in text(Status(model="m", tokens=60, window=100, near=True, left_out=2), 80)


def test_numbers_are_written_as_people_say_them() -> None:
    """Tokens and amounts are short and not misleading."""
    assert [count(n) for n in (0, 999, 1000, 9949, 9950, 128_000, 999_499, 999_500, 1_048_576)] == [
        "0", "999", "1.0k", "9.9k", "10k", "128k", "999k", "1M", "1.05M",
    ]  # fmt: skip
    assert [money(d) for d in (0, 0.00421, 1.266, 12)] == ["$0.00", "$0.0042", "$1.27", "$12.00"]


@pytest.mark.parametrize("name", NAMES)
def test_the_completions_stand_on_the_terminals_own_background(name: str) -> None:
    """What a completion means is as readable as a hint: in its colour, on no background but the terminal's."""
    rules = Theme(name).prompt_toolkit_rules()
    style = styled(rules)
    meta = style.get_attrs_for_style_str("class:completion-menu.meta.completion")
    hint = style.get_attrs_for_style_str("class:hint")
    assert (meta.bgcolor, meta.color, meta.dim) == ("", hint.color, hint.dim)
    assert style.get_attrs_for_style_str("class:completion-menu.completion.current").reverse
