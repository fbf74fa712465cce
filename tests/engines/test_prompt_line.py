"""The prompt's own line in real terminals: what is shown is what is sent, whatever was typed or deleted."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from gptchat.commands.registry import Argument, Call, Command, Registry
from gptchat.core.safe import marked
from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.completing.place import Candidate
from gptchat.terminal.input.completion import ChatCompleter
from tests.engines.engine import Engine
from tests.engines.engines import NAMES, require
from tests.engines.prompting import MESSAGE, Bench, run
from tests.engines.texts import DOCUMENTS
from tests.engines.xterm_engine import Xterm

UP, DOWN, RIGHT, LEFT, HOME, END = (f"\x1b[{letter}" for letter in "ABCDHF")
ERASE, DELETE = "\x7f", "\x1b[3~"
EDGES = "plan ⚠️ 1️⃣ 👍🏽 ✔️ ❤️‍🔥 हि 한 น้ำ e\u0301 ñ 漢字 ש\u05c1 ✅🚀 ok"
ROWS = 24


def squeezed(text: str) -> str:
    """`text` without blanks and joiners, composed: wraps, widths and ligatures are the terminal's matter."""
    return unicodedata.normalize("NFC", "".join(text.replace("\u200d", "").split()))


class Watched:
    """A prompt, what stood in it after each key, and what it had written by then."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.seen: list[tuple[str, str, tuple[int, int]]] = []

    def type(self, *keys: str) -> None:
        """Press each of `keys`."""
        for key in keys:
            self._bench.type(key)
            self._note()

    def paste(self, text: str) -> None:
        """Paste `text`."""
        self._bench.paste(text)
        self._note()

    @property
    def text(self) -> str:
        """What would be sent."""
        return self._bench.buffer.text

    def _note(self) -> None:
        self.seen.append((self.text, self._bench.written, self._bench.cursor))


def faults(watched: Watched, engine: Engine, columns: int) -> list[str]:
    """Where the screen showed something else than the draft, or the cursor elsewhere."""
    wrong = []
    for text, written, cursor in watched.seen:
        shown = engine.show(written, columns, ROWS)
        expected = squeezed(MESSAGE + marked(text))
        # In vi mode the mode stands below
        if re.sub(r"(INSERT|NORMAL|REPLACE|VISUAL)·?$", "", squeezed("".join(shown.rows))) != expected:
            wrong.append(f"{squeezed(''.join(shown.rows))!r} instead of {expected!r}")
        elif shown.cursor != cursor:
            wrong.append(f"the cursor at {shown.cursor} instead of {cursor} in {text!r}")
    return wrong


def edit(watched: Watched, words: str) -> None:
    """Type, move, delete, insert in the middle, and delete all."""
    watched.type(*words)
    watched.type(*[LEFT] * 7, ERASE, ERASE, DELETE)
    watched.paste("⚠️क्षि👍🏽")
    watched.type("x", HOME, DELETE, RIGHT, RIGHT, ERASE, END)
    while watched.text:
        watched.type(ERASE)


@cache
def edited(words: str, columns: int) -> Watched:
    """A prompt after `edit`."""
    watched: list[Watched] = []

    def use(bench: Bench) -> None:
        watched.append(Watched(bench))
        edit(watched[0], words)

    run(use, columns)
    return watched[0]


NARROW = {"tmux": "👨‍👩‍👧‍👦"}
"""What is not whole anyway: tmux keeps 21 bytes of a character."""


def whole(engine: str, words: str) -> bool:
    """Whether `engine` can show `words` (see `NARROW`)."""
    return engine not in NARROW or not re.search(NARROW[engine], words)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_shown_is_what_is_sent(engines: dict[str, Engine], document: str, name: str) -> None:
    """In every script the prompt shows the draft whole after each key, and the cursor where it is."""
    require(name)
    words = DOCUMENTS[document].items[0]
    if whole(name, words):
        assert not faults(edited(words, 20), engines[name], 20)[:3]


@pytest.mark.parametrize("columns", [80, 41])
@pytest.mark.parametrize("name", NAMES)
def test_scripts_stand_beside_each_other(engines: dict[str, Engine], name: str, columns: int) -> None:
    """Emoji of every kind, vowel signs, jamo and wide characters are edited in one line."""
    require(name)
    assert not faults(edited(EDGES, columns), engines[name], columns)[:3]


@pytest.mark.parametrize("name", NAMES)
def test_words_stand_whole(engines: dict[str, Engine], name: str) -> None:
    """With the cursor behind it, a word has no gap inside, on any terminal."""
    require(name)
    for document in DOCUMENTS.values():
        words = " ".join(document.items)
        if not whole(name, words):
            continue
        written: list[str] = []

        def use(bench: Bench, words: str = words, written: list[str] = written) -> None:
            bench.paste(words)
            bench.type(" ")
            written.append(bench.written)

        run(use, 120)
        shown = unicodedata.normalize("NFC", engines[name].show(written[0], 120, ROWS).text)
        expected = re.split("[\\s\u200b]+", unicodedata.normalize("NFC", words))
        assert [word for word in expected if word not in shown] == []


@pytest.mark.parametrize("name", NAMES)
def test_lines_recall_and_search(engines: dict[str, Engine], name: str) -> None:
    """Several lines, a recalled draft and one that is searched for are shown as they are."""
    require(name)
    lines = "⚠️ हिन्दी one\nន្ទ្រី 👨‍👩‍👧 two\nthree ✔️"
    watched: list[Watched] = []
    written: list[str] = []

    def use(bench: Bench) -> None:
        watched.append(Watched(bench))
        for line in lines.split("\n"):
            watched[0].type(*line, "\n")
        watched[0].type(UP, UP, LEFT, LEFT, ERASE, UP, DELETE, DOWN, DOWN, END, ERASE)
        bench.type("\x03")  # clears the draft, which Up recalls
        watched[0].type(UP, UP, UP, RIGHT, RIGHT, ERASE)
        bench.type("\x03")
        bench.type("\x12")
        bench.type("हि")
        written.append(bench.written)

    run(use, 40)
    assert not faults(watched[0], engines[name], 40)[:3]
    shown = squeezed(engines[name].show(written[0], 40, ROWS).text)
    assert "हिन्दीone" in shown
    assert shown.endswith(squeezed("I-search backward: हि"))


@pytest.mark.parametrize("name", NAMES)
def test_vi_keys(engines: dict[str, Engine], name: str) -> None:
    """In vi mode h, l, x, X, s, r and the words go by whole characters, and what is shown is what is sent."""
    require(name)
    watched: list[Watched] = []
    between: list[bool] = []

    def use(bench: Bench) -> None:
        watched.append(Watched(bench))
        watched[0].type(*"plan ⚠️ हिन्दी 👍🏽 e\u0301x 1️⃣")
        for key in ("\x1b", *"hhhxXbblllxwwehxr", "⚠", *"0wwx$hXsZ"):
            watched[0].type(key)
            between.append(graphemes.inside(bench.buffer.text, bench.buffer.cursor_position) is None)

    run(use, 40, vi=True)
    assert all(between)
    assert not faults(watched[0], engines[name], 40)[:3]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_stands_in_columns(engines: dict[str, Engine], name: str) -> None:
    """In a table that a command prints, what follows a cell stands in the same column on every terminal."""
    require(name)
    stream = io.StringIO()
    output = ColumnOutput(stream, lambda: Size(ROWS, 80), term="xterm-256color")
    words = ["plain", "⚠️ ok", "1️⃣", "👍🏽!", "हिन्दी", "한", "❤️‍🔥", "漢字", "é"]
    for word in words:
        fragments: StyleAndTextTuples = [("", word + " " * (16 - cells(word))), ("bold", "|")]
        print_formatted_text(output, fragments, Style([]))
        output.write_raw("\x1b[6n")
        output.write("\r\n")
    output.flush()
    replies = engines[name].show(stream.getvalue(), 80, ROWS).replies
    assert set(re.findall(r";(\d+)R", replies)) == {"18"}


TITLES = ["plain session", "हिन्दी में विभिन्न", "⚠️ plan ✔️ 1️⃣", "漢字 👍🏽"]


class Known:
    """Saved sessions with titles in several scripts."""

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """The same for every kind."""
        return [Candidate(title, meta="3 days ago") for title in TITLES]


async def _run(_context: object, _call: Call):  # type: ignore[no-untyped-def]  # never run here
    yield


@pytest.mark.parametrize("name", ["xterm-6", "xterm-11", "xterm-graphemes"])
def test_the_menu_stands_in_columns(engines: dict[str, Engine], name: str) -> None:
    """In the completion menu titles of any script are whole, and the second column begins at one place."""
    require(name)
    engine = engines[name]
    assert isinstance(engine, Xterm)
    command = Command("resume", "sessions", "Open a session", _run, (Argument("ref", "session", rest=True),))
    completer = ChatCompleter(Registry([command]), Known())

    def use(bench: Bench) -> None:
        bench.type("/resume ")
        bench.type("\t")
        shown = engine.show(bench.written, 60, ROWS)
        assert all(squeezed(title) in squeezed(shown.text) for title in TITLES)
        rows = ["".join(text or " " for text, _ in row) for row in engine.cells(bench.written, 60, ROWS)]
        places = {
            next(at for at, (text, _) in enumerate(row) if text == "3")
            for row, line in zip(engine.cells(bench.written, 60, ROWS), rows, strict=True)
            if "days ago" in line
        }
        assert len(places) == 1

    run(use, 60, completer=completer)
