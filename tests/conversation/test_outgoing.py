"""What is attached goes out as it should: images as images, text as fenced data under its name."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gptchat.errors import UsageError
from gptchat.manager import Send
from tests.commands.test_turns import PIXEL
from tests.support.program import (
    attach,
    command,
    compose_program,
    data,
    effects,
    message,
    running,
    settings_for,
    turn,
)
from tests.support.server import Server, say

SEES = '[models."m"]\ncontext = 4000000\nvision = true\n'


def _belongings(folder: Path) -> dict[str, str]:
    """An image, a Chinese text in an old encoding, a log of 3 MB and a folder; the texts by name."""
    log = "".join(f"{number:07d} request served in {number % 97} ms\n" for number in range(100_000))
    texts = {"说明.txt": "事件循环负责调度任务。\n", "big.log": log, "src/a.py": "print(1)\n", "src/b.md": "# B\n"}
    (folder / "src").mkdir()
    (folder / "dot.png").write_bytes(PIXEL)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("gb18030" if name == "说明.txt" else "utf-8"))
    return texts


def test_everything_attached_is_on_the_wire(tmp_path: Path) -> None:
    """An image, a Chinese text, a log of 3 MB and a folder go out whole, each under its name."""
    texts = _belongings(tmp_path)
    assert len(texts["big.log"]) > 3_000_000
    with Server() as server:
        program = compose_program(tmp_path / "home", settings_for(server.url) + SEES)
        with running(program) as runner:
            server.script(say("seen"))
            named = [str(tmp_path / name) for name in ("dot.png", "说明.txt", "big.log", "src")]
            content, notes = runner.run(message(program, "look", named))
            runner.run(turn(program, Send(content)))
    text, image = server.requests[-1].json["messages"][-1]["content"]
    assert image == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + base64.b64encode(PIXEL).decode()},
    }
    assert text["text"].startswith("look\n\n")
    for name, words in texts.items():
        assert f"{name}`:\n\n```" in text["text"]
        assert words in text["text"]
    assert "tokens" in notes[0]


def test_an_estimate_of_what_is_attached_is_marked(tmp_path: Path) -> None:
    """The line on what is attached marks its tokens with ≈ where they are estimated, and only there."""
    (tmp_path / "notes.txt").write_text("remember the milk\n")
    published = settings_for("http://127.0.0.1:1/v1") + '[models."m"]\nencoding = "o200k_base"\n'
    notes = {}
    for name, config in (("estimated", settings_for("http://127.0.0.1:1/v1")), ("published", published)):
        program = compose_program(tmp_path / name, config)
        with running(program) as runner:
            runner.run(effects(program, "/tokens words"))  # the vocabulary is loaded, as it is behind a prompt
            notes[name] = runner.run(attach(program, str(tmp_path / "notes.txt")))
    assert "notes.txt (≈ " in notes["estimated"]
    assert "notes.txt (" in notes["published"]
    assert "≈" not in notes["published"]


def test_a_large_folder_is_told_in_a_line(tmp_path: Path) -> None:
    """Of many files that are attached the first are named and the others counted; all of them are sent."""
    (tmp_path / "many").mkdir()
    for number in range(80):
        (tmp_path / "many" / f"{number:02}.txt").write_text(f"text {number}\n")
    program = compose_program(tmp_path / "home", settings_for("http://127.0.0.1:1/v1"))
    with running(program) as runner:
        content, notes = runner.run(message(program, "look", [str(tmp_path / "many")]))
    assert "many/04.txt and 75 more (" in notes[0]
    assert "many/05.txt" not in notes[0]
    assert "text 79" in str(content)


def test_a_model_that_does_not_see_is_sent_no_image(tmp_path: Path) -> None:
    """An image for a model that sees none is refused with the reason, before anything is sent."""
    _belongings(tmp_path)
    with Server() as server:
        blind = '[models."m"]\nvision = false\n'
        program = compose_program(tmp_path / "home", settings_for(server.url) + blind)
        with running(program) as runner, pytest.raises(UsageError, match=r"dot\.png"):
            runner.run(message(program, "look", [str(tmp_path / "dot.png")]))
    assert not server.requests


def test_what_waits_is_part_of_the_next_request(tmp_path: Path) -> None:
    """/context counts and names what /attach has let wait, and no longer does once it is sent."""
    _belongings(tmp_path)
    with Server() as server:
        program = compose_program(tmp_path / "home", settings_for(server.url) + SEES)
        with running(program) as runner:
            before = data(runner.run(effects(program, "/context")))["tokens"]
            runner.run(attach(program, str(tmp_path / "big.log")))
            after = data(runner.run(effects(program, "/context")))["tokens"]
            said = runner.run(command(program, "/context"))
            program.services.outbox.attached.clear()
            last = data(runner.run(effects(program, "/context")))["tokens"]
    assert after > before + 100_000
    assert last == before
    assert "big.log" in said


def test_the_request_that_is_shown_holds_what_waits(tmp_path: Path) -> None:
    """/json shows the next request with what /attach lets wait for it."""
    (tmp_path / "notes.txt").write_text("remember the milk\n", encoding="utf-8")
    with Server() as server:
        program = compose_program(tmp_path / "home", settings_for(server.url))
        with running(program) as runner:
            runner.run(attach(program, str(tmp_path / "notes.txt")))
            body = data(runner.run(effects(program, "/json")))
    assert "remember the milk" in body["messages"][-1]["content"]


def test_every_count_of_the_next_request_agrees(tmp_path: Path) -> None:
    """/context, /tokens and /status tell the same number, what waits to go along included."""
    (tmp_path / "notes.txt").write_text("remember the milk\n" * 50, encoding="utf-8")
    program = compose_program(tmp_path / "home", settings_for("http://127.0.0.1:1/v1"))
    with running(program) as runner:
        runner.run(attach(program, str(tmp_path / "notes.txt")))
        counts = {
            data(runner.run(effects(program, line)))["tokens"] for line in ("/context", "/tokens", "/status")
        }
    assert len(counts) == 1
    assert counts.pop() > 200


def test_what_waits_can_be_taken_back(tmp_path: Path) -> None:
    """/attach none lets nothing go with the next message; without anything waiting it says so."""
    (tmp_path / "secret.txt").write_text("my password\n", encoding="utf-8")
    program = compose_program(tmp_path / "home", settings_for("http://127.0.0.1:1/v1"))
    with running(program) as runner:
        runner.run(attach(program, str(tmp_path / "secret.txt")))
        assert "nothing goes with the next message" in runner.run(command(program, "/attach none"))
        content, _notes = runner.run(message(program, "hello"))
        assert content == "hello"
        with pytest.raises(UsageError, match="nothing is attached"):
            runner.run(command(program, "/attach none"))


def test_what_one_person_attached_is_not_sent_by_another(tmp_path: Path) -> None:
    """Who switches the user leaves behind what was waiting to be sent, and is told so."""
    (tmp_path / "secret.txt").write_text("my password\n", encoding="utf-8")
    program = compose_program(tmp_path / "home", settings_for("http://127.0.0.1:1/v1"))
    with running(program) as runner:
        before = program.services.manager.user
        runner.run(attach(program, str(tmp_path / "secret.txt")))
        assert f"1 attachment of {before} is not sent" in runner.run(command(program, "/user bob"))
        content, _notes = runner.run(message(program, "hello"))
    assert content == "hello"
