"""Templates: what is a variable is filled, and nothing else of the text changes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.origin import Sourced
from gptchat.core.typed.template import Template, assigned, fill, fill_sourced, names

EFFORT = int(os.environ.get("GPTCHAT_TEST_TEMPLATES", "100"))
VALUES = {"language": "French", "text": "hello", "a": "WRONG", "b": "WRONG", "x": "WRONG"}

LITERAL = (
    '{"a": 1}', "{{", "}}", "{{a}}", "{{ a }}", "{{{a}}}", "{ a }", "{}", "{a", "a}", "{a:>3}", "{a.b}", "{a, b}",
    "{0}", "{a-b}", "${a}", "\\{a}", "\\frac{a}{b}", "\\sqrt[3]{x}", "\\begin{x}", "f({'a': x})", "{a: x}",
    "{\n  a\n}", "#{", "{%a%}", "{#a#}",
)  # fmt: skip


@pytest.mark.parametrize("text", LITERAL)
def test_other_braces_stay(text: str) -> None:
    """Braces of JSON, code, mathematics and of other templates are sent as they were written."""
    assert fill(text, VALUES) == text
    assert names(text) == ()


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("To {language}: {text}", "To French: hello"),
        ("翻译成{language}。", "翻译成French。"),
        ('{"to": {language}}', '{"to": French}'),
        ("{language}{text}", "Frenchhello"),
        ("```\n{text}\n```", "```\nhello\n```"),
        ("`{text}` and `{unknown}`", "`hello` and `{unknown}`"),
        ("{unknown}", "{unknown}"),
    ],
)
def test_variables_are_filled(text: str, filled: str) -> None:
    """A name in single braces is filled wherever it stands; one without a value stays."""
    assert fill(text, VALUES) == filled


def test_an_unknown_name_in_code_is_code() -> None:
    """Code in backticks or a fence asks for nothing, and what fills itself leaves a block of code alone."""
    text = "In {language}:\n```js\nf(() => {return})\nlet d = `{date}`\n```\nsee `{item}`, of {date}"
    assert names(text) == ("language", "date")
    filled = fill(text, VALUES, {"date": "2026-11-27"})
    assert "{return}" in filled
    assert "`{date}`" in filled
    assert filled.endswith("of 2026-11-27")


@settings(max_examples=EFFORT)
@given(st.text(alphabet="{}ab`\\$\n \"'x", max_size=40), st.text(alphabet="{}ab", max_size=8))
def test_a_value_is_never_read_as_a_template(text: str, value: str) -> None:
    """Whatever is filled in stands in the result as it is, and everything else of the text stays in its order."""
    marked = fill(text, {"a": "\0", "b": "\0"})
    assert fill(text, {"a": value, "b": value}) == marked.replace("\0", value)
    kept = marked.split("\0")
    at = 0
    for piece in kept:
        at = text.index(piece, at) + len(piece)
    assert names(fill(text, {})) == names(text)


def test_values_keep_their_origin() -> None:
    """Of a filled template only what a person typed can act; the template's own text is text."""
    filled = fill_sourced("See @a.md: {args} !", "command", {"args": Sourced("@b.md")})
    assert filled.text == "See @a.md: @b.md !"
    assert filled.at(filled.text.index("@a")) == "command"
    assert filled.at(filled.text.index("@b")) == "typed"
    assert filled.at(len(filled.text) - 1) == "command"


def test_what_stands_for_the_message_is_not_missing() -> None:
    """A template asks for names that nothing fills: not for the date, nor for the message to be answered."""
    template = Template("{text} {input} {date} {tone} {language}", {"language": "x"}, {"date": "d"})
    assert template.missing == ["tone"]
    assert template.filled("hi") == "hi hi d {tone} x"
    assert template.shown == "{text} {input} d {tone} x"


def test_words_of_names_and_values_are_read() -> None:
    """`NAME=VALUE` words come first, quoted or not; what follows them is the rest."""
    text = 'tone="very kind" language=French x=1 rest'
    spans, end = assigned(text, ("tone", "language"))
    assert {name: text[start:stop] for name, (start, stop) in spans.items()} == {
        "tone": "very kind",
        "language": "French",
    }
    assert text[end:] == "x=1 rest"
