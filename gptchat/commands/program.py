"""The composed program as a terminal front end sees it: the services, the commands, and what the terminal adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from gptchat.commands import about, context, exchange, input, models, output, preferences, sessions, turns, users
from gptchat.commands import search as finding
from gptchat.commands.doctor import report as doctor
from gptchat.commands.registry import Registry
from gptchat.values import dataclass

if TYPE_CHECKING:
    from gptchat.commands.effects import AsideEffects, Effects
    from gptchat.commands.registry import Call
    from gptchat.conversation.services import Services


@dataclass(frozen=True, slots=True)
class Program:
    """What commands can ask for by name: each field of this and of `Services`."""

    services: Services
    registry: Registry
    code_blocks: Callable[[str], list[str]]
    """The code blocks of a reply's Markdown, numbered as they are drawn."""
    abilities: Callable[[], Sequence[tuple[str, str, str]]]
    """Terminal capabilities as (name, state, advice); advice may be empty."""

    def start(self, call: Call) -> Effects:
        """Begin a command. Its function gets the call first, then the parts that its other parameters name."""
        function = call.command.run
        code = function.__code__
        needs = code.co_varnames[1 : code.co_argcount]
        return function(call, *(getattr(self if name in _OWN else self.services, name) for name in needs))

    def start_aside(self, call: Call) -> AsideEffects:
        """Begin a command whose `streaming` says that it may run beside a reply."""
        return cast("AsideEffects", self.start(call))


_OWN = frozenset(("registry", "code_blocks", "abilities"))


def registry() -> Registry:
    """The registry of every command."""
    families = (
        sessions,
        finding,
        exchange,
        turns,
        users,
        models,
        preferences,
        context,
        input,
        output,
        about,
        doctor,
    )
    return Registry([command for family in families for command in family.COMMANDS])
