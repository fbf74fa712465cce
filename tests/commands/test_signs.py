"""What a line means by its first sign, half-width or full-width, in every script, and by where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.attachments.mentions import find_mentions
from gptchat.commands.program import registry
from gptchat.commands.registry import Call, Said, Shell, Unknown
from gptchat.core.origin import ORIGINS, Sourced, whole
from gptchat.core.typed.lines import half_width
from gptchat.errors import UsageError

WIDE = {"!": "！", "@": "＠", "/": "／", "?": "？", "0": "０", "1": "１", "#": "＃"}
MESSAGES = ["/usr/bin/x is missing", "/etc/hosts", "、你好", "/这样好吗？", "/ 或者", "！！！太好了", "!!!"]
known = registry()


@pytest.mark.parametrize(
    "line",
    [
        "!git --version", "/help", "/help undo", "/?", "//help", "/", "exit", "quit", "//", "// a comment", "///",
        "/usr/bin/x is missing", "/undoo", "!", "!!", "![a](b)", "/history 3", "@notes", "#docs", "/ a", "0", "1",
        "/a.b", "/-", "/1", "a /help", "//我", "/delete --forever 3",
    ],
)  # fmt: skip
def test_full_width_signs_mean_what_half_width_ones_do(line: str) -> None:
    """A line whose signs an input method typed full-width is read as the same line with those of ASCII."""
    start = len(line) - len(line.lstrip("!@/?"))
    wide = "".join(WIDE.get(sign, sign) for sign in line[:start]) + line[start:]
    plain, same = known.parse(line), known.parse(wide)
    if isinstance(plain, Said) and plain.text == line:
        assert same == Said(wide)  # a message stays as it was typed
    else:
        assert same == plain


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("/帮助", ["help"]),
        ("／帮助", ["help"]),
        ("/退出", ["exit"]),
        ("/历史", ["history"]),
        ("/ｈｅｌｐｐ", ["help"]),
        ("/справка", []),
        ("/मदद", []),
        ("/ช่วยด้วย", []),
        ("/도움말", []),
        ("/aide", None),
        ("/我觉得", []),
    ],
)
def test_a_slash_and_an_unknown_word_are_an_unknown_command(line: str, nearest: list[str] | None) -> None:
    """In any script such a line is never sent to the model; a command that reads so in Chinese is named."""
    parsed = known.parse(line)
    assert isinstance(parsed, Unknown)
    assert parsed.name == half_width(line[1:])
    assert nearest is None or list(parsed.nearest)[:1] == nearest


@pytest.mark.parametrize(
    "line", ["/usr/bin/x is missing", "/etc/hosts", "、你好", "/这样好吗？", "/ 或者", "！！！太好了", "!!!"]
)
def test_paths_and_sentences_are_messages(line: str) -> None:
    """A path, a sentence with a slash before it, and marks of exclamation go to the model as they were typed."""
    assert known.parse(line) == Said(line)


def test_the_key_of_the_slash_in_a_chinese_input_method() -> None:
    """`、` begins a command that there is."""
    parsed = known.parse("、help")
    assert isinstance(parsed, Call)
    assert parsed.command.name == "help"


def test_a_bare_word_leaves_in_chinese_too() -> None:
    """`退出` leaves as `exit` does, alone on its line."""
    for line in ("退出", "exit", "ｅｘｉｔ", " 退出 "):
        parsed = known.parse(line)
        assert isinstance(parsed, Call)
        assert parsed.command.name == "exit"
    assert known.parse("退出程序怎么写") == Said("退出程序怎么写")


def test_blanks_dashes_and_quotes_of_an_input_method() -> None:
    """Flags, choices, names and numbers are read the same with full-width blanks, dashes, quotes and digits."""
    for line in ("/delete --forever 3", "/delete　——forever　3", "／delete －－forever 3", "/delete 3 ——forever"):
        parsed = known.parse(line)
        assert isinstance(parsed, Call)
        assert parsed.flags == {"--forever"}
        assert parsed.get("ref") == "3"
    for line in ('/user "张 三"', "/user “张 三”"):
        parsed = known.parse(line)
        assert isinstance(parsed, Call)
        assert parsed.get("name") == "张 三"
    parsed = known.parse("/history ３")
    assert isinstance(parsed, Call)
    assert parsed.number("n") == 3


def test_mentions_of_both_widths(tmp_path: Path) -> None:
    """`＠` attaches a file as `@` does, with quotation marks of both kinds."""
    for name in ("笔记.txt", "我的 笔记.txt"):
        (tmp_path / name).write_text("x")
    for text, reference in (
        ("看＠笔记.txt", "笔记.txt"),
        ("看 @笔记.txt，谢谢", "笔记.txt"),
        ("看＠“我的 笔记.txt”", "我的 笔记.txt"),
        ('看＠"我的 笔记.txt"', "我的 笔记.txt"),
    ):
        assert [found.reference for found in find_mentions(text, tmp_path)] == [reference]
    assert find_mentions("a＠b.example 某人＠某处", tmp_path) == []


@given(
    st.sampled_from(["!date", "！date", "/exit", "／exit", "退出", "/帮助", "／／help", "＠x"]),
    st.sampled_from([origin for origin in ORIGINS if origin not in ("typed", "completed")]),
)
def test_only_what_was_typed_acts(line: str, origin: str) -> None:
    """A sign of either width that came from elsewhere never acts without a question."""
    try:
        meaning = known.read(whole(line, origin))  # type: ignore[arg-type]
    except UsageError:
        return
    assert meaning.asked or isinstance(meaning.parsed, Said | Unknown)


def test_what_is_sent_of_a_doubled_slash() -> None:
    """`//help` and `／／help` send `/help`, and the parts that were pasted keep their origin."""
    for line in ("//help me", "／／help me", " ／/help me "):
        meaning = known.read(Sourced(line))
        assert meaning.said == Sourced("/help me")
    pasted = whole("me", "pasted")
    meaning = known.read(Sourced("／／help ").replaced(7, 7, pasted))
    assert meaning.said.text == "/help me"
    assert meaning.said.within(6, 8) == ["pasted"]


def test_a_shell_command_is_handed_on_as_typed() -> None:
    """Only the sign is read; what follows it is the shell's."""
    assert known.parse("！echo ｙ　“x”") == Shell("echo ｙ　“x”")
