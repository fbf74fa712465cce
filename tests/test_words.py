"""The words of the interface: every sentence is there in Chinese, and the language asked for is spoken."""

from __future__ import annotations

import ast
import json
import os
import re
import string
import sys
import warnings
from pathlib import Path

import pytest

import translations
from gptchat import words
from gptchat.commands.program import registry
from gptchat.commands.registry import Call
from gptchat.core.width import cells, wrapped
from gptchat.terminal.answers import chosen
from tests.chat.home import Home

RELEASE = os.environ.get("GPTCHAT_TEST_RELEASE") == "true"
"""Whether the catalogue must be complete; else what it lacks is a warning: no contributor needs Chinese."""
HAN = re.compile("[\u4e00-\u9fff]")
SAME = {
    "app_id", "OpenAI", "Markdown", "/set", "/retry", "/rename TITLE", "/set moderation off",
    "[providers.{name}]", "{n} token", "{count} token", "{count} tokens", "→ {advice}", "gptchat: {what}",
}  # fmt: skip
"""What a Chinese developer reads as it is: names, commands, the word token."""
CODE = re.compile(r"```.*?```|`[^`]*`|/[a-z]+( [a-z.]+)*|--?[a-z]+( [a-z]+)?", re.DOTALL)


def _fields(text: str) -> set[str]:
    """The placeholders of a sentence, with their formats: `{seconds:.0f}`."""
    return {f"{name}:{form}" for _text, name, form, _conversion in string.Formatter().parse(text) if name}


def _pairs() -> list[tuple[str, str, str]]:
    """Every translated sentence of the catalogue: English, its plural, Chinese."""
    messages = [message for message in translations.read() if message.id]
    return [
        (translations.source(message), "" if isinstance(message.id, str) else message.id[1], form)
        for message in messages
        for form in translations.forms(message)
        if form
    ]


def _report(problem: str, *, release: bool) -> None:
    """Fail for a `problem` of the catalogue if this is the check of a release; else warn of it."""
    if problem and release:
        pytest.fail(problem)
    if problem:
        warnings.warn(problem, stacklevel=2)


def test_every_sentence_is_translated() -> None:
    """In a release no sentence of the program meets a Chinese reader in English for want of a translation."""
    lacking = translations.missing(translations.updated(translations.read()))
    _report("\n".join(["without a translation:", *lacking]) if lacking else "", release=RELEASE)


def test_the_catalogue_is_up_to_date() -> None:
    """In a release the catalogue holds exactly the program's sentences, as `.dev/translations.py` writes it."""
    current = translations.written(translations.updated(translations.read()))
    stale = current != translations.PO.read_text("utf-8")
    _report("gptchat.po is not up to date: run `python .dev/translations.py`" if stale else "", release=RELEASE)


def test_a_translation_may_be_missing_until_the_release() -> None:
    """What the catalogue lacks is a warning for a contributor, and a failure of the check before a release."""
    with pytest.warns(UserWarning, match="lacks"):
        _report("lacks a sentence", release=False)
    with pytest.raises(pytest.fail.Exception, match="lacks"):
        _report("lacks a sentence", release=True)
    _report("", release=True)


def test_translations_have_the_same_placeholders() -> None:
    """A translation fills in the same values, in the same form, as the English sentence."""
    wrong = [(text, form) for text, plural, form in _pairs() if _fields(form) != _fields(plural or text)]
    assert wrong == []


def test_plurals_are_whole() -> None:
    """Chinese has one form for every number, and each sentence that counts has it."""
    counted = [message for message in translations.read() if isinstance(message.id, tuple)]
    assert counted
    assert all(len(translations.forms(message)) == 1 for message in counted)


def test_no_english_is_left_over() -> None:
    """A translation is Chinese: only names, commands, code and placeholders stay in Latin letters."""
    left = []
    for text, _plural, form in _pairs():
        bare = re.sub(r"\{[^}]*\}", "", form)
        if not HAN.search(bare) and re.search("[A-Za-z]", bare) and text not in SAME:
            left.append(form)
        if re.search(r"\b[a-z]{2,} [a-z]{2,}\b", CODE.sub("", form)):
            left.append(form)
    assert left == []


def test_chinese_punctuation_is_full_width() -> None:
    """Beside a Chinese character stand Chinese punctuation marks, and a blank parts it from Latin words."""
    half = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]")
    tight = re.compile(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")
    wrong = [form for _text, _plural, form in _pairs() if half.search(form) or tight.search(form)]
    assert wrong == []


def test_sentences_can_be_looked_up() -> None:
    """What is translated is a whole sentence of the source, never one put together while the program runs."""
    shown_from_data = {
        "command.summary",
        "command.about",
        "command.brief",
        "meaning",
        "note",
        "about",
        "self.sentence",
    }
    wrong = [
        f"{call.place}:{call.line}"
        for call in translations.marked()
        for text, argument in zip(call.texts, call.arguments, strict=True)
        if text is None and ast.unparse(argument) not in shown_from_data
    ]
    assert wrong == []


def test_the_words_of_commands_are_translated(chinese: None) -> None:
    """Every command explains itself in Chinese: its line, its flags and the notes of its examples."""
    lacking = set(translations.missing(translations.updated(translations.read())))
    for command in registry().commands:
        notes = [note for _example, note in command.examples if note and note not in SAME]
        for text in {command.summary, *command.flags.values(), *notes} - lacking:
            assert HAN.search(words._(text)), text


def test_the_systems_reasons_are_told_in_chinese(chinese: None, tmp_path: Path) -> None:
    """Why a file cannot be opened is told in the language in use; a rare reason as the system words it."""
    with pytest.raises(OSError, match="directory") as caught:
        tmp_path.open("rb")
    assert words.reason(caught.value) == "它是目录"
    assert words.reason(OSError(56, "Invalid request code")) == "Invalid request code"


@pytest.fixture
def chinese() -> object:
    """The program speaks Chinese for one test."""
    before = words.language()
    words.choose("zh")
    yield
    words.choose(before)


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(environ: dict[str, str], language: str) -> None:
    """The variables of the locale are read in gettext's own order; a language we lack is answered in English."""
    assert words.detect(environ) == language


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home folder whose settings name the offline demo."""
    home = Home(tmp_path)
    home.configure('provider = "demo"\n')
    return home


def test_the_command_line_speaks_chinese(home: Home) -> None:
    """With --lang zh, or a Chinese locale, help, commands and errors are in Chinese."""
    told = home.ask("--lang", "zh", "--help")
    assert told.stdout.startswith("用法： gptchat")
    assert "显示本帮助并退出" in told.stdout
    assert "列出你的会话，最新的在前" in home.ask("--lang=zh", "/help").stdout
    refused = home.ask("--frobnicate", environment={"LANG": "zh_CN.UTF-8"})
    assert refused.stderr.splitlines() == ["gptchat：未知选项 --frobnicate", "提示：gptchat --help 列出全部选项"]
    assert home.ask("-u", environment={"LANG": "zh_CN.UTF-8"}).stderr.startswith("gptchat：-u/--user 需要一个值")
    assert "选择模型" in home.ask("/help", "model", environment={"LC_ALL": "zh_CN.UTF-8"}).stdout


def test_an_unknown_language_is_refused(home: Home) -> None:
    """A language that is not there is named as such, with those that are."""
    refused = home.ask("--lang", "fr", "/status")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (2, "gptchat: --lang takes one of en, zh")
    refused = home.ask("--lang", "fr", "/status", environment={"LANG": "zh_CN.UTF-8"})
    assert refused.stderr.startswith("gptchat：--lang 只接受 en、zh 之一\n")


def test_lists_and_headings_have_chinese_marks(home: Home, tmp_path: Path) -> None:
    """Where the program lists names or puts a heading, the marks between and behind are Chinese ones too."""

    def told(*arguments: str) -> str:
        run = home.ask("--lang", "zh", *arguments)
        return run.stdout + run.stderr

    assert "\n选项：\n" in told("--help")
    assert "以下之一：auto、dark、light、mono，而不是" in told("/set", "ui.theme", "x")
    assert "可选：markdown、json、jsonl、messages、training、html、users" in told("/export", "xml", "file")
    assert "/code 只接受 curl、python、node、go、java、csharp、ruby、php 之一" in told("/code", "perl")
    assert "openai、azure、gptplus、demo、" in told("-p", "nowhere", "hello")
    script = tmp_path / "user_messages.json"
    good, bad = '[{"role": "user", "content": "你好"}]', '[{"role": "user", "content": "请问"}, {}]'
    script.write_text(f'{{"张三": {good}, "王五": {bad}}}', encoding="utf-8")
    came = told("/import", str(script))
    assert "属于 张三、王五；" in came
    assert "user_messages.json、王五：第 2 项" in came


def test_what_is_told_in_two_parts_has_chinese_marks(home: Home) -> None:
    """Where one part of a Chinese line follows another (who: what; and why), a full-width mark stands between."""

    def told(*arguments: str) -> str:
        run = home.ask("--lang", "zh", *arguments)
        return run.stdout + run.stderr

    home.ask("hello")
    assert "demo：" in told("/resume", "1")
    run = home.ask("--lang", "zh", "/key", "set", "openai", stdin="密钥sk-1234567890\n")
    assert "密钥的第 1 个字符无效：“密”（U+5BC6）" in run.stderr
    home.configure('[providers.a]\nkind = "compatible"\nbase_url = "http://x.invalid/v1"\nmodel = "m"\n')
    with home.config.open("a", encoding="utf-8") as file:
        file.write('api_key_command = "echo locked >&2; exit 3"\n')
    assert "退出状态 3，locked" in told("-p", "a", "hello")


def test_what_was_not_found_is_quoted(home: Home) -> None:
    """A Chinese word that was sought and not found stands in quotation marks within the sentence."""
    home.ask("hello")
    assert "没有找到“事件”" in home.ask("--lang", "zh", "/search", "事件").stdout
    assert "没有标题含“事件”的会话" in home.ask("--lang", "zh", "/sessions", "事件").stdout
    assert "没有匹配“事件”的会话" in home.ask("--lang", "zh", "/resume", "事件").stderr
    assert "没有名称含“事件”的模型" in home.ask("--lang", "zh", "/models", "事件").stdout
    assert "找不到 没有.txt" in home.ask("--lang", "zh", "-a", "没有.txt", "hello").stderr


def test_roles_are_translated(home: Home) -> None:
    """Messages of no known user or model show their role in the chosen language."""
    talk = [{"role": role, "content": f"by {role}"} for role in ("user", "assistant")]
    (home.folder / "talk.json").write_text(json.dumps(talk))
    home.ask("-u", "ann", "--create-user", "/import", "talk.json")
    for language, name in (("zh", "助手"), ("en", "assistant")):
        shown = home.ask("-u", "ann", "--lang", language, "-c", "/history").stdout
        assert re.search(rf"{name} +by assistant", shown)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_language_changes_within_the_chat(home: Home) -> None:
    """After /lang zh the chat speaks Chinese at once; the setting is kept for the next start."""
    with home.chat() as screen:
        screen.send("/lang zh\r")
        screen.wait_for("语言：zh")
        screen.send("/nonsense\r")
        screen.wait_for("没有 /nonsense 这个命令")
        screen.send("\x15/status\r")
        screen.wait_for("上下文窗口")
        screen.send("\x12")
        screen.wait_for("反向搜索：")
        screen.send("\x07\x1b3")
        screen.wait_for("重复：3")
        screen.send("\x1b\x15")
        screen.send("/lang en\r")
        screen.wait_for("language: en")
        screen.send("/lang zh\r")
        screen.wait_for(lambda: screen.text.count("语言：zh") == 2)
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
    assert "服务商" in home.ask("/status").stdout
    assert "provider" in home.ask("--lang", "en", "/status").stdout
    assert "provider" in home.ask("-u", "bob", "--create-user", "/status").stdout


def test_chinese_tables_are_aligned(home: Home) -> None:
    """In the Chinese /help every explanation of a family begins in the same column."""
    lines = home.ask("--lang", "zh", "/help").stdout.splitlines()
    columns: set[int] = set()
    for line in [*lines, ""]:
        match = re.match(r"  /.*?\s{2,}(?=[\u4e00-\u9fff])", line)
        if match:
            columns.add(cells(match[0]))
        elif not line:
            assert len(columns) <= 1
            columns.clear()


def test_chinese_lines_break_as_in_print() -> None:
    """A line does not begin with a closing mark nor end with an opening one, and nothing is lost or too wide."""
    text = "老话说：“水为茶之母。”这句话，意思（很简单）是 water 要好；记住：好水，慢火，趁热。"
    for width in range(6, 40):
        lines = wrapped(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(cells(line) <= width for line in lines)
        assert not any(line[0] in "，。；：！？）”" for line in lines)
        assert not any(line[-1] in "（“" for line in lines)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("y", "y"),
        ("Y", "y"),
        ("ｙ", "y"),
        ("yes", "y"),
        ("是", "y"),
        ("否", "n"),
        ("no", "n"),
        ("先编辑", "e"),
        ("x", None),
    ],
)
def test_answers_are_understood_in_both_languages(typed: str, key: str | None) -> None:
    """Yes and no are understood as letters, as words and in Chinese, also from a full-width input method."""
    assert chosen(typed, (("y", "yes"), ("e", "先编辑"), ("n", "no"))) == key


def test_full_width_numbers_are_numbers() -> None:
    """A number from a Chinese input method, as in `/history ２`, is the number it looks like."""
    command = registry().parse("/history ２")
    assert isinstance(command, Call)
    assert command.number("n") == 2
