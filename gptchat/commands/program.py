"""The composed program of a terminal front end: the services, the commands and terminal-specific functions."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, cast

from gptchat.commands.registry import Registry
from gptchat.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.commands.effects import AsideEffects, Effects
    from gptchat.commands.registry import Call, Command, Own
    from gptchat.conversation.services import Services


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that commands can request by name: the fields of this class and of `Services`."""

    services: Services
    registry: Registry
    code_blocks: Callable[[str], list[str]]
    """The code blocks of a reply's Markdown, numbered as they are drawn."""
    abilities: Callable[[], Sequence[tuple[str, str, str]]]
    """Terminal capabilities as (name, state, advice); advice may be empty."""

    def start(self, call: Call) -> Effects:
        """Begin a command. Its function gets the call first, then the parts that its other parameters name."""
        parts = (getattr(self if name in _OWN else self.services, name) for name in _needs(call.command))
        return call.command.run(call, *parts)

    def start_aside(self, call: Call) -> AsideEffects:
        """Begin a command whose `streaming` says that it may run beside a reply."""
        return cast("AsideEffects", self.start(call))


def _needs(command: Command) -> Sequence[str]:
    """The parts that a command asks for by the names of its function's parameters, the call aside."""
    code = command.run.__code__
    return code.co_varnames[1 : code.co_argcount]


def waits(command: Command) -> bool:
    """Whether a command needs an event loop, to wait for a server, say."""
    return not _AT_ONCE.issuperset(_needs(command))


def about_session(call: Call) -> bool:
    """Whether a command acts on the open session, or shows something of it."""
    wanted = call.command.session
    return wanted if isinstance(wanted, bool) else wanted(call)


_OWN = frozenset(("registry", "code_blocks", "abilities"))

_AT_ONCE = _OWN | {"run", "paths", "environ", "settings", "people", "library", "open_id"}
"""Parts that never wait for an event loop, nor load one."""

_MODULES = {
    "sessions": "new clear reset sessions ls resume open rename delete fork branch",
    "people.trash": "trash",
    "search": "search history versions tree",
    "exchange": "export import",
    "syncing.sync": "sync",
    "turns": "retry regenerate edit undo redo continue",
    "comparing.turns": "compare ask btw",
    "people.users": "user users",
    "models": "model models provider connect",
    "preferences": "set unset system key theme lang",
    "templates.presets": "preset",
    "context": "context tokens pin unpin compact",
    "tools.listing": "tools",
    "collections.documents": "docs",
    "input": "attach editor",
    "batch": "batch",
    "meaning.embedding": "embed",
    "training.tune": "tune",
    "rewriting.rewrite": "rewrite",
    "output": "copy save raw code json",
    "about": "usage cost status config help ? exit quit bye",
    "doctor.report": "doctor",
}
"""Each module of commands, with the names and aliases of those it declares, in reading order."""


def registry(settings_file: Path | None = None) -> Registry:
    """The registry of every command, with the user's own in the folder `commands` beside `settings_file`."""
    modules = {f"gptchat.commands.{module}": names for module, names in _MODULES.items()}

    def own(taken: Container[str]) -> Own | None:
        folder = settings_file.parent / "commands" if settings_file is not None else None
        if folder is None or not folder.is_dir():
            return None
        from gptchat.commands.templates.own import OwnCommands

        return OwnCommands(folder, taken)

    return Registry(modules=modules, own=own)
