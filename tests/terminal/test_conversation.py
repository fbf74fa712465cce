"""A conversation's Markdown: code, paths, sums and addresses in it keep their characters, numbers and lines."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.config.schema import UiSettings
from gptchat.grammar.rules import RULES
from gptchat.terminal.markdown import MarkdownStream, render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.clipboard import code_blocks
from gptchat.terminal.output.theme import Theme

THEME = Theme("dark")
LETTER = UiSettings(markdown="commonmark")


def shown(text: str, ui: UiSettings | None = None, width: int = 70) -> list[str]:
    return [plain(line) for line in render_lines(text, width, THEME, ui=ui)]


def marked(text: str) -> list[str]:
    """The bold or italic parts of the rendering."""
    lines = render_lines(text, 70, THEME)
    return ["".join(part for part, style in line if style.bold or style.italic) for line in lines]


def test_a_line_end_stays_a_line_end() -> None:
    """An address, a poem, a quote, a footnote and a list item keep their lines, and the indents of those."""
    address = ["Address:", "Acme GmbH", "Hauptstraße 5", "10115 Berlin"]
    assert shown("\n".join(address)) == address
    assert shown("So much depends\n  upon\n    a red wheel") == ["So much depends", "  upon", "    a red wheel"]
    assert shown("> one\n> two") == ["▎ one", "▎ two"]
    assert shown("- one\n  two\n- [x] three\n  four") == ["• one", "  two", "☑ three", "  four"]
    assert shown("[^1]: one\n  two") == ["¹ one", "    two"]
    assert shown("> [!TIP]\n> one\n> two") == ["▎ Tip", "▎ one", "▎ two"]
    assert shown("床前明月光，\n疑是地上霜。") == ["床前明月光，", "疑是地上霜。"]
    assert shown("a<br>\nb\\\nc  \nd") == ["a", "b", "c", "d"]


def test_bold_goes_on_over_a_line_end() -> None:
    """Marks that open on one line and close on the next are marks."""
    assert marked("a **bold\nand more** b") == ["bold", "and more"]


def test_lines_can_be_joined() -> None:
    """With `ui.linebreaks = "join"`, and with `ui.markdown = "commonmark"`, the lines of a paragraph flow."""
    for ui in (UiSettings(linebreaks="join"), LETTER, UiSettings(markdown="commonmark", linebreaks="keep")):
        assert shown("one\n  two\nthree", ui) == ["one two three"]
        assert shown("中文\n中文 和\nmore", ui) == ["中文中文 和 more"]
        assert shown("one  \ntwo", ui) == ["one", "two"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ((1, 4, 6), (1, 4, 6)),
        ((3, 2, 1), (3, 2, 1)),
        ((1, 1, 1), (1, 2, 3)),
        ((0, 0, 0), (0, 1, 2)),
        ((5, 5, 5), (5, 6, 7)),
        ((1, 2, 2), (1, 2, 2)),
        ((1, 1, 5, 5), (1, 2, 5, 5)),
        ((2024, 2024), (2024, 2024)),
        ((1986,), (1986,)),
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n", "\n   more\n", "\n\n   ```\n   x\n   ```\n"])
def test_numbers_are_those_written(written: tuple[int, ...], expected: tuple[int, ...], between: str) -> None:
    """The items of a list show the numbers they were given; only numbers that are all alike count up.

    While a reply streams the next item is not known: alike so far counts up, and what differs is shown.
    """
    between = between.replace("\n ", "\n" + " " * (len(str(written[0])) - 1) + " ")
    text = "".join(f"{number}. item{between}" for number in written)
    stream = MarkdownStream(THEME)
    streamed = []
    for line in text.splitlines(keepends=True):
        stream.feed(line)
        streamed += [plain(one) for one in stream.commit(70)]
    streamed += [plain(one) for one in stream.finish(70)]
    for lines in (shown(text), streamed):
        assert tuple(int(line.split(".")[0]) for line in lines if "item" in line) == expected
    first = written[0]
    assert [line.split(".")[0] for line in shown(text, LETTER) if "item" in line] == [
        str(first + index) for index in range(len(written))
    ]


def test_numbers_keep_their_zeros() -> None:
    """`01.` is shown as it was written, and counts up with its zeros."""
    assert shown("08) a\n09) b\n10) c") == ["08) a", "09) b", "10) c"]
    assert shown("01. a\n01. b") == ["01. a", "02. b"]


AS_WRITTEN = [
    "1*2*3*4 = 24",
    "a*b*c and 2**10 and 3**4, x**2 + y**2",
    "f(*args, **kwargs)",
    "def f(*args, **kwargs): return g(*args, **kwargs)",
    "**kwargs",
    "{**a, **b} and [*a, *b]",
    "__init__ in __init__.py",
    '__name__ == "__main__"',
    "x.__class__.__name__, __FILE__ and __VA_ARGS__",
    "x_1_y, snake_case_name and _private",
    "for _, _ in x: f(_, _)",
    "'_' and '_', \"*\" and \"*\"",
    "*.py and *.txt",
    "*.py, *.txt and src/*",
    "src/*.py and tests/*.py",
    "**/*.py and **/test/**",
    "*.* or */*, image/*",
    "SELECT * FROM t WHERE a*b > c*d",
    "SELECT a.*, b.* FROM t",
    "COUNT(*), SUM(*)",
    "char *a, *b; int *p = *q",
    "(char *)p, (int *)q",
    "/* one */ and /* two */",
    ".*foo.* and ^.*$ and (.*) and [a-z]*x",
    "(a+b)*(c+d)*(e+f) and n*(n+1)*(n+2)",
    "*/5 * * * *",
    "* * * * * /usr/bin/job",
    "0 9 * * 1-5",
    "Price* and tax* apply",
    "~/foo and ~/bar",
    "~5 minutes ~ 10",
    "$PATH and $HOME",
    "$_[0] = $_[1]",
    r"D:\proj\data\_scratch\out",
    r"C:\*.txt and D:\*",
    r'"C:\Program Files\_x\y" and C:\Program Files (x86)\_y',
    r"\\server\share\_x",
    r"\\server\_x",
    r".\_build and ..\_x and %APPDATA%\_x",
    r"data\sub\_x\#y",
    r"路径是D:\项目\_x",
    r"\d+\.\w* and \w+@\w+\.com and (\d{3})\-\d",
    r"\textbf{a}\_b and \frac{1}{2}\%",
    r"use \n and \t",
    "<<<<<<< HEAD\nfoo = 1\n=======\nfoo = 2\n>>>>>>> feature",
    "<<<<<<< HEAD\nfoo = 1\n||||||| base\nfoo\n=======\nfoo = 2\n>>>>>>> feature",
    ">>> print(1)\n1\n>>> 2**10\n1024",
    "Title\n=====\ntext",
    "Name  Age\n----  ---\nBob     5",
    "+ added\n+1 for that",
    "[note]: see above",
    "[1]: https://example.com/a_b\n[2]: https://example.org",
    "2024. was a year\n2025. is another",
    "1) a\n2) b",
    "List<String> x; Map<K, V> y; <T> and <thinking>",
    "#hashtag and #1",
    "5 stars: ***** and password: ****",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_what_is_no_mark_stays_as_written(text: str) -> None:
    """Sums, names, globs, queries, comments, paths, patterns, prompts and conflicts keep every character."""
    expected = text.replace("\n+1", "\n  +1").split("\n")  # the line after an item belongs to it
    assert shown(text) == expected


@pytest.mark.parametrize("text", AS_WRITTEN)
@pytest.mark.parametrize("frame", ["{}", "> {}", "- {}", "see {} there", "({})", "“{}”", "这里是 {} 吗"])
def test_it_stays_so_wherever_it_stands(text: str, frame: str) -> None:
    """The same text in a quote, an item, a sentence, brackets or Chinese keeps its marks."""
    if "\n" in text or (frame != "{}" and re.match(r"[-+#>\[<]|\d+[.)] |\* ", text)):
        return  # this one is about the beginning of a line
    drawn = " ".join(shown(frame.format(text)))
    assert "".join(text.split()) in "".join(drawn.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这是**重点**内容", "重点"),
        ("a**重点**b 和*斜体*字", "重点斜体"),
        ("**bold** and *it*, (*a*) \"*b*\" '*c*'", "bolditabc"),
        ('**`code`**: **(a)**, *"q"*.', '(a)"q"'),
        ("**.NET**, **/help** and **src/**", ".NET/helpsrc/"),
        ("***both***, _x_, __two words__", "bothxtwo words"),
        ("**W**orld **H**ealth and **file**s", "WHfile"),
        ("*either* / *or* – **one**—**two**", "eitheroronetwo"),
        ("**Note:** x **C:\\_x** y **C:\\dir\\**", "Note:C:\\_xC:\\dir\\"),
        ("end.**Bold**, [**x**](https://e.com)", "Boldx"),
        ("2 * 3 *is* 6", "is"),
    ],
)
def test_marks_are_still_marks(text: str, expected: str) -> None:
    """What a writer meant as bold or italic is that, beside signs, quotes, code and Chinese too."""
    assert "".join(marked(text)).replace("code", "") == expected
    assert "*" not in "".join(shown(text.replace(" * ", " ")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"5 \* 3", "5 * 3"),
        (r"snake\_case\_name", "snake_case_name"),
        (r"\*not bold\*, \# no heading, 50\%, \[x]\: I\'m\!", "*not bold*, # no heading, 50%, [x]: I'm!"),
        (r"\\n and \\d+\\.", r"\n and \d+\."),
        (r"其中\(\alpha\)是角", "其中α是角"),
        (r"C:\x and snake\_case", r"C:\x and snake_case"),
    ],
)
def test_an_escape_that_was_meant_is_one(text: str, expected: str) -> None:
    """A backslash before a sign hides that sign's meaning, and is not shown itself."""
    assert shown(text) == [expected]


@given(
    st.lists(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True), min_size=2, max_size=6),
    st.sampled_from(["*", "**"]),
)
def test_no_product_loses_its_stars(words: list[str], star: str) -> None:
    """Whatever stands on both sides, a star between letters or digits is shown."""
    assert shown(star.join(words)) == [star.join(words)]


@given(
    st.sampled_from(["C:\\", "d:\\", "\\\\host\\", ".\\", "..\\"]),
    st.lists(st.from_regex(r"[_#*!({\[.~$&+-]?[a-z0-9]{1,6}", fullmatch=True), min_size=1, max_size=5),
)
def test_no_path_loses_a_backslash(root: str, parts: list[str]) -> None:
    """Whatever its folders begin with, a Windows path is shown as it was written."""
    path = root + "\\".join(parts)
    assert shown(f"in {path} it is") == [f"in {path} it is"]


def test_conflicts_in_a_list_keep_their_marks_apart() -> None:
    """The marks of a conflict belong to no item or paragraph between them, even where lines are joined."""
    lines = ["<<<<<<< HEAD", "• a", "||||||| base", "b: 1", "=======", "• c", ">>>>>>> x", "end"]
    for ui in (None, UiSettings(linebreaks="join")):
        assert shown("\n".join(lines).replace("•", "-"), ui) == lines
    assert shown("> >>> 1\n> 1\n>\n> >>> 2") == ["▎ >>> 1", "▎ 1", "▎", "▎ >>> 2"]


def test_lists_of_added_lines_show_their_sign() -> None:
    """`+` at the beginning of a line is seen, since it may be a sum or a line that was added."""
    assert shown("- old\n+ new\n+ newer") == ["• old", "+ new", "+ newer"]
    assert shown("+ new", LETTER) == ["• new"]


def test_a_rule_below_a_paragraph_is_a_rule() -> None:
    """`---` directly below a text parts it from what follows, and makes no heading of it."""
    lines = render_lines("The end\n---\nMore", 30, THEME)
    assert [plain(line) for line in lines if line] == ["The end", "─" * 30, "More"]
    assert lines[0][0][1] == THEME["text"] or not lines[0][0][1].bold
    assert [line for line in shown("Title\n---\nMore", LETTER) if line] == ["Title", "More"]


def test_a_definition_is_seen_and_counts() -> None:
    """The source behind `[1]:` is on the screen, and a later `[1]` leads to it."""
    lines = render_lines("[1]: https://example.com/x\n\nas in [1]", 70, THEME, hyperlinks=True)
    assert [plain(line) for line in lines] == ["[1]: https://example.com/x", "", "as in 1"]
    assert {style.link for line in lines for _, style in line if style.link} == {"https://example.com/x"}
    assert shown("[1]: https://example.com/x\n\nas in [1]", LETTER) == ["as in 1 (https://example.com/x)"]


DOCUMENT = """Here it is:

```markdown
# Title

```js
let x = 1
```

- item
  ```sh
  ls
  ```

```md
inner
```py
y
```
```

end
```

after **all**
"""


def test_a_document_in_a_fence_ends_where_it_is_meant() -> None:
    """A fence with a language in a Markdown fence opens one, so the block is shown, copied and saved whole."""
    body = DOCUMENT.split("```markdown\n")[1].split("```\n\nafter")[0]
    assert [(block.language, block.text) for block in code_blocks(DOCUMENT)] == [("markdown", body)]
    whole = shown(DOCUMENT)
    assert whole[-3:] == ["end", "", "after all"]
    for size in (1, 7, 1000):
        stream = MarkdownStream(THEME)
        lines = []
        for at in range(0, len(DOCUMENT), size):
            stream.feed(DOCUMENT[at : at + size])
            lines += stream.commit(70)
            stream.tail(70)
        assert [plain(line) for line in lines + stream.finish(70)] == whole
    assert len(code_blocks(DOCUMENT, LETTER)) > 1


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```markdown\n```\nx\n```\ny", ["", "y\n"]),  # a bare fence ends the block
        ("````md\n```js\nx\n````\n", ["```js\nx\n"]),  # a shorter fence could not end it
        ("~~~md\n```js\nx\n~~~\n", ["```js\nx\n"]),
        ("```text\n```js\nx\n```\n", ["```js\nx\n"]),  # only documents have fences inside
        ("> ```md\n> ```js\n> x\n> ```\n> y\n> ```\n", ["```js\nx\n```\ny\n"]),
        ("```{.markdown}\n    ```js\n    x\n    ```\n```\n", ["    ```js\n    x\n    ```\n"]),
    ],
)
def test_only_what_is_meant_is_inside(text: str, blocks: list[str]) -> None:
    """Fences without a language, shorter or of another kind, or in code, are read as everywhere."""
    assert [block.text for block in code_blocks(text)] == blocks


SHOWS: dict[str, tuple[str, str | list[str]]] = {
    "line ends": ("a\nb", ["a", "b"]),
    "written numbers": ("1. a\n4. b", ["1. a", "4. b"]),
    "plus signs": ("+ a", "+ a"),
    "stars in words": ("1*2*3", "1*2*3"),
    "stars at signs": ("f(*) g(*)", "f(*) g(*)"),
    "identifiers": ("__x__", "__x__"),
    "east asian marks": ("是**“点”**容", "是“点”容"),
    "backslashes": (r"C:\x\_y", r"C:\x\_y"),
    "no underlines": ("a\n==", ["a", "=="]),
    "dashes in columns": ("a\n\n--  -", ["a", "", "--  -"]),
    "prompts": (">>> x", ">>> x"),
    "conflict marks": ("- a\n=======\n- b", ["• a", "=======", "• b"]),
    "schedules": ("* * * * * x", "* * * * * x"),
    "definitions": ("[a]: https://e.com", "[a]: https://e.com"),
    "fences in fences": ("```md\n```c\n```\nx\n```", ["╶ md · 1", "```c", "```", "x"]),
}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_holds_and_can_be_turned_off(name: str) -> None:
    """Each departure from CommonMark changes what is shown, and `ui.markdown = "commonmark"` undoes it."""
    text, expected = SHOWS[name]
    assert shown(text) == ([expected] if isinstance(expected, str) else expected)
    assert shown(text, LETTER) != shown(text)
    assert RULES[name]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a sum of 2**10", "a sum of 2**10"),
        ("a ** b", "a ** b"),
        ("f(**kwargs) is", "f(**kwargs) is"),
        ("see **bold te", "see bold te"),
    ],
)
def test_a_line_that_is_being_written_shows_what_it_will(source: str, expected: str) -> None:
    """Before its end a line shows the stars that it will show when it is complete, and no others."""
    stream = MarkdownStream(THEME)
    stream.feed(source)
    assert [plain(line) for line in stream.commit(60) + stream.tail(60)] == [expected]


@pytest.mark.parametrize(
    "mark",
    ["\\_", "C:\\", "*/", "a*", "__x__ ", "**/x ", "[a]: http://b.c\n", "```md\n```js\n", "- -- ", "\\(a\\x"],
)
def test_many_doubtful_marks_take_time_in_proportion(mark: str) -> None:
    """A reply of thousands of doubtful marks takes a few times as long as one of a few times fewer."""
    few, many = _seconds(mark * 2000), _seconds(mark * 8000)
    assert many < 12 * few + 0.1


def _seconds(text: str) -> float:
    began = time.process_time()
    render_lines(text, 80, THEME)
    return time.process_time() - began
