"""What commands ask for by the names of their parameters."""

from __future__ import annotations

import pytest

from gptchat.commands.families import registry
from gptchat.commands.program import Program
from gptchat.commands.registry import Command
from gptchat.conversation.services import Services

OFFERED = {**Services.__annotations__, **Program.__annotations__}


@pytest.mark.parametrize("command", registry().commands, ids=lambda command: command.name)
def test_what_a_command_needs_is_there(command: Command) -> None:
    """Each parameter after the call names a part of the program, and has the type of that part."""
    wanted = dict(command.run.__annotations__)
    assert wanted.pop("return") == "Effects"
    assert next(iter(wanted)) == "call"
    del wanted["call"]
    assert wanted == {name: OFFERED.get(name) for name in wanted}
