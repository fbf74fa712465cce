"""The composed program as a terminal front end sees it: the services, the commands, and what the terminal adds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gptchat.commands.effects import Effect
    from gptchat.commands.registry import Call, Registry
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

    def start(self, call: Call) -> AsyncGenerator[Effect, Any]:
        """Begin a command. Its function gets the call first, then the parts that its other parameters name."""
        function = call.command.run
        code = function.__code__
        needs = code.co_varnames[1 : code.co_argcount]
        return function(call, *(getattr(self if name in _OWN else self.services, name) for name in needs))


_OWN = frozenset(("registry", "code_blocks", "abilities"))
