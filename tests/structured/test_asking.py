"""`--schema`: the answer is checked, asked for once more, and printed as JSON; the library and batches as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gptchat import Chat
from gptchat.conversation.events import Checked
from gptchat.errors import MisfitError, UsageError
from tests.support.server import Reply, Server, refuse, say
from tests.surface.machine import Machine, sent

DSL = "name, age int"
GOOD = '{"name": "A", "age": 3}'
DATA = {"name": "A", "age": 3}
BAD = '{"name": "A", "age": "x"}'
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def contents(machine: Machine) -> list[tuple[str, Any]]:
    """The messages of the newest session."""
    return [(one["role"], one["content"]) for one in machine.journals()[-1] if one["type"] == "message"]


def test_a_pipe_gets_the_json_alone(connected: Machine, server: Server) -> None:
    """What the model says around its JSON, and in what fence it is, does not reach a pipe."""
    server.script(say("Sure!\n```json\n", GOOD, "\n```\nAnything else?"))
    result = connected.run("--schema", DSL, "who")
    assert (result.status, result.out, result.err) == (0, GOOD + "\n", "")
    server.script(say(f"<think>{BAD}</think>", GOOD))
    assert connected.run("--schema", DSL, "who").out == GOOD + "\n"


def test_the_json_document(connected: Machine, server: Server) -> None:
    """`--json` has the answer's text as `reply`, and its value as `data`."""
    server.script(say(f"It is {GOOD}."))
    document = connected.ask("--schema", DSL, "who")
    assert json.loads(document["reply"]) == document["data"] == DATA
    assert document["finish_reason"] == "stop"


def test_asked_once_more_with_the_reason(connected: Machine, server: Server) -> None:
    """An answer that does not fit is asked for once more: the model is told why, and the usage is of both."""
    server.script(say(BAD), say(GOOD))
    result = connected.run("--json", "--schema", DSL, "who")
    assert result.status == 0
    assert result.json["data"] == DATA
    assert result.err == 'the answer does not fit: $.age: "x" is not of type integer; asking once more\n'
    correction = sent(server.requests[1])[-1]
    assert correction["role"] == "user"
    assert correction["content"].startswith("Your answer does not fit: $.age: 'x' is not of type 'integer'")
    assert [role for role, _content in contents(connected)] == ["user", "assistant", "user", "assistant"]
    alone = connected.ask("who")["usage"]["total_tokens"]
    assert result.json["usage"]["total_tokens"] > alone


def test_an_answer_that_never_fits(connected: Machine, server: Server) -> None:
    """After the second time the exit status is 1, with the reason and the answer; a pipe gets nothing."""
    server.script(say("no"), say(BAD))
    result = connected.run("--schema", DSL, "who")
    assert (result.status, result.out) == (1, "")
    assert '$.age: "x" is not of type integer' in result.err
    assert f"the answer: {BAD}" in result.err
    assert len(server.requests) == 2
    server.script(say("no"), say(BAD))
    result = connected.run("--json", "--schema", DSL, "who")
    assert result.status == 1
    assert result.error["kind"] == "schema"
    assert (result.json["reply"], result.json["replies"]) == (BAD, ["no", BAD])


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (say('{"name": "A", "ag', finish="length"), "cut off at the length limit"),
        (say("no", finish="content_filter"), "content filter"),
        (Reply.document({"choices": [{"index": 0, "finish_reason": "stop", "message": {"refusal": "Never."}}]}),
         "the model refuses to answer: Never."),
    ],
)  # fmt: skip
def test_where_asking_again_is_of_no_use(connected: Machine, server: Server, reply: Reply, told: str) -> None:
    """A reply that was cut off, filtered or refused is told as such, and is not asked for again."""
    server.script(reply)
    result = connected.run("--schema", DSL, "who")
    assert result.status == 1
    assert told in result.err
    assert "hint: " in result.err
    assert len(server.requests) == 1


def test_a_whole_answer_at_the_limit_is_one(connected: Machine, server: Server) -> None:
    """An answer that is whole is taken, although the length limit ended the reply."""
    server.script(say(GOOD + " and", finish="length"))
    assert connected.run("--schema", DSL, "who").out == GOOD + "\n"


def test_failures_are_those_of_any_question(connected: Machine, server: Server) -> None:
    """A request that fails is told as without a schema; also where it is the second one."""
    server.script(refuse(401, "wrong key"))
    assert connected.run("--json", "--schema", DSL, "who").error["kind"] == "authentication"
    server.script(say(BAD), refuse(402, "no credit"))
    assert connected.run("--json", "--schema", DSL, "who").error["kind"] == "quota"


def test_with_all_that_a_question_may_have(connected: Machine, server: Server) -> None:
    """Standard input, attachments, a preset and parameters go along; a format and a number of answers do not."""
    connected.connect(
        server.url, 'n = 2\nresponse_format = "json"\ntemperature = 0.5\n[presets.short]\nsystem = "Be short."'
    )
    (connected.folder / "a.txt").write_text("attached", encoding="utf-8")
    server.script(say(GOOD))
    result = connected.run("--schema", DSL, "--preset", "short", "-a", "a.txt", "who", stdin=b"piped in")
    assert result.out == GOOD + "\n"
    body = server.requests[0].json
    text = json.dumps(sent(server.requests[0]))
    assert "Be short." in text
    assert "attached" in text
    assert "piped in" in text
    assert body["temperature"] == 0.5
    assert "n" not in body
    assert body["response_format"]["type"] == "json_schema"


def test_a_retry_may_have_a_schema(connected: Machine, server: Server) -> None:
    """`/retry` answers the last message again, as JSON that fits."""
    connected.run("who")
    server.script(say(BAD), say(GOOD))
    assert connected.run("--schema", DSL, "/retry").out == GOOD + "\n"
    assert sent(server.requests[1]) == [{"role": "user", "content": "who"}]


def test_schemas_from_files(connected: Machine, server: Server) -> None:
    """A file holds a JSON Schema, or the chat API's object around one; a schema may also stand on the line."""
    (connected.folder / "s.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    wrapped = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
    (connected.folder / "w").write_text(json.dumps(wrapped), encoding="utf-8")
    (connected.folder / "i.json").write_text(json.dumps(wrapped["json_schema"]), encoding="utf-8")
    for given in ("s.json", "w", "i.json", json.dumps(SCHEMA)):
        server.script(say('{"name": "B", "more": 1}'))
        assert connected.ask("--schema", given, "who")["data"] == {"name": "B", "more": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("none.json", "none.json cannot be read"),
        ("./none", "none cannot be read"),
        ("broken.json", "broken.json is not JSON: line 1, column 2"),
        ("list.json", "list.json is not a JSON object"),
        ("binary.json", "binary.json is not text"),
        ("wrong.json", "wrong.json is not a JSON Schema: $.type"),
        ("away.json", "refers to another document at /properties/a/$ref: http://127.0.0.1:9/x.json"),
        ("near.json", "refers to another document at /allOf/0/$ref: other.json#/x"),
        ("deep.json", "deep.json"),
        ("{", "the schema is not JSON"),
        ("age itn", "unknown type itn"),
        (" ", "needs a value"),
    ],
)
def test_a_wrong_schema_sends_nothing(connected: Machine, server: Server, given: str, told: str) -> None:
    """A schema with a slip ends the run with 2 before anything is sent; nothing is fetched or read for it."""
    files = {
        "broken.json": "{no}",
        "list.json": "[]",
        "binary.json": "\0\1\2",
        "wrong.json": '{"type": "objekt"}',
        "away.json": '{"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}}',
        "near.json": '{"allOf": [{"$ref": "other.json#/x"}]}',
        "deep.json": '{"a":' * 30_000 + "1" + "}" * 30_000,
    }
    for name, text in files.items():
        (connected.folder / name).write_text(text, encoding="utf-8")
    (connected.folder / "other.json").write_text('{"x": {}}', encoding="utf-8")
    result = connected.run("--schema", given, "who")
    assert result.status == 2
    assert told in result.err
    assert server.requests == []


def test_references_within_the_document(connected: Machine, server: Server) -> None:
    """References to the document itself, by its own name too, are followed; data that look like one are not."""
    schema = {
        "$id": "https://example.com/s.json",
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/n"},
            "b": {"$ref": "https://example.com/s.json#/$defs/n"},
            "$ref": {"type": "string"},
            "c": {"const": {"$ref": "elsewhere"}},
            "enum": {"$ref": "#/$defs/n"},
        },
        "$defs": {"n": {"type": "integer"}},
    }
    server.script(say('{"a": 1, "b": 2}'))
    assert connected.ask("--schema", json.dumps(schema), "who")["data"] == {"a": 1, "b": 2}
    assert "strict" not in server.requests[0].json["response_format"]["json_schema"]


def test_an_answer_that_is_no_object(connected: Machine, server: Server) -> None:
    """A list, or a single word, is asked for inside of an object and printed without it."""
    server.script(say('{"answer": ["a", "b"]}'))
    assert (
        connected.run("--schema", '{"type": "array", "items": {"type": "string"}}', "which").out == '["a", "b"]\n'
    )
    server.script(say('{"answer": "no"}'))
    assert connected.ask("--schema", '{"enum": ["yes", "no"]}', "so")["data"] == "no"


def test_in_chinese(connected: Machine, server: Server) -> None:
    """Fields, values and messages are in Chinese as well."""
    server.script(say('{"姓名": "李", "年龄": "三"}'), say('{"姓名": "李", "年龄": 3}'))
    result = connected.run("--lang", "zh", "--schema", "姓名，年龄 int", "谁")
    assert result.out == '{"姓名": "李", "年龄": 3}\n'
    assert "$.年龄" in result.err
    assert "does not fit" not in result.err


def test_a_batch_has_schemas_of_its_own(connected: Machine, server: Server) -> None:
    """A line of a batch may have a schema: its answer is checked and asked for once more, and has `data`."""
    lines = [
        {"prompt": "one", "schema": DSL},
        {"prompt": "two", "schema": SCHEMA},
        {"prompt": "three", "schema": "age itn"},
        {"prompt": "four", "schema": 3},
        {"prompt": "five"},
    ]
    (connected.folder / "q.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    server.script(say(BAD), say(f"so {GOOD}"), say("no"), say("no"), say("plain"))
    result = connected.run("/batch", "q.jsonl", "--jobs", "1")
    one, two, three, four, five = (json.loads(line) for line in result.out.splitlines())
    assert (one["data"], one["reply"]) == (DATA, GOOD)
    assert one["usage"]["total_tokens"] > five["usage"]["total_tokens"]
    assert (two["error"]["kind"], two["replies"]) == ("schema", ["no", "no"])
    assert "unknown type itn" in three["error"]["message"]
    assert "schema must be" in four["error"]["message"]
    assert five["reply"] == "plain"
    assert "data" not in five
    assert result.status == 1
    assert "does not fit" in sent(server.requests[1])[-1]["content"]


def test_a_cut_answer_in_a_batch(connected: Machine, server: Server) -> None:
    """A line whose answer was cut off is not asked again."""
    (connected.folder / "q.jsonl").write_text(json.dumps({"prompt": "one", "schema": DSL}), encoding="utf-8")
    server.script(say('{"na', finish="length"))
    result = connected.run("/batch", "q.jsonl")
    assert "cut off" in json.loads(result.out)["error"]["message"]
    assert len(server.requests) == 1


def test_the_library(connected: Machine, server: Server, tmp_path: Path) -> None:
    """`send(schema=...)` gives the value in `Reply.data`; an answer that never fits is an error with its texts."""
    (tmp_path / "s.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    with Chat(user="alice", config=connected.config, data_dir=tmp_path / "data") as chat:
        for schema in (DSL, SCHEMA, tmp_path / "s.json"):
            server.script(say("so\n", GOOD))
            reply = chat.send("who", schema=schema)
            assert (reply.data, reply.text) == (DATA, GOOD)
        server.script(say(BAD), say(GOOD), say(GOOD))
        assert chat.send("who", schema=DSL).data == DATA
        assert chat.retry(schema=DSL).data == DATA
        assert chat.send("and plain").data is None
        server.script(say("no"), say(BAD), say(GOOD))
        with pytest.raises(MisfitError) as caught:
            chat.send("who", schema=DSL)
        assert caught.value.replies == ["no", BAD]
        checked = [event.outcome for event in chat.stream("who", schema=DSL) if isinstance(event, Checked)]
        assert [outcome.fit and outcome.fit.data for outcome in checked] == [DATA]
        with pytest.raises(UsageError):
            chat.send("who", schema="age itn")


def test_a_schema_goes_with_one_question(connected: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat itself takes no schema."""
    monkeypatch.setattr("gptchat.terminal.invocation.question", lambda *_arguments: None)
    result = connected.run("--schema", DSL)
    assert result.status == 2
    assert "--schema goes with one question" in result.err
