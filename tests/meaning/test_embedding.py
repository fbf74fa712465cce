"""`/embed`, and how requests for vectors heed what a server says."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptchat.commands.effects import Show, Source
from gptchat.commands.program import Program
from gptchat.conversation.meaning.lines import read_lines
from gptchat.core.messages import Usage
from gptchat.errors import GptchatError, ProtocolError, RateLimitError, UsageError
from gptchat.providers.endpoints.embeddings import embedded_in
from tests.meaning.vector_server import SIZE, VectorServer, vector_of, vectors
from tests.support.program import compose_program, data, effects, running, settings_for, shown
from tests.support.replies import Reply
from tests.support.server import refuse


@pytest.fixture
def server() -> Iterator[VectorServer]:
    """A server with embeddings."""
    with VectorServer() as server:
        yield server


def composed(folder: Path, server: VectorServer, more: str = "", *, attended: bool = False) -> Program:
    """A program as a script uses it."""
    config = settings_for(server.url) + '[search]\nembeddings = "test:e"\n' + more
    return compose_program(folder, config, attended=attended)


def lines_of(found: list[Any]) -> list[dict[str, Any]]:
    """The JSON lines that a pipe gets."""
    blocks = [block for one in found if isinstance(one, Show) for block in one.blocks]
    return [json.loads(block.text) for block in blocks if isinstance(block, Source)]


def test_lines_in_vectors_out(server: VectorServer, tmp_path: Path) -> None:
    """Each line that is not blank, a text or JSON, becomes a line of JSON with its vector."""
    file = tmp_path / "texts.jsonl"
    file.write_text(
        'the cat\n\n{"id": 7, "text": "鸡蛋 很好"}\n"a string"\n{not json\n{"input": "x y"}\n', encoding="utf-8"
    )
    with running(program := composed(tmp_path, server)) as runner:
        found = runner.run(effects(program, f"/embed {file}"))
    documents = lines_of(found)
    assert [one["line"] for one in documents] == [1, 3, 4, 5, 6]
    assert documents[1]["id"] == 7
    assert documents[0] == {"line": 1, "model": "e", "embedding": vector_of("the cat")}
    assert server.embedded == ["the cat", "鸡蛋 很好", "a string", "{not json", "x y"]
    assert data(found) == documents


def test_the_output_goes_to_a_file(server: VectorServer, tmp_path: Path) -> None:
    """`--output` writes the lines; in the chat it is asked for, as vectors would fill the screen."""
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    with running(program := composed(tmp_path, server, attended=True)) as runner:
        with pytest.raises(UsageError, match="fill the screen"):
            runner.run(effects(program, f"/embed {tmp_path}/texts.txt"))
        told = runner.run(
            effects(program, f"/embed {tmp_path}/texts.txt --output={tmp_path}/v.jsonl --model test:f")
        )
        with pytest.raises(GptchatError, match="cannot be written"):
            runner.run(effects(program, f"/embed {tmp_path}/texts.txt --output {tmp_path}/no/v.jsonl"))
    assert "2 vectors in" in shown(told)
    assert len((tmp_path / "v.jsonl").read_text().splitlines()) == 2
    assert server.requests[0].json["model"] == "f"


@pytest.mark.parametrize(
    ("line", "content", "words"),
    [
        ("/embed {file} --wrong", "a", "cannot be read"),
        ("/embed {file} --model", "a", "unknown option"),
        ("/embed {file} --model x y", "a", "what to do with y"),
        ('/embed {file} --model "x', "a", "quote"),
        ("/embed {file}", "  \n", "no text"),
        ("/embed {file}", '{{"id": 1}}', "line 1 has no text"),
        ("/embed {file}.not", "a", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(
    server: VectorServer, tmp_path: Path, line: str, content: str, words: str
) -> None:
    """A wrong option, an empty or missing file, or a line without a text is told before anything is sent."""
    file = tmp_path / "texts.txt"
    file.write_text(content.format())
    with running(program := composed(tmp_path, server)) as runner, pytest.raises(GptchatError, match=words):
        runner.run(effects(program, line.format(file=file)))
    assert server.embedded == []


def test_a_server_that_takes_few_at_a_time_gets_few(server: VectorServer, tmp_path: Path) -> None:
    """Where a server refuses so many texts, or one so long, it gets fewer and the beginning; no line is lost."""
    server.most, server.longest = 10, 3000
    file = tmp_path / "texts.txt"
    file.write_text("".join(f"line {number}\n" for number in range(100)) + "long " * 2000)
    with running(program := composed(tmp_path, server)) as runner:
        documents = lines_of(runner.run(effects(program, f"/embed {file}")))
    assert [one["line"] for one in documents] == [*range(1, 102)]
    assert documents[57]["embedding"] == vector_of("line 57")


def test_a_rate_limit_is_waited_for(server: VectorServer, tmp_path: Path) -> None:
    """After a 429 the request goes again when the server says; one that names too long a wait ends it."""
    server.replies += [refuse(429, headers={"Retry-After": "0"}), vectors(["a"], usage=False)]
    (tmp_path / "texts.txt").write_text("a\n")
    with running(program := composed(tmp_path, server)) as runner:
        assert lines_of(runner.run(effects(program, f"/embed {tmp_path}/texts.txt")))
        server.replies += [refuse(429, headers={"Retry-After": "9000"})]
        with pytest.raises(RateLimitError):
            runner.run(effects(program, f"/embed {tmp_path}/texts.txt"))
        booked = program.services.account.book.entries(program.services.manager.user)
        assert [entry.usage for entry in booked] == [Usage(1, 0, 1, estimated=True)]
    assert len(server.embedded) == 3


def test_the_demo_has_no_vectors(tmp_path: Path) -> None:
    """The demo says that it has no embeddings; it makes none up."""
    (tmp_path / "texts.txt").write_text("a\n")
    program = compose_program(tmp_path, 'provider = "demo"\n', attended=False)
    with running(program) as runner, pytest.raises(GptchatError, match="demo has no embeddings"):
        runner.run(effects(program, f"/embed {tmp_path}/texts.txt --model demo"))


def test_vectors_in_base64_are_read() -> None:
    """A server may send components as numbers or as floats in base64, in any order of its index."""
    packed = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    answer = {"data": [{"index": 1, "embedding": [[1, 2]]}, {"index": 0, "embedding": packed}], "model": "e"}
    found = embedded_in(answer, 2, "test")
    assert [[*vector] for vector in found.vectors] == [[0.5, -1.0], [1, 2]]
    assert found.usage is None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"data": []},
        {"data": [{}]},
        {"data": ["x"]},
        {"data": [{"embedding": []}]},
        {"data": [{"embedding": "!!"}]},
        {"data": [{"embedding": "AAA="}]},
        {"data": [{"embedding": [float("nan")]}]},
        {"data": [{"embedding": [1e400, True]}]},
        {"data": [{"embedding": [0.0] * SIZE}]},
        {"data": [{"index": 4, "embedding": [1.0]}]},
    ],
)
def test_what_is_no_vector_is_refused(answer: Any) -> None:
    """An answer that has no vector for the text is told; nothing of it is kept."""
    with pytest.raises(ProtocolError):
        embedded_in(answer, 1, "test")


def test_an_answer_that_is_none_is_told(server: VectorServer, tmp_path: Path) -> None:
    """A server that answers something else is named, with what to look at."""
    server.replies.append(Reply.document({"hello": 1}))
    (tmp_path / "texts.txt").write_text("a\n")
    with running(program := composed(tmp_path, server)) as runner, pytest.raises(ProtocolError, match="test"):
        runner.run(effects(program, f"/embed {tmp_path}/texts.txt"))
    assert read_lines("") == []
