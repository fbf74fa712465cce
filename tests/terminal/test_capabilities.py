"""What is concluded about a terminal from its stream and environment, and the lines of facts around a reply."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from gptchat.terminal.markdown import MarkdownStream, warm_up
from gptchat.terminal.output.capabilities import Depth, Terminal, prepare_console, size
from gptchat.terminal.output.status import count_words, duration, facts, thought
from gptchat.terminal.output.theme import LOOKS, choose
from gptchat.words import money


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "dumb"}, "none"),
    ],
)
def test_colours_follow_the_environment(environ: dict[str, str], depth: Depth) -> None:
    """TERM, COLORTERM and NO_COLOR decide how many colours are used."""
    assert Terminal.detect(Tty(), environ).depth == depth


def test_a_file_is_no_terminal() -> None:
    """A stream that is no terminal gets no colour, no cursor movement and no hyperlink."""
    terminal = Terminal.detect(io.StringIO(), {"TERM": "xterm-256color"})
    assert terminal == Terminal(
        is_tty=False, depth="none", dumb=True, hyperlinks=False, reflows=False, synchronised=False
    )
    assert size(io.StringIO()) == (80, 24)


def test_hyperlinks_are_used_where_they_are_known_to_work() -> None:
    """Hyperlinks are written for terminals known to have them, and not inside of multiplexers."""
    assert Terminal.detect(Tty(), {"TERM": "xterm-kitty"}).hyperlinks
    assert Terminal.detect(Tty(), {"TERM": "xterm-256color", "VTE_VERSION": "7200"}).hyperlinks
    assert not Terminal.detect(Tty(), {"TERM": "xterm-256color"}).hyperlinks
    assert not Terminal.detect(Tty(), {"TERM": "screen", "TMUX": "x", "WT_SESSION": "y"}).hyperlinks


def test_the_automatic_theme_follows_the_background() -> None:
    """`auto` is light or dark where the terminal tells its background, and fits both where it does not."""
    assert choose("auto", {"COLORFGBG": "0;15"}).name == "light"
    assert choose("auto", {"COLORFGBG": "15;default;0"}).name == "dark"
    assert choose("auto", {}).name == "auto"
    assert choose("mono", {"COLORFGBG": "0;15"}).name == "mono"
    with pytest.raises(KeyError):
        choose("pink", {})


@pytest.mark.parametrize(
    ("name", "backgrounds"),
    [("dark", ["#000000", "#1e1e2e", "#282c34", "#002b36"]), ("light", ["#ffffff", "#f6f8fa", "#fdf6e3"])],
)
def test_every_colour_can_be_read(name: str, backgrounds: list[str]) -> None:
    """Each look of a theme stands out from the usual backgrounds as WCAG 2 asks of text: 4.5 to 1."""

    def luminance(colour: Sequence[int]) -> float:
        parts = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    theme = choose(name, {})
    for look in LOOKS:
        if (colour := theme[look].color) is not None and colour.triplet is not None:
            for background in backgrounds:
                below = (int(background[1:3], 16), int(background[3:5], 16), int(background[5:], 16))
                low, high = sorted((luminance(colour.triplet), luminance(below)))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (look, background)


def test_the_line_of_facts_tells_what_is_known() -> None:
    """After a reply one line tells tokens, speed, cost and time, leaving out what is not known."""
    assert (
        facts(tokens=812, generating=18.0, cost=0.0012, seconds=3.1) == "812 tokens · 45 tok/s · $0.0012 · 3.1 s"
    )
    assert facts(seconds=65.0) == "1 min 5 s"
    assert facts(tokens=1, estimated=True, notes=("cut off\nby length",)) == "≈1 token · cut off by length"
    assert facts() == ""


def test_small_numbers_for_people() -> None:
    """Costs keep digits that say something, durations their unit, words are counted in any script."""
    assert [money(value) for value in (0.0, 0.00001, 0.0123, 2.5)] == ["$0.00", "$0.000010", "$0.0123", "$2.50"]
    assert [duration(value) for value in (0.01, 0.84, 12.3, 130)] == ["<0.1 s", "0.8 s", "12 s", "2 min 10 s"]
    assert count_words("two words 和三个字") == 6
    assert thought(3.4, 120) == "thought for 3 s · 120 words"


def test_what_other_platforms_need_does_no_harm() -> None:
    """Preparing a console is safe everywhere, and warming up leaves the numbering of code blocks alone."""
    prepare_console()
    warm_up(choose("dark", {}))
    assert MarkdownStream(choose("dark", {})).code_blocks == 0
