"""What Tab offers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from gptchat.commands.effects import Effects
from gptchat.commands.registry import Argument, Call, Command, Registry, call
from gptchat.terminal.completing.place import Candidate, quoted
from gptchat.terminal.input import fuzzy
from gptchat.terminal.input.completion import ChatCompleter


async def run(_call: Call) -> Effects:
    """Never called here."""
    return
    yield


SET = Command(
    "set", "model", "Change a setting", run, (Argument("key", "setting"), Argument("value", "value", rest=True))
)
REGISTRY = Registry(
    [
        Command("new", "sessions", "Begin", run, (Argument("title", "text", rest=True),), aliases=("clear",)),
        Command("sessions", "sessions", "List the sessions", run),
        Command("resume", "sessions", "Open a saved session", run, (Argument("ref", "session", rest=True),)),
        Command("user", "users", "Change the user", run, (Argument("name", "user"),)),
        Command("export", "sessions", "Save to a file", run, (
            Argument("format", "format", choices=("markdown", "json")), Argument("file", "file"),
        ), flags={"--all": "All sessions"}),
        Command("help", "about", "Explain", run, (Argument("command", "command"),)),
        SET,
    ]
)  # fmt: skip


class Known:
    """What is known, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """Candidates of a kind."""
        self.asked.append((kind, text, dict(call.values)))
        return {
            "session": [
                Candidate("20261120-083015-4f2a", "Trip to Kyoto", "2 days ago"),
                Candidate("b", "Rust async"),
            ],
            "user": [Candidate("alice"), Candidate("李 雷"), Candidate('the "boss"')],
            "setting": [Candidate("temperature"), Candidate("top_p")],
            "value": [Candidate("0.2"), Candidate("0.7")],
        }.get(kind, [])


def offered(line: str, known: Known | None = None) -> list[tuple[str, str]]:
    """What each completion shows, and the line it would make."""
    completer = ChatCompleter(REGISTRY, known or Known())
    document = Document(line)

    async def collect() -> list[tuple[str, str]]:
        return [
            (one.display_text, line[: len(line) + one.start_position] + one.text)
            async for one in completer.get_completions_async(document, CompleteEvent())
        ]

    return asyncio.run(collect())


def test_a_slash_lists_every_command() -> None:
    """A slash alone shows all commands in their reading order."""
    assert [shown for shown, _line in offered("/")] == [f"/{command.name}" for command in REGISTRY.commands]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("/ses", "/sessions"),
        ("/rsm", "/resume "),
        ("／res", "／resume "),
        ("/cl", "/clear "),
        ("/resume kyo", "/resume 20261120-083015-4f2a"),
        ("/resume rust as", "/resume b"),
        ("/user al", "/user alice"),
        ("/user 李", '/user "李 雷"'),
        ("/user boss", '/user "the \\"boss\\""'),
        ("/user \"al", '/user "alice"'),
        ("/export js", "/export json"),
        ("/export --", "/export --all"),
        ("/export --all js", "/export --all json"),
        ("/help ses", "/help sessions"),
        ("/set temp", "/set temperature"),
        ("/set temperature 0.7", "/set temperature 0.7"),
    ],
)  # fmt: skip
def test_the_best_is_first(typed: str, first: str) -> None:
    """A few letters of a command or an argument are enough, and what is inserted can be run."""
    assert offered(typed)[0][1] == first


def test_a_value_is_completed_for_its_setting() -> None:
    """The source learns which setting the value is for."""
    known = Known()
    offered("/set temperature 0", known)
    assert known.asked == [("value", "0", {"key": "temperature"})]


@pytest.mark.parametrize(
    "line", ["hello", "hello /se", "/usr/bin/x", "/sessions x", "first\n/se", "mail@home", "//se"]
)
def test_nothing_is_offered_in_a_message(line: str) -> None:
    """Words for the model, paths and comments are left alone."""
    assert offered(line) == []
    assert not ChatCompleter(REGISTRY, Known()).applies(Document("hello"))


@given(st.text(alphabet="ab \"'\\你", min_size=1, max_size=12).filter(lambda text: text == text.strip()))
def test_a_completed_argument_is_read_back(name: str) -> None:
    """Whatever a name consists of, completing it gives a line that means exactly that name."""
    assert call(REGISTRY.commands[3], quoted(name, "")).get("name") == name


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are completed after `@` and for commands: folders first, hidden ones on a dot, blanks quoted."""
    for name in ("readme.md", "with blank.txt", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "may.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert [line for _shown, line in offered("see @re")] == ["see @reports/", "see @readme.md"]
    assert [line for _shown, line in offered("see @reports/")] == ["see @reports/may.txt"]
    assert [line for _shown, line in offered("看，@re")] == ["看，@reports/", "看，@readme.md"]
    assert [line for _shown, line in offered("see @wi")] == ['see @"with blank.txt"']
    assert [line for _shown, line in offered('see @"with b')] == ['see @"with blank.txt"']
    assert [line for _shown, line in offered("@.")] == ["@.hidden"]
    whole = f"/export json {tmp_path}{os.sep}reports/"
    assert [line for _shown, line in offered(whole[:-5])] == [whole]
    assert offered("@nothing/here/") == []


@given(st.text(alphabet="abc -", max_size=10), st.lists(st.text(alphabet="abcABC -_", max_size=14), max_size=12))
def test_what_is_offered_has_the_typed_letters(query: str, names: list[str]) -> None:
    """Everything offered has the letters typed, in order, word by word; beginnings come first."""
    found = fuzzy.best(query, names, str, limit=100)
    for name in names:
        fits = all(_in_order(word, name.lower()) for word in query.lower().split())
        assert (name in found) == fits
    beginnings = [name.lower().startswith(query.lower()) for name in found]
    if query and " " not in query:
        assert beginnings == sorted(beginnings, reverse=True)


def _in_order(word: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in word)


def test_what_is_offered_is_made_safe() -> None:
    """Titles and notes from outside are cleaned before they are drawn."""

    class Dirty:
        def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
            return [Candidate("x", "ti\x9btle", "no\x07te")]

    completer = ChatCompleter(REGISTRY, Dirty(), clean=lambda text: "".join(filter(str.isprintable, text)))
    (found,) = completer.at_once(Document("/resume "))
    assert (found.display_text, found.display_meta_text) == ("title", "note")


@given(
    st.lists(st.text(alphabet="abcAB -_", max_size=10), max_size=10),
    st.lists(st.sampled_from("abc \x7f"), max_size=8),
)
def test_searching_key_by_key_finds_the_same(names: list[str], keys: list[str]) -> None:
    """Whatever was typed and deleted on the way, what is offered is what these letters alone would offer."""
    ranking, typed = fuzzy.Ranking(names, str), ""
    for key in keys:
        typed = typed[:-1] if key == "\x7f" else typed + key
        assert ranking.best(typed) == fuzzy.best(typed, names, str)
