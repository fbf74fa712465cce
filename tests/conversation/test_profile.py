"""The settings of whoever is chatting: where a change is kept, and where it is not."""

from __future__ import annotations

from pathlib import Path

from gptchat.manager import Send
from tests.support.program import command, compose_program, running, settings_for, turn
from tests.support.server import Server


def test_an_incognito_run_saves_no_settings(tmp_path: Path, server: Server) -> None:
    """What /set changes in an incognito run holds for the run, and nothing of it is on the disk or there later."""
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as loop:
        loop.run(command(program, "/set temperature 0.25"))
        loop.run(turn(program, Send("hello")))
    assert server.requests[0].json["temperature"] == 0.25
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert compose_program(tmp_path).services.settings.get("temperature") is None


def test_a_change_before_the_first_message_leaves_no_session(tmp_path: Path, server: Server) -> None:
    """A session without a message has no file, whatever is set in it; the first message brings the settings."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(command(program, "/system Be brief"))
        assert program.services.library.list("ann") == []
        assert not list((tmp_path / "data").rglob("*.jsonl"))
        loop.run(turn(program, Send("hello")))
    again = compose_program(tmp_path)
    assert again.services.open_first("")
    assert again.services.settings.text("system") == "Be brief"


def test_the_system_prompt_of_the_command_line(tmp_path: Path, server: Server) -> None:
    """--system goes before the prompt of the session that is opened, into a new one too, and stays with each."""
    first = compose_program(tmp_path, settings_for(server.url), "--system", "Be brief")
    with running(first) as loop:
        loop.run(turn(first, Send("hello")))
        loop.run(command(first, "/new"))
        loop.run(turn(first, Send("hello again")))
    second = compose_program(tmp_path, "", "--system", "Be kind")
    assert second.services.open_first("")
    with running(second) as loop:
        loop.run(turn(second, Send("and now")))
    said = [request.json["messages"][0]["content"] for request in server.requests]
    assert said == ["Be brief", "Be brief", "Be kind"]
    later = compose_program(tmp_path)
    assert later.services.settings.text("system") == ""
    assert later.services.open_first("")
    assert later.services.settings.text("system") == "Be kind"
