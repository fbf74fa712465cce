"""Markdown as people see it: headings, lists, tables, quotes, links, code and East Asian text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from gptchat.config.schema import UiSettings
from gptchat.grammar.code import Highlighter
from gptchat.terminal.markdown import Encoder, render_lines
from gptchat.terminal.markdown.lines import Line, plain, rows_of, width_of, wrap
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.theme import LOOKS, NAMES, Theme

THEME = Theme("dark")


def shown(text: str, width: int = 60, *, hyperlinks: bool = False, ui: UiSettings | None = None) -> list[str]:
    return [plain(line) for line in render_lines(text, width, THEME, hyperlinks=hyperlinks, ui=ui)]


def bold(text: str) -> list[str]:
    """The bold parts of the rendering."""
    return ["".join(part for part, style in line if style.bold) for line in render_lines(text, 60, THEME)]


@pytest.mark.parametrize("theme", [name for name in NAMES if name != "auto"])
def test_headings_differ_at_every_level(theme: str) -> None:
    """Six levels of headings stand at the left edge and look different from each other and from text."""
    lines = render_lines("\n\n".join("#" * level + " Title" for level in range(1, 7)), 60, Theme(theme))
    looks = [line[0][1] for line in lines if line]
    assert [plain(line) for line in lines if line] == ["Title"] * 6
    assert len({*looks, Theme(theme)["text"]}) == 7


def test_lists_nest_and_count() -> None:
    """Bullets, numbers (counted on from the first) and tasks nest under the text of their item."""
    text = "3. three\n3. four\n   - nested\n     - deeper\n\n- [ ] open\n- [x] done\n"
    assert shown(text) == ["3. three", "4. four", "   ◦ nested", "     ▪ deeper", "", "☐ open", "☑ done"]


def test_long_items_hang_under_their_text() -> None:
    """The lines of a folded item begin where its text begins."""
    assert shown("- one two three four", 12) == ["• one two", "  three four"]


def test_quotes_and_call_outs() -> None:
    """Quotes carry a bar for each level; a call-out is headed by its kind."""
    assert shown("> a\n>\n> > b") == ["▎ a", "▎", "▎ ▎ b"]
    assert shown("> [!WARNING]\n> hot") == ["▎ Warning", "▎ hot"]
    assert shown("> [!OTHER]\n> x") == ["▎ [!OTHER]", "▎ x"]


def test_tables_align_and_lose_nothing() -> None:
    """Cells stand under their header as the table asks; a surplus cell is kept with the last."""
    text = "| name | n |\n|:--|--:|\n| a | 1 |\n| bb | 22 | more |\n| c |\n"
    assert shown(text) == [
        "name │         n",
        "─────┼──────────",
        "a    │         1",
        "bb   │ 22 | more",
        "c    │",
    ]


def test_code_in_a_table_keeps_its_bars() -> None:
    """A `|` inside of code parts no cells where the row has more of them than the header."""
    text = "| a | b |\n|---|---|\n| `x || y` | z |\n| ``a`|b`` | `p\\|q` |\n| ` | ` |\n| s | t | u |\n"
    assert shown(text)[2:] == ["x || y │ z", "a`|b   │ p|q", "`      │ `", "s      │ t | u"]


def test_tabs_in_text_are_blanks() -> None:
    """A tab in a paragraph, a heading or a cell takes the columns that it was measured with."""
    assert shown("name\tage\nx\t\ty") == ["name    age", "x       y"]
    assert shown("# ab\tc $x\ty$") == ["ab  c x y"]
    assert shown("| a\tb | c |\n|---|---|\n| d | e |")[0] == "a   b │ c"


def test_no_line_begins_with_the_blank_after_a_break() -> None:
    """What follows `<br>` begins where every other line begins, in a cell too."""
    assert shown("a<br> b<br>\nc") == ["a", "b", "c"]
    assert shown("| a | b |\n|---|---|\n| x | 1<br> 2 |")[2:] == ["x │ 1", "  │ 2"]


@pytest.mark.parametrize("width", [20, 30, 45, 79])
def test_a_table_keeps_every_word_at_any_width(width: int) -> None:
    """Cells are folded and not cut: each word of a table is on the screen whatever its width."""
    words = [f"word{n}" for n in range(40)]
    rows = "\n".join("| " + " | ".join(words[at : at + 4]) + " | " for at in range(0, 40, 4))
    text = "| alpha | beta | gamma | delta |\n|---|---|---|---|\n" + rows
    lines = shown(text, width)
    assert all(cell_len(line) <= width for line in lines)
    joined = "".join("".join(lines).split())
    assert all(word in joined or f"{word[:3]}" in joined for word in words)
    assert {word for line in lines for word in line.replace(":", " ").split()} >= set(words)


def test_a_table_too_wide_for_the_window_becomes_a_list() -> None:
    """Where columns would have no room, each cell stands on a line with its header before it."""
    text = "| name | a | b | c | d |\n|-|-|-|-|-|\n| Anna | 1 | 2 | 3 | 4 |\n| Bert | 5 | 6 | 7 | 8 |\n"
    lines = shown(text, 14)
    assert lines[:6] == ["name: Anna", "a: 1", "b: 2", "c: 3", "d: 4", ""]
    assert lines[6:] == ["name: Bert", "a: 5", "b: 6", "c: 7", "d: 8"]


def test_links_show_where_they_lead() -> None:
    """With hyperlinks a link is its text; without, the address is in sight; a text that lies is shown up."""
    link = "see [the docs](https://example.com/a) now"
    assert shown(link) == ["see the docs (https://example.com/a) now"]
    assert shown(link, hyperlinks=True) == ["see the docs now"]
    assert shown("[x](https://example.com/" + "y" * 60 + ")") == ["x (example.com/…)"]
    lie = "[https://bank.example](https://evil.example/x)"
    assert shown(lie, hyperlinks=True) == ["https://bank.example (evil.example)"]
    assert shown("[click](javascript:alert)") == ["[click](javascript:alert)"]


def test_bare_addresses_are_links_without_their_punctuation() -> None:
    """An address in a sentence is a link; the full stop or the bracket around it is not part of it."""
    for text, url in (
        ("see https://example.com/a_b_c.", "https://example.com/a_b_c"),
        ("(https://example.com/x_(y))", "https://example.com/x_(y)"),
        ("在https://example.com/页，看", "https://example.com/"),
        ("<https://example.com/q?a=b>", "https://example.com/q?a=b"),
    ):
        links = [style.link for line in render_lines(text, 79, THEME) for _, style in line if style.link]
        assert links == [url], text
        assert "".join(shown(text)) == text.strip("<>")


def test_hyperlinks_are_written_for_terminals_that_have_them() -> None:
    """A capable terminal gets the address as an OSC 8 hyperlink, closed again at the end of the line."""
    line = render_lines("[a](https://example.com)", 40, THEME, hyperlinks=True)[0]
    written = Encoder(Terminal(depth="256", hyperlinks=True)).line(line)
    assert written.startswith("\x1b]8;;https://example.com\x1b\\")
    assert written.endswith("\x1b]8;;\x1b\\")
    assert "]8;" not in Encoder(Terminal(depth="256")).line(line)


def test_footnotes_stand_where_they_are_written() -> None:
    """A footnote's mark is raised, and its text follows in its place, address and all."""
    assert shown("Text[^1] and[^note].\n\n[^1]: https://example.com\n[^note]: more") == [
        "Text¹ and[note].",
        "",
        "¹ https://example.com",
        "",
        "[note] more",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这是**“重点”**内容", "“重点”"),
        ("**注意：**正文", "注意："),
        ("前文**（测试）**后文", "（测试）"),
        ("これは**「強調」**です", "「強調」"),
        ("한국어**(강조)**입니다", "(강조)"),
        ("plain **bold**, and", "bold"),
    ],
)
def test_bold_works_beside_full_width_punctuation(text: str, expected: str) -> None:
    """In Chinese, Japanese and Korean bold needs no blanks around it."""
    assert bold(text) == [expected]


def test_marks_that_are_no_emphasis_stay() -> None:
    """Stars and underscores in sums and names are text."""
    for text in ("2 * 3 * 4", "snake_case_name", "a ** b"):
        assert shown(text) == [text]


def test_east_asian_lines_break_where_they_may() -> None:
    """Lines of wide characters fill the width, none begins with a closing mark, and none is lost."""
    text = "事件循环负责调度任务，协程在等待输入输出时让出控制权；这样（一个线程）就能处理“很多”连接。" * 3
    for width in range(8, 40):
        lines = shown(text, width)
        assert "".join(lines) == text
        assert all(cell_len(line) <= width for line in lines)
        assert not any(line[0] in "，；。）" for line in lines)
        assert not any(line.endswith("（") for line in lines)


def test_a_line_end_between_wide_characters_is_no_blank() -> None:
    """Where lines are joined, Chinese is joined without blanks; blanks that were written stay."""
    join = UiSettings(linebreaks="join")
    assert shown("中文\n中文 和 text\nmore", ui=join) == ["中文中文 和 text more"]
    assert shown("中文。\n**粗体**，\n`代码`\n尾", ui=join) == ["中文。粗体，代码尾"]


@pytest.mark.parametrize(
    "text", ["a👩‍👩‍👧‍👦b" * 9, "🇨🇳🇯🇵" * 12, "e\u0301" * 50, "字\ufe0f" * 20, "x" * 90, "한국어 " * 12]
)
def test_wrapping_keeps_characters_whole(text: str) -> None:
    """Folding parts neither emoji nor accents from their letters, and every line fits."""
    for width in (8, 10, 17):  # a family of four may take eight columns
        lines = wrap([(text, THEME["text"])], width)
        assert "".join(plain(line) for line in lines).replace(" ", "") == text.replace(" ", "")
        assert all(width_of(line) <= width for line in lines)
        assert not any(plain(line)[:1] in "\u0301\u200d\ufe0f" for line in lines)


def test_rows_of_a_long_line_are_counted_as_the_terminal_wraps_it() -> None:
    """A wide character does not straddle two rows, so a line of them may take one row more."""
    assert rows_of([("x" * 80, THEME["text"])], 80) == 1
    assert rows_of([("x" * 81, THEME["text"])], 80) == 2
    assert rows_of([("字" * 10, THEME["text"])], 5) == 5
    assert rows_of([], 5) == 1


def test_code_has_a_quiet_heading_and_nothing_else() -> None:
    """A code block is headed by its language and number; its lines are as written, tabs at their stops."""
    assert shown("```python\nif x:\n    y\n\n\tz\n```\n\n~~~\nplain\n~~~") == [
        "╶ python · 1",
        "if x:",
        "    y",
        "",
        "    z",
        "",
        "╶ code · 2",
        "plain",
    ]


def colours(language: str, lines: list[str]) -> list[Line]:
    highlighter = Highlighter(language, THEME)
    return [highlighter.line(line) for line in lines]


@pytest.mark.parametrize(
    ("language", "lines", "inside", "look"),
    [
        ("python", ['x = """one', "two", 'three"""', "y = 1"], 1, "code.string"),
        ("c", ["/* one", "two", "three */", "int y;"], 1, "code.comment"),
        ("javascript", ["let x = `one", "two", "three`;", "let y = 1;"], 1, "code.string"),
        ("html", ["<!-- one", "two", "three -->", "<b>y</b>"], 1, "code.comment"),
        ("go", ["/* one", "two", "three */", "var y int"], 1, "code.comment"),
        ("rust", ["/* one", "two", "three */", "let y = 1;"], 1, "code.comment"),
        ("java", ["/* one", "two", "three */", "int y = 1;"], 1, "code.comment"),
        ("yaml", ["x: |", "  two", "  three", "y: 1"], 1, "code.plain"),
    ],
)
def test_highlighting_keeps_its_state_across_lines(
    language: str, lines: list[str], inside: int, look: str
) -> None:
    """A string or a comment over several lines stays one, and the line after it is code again."""
    found = colours(language, lines)
    assert [plain(line) for line in found] == lines
    assert {style for text, style in found[inside] if text.strip()} == {THEME[look]}
    assert {style for text, style in found[3] if text.strip()} != {THEME[look]}


@pytest.mark.parametrize(
    "language",
    [
        *("python", "json", "yaml", "bash", "console", "ruby", "php", "diff", "nonsense", "html+jinja", ""),
        *("fortranfixed", "mcschema"),  # their lexers drop what is out of its column, and go round in circles
    ],
)
def test_highlighting_never_changes_the_code(language: str) -> None:
    """Whatever the language, the text of each line is what was written."""
    lines = [
        "<!-- %} do",
        "a = '1' # x",
        "",
        '  {"k": [1, 2]}',
        "$ ls -l | wc",
        "<?php echo 'x'; ?>",
        "+ added",
        "«»\u3000",
        "'''",
        "      call sub(x)",
    ]
    assert [plain(line) for line in colours(language, lines)] == lines


def test_an_image_is_named_without_marks() -> None:
    """The text of an image is shown as it reads, without the stars and brackets in it."""
    assert shown("![the *old* `map` [x](http://a.b)](http://e.com/i.png)", hyperlinks=True) == ["▨ the old map x"]


def test_markup_and_entities() -> None:
    """HTML stays visible as it is written, `<br>` breaks the line, entities become their character."""
    assert shown("a<br>b <b>c</b> &lt;&copy;") == ["a", "b <b>c</b> <©"]
    assert shown("<div>\n  <p>x</p>\n</div>") == ["<div>", "  <p>x</p>", "</div>"]


@pytest.mark.parametrize("name", NAMES)
def test_every_look_works_for_both_libraries(name: str) -> None:
    """Each named look of each theme is a style for rich and for prompt_toolkit."""
    from prompt_toolkit.styles import Style

    theme = Theme(name)
    Style.from_dict(theme.prompt_toolkit_rules())
    assert all(theme[look] is not None for look in LOOKS)
    if name == "mono":
        assert not any(theme[look].color for look in LOOKS)


def test_no_depth_of_nesting_loses_text() -> None:
    """Quotes and lists nested beyond all sense still show their text."""
    assert "deep" in "".join(shown(">" * 3000 + " deep"))
    text = "".join("  " * level + f"- x{level}\n" for level in range(60))
    joined = "".join(shown(text))
    assert all(f"x{level}" in joined for level in range(60))


def test_prose_stays_readable_in_a_wide_window() -> None:
    """In a window of 200 columns text takes 100, also in lists and quotes; tables and code take what they need."""
    words = "word " * 60
    row = "| " + " | ".join(["a long cell of a wide table"] * 6) + " |\n"
    text = f"{words}\n\n- {words}\n\n> {words}\n\n{row}|---|---|---|---|---|---|\n{row}\n```\n{'x' * 150}\n```\n"
    for most, wide in ((100, 200), (0, 200), (100, 60)):
        lines = [plain(line) for line in render_lines(text, wide, THEME, ui=UiSettings(width=most))]
        prose = [len(line) for line in lines if "word" in line]
        assert max(prose) <= min(most or wide, wide)
        assert max(prose) > min(most or wide, wide) - 6
        assert max(len(line) for line in lines if "table" in line) > min(140, wide - 20)
        assert "x" * 150 in lines
