"""`/rewrite`: what goes out, what is printed, and what is written."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptchat.commands.program import Program
from gptchat.errors import ContentFilterError, ProtocolError, StorageError, UsageError
from tests.support.program import compose_program, data, effects, running, settings_for, shown
from tests.support.replies import Recorded, Reply
from tests.support.server import Server, say


def upper(request: Recorded) -> Reply:
    """A model that writes the text in capitals, as a chat model likes to put it."""
    found = re.search(r"<text>\n(.*)\n</text>", request.last_text, re.DOTALL)
    assert found is not None
    return say(f"```\n{found[1].upper()}\n```")


@pytest.fixture
def server() -> Iterator[Server]:
    """The server of the model."""
    with Server() as running_server:
        running_server.default = upper
        yield running_server


@pytest.fixture
def program(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program in a script, started in a folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return compose_program(tmp_path / "home", settings_for(server.url), attended=False)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(program: Program, line: str, *answers: str | None) -> list[Any]:
    """The effects of a command."""
    with running(program) as loop:
        return list(loop.run(effects(program, line, *answers)))


def test_a_pipe_gets_the_text_alone(program: Program, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input comes out rewritten, with its white space around it; no session is made of it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n  héllo\n\nworld\n".encode())))
    found = run(program, '/rewrite "shout it"')
    assert data(found)["text"] == "\n  HÉLLO\n\nWORLD\n"
    assert shown(found).strip() == "HÉLLO\n\nWORLD"
    assert "Instruction: shout it" in server.requests[0].last_text
    assert not list(program.services.paths.data_dir.rglob("*.jsonl"))
    assert data(found)["changed"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"one\r\ntwo\r\n", b"ONE\r\nTWO\r\n"),
        (b"\xef\xbb\xbfone", b"\xef\xbb\xbfONE"),
        ("甲 one\n".encode("gb18030") * 40, "甲 ONE\n".encode("gb18030") * 40),
        ("one\n".encode("utf-16"), "ONE\n".encode("utf-16")),
        ("one\r\n".encode("utf-16"), "ONE\r\n".encode("utf-16")),
        ("one\n".encode("utf-32"), "ONE\n".encode("utf-32")),
        (b"one\ntwo\r\nthree\n", b"ONE\nTWO\nTHREE\n"),
    ],
)
def test_a_file_keeps_its_form(program: Program, before: bytes, after: bytes) -> None:
    """Line ends, encoding, byte order mark and the end of the file are as they were."""
    path = Path("notes.txt")
    path.write_bytes(before)
    run(program, '/rewrite "shout it" notes.txt --write')
    assert path.read_bytes() == after


def test_a_file_is_written_once_somebody_agrees(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the change is shown line by line, and written if it is wanted."""
    path = Path("notes.txt")
    path.write_text("keep\n" * 9 + "one\n")
    monkeypatch.setattr(sys, "stdout", _Terminal())
    told = shown(run(program, "/rewrite shout it notes.txt", "n"))
    assert path.read_text().startswith("keep")
    assert "-one" in told
    assert "+ONE" in told
    run(program, "/rewrite shout it notes.txt", "y")
    assert path.read_text() == "KEEP\n" * 9 + "ONE\n"
    assert "nothing is to be changed" in shown(run(program, "/rewrite shout it notes.txt", "y"))


def test_without_a_terminal_a_file_stays(program: Program) -> None:
    """A script that does not say `--write` gets the text, and the file is as it was."""
    Path("notes.txt").write_text("one")
    assert data(run(program, "/rewrite shout notes.txt"))["text"] == "ONE"
    assert Path("notes.txt").read_text() == "one"


def test_a_long_text_goes_in_pieces(program: Program, server: Server) -> None:
    """Each piece fits the window with its answer, and the pieces come together as they were."""
    text = "\n\n".join(f"paragraph {number} " + "of some words " * 60 for number in range(40)) + "\n"
    Path("long.txt").write_text(text)
    run(program, "/rewrite shout long.txt --write")
    assert len(server.requests) > 3
    parts = [part.strip() for part in Path("long.txt").read_text().split("\n\n")]
    assert parts == [part.strip().upper() for part in text.split("\n\n")]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (say("half", finish="length"), ProtocolError),
        (say("half", finish="content_filter"), ContentFilterError),
        (say(" "), ProtocolError),
    ],
)
def test_half_an_answer_writes_nothing(program: Program, server: Server, reply: Reply, error: type) -> None:
    """An answer that is cut off, filtered or empty is told, and the file is as it was."""
    Path("notes.txt").write_text("one")
    server.script(reply)
    with pytest.raises(error):
        run(program, "/rewrite shout notes.txt --write")
    assert Path("notes.txt").read_text() == "one"


def test_characters_that_the_encoding_lacks_are_told(program: Program, server: Server) -> None:
    """Text that cannot be written in the file's encoding leaves the file as it was."""
    before = "甲乙丙丁 one\n".encode("gbk") * 40
    Path("notes.txt").write_bytes(before)
    server.script(say("नमस्ते 😀"))
    with pytest.raises(StorageError):
        run(program, "/rewrite shout notes.txt --write")
    assert Path("notes.txt").read_bytes() == before


@pytest.mark.parametrize(
    "line", ["/rewrite", "/rewrite shout", '/rewrite "shout it" nowhere.txt', "/rewrite shout --write"]
)
def test_what_is_missing_is_told(
    program: Program, server: Server, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an instruction, a text or a file nothing is sent."""
    monkeypatch.setattr(sys, "stdin", _Terminal())
    with pytest.raises(UsageError):
        run(program, line)
    assert not server.requests


def test_keys_are_not_sent(program: Program, server: Server) -> None:
    """A file that holds keys is refused, as everywhere."""
    Path(".env").write_text("A=1")
    with pytest.raises(UsageError):
        run(program, "/rewrite shout .env")
    assert not server.requests


def test_the_demo_rewrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo, which understands nothing, says so, and no file is changed."""
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("one")
    program = compose_program(tmp_path / "home", 'provider = "demo"\n', attended=False)
    with pytest.raises(UsageError, match="no language model"):
        run(program, "/rewrite shout notes.txt --write")
    assert Path("notes.txt").read_text() == "one"
