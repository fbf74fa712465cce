"""Untrusted text: nothing that a terminal obeys, or a reader cannot see, gets through any door."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.safe import clean, clean_line, safe_url
from gptchat.terminal.markdown import Encoder, render_lines
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.reply import RawPainter, ReplyPainter
from gptchat.terminal.output.theme import Theme

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
"""C0, DEL and C1: all 65."""
ATTACKS = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]2;owned\x1b\\",
    "C1 OSC": "\x9d0;owned\x9c",
    "C1 CSI": "\x9b2J",
    "device control string": '\x1bP$q"p\x1b\\',
    "application command": "\x1b_Gf=100;AAAA\x1b\\",
    "privacy message": "\x1b^x\x1b\\",
    "clear": "\x1b[2J\x1b[H",
    "alternate screen": "\x1b[?1049h",
    "report": "\x1b[6n\x1b[c",
    "hyperlink": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "backspace": "safe\x08\x08\x08\x08evil",
    "carriage return": "safe\revil",
    "override": "a\u202etxt.exe",
    "isolate": "a\u2066b\u2069",
    "mark": "a\u200fb\u061cc",
    "tags": "hi\U000e0069\U000e0067\U000e006e",
    "zero width": "pass\u200bword\u2060\ufeff",
    "variation": "a\U000e0101\U000e0102",
    "filler": "a\u3164b\u115f",
    "surrogate": "a\ud800b",
    "entity": "a&#x202e;b&#8203;c&#x1b;[2J&#13;&#xe0041;",
    "separators": "a\u2028b\u2029c",
    "noncharacter": "\ufdd0",
}
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufdd0"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
OURS = re.compile(
    r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;;(?:https?|mailto):[!-~]*\x1b\\|\x1b\]8;;\x1b\\|\r\n|\r(?=\x1b\[)"
)
"""The sequences the painter itself writes."""
OBEYED = re.compile(r"\x1b\[(?![\d;]*m|[\d]*[ABCK]|\?(?:25|7|2026)[hl])")
"""A sequence that is not for colours, moves in the live region, erasing, cursor, wrapping, synchronising."""

DOORS = {
    "text": "{}",
    "emphasis": "**{}**",
    "code": "`{}`",
    "fence": "```\n{}\n```",
    "language": "```{}\ncode\n```",
    "heading": "# {}",
    "cell": "| a | b |\n|---|---|\n| {} | y |",
    "header": "| {} | b |\n|---|---|\n| x | y |",
    "item": "- {}",
    "task": "- [ ] {}",
    "quote": "> {}",
    "call-out": "> [!NOTE]\n> {}",
    "link text": "[{}](https://example.com)",
    "link address": "[x](https://example.com/{})",
    "link title": '[x](https://example.com "{}")',
    "autolink": "<https://example.com/{}>",
    "bare address": "https://example.com/{}",
    "image": "![{}](https://example.com/a.png)",
    "html": "<div>\n{}\n</div>",
    "inline html": "a <b title='{}'>b</b>",
    "maths": "$$\n{}\n$$",
    "inline maths": "$x {} y$",
    "maths text": "$\\text{{{}}}$",
    "footnote": "[^1]: {}",
    "footnote name": "a[^{}]",
    "definition": "[r]: https://example.com/{}\n\n[r]",
    "indented code": "    {}",
}


def outside_of_our_own(written: str) -> str:
    """What is left of the output without the sequences that the program itself uses."""
    return OURS.sub("", written)


@pytest.mark.parametrize("char", CONTROLS, ids=[f"{ord(char):02x}" for char in CONTROLS])
def test_no_control_character_passes(char: str) -> None:
    """Of the 65 control characters only tab and newline pass; each other one is shown as a visible sign."""
    shown = clean(f"a{char}b")
    if char in "\t\n":
        assert shown == f"a{char}b"
    else:
        assert char not in shown
        assert shown[0] == "a"
        assert shown[-1] == "b"
        assert len(shown) > 2
        assert shown.isprintable()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_shown_and_not_obeyed(attack: str) -> None:
    """The known escape attacks come out as text in which no unsafe character is left."""
    assert not FORBIDDEN.search(clean(ATTACKS[attack]))
    assert not FORBIDDEN.search(clean_line(ATTACKS[attack]))
    assert "\n" not in clean_line(ATTACKS[attack] + "\nmore")


@pytest.mark.parametrize("hyperlinks", [True, False])
@pytest.mark.parametrize("door", DOORS)
def test_no_door_of_markdown_lets_anything_through(door: str, hyperlinks: bool) -> None:
    """In every place of a reply, each control character and each attack reaches the terminal as a visible sign."""
    encoder = Encoder(Terminal(depth="256", hyperlinks=hyperlinks))
    for payload in [*CONTROLS, *ATTACKS.values()]:
        text = DOORS[door].format(payload)
        for line in render_lines(text, 60, Theme("dark"), hyperlinks=hyperlinks):
            left = outside_of_our_own(encoder.line(line))
            assert not FORBIDDEN.search(left), (payload, left)
            assert "\n" not in left


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_painter_lets_nothing_through(attack: str) -> None:
    """Streamed by characters, as reply, reasoning, note, activity, status or draft, no attack is obeyed."""
    written: list[str] = []
    now = 0.0
    painter = Painter(
        written.append,
        size=lambda: (80, 24),
        theme=Theme("dark"),
        terminal=Terminal(depth="256"),
        clock=lambda: now,
        reasoning="full",
    )
    payload = ATTACKS[attack]
    painter.set_activity(payload)
    painter.set_footer([[("> ", "prompt"), (payload, "text")]], (0, 2))
    for char in "thought " + payload + " so\n":
        painter.feed_reasoning(char)
        now += 0.2
        painter.frame()
    painter.note(payload)
    for char in f"# {payload}\n\n{payload}\n\n```{payload}\n{payload}\n```\n":
        painter.feed(char)
        now += 0.2
        painter.frame()
    painter.finish(payload)
    output = "".join(written)
    assert not FORBIDDEN.search(outside_of_our_own(output))
    assert not OBEYED.search(output)


@pytest.mark.parametrize("attack", ATTACKS)
def test_raw_replies_are_cleaned_on_a_terminal_alone(attack: str) -> None:
    """`--raw` on a terminal shows attacks harmlessly; into a pipe the reply goes exactly as received."""
    payload = "x" + ATTACKS[attack] + "y"
    shown: list[str] = []
    piped: list[str] = []
    painters: list[ReplyPainter] = [
        RawPainter(shown.append, terminal=Terminal()),
        RawPainter(piped.append, terminal=Terminal(is_tty=False, dumb=True)),
    ]
    for painter in painters:
        for char in payload:
            painter.feed(char)
        painter.finish("status")
    assert not FORBIDDEN.search("".join(shown))
    assert "".join(piped) == payload


INVISIBLE = "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202e\u2066\ufe0f\u180e\u17b4\u2062"
MARKS = "\ue200\ue201\ue202\ue203\ue204"
TRICKY = st.text(alphabet=INVISIBLE + MARKS + "ab_1. \n-é\u05d0\u0645\u1780\u0e01中\u182a👩\ue000", max_size=14)


@settings(max_examples=1000, deadline=None)
@given(
    st.text()
    | TRICKY
    | st.lists(st.sampled_from([*MARKS, "cite", "url", "x", "\ue200cite\ue202a\ue201"])).map("".join)
)
def test_cleaning_is_final(text: str) -> None:
    """Text that was cleaned once is never changed by cleaning it again."""
    assert clean(clean(text)) == clean(text)


@settings(max_examples=500, deadline=None)
@given(TRICKY, st.lists(st.integers(1, 4), max_size=14))
def test_raw_text_is_cleaned_alike_however_it_arrives(text: str, sizes: list[int]) -> None:
    """A raw reply on a terminal looks the same in one piece or in many."""
    shown: list[str] = []
    painter = RawPainter(shown.append, terminal=Terminal())
    left = text
    for size in sizes:
        painter.feed(left[:size])
        left = left[size:]
    painter.feed(left)
    painter.finish()
    assert "".join(shown).rstrip("\n") == clean(text).rstrip("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ភាសា\u200bខ្មែរ", "ភាសាខ្មែរ"),
        ("ภาษา\u200bไทย \u200bดี", "ภาษาไทย ดี"),
        ("ພາສາ\u200bລາວ", "ພາສາລາວ"),
        ("မြန်မာ\u200bစာ", "မြန်မာစာ"),
        ("中文\u200b字", "中文字"),
        ("שלום!\u200f (C++)\u200e.", "שלום! (C++)."),
        ("مرحبا\u200f\u061c، 5", "مرحبا، 5"),
        ("Donau\u00addampf\u00adschiff", "Donaudampfschiff"),
        ("10\u2060–\u206012", "10–12"),
        ("\ufeffText", "Text"),
        ("one\n\ufefftwo", "one\ntwo"),
        ("ᠮᠣᠩ\u180bᠭᠣᠯ", "ᠮᠣᠩ\u180bᠭᠣᠯ"),
        ("پاسخ\u200cها\u200f.", "پاسخ\u200cها."),
    ],
)
def test_layout_of_scripts_is_not_shown(text: str, expected: str) -> None:
    """Invisible characters that a script uses between words and for direction leave no sign behind."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pay\u200bpal",
        "example\u200f.com",
        "user\u2060name",
        "a\ufeffb",
        "is_admin\u200b = 1",
        "a\u200db",
        "x\u200ey",
    ],
)
def test_what_hides_in_names_is_shown(text: str) -> None:
    """An invisible character in an identifier or an address is shown as a sign."""
    assert "⟨U+" in clean(text)


def test_overrides_are_always_shown() -> None:
    """Direction overrides, embeddings and isolates are shown in every script: they can turn text around."""
    for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)):
        for before, after in (("a", "b"), ("ש", "ל"), ("م", "ر"), ("ខ", "ម"), (" ", "\n")):
            assert f"⟨U+{code:04X}⟩" in clean(before + chr(code) + after)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("True.\ue200cite\ue202turn0search3\ue201 More", "True. More"),
        ("a \ue203cited words\ue204\ue200cite\ue202turn0search3\ue202turn1view0\ue201.", "a cited words."),
        ('See \ue200entity\ue202["people","Ada \\u001bL"]\ue201.', "See Ada \\u001bL."),
        ("See \ue200url\ue202the page\ue202https://x.example\ue201.", "See the page."),
        ("cut off \ue200cite\ue202turn0", "cut off "),
        ("icons \ue000 \ue0b0 \ue200 \ue201 \uf303", "icons \ue000 \ue0b0 \ue200 \ue201 \uf303"),
    ],
)
def test_citation_marks_are_not_shown(text: str, expected: str) -> None:
    """ChatGPT's private-use citation marks leave only their words; other private-use characters are left alone."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦",
        "❤️",
        "1️⃣",
        "👍🏽",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇨🇳",
        "می‌خواهم",
        "क्‍ष",
        "e\u0301",
        "葛\U000e0101",
        "日本語。",
        "naïve",
        "\tTab",
    ],
)
def test_what_people_write_is_left_alone(text: str) -> None:
    """Emoji sequences, flags, Persian, Hindi, accents and ideographs with variants pass unchanged."""
    assert clean(text) == text


def test_line_ends_of_other_systems_become_newlines() -> None:
    """CRLF is a line end; a carriage return alone, which would overwrite the line, is shown."""
    assert clean("a\r\nb\rc") == "a\nb␍c"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("http://localhost:8080/", "http://localhost:8080/"),
        ("mailto:someone@example.com", "mailto:someone@example.com"),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("https://[::1]:8000/x", "https://[::1]:8000/x"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("https:///nowhere", None),
        ("https://exa\u202emple.com", None),
        ("https://example.com/\x1b]8;;", None),
        ("ssh://host", None),
        ("relative/path", None),
        ("https://[bad", None),
    ],
)
def test_links_lead_to_the_web_or_a_mailbox(url: str, expected: str | None) -> None:
    """Only http, https and mailto are links; their address is told to the terminal in plain ASCII."""
    assert safe_url(url) == expected
