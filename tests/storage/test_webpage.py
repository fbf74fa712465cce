"""The HTML page of a session: rendered as on the screen, complete in itself, and harmless."""

from __future__ import annotations

import random
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.session import Session
from gptchat.exchange.exporting import render
from gptchat.exchange.html_blocks import html_of
from tests.terminal.documents import document

VOID = {"meta", "br", "hr", "input"}
WORDS = """html head title style body h1 h2 h3 h4 h5 h6 article header time details summary p pre code figure
figcaption span strong em s a ul ol li blockquote div table thead tbody tr th td"""
TAGS = VOID | set(WORDS.split())
ATTRIBUTES = {"class", "dir", "value", "type", "disabled", "checked", "href", "rel", "charset", "name", "content",
              "http-equiv"}  # fmt: skip
STARTED = "2026-11-20T08:30:15Z"
HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT src=//e.com/x.js></SCRIPT>",
    "a <img src=x onerror=alert(1)> b",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,x) <javascript:alert(1)>",
    '[x](https://e.com/"onclick="alert(1) "t\'t") ![p](https://e.com/p.png\'onerror=alert(1))',
    "[![p](https://e.com/p.png)](https://e.com/a) [a [b](https://e.com/b) c](https://e.com/c)",
    '```"><script>\n</code></pre><b>\n```',
    "$</span><script>$ and \\[ </p><script> \\]",
    "| <td onclick=x> | b |\n|---|---|\n| </table><script> | c |",
    "[^<b>]\n\n[^<b>]: <i>",
    "**unclosed ~~marks *of `every <b kind",
    "</article></body></html>",
    "\x1b]2;title\x07 \u202eevil\u202c \x00 \ud800",
    "&lt;script&gt; &#60;script&#62; &quot;",
]


class _Page(HTMLParser):
    """Reads a page strictly: known tags and attributes only, each tag closed in its order, safe links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _value in attrs} <= ATTRIBUTES
        values = dict(attrs)
        if "href" in values:
            assert tag == "a"
            assert "a" not in self.open
            assert str(values["href"]).startswith(("http://", "https://", "mailto:"))
            assert "noopener" in str(values["rel"])
            self.links.append(str(values["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data


def read(page: str) -> _Page:
    parsed = _Page()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


def session_of(reply: str, question: str = "q", **more: object) -> Session:
    session = Session("20261120-083015-4f2a", "alice")
    session.apply(
        {
            "type": "session", "id": session.id, "user": "alice", "ts": STARTED, "title": question,
            "settings": {},
        }
    )  # fmt: skip
    session.apply(
        {
            "type": "message",
            "id": "m1",
            "parent": None,
            "role": "user",
            "content": question,
            "ts": STARTED,
        }
    )
    session.apply(
        {
            "type": "message", "id": "m2", "parent": "m1", "role": "assistant", "content": reply, "model": "gpt-6",
            "ts": "2026-11-20T08:31:15Z", "status": "complete", **more,
        }
    )  # fmt: skip
    return session


def page_of(reply: str, question: str = "q", **more: object) -> str:
    return "".join(render([session_of(reply, question, **more)], "html"))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.sampled_from(HOSTILE), st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_a_page_runs_nothing(reply: str, question: str) -> None:
    """Whatever was said, the page has no script, picture, handler or unsafe link, and what a person wrote."""
    page = read(page_of(reply, question, reasoning=reply))
    for word in question.split():
        if word.isprintable():
            assert word in page.words


@pytest.mark.parametrize("seed", range(60))
def test_a_page_of_any_markdown_is_well_formed(seed: int) -> None:
    """However lists, quotes, tables and code are nested or damaged, every tag is closed in its order."""
    text = document(random.Random(seed))
    page = page_of(text)
    read(page)
    assert page == page_of(text)


def test_markdown_is_rendered() -> None:
    """Every block of a reply has its element: headings, lists with numbers, tasks, tables, callouts, code."""
    html = "".join(
        html_of(
            "# Title\n\nsome **bold** $x^2$[^1] at https://e.com/a.\n\n3. three\n4. four\n   - [x] done\n\n"
            "| a | b |\n|---|--:|\n| 1 | 2 |\n\n> [!NOTE]\n> mind\n\n```make\nall:\n\tcc 'x'\n```\n\n"
            "![p](https://e.com/p.png)\n\n$$\\frac{a}{b}$$\n\n[^1]: the note\n"
        )
    )
    for expected in (
        '<h3 dir="auto">Title</h3>',
        '<strong>bold</strong> <span class="maths">x²</span><span class="mark">¹</span>',
        '<a href="https://e.com/a" rel="noopener noreferrer">https://e.com/a</a>.',
        '<li value="3" dir="auto"><p dir="auto">three</p>',
        '<input type="checkbox" disabled checked> <p dir="auto">done</p>',
        '<td class="right" dir="auto">2</td>',
        '<blockquote class="callout note" dir="auto">\n<p class="title">Note</p>\n<p dir="auto">mind</p>',
        '<pre><code class="language-make">',
        "\n\tcc ",
        '<a href="https://e.com/p.png" rel="noopener noreferrer">▨ p</a>',
        '<p class="maths block">a/b</p>',
        '<span class="mark">¹</span> the note',
    ):
        assert expected in html
    assert "<img" not in html


def test_a_page_tells_who_spoke_and_when() -> None:
    """Title, people, model and time stand at the head; each message has its speaker; reasoning is folded."""
    html = page_of("A *reply*", "What **now**?", reasoning="Let me <think>", status="interrupted")
    assert '<p class="about" dir="auto">alice · gpt-6 · 2026-11-20 08:30 UTC</p>' in html
    assert '<h2 dir="auto">gpt-6</h2><time>2026-11-20 08:31 UTC</time>' in html
    assert '<p class="plain" dir="auto">What **now**?</p>' in html
    assert "<details>\n<summary>reasoning</summary>\n" in html
    assert "Let me &lt;think&gt;" in html
    assert '<p class="stopped">■ stopped</p>' in html
    assert "prefers-color-scheme: dark" in html
    assert "default-src 'none'" in html


@pytest.mark.parametrize(
    "part", ["a*b _c_ [x](y) `", "```py\nx = 'a'\n", "<div>", "[a](", "> ", "| a ", "\u202e\x00"]
)
def test_a_long_reply_is_written_in_time_that_grows_with_it(part: str) -> None:
    """A long reply of nothing but marks takes time in proportion to its length, not to the square of it."""

    def seconds(length: int) -> float:
        begun = time.process_time()
        read("".join(html_of(part * (length // len(part)))))
        return time.process_time() - begun

    seconds(1_000)  # what is loaded at first use
    assert seconds(160_000) < 10 * max(seconds(40_000), 0.02)  # four times in proportion, sixteen by the square
