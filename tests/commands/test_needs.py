"""What commands ask for by the names of their parameters."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import pytest

from gptchat.commands.program import Program, registry
from gptchat.commands.registry import Command
from gptchat.conversation.services import Services


def _offered() -> Iterator[tuple[str, str]]:
    """The parts of a program by name, each with its type as it is written."""
    yield from Program.__annotations__.items()
    yield from Services.__init__.__annotations__.items()
    for name, member in vars(Services).items():
        if isinstance(member, cached_property):
            yield name, member.func.__annotations__["return"]
        elif isinstance(member, property):
            assert member.fget is not None
            yield name, member.fget.__annotations__["return"]
        elif inspect.isfunction(member) and list(inspect.signature(member).parameters) == ["self"]:
            yield name, f"Callable[[], {member.__annotations__['return']}]"


OFFERED = dict(_offered())


@pytest.mark.parametrize("command", registry().commands, ids=lambda command: command.name)
def test_what_a_command_needs_is_there(command: Command) -> None:
    """Each parameter after the call names a part of the program, and has the type of that part."""
    wanted = dict(command.run.__annotations__)
    del wanted["return"]
    assert next(iter(wanted)) == "call"
    del wanted["call"]
    assert wanted == {name: OFFERED.get(name) for name in wanted}


BESIDE = [command for command in registry().commands if command.streaming]


@pytest.mark.parametrize("command", BESIDE, ids=lambda command: command.name)
def test_beside_a_reply_only_what_is_carried_out_there(command: Command) -> None:
    """A command that may run beside a reply declares, for the type checker, that it only shows and copies."""
    assert command.run.__annotations__["return"] == "AsideEffects"


def test_commands_are_loaded_by_several_threads() -> None:
    """The prompt's completion and the loading behind it may ask for all commands at the same moment."""
    names = [command.name for command in registry().commands]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for _round in range(40):
                shared = registry()
                found = [threads.submit(getattr, shared, "commands") for _thread in range(4)]
                assert all([command.name for command in one.result()] == names for one in found)
    finally:
        sys.setswitchinterval(interval)
