"""What follows a command's name: quotes hold a name together, and stay where words are meant as they are."""

from __future__ import annotations

from pathlib import Path

from gptchat.manager import Send
from tests.support.program import command, compose_program, running, settings_for, turn
from tests.support.server import Server


def test_quotes_around_a_name_are_not_part_of_it(tmp_path: Path, server: Server) -> None:
    """The name of a person may stand in quotation marks, and needs none where it holds a space."""
    program = compose_program(tmp_path, settings_for(server.url))
    names = {"Anna Maria": "Anna Maria", '"Anna B"': "Anna B", "'Anna C'": "Anna C", "Anna's": "Anna's", '"': '"'}
    with running(program) as loop:
        for typed, name in names.items():
            loop.run(command(program, f"/user {typed}"))
            assert program.services.manager.user == name


def test_quotes_in_a_text_are_part_of_it(tmp_path: Path, server: Server) -> None:
    """A title is taken as it was typed, quotation marks and all."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        for title in ("My title", '"My title"', 'My "best" title', "Anna's"):
            loop.run(command(program, f"/rename {title}"))
            assert program.services.manager.session.title == title
