"""Maths in replies: readable Unicode where there is any, the source otherwise, and prices left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.grammar.maths import to_unicode
from gptchat.terminal.markdown import render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.theme import Theme


def shown(text: str) -> str:
    return "\n".join(plain(line) for line in render_lines(text, 70, Theme("dark")))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\alpha^2 + \beta_{10}", "α² + β₁₀"),
        (r"\frac{a+b}{2}", "(a+b)/2"),
        (r"\frac{1}{n}", "1/n"),
        (r"\sqrt{x^2+1}", "√(x²+1)"),
        (r"\sqrt[3]{8}", "∛8"),
        (r"\sum_{i=1}^{n} i = \frac{n(n+1)}{2}", "∑ᵢ₌₁ⁿ i = n(n+1)/2"),
        (r"e^{i\pi} = -1", "e^(iπ) = −1"),
        (r"\int_0^\infty e^{-x}\,dx", "∫₀^∞ e⁻ˣ dx"),
        (r"\lim_{x \to 0} \frac{\sin x}{x}", "lim_(x→0) (sin x)/x"),
        (r"A \subseteq \mathbb{R}^n", "A ⊆ ℝⁿ"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "(1 2; 3 4)"),
        (r"\text{if } x \neq 0", "if x ≠ 0"),
        (r"\left( \frac{a}{b} \right)", "( a/b )"),
        (r"f'(x)", "f′(x)"),
        (r"90^\circ", "90°"),
        (r"\vec{v}", "v\u20d7"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a = b\nc = d"),
    ],
)
def test_common_formulas_read_as_unicode(source: str, expected: str) -> None:
    """Greek, scripts, fractions, roots, sums and matrices become signs a terminal can show."""
    assert to_unicode(source) == expected


@pytest.mark.parametrize(
    "source", [r"\unknown{x}", r"\frac{a}", "{x", "x}", r"\begin{tikzpicture}\end{tikzpicture}"]
)
def test_what_cannot_be_read_stays_as_it_is(source: str) -> None:
    """A formula with an unknown command is shown as its source, marks and all."""
    assert to_unicode(source) is None
    assert shown(f"$${source}$$") == f"$${source}$$"


@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 and $6",
        "from $5-$6 a piece",
        "$5",
        "US$20 or $30.",
        "$1,000 to $2,000",
        "a $HOME and $PATH b",
        "export PATH=$HOME/bin:$PATH",
        '"$HOME" and "$PATH"',
        "${A}:${B}",
        "5$/month or 6$/year",
        "$10/hour for 5 hours is 50$",
        "大约$200元。变量x和$y",
        "卖$3个，买$a",
        "$ x $",
    ],
)
def test_prices_and_variables_are_text(text: str) -> None:
    """A dollar sign before an amount or a name opens no formula."""
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the answer is $42$", "the answer is 42"),
        ("the $k$th of $n$-many, $k$NN", "the kth of n-many, kNN"),
        ("the $ij$th entry, all $xy$s", "the ijth entry, all xys"),
        (r"a 3$\times$3 matrix, $\sim$5", "a 3×3 matrix, ∼5"),
        ("大约$200元。变量$x$的值为$5$", "大约$200元。变量x的值为5"),
    ],
)
def test_numbers_and_letters_between_dollars_are_formulas(text: str, expected: str) -> None:
    """A number, a letter or a sign alone between dollars is maths, right beside a price too."""
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["so $x^2$ is", r"so \(x^2\) is", "so $$x^2$$ is", r"so \[x^2\] is"])
def test_all_four_marks_open_formulas_in_a_line(text: str) -> None:
    """Dollars, doubled dollars, brackets and parentheses with backslashes mark maths in a sentence."""
    assert shown(text) == "so x² is"


@pytest.mark.parametrize(
    "text", ["$$\nx^2\n$$", "\\[\nx^2\n\\]", "$$x^2$$", "Text\n$$\nx^2\n$$", "1. a\n\n   $$\n   x^2\n   $$"]
)
def test_formulas_on_their_own_lines_are_set_apart(text: str) -> None:
    """A displayed formula stands indented on a line of its own, in lists and after text too."""
    assert shown(text).endswith("  x²")


def test_underscores_and_stars_in_formulas_are_no_emphasis() -> None:
    """The subscripts and stars of a formula are not taken for Markdown."""
    assert shown(r"\(a_b*c*d\)") == "a_b*c*d"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="\\{}^_&$ab12 \n()[]frac sqrt,", max_size=60))
def test_any_source_is_read_or_refused(source: str) -> None:
    """No formula, however broken, stops the rendering."""
    assert to_unicode(source) is None or isinstance(to_unicode(source), str)
    render_lines(f"$${source}$$ and ${source}$", 40, Theme("dark"))
