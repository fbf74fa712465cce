"""Numbers, types and sizes from outside: whatever stands in a field, the commands go on and tell what is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import notices
from gptchat.conversation.spending import cost_of
from gptchat.core.messages import Message
from gptchat.core.numbers import MOST, amount, count
from gptchat.errors import GptchatError
from gptchat.providers.faults.limits import rate_limits
from gptchat.providers.gptplus.wire import _renew_at
from gptchat.providers.listing import models_in, moderation_in
from gptchat.providers.serving.windows import READERS
from gptchat.providers.wire.common import usage_of
from gptchat.storage.learned_store import LearnedStore
from tests.hostile.values import RAW, some, spoilt
from tests.support.program import command, compose_program, running, settings_for

SESSION = {
    "v": 1, "type": "session", "id": "20261120-083015-4f2a", "user": "ann", "ts": "2026-11-20T08:30:15Z",
    "title": "Bread", "settings": {"model": "m", "temperature": 0.5, "max_tokens": 5, "stop": ["x"],
        "system": "s"},
}  # fmt: skip
RECORDS: list[dict[str, Any]] = [
    {"type": "message", "id": "m1", "parent": None, "role": "user", "content": "hello there",
        "ts": "2026-11-20T08:30:16Z"},
    {"type": "message", "id": "m2", "parent": "m1", "role": "assistant", "content": [{"type": "text",
        "text": "hi"}],
     "ts": "2026-11-20T08:30:17Z", "provider": "test", "model": "m", "status": "complete", "finish_reason": "stop",
     "reasoning": "so", "tokens": {"o200k_base": 5}, "cost": 0.01, "turn": "t", "name": "n", "copied": False,
     "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "cached_tokens": 1,
               "estimated": False},
     "sources": [{"url": "https://a.b/", "title": "A"}]},
    {"type": "continuation", "message": "m2", "content": " and", "status": "complete", "cost": 0.01, "turn": "u",
     "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "estimated": False}},
    {"type": "pin", "message": "m1", "pinned": True},
    {"type": "summary", "id": "s1", "until": "m1", "content": "short", "head": "m2", "ts": "2026-11-20T08:30:18Z"},
    {"type": "aside", "provider": "test", "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5},
        "cost": 1.5},
    {"type": "title", "title": "Bread"},
    {"type": "settings", "settings": {"temperature": 0.3}},
    {"type": "head", "message": "m2"},
]  # fmt: skip
SETTINGS = settings_for("http://127.0.0.1:1")
COMMANDS = (
    "/usage", "/sessions", "/search hello", "/context", "/history", "/status", "/export json", "/export markdown",
    "/export html", "/export messages", "/tokens", "/config", "/json",
)  # fmt: skip


def journals(folder: Path) -> int:
    """Write a journal for each hostile value in each field of each record; how many."""
    folder.mkdir(parents=True)
    number = 0
    for place, record in enumerate([SESSION, *RECORDS]):
        for line in some(spoilt(record), 3):
            number += 1
            lines = [json.dumps(one) for one in [SESSION, *RECORDS]]
            lines[place] = line
            (folder / f"20261120-083015-{number:05x}.jsonl").write_text("\n".join(lines) + "\n")
    return number


def test_commands_over_hostile_journals(tmp_path: Path) -> None:
    """A journal with an impossible value in any field stops no listing, search, account or start."""
    number = journals(tmp_path / "data" / "users" / "ann" / "sessions")
    assert number > 300
    program = compose_program(tmp_path, SETTINGS)
    with running(program) as runner:
        for line in ("/usage", "/sessions", "/search hello"):
            assert runner.run(command(program, line, None))
        rows = program.services.account.report()
        assert all(row.cost is None or amount(row.cost) is not None for row in rows)


def test_every_command_in_a_hostile_session(tmp_path: Path) -> None:
    """The session that holds an impossible value is opened, shown, counted and exported."""
    folder = tmp_path / "data" / "users" / "ann" / "sessions"
    folder.mkdir(parents=True)
    (folder / "20261120-083015-aaaa.jsonl").write_text(
        "\n".join(json.dumps(one) for one in [SESSION, *RECORDS]) + "\n"
    )
    hostile = [line for record in RECORDS for line in spoilt(record)]
    for number in range(0, len(hostile), 40):  # many in one journal: each is a record of its own
        lines = [json.dumps(SESSION), *(json.dumps(one) for one in RECORDS), *hostile[number : number + 40]]
        (folder / f"20261120-083015-{number:05x}.jsonl").write_text("\n".join(lines) + "\n")
    program = compose_program(tmp_path, SETTINGS)
    with running(program) as runner:
        for path in sorted(folder.glob("*.jsonl"))[::6]:
            assert program.services.open_first(path.stem)
            for line in COMMANDS:
                try:
                    runner.run(command(program, line, None))
                except GptchatError as error:
                    assert error.message  # noqa: PT017 - refused in words


@pytest.mark.parametrize("raw", RAW)
def test_a_cost_is_an_amount_or_nothing(raw: str, tmp_path: Path) -> None:
    """What a reply cost is a finite amount of money, or unknown; an impossible one is told as damage."""
    folder = tmp_path / "data" / "users" / "ann" / "sessions"
    folder.mkdir(parents=True)
    text = json.dumps({**RECORDS[1], "cost": "?"}).replace('"?"', raw)
    (folder / "20261120-083015-4f2a.jsonl").write_text(
        f"{json.dumps(SESSION)}\n{json.dumps(RECORDS[0])}\n{text}\n"
    )
    program = compose_program(tmp_path, SETTINGS)
    with running(program):
        (info,) = program.services.library.list("ann")
        assert program.services.open_first("")
    try:
        value = json.loads(raw)
    except ValueError:
        value = ...
    if isinstance(value, (int, float)) and not isinstance(value, bool) and amount(value) is None and raw != "NaN":
        assert "1 line" in info.damaged


@given(st.from_type(object) | st.integers() | st.floats() | st.integers(10**300, 10**420))
def test_counts_and_amounts(value: Any) -> None:
    """A count is a whole number that a sum can hold, an amount a finite one."""
    assert 0 <= count(value) <= MOST
    assert (known := amount(value)) is None or 0 <= known <= 1e9
    assert cost_of(Message.from_record({"role": "assistant", "cost": value})) in (known, None)


IMPORTS: dict[str, Any] = {
    "document": {"v": 1, "id": "20261120-083015-4f2a", "title": "T", "created": "2026-11-20T08:30:15Z",
                 "settings": {"model": "m"}, "messages": RECORDS[:2], "pinned": ["m1"], "head": "m2",
                     "files": {"a": "b"},
                 "summaries": [RECORDS[4]]},
    "messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi", "cost": 3}],
    "users": {"ann": [{"role": "user", "content": "hello"}], "bob": [{"role": "user", "content": "hello"}]},
    "request": {"model": "m", "messages": [{"role": "user", "content": "hello"}]},
    "chatgpt": [{"title": "T", "create_time": 1.5, "current_node": "b", "conversation_id": "c", "mapping": {
        "a": {"id": "a", "parent": None, "children": ["b"], "message": {
            "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["hello"]},
                "create_time": 2.5,
            "weight": 1.0, "status": "finished", "metadata": {"model_slug": "m"}}},
        "b": {"id": "b", "parent": "a", "children": [], "message": None}}}],
}  # fmt: skip


@pytest.mark.parametrize("kind", IMPORTS)
def test_imports_of_hostile_values(kind: str, tmp_path: Path) -> None:
    """A foreign file with an impossible value is taken in as far as it goes, or refused in words; all goes on."""
    program = compose_program(tmp_path, SETTINGS)
    file = tmp_path / "import.json"
    with running(program) as runner:
        for text in some(spoilt(IMPORTS[kind])):
            file.write_text(text)
            try:
                runner.run(command(program, f"/import {file}"))
            except GptchatError as error:
                assert error.message  # noqa: PT017 - refused in words
        for line in ("/usage", "/sessions", "/search hello"):
            runner.run(command(program, line, None))
        assert program.services.open_first("")


ANSWERS: dict[str, tuple[Any, Any]] = {
    "usage": (
        {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "input_tokens": 5, "cached_tokens": 3,
         "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 2}},
        lambda data: usage_of(data) and json.dumps(usage_of(data).to_json()),  # type: ignore[union-attr]
    ),
    "models": (
        {"data": [{"id": "m", "context_length": 5, "max_output_tokens": 6, "shutdown_date": "2027-01-01",
            "retires_at": 5,
                   "meta": {"n_ctx": 5}, "top_provider": {"context_length": 5, "max_completion_tokens": 4},
                   "pricing": {"prompt": "0.1", "completion": 0.2, "input_cache_read": 1},
                   "supported_parameters": ["tools"], "architecture": {"input_modalities": ["image"]},
                   "replacement": "n"}]},
        lambda data: models_in(data, "test"),
    ),
    "windows": (
        {"n_ctx": 500, "default_generation_settings": {"n_ctx": 500}, "value": 500, "id": "m",
         "context_length": 500, "max_total_tokens": 500, "max_input_tokens": 500,
         "internal_states": [{"max_total_num_tokens": 500}],
         "parameters": {"max_seq_len": 500}, "models": [{"name": "m", "key": "m", "context_length": 500,
         "loaded_instances": [{"config": {"context_length": 500}}]}],
         "data": [{"model_name": "m", "model_info": {"max_input_tokens": 500}}]},
        lambda data: [read(data, ["m"]) for read in READERS],
    ),
    "moderation": (
        {"results": [{"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.5}}]},
        moderation_in,
    ),
    "token": ({"expires_at": 5, "expires_in": 5}, lambda data: _renew_at(data, 5.0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_of_servers(kind: str) -> None:
    """What a server says of tokens, windows, prices and times is a number that can be, or is not taken."""
    document, read = ANSWERS[kind]
    for text in spoilt(document):
        try:
            data = json.loads(text)
        except ValueError:
            continue
        if not isinstance(data, dict):
            continue
        try:
            read(data)
        except GptchatError as error:
            assert error.message  # noqa: PT017 - refused in words


@given(st.text(max_size=30) | st.integers().map(str) | st.just("9" * 5000))
def test_limits_in_headers(value: str) -> None:
    """A rate limit in a header is a number of a believable length, or none."""
    rate_limits({f"x-ratelimit-{name}": value for name in ("limit-requests", "remaining-tokens")})


SMALL: dict[str, Any] = {
    "state.json": {"v": 1, "user": "ann"},
    "users/ann/user.json": {"v": 1, "name": "ann", "settings": {"model": "m", "temperature": 0.5,
        "ui": {"theme": "x"}}},
    "credentials.json": {"v": 1, "keys": {"test": "sk-0123456789abcdef"},
        "users": {"ann": {"test": "sk-0123456789abcde"}}},
    "learnt.json": {
        "v": 1, "windows": {"test/m": 8192}, "tokens": {"test/m": {"factors": [1, 1, 1], "known": {"a": 1}}},
        "servers": {"http://x": {"m": {"drop": ["n"], "when": 5}}},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_small_files_of_hostile_values(name: str, tmp_path: Path) -> None:
    """An impossible value in state, settings, keys or lessons stops no start."""
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    for text in some(spoilt(SMALL[name])):
        path.write_text(text)
        try:
            program = compose_program(tmp_path, SETTINGS)
            with running(program) as runner:
                program.services.keys.find(program.services.routing.provider_settings())
                runner.run(command(program, "/status"))
                runner.run(command(program, "/context"))
        except GptchatError as error:
            assert name in ("users/ann/user.json", "credentials.json"), error.message  # noqa: PT017
    notices.forget()


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.floats(), max_size=3))
def test_lessons_are_written_whatever_they_hold(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any]
) -> None:
    """What was learnt is written and read again, lone surrogates and all."""
    path = tmp_path_factory.mktemp("data") / "learnt.json"
    store = LearnedStore(path)
    store.saver("part")({**value, "\ud800": "\udfff"})
    store.flush()
    assert LearnedStore(path).part("part").keys() == {*value, "\ud800"}
