"""Tools for tests: small functions in a box, and a program that offers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.commands.program import Program
from gptchat.core.tooling import NoTools, Permission, Tool, ToolResult, ToolSpec
from tests.support.program import compose_program, settings_for

Work = Callable[[Mapping[str, Any], Callable[[str], None]], Awaitable[ToolResult | str]]


class Function:
    """A tool that runs `work`; `calls` are the arguments it was called with."""

    def __init__(
        self,
        name: str,
        work: Work | None = None,
        *,
        permission: Permission = "allow",
        always_asks: bool = False,
        about: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        schema = parameters or {"type": "object", "properties": {"q": {"type": "string"}}}
        self.spec = ToolSpec(
            name, about or f"Does {name}.", schema, "test", "test", "reads", permission, always_asks=always_asks
        )
        self.work = work
        self.calls: list[Mapping[str, Any]] = []

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Note the call and run it."""
        self.calls.append(arguments)
        result = await self.work(arguments, progress) if self.work else f"{self.spec.name} says yes"
        return result if isinstance(result, ToolResult) else ToolResult(result)


class Shelf(NoTools):
    """A box with the tools that it is given."""

    def __init__(self, *tools: Tool) -> None:
        self.shelf = tools

    async def tools(self) -> Sequence[Tool]:
        """All of them."""
        return self.shelf


def program_with(
    folder: Path, url: str, *tools: Tool, config: str = "", attended: bool = True, **more: str
) -> Program:
    """A program on the server at `url` that offers `tools`."""
    program = compose_program(folder, settings_for(url, **more) + config, attended=attended)
    program.services.__dict__["toolbox"] = Shelf(*tools)
    return program


def call(name: str, arguments: str = "{}", id: str = "c1") -> dict[str, Any]:
    """A call as a chat server sends it."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
