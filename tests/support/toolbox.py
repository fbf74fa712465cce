"""A box of three tools for tests, and gptchat with it: `python -m tests.support.toolbox ARGUMENTS`.

`weather` only reads, `remove` changes things, `run` always asks; `wait` takes until its file `go` is there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptchat.core.tooling import NoTools, Tool, ToolResult, ToolSpec


def spec(
    name: str, effect: Any, permission: Any = "ask", *, source: str = "python tools.py", **more: Any
) -> ToolSpec:
    """What a tool of the box is."""
    properties = {"city": {"type": "string", "description": f"For {name}"}}
    schema = {"type": "object", "properties": properties}
    return ToolSpec(name, f"The tool {name}.", schema, source, "mine", effect, permission, **more)


@dataclass
class BoxedTool:
    """A tool that answers by `answer`."""

    spec: ToolSpec
    answer: Callable[[Mapping[str, Any]], str]
    waits: bool = False

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        if self.waits:
            progress("half way")
            while not Path("go").exists():
                await asyncio.sleep(0.02)
        try:
            return ToolResult(self.answer(arguments))
        except KeyError as error:
            return ToolResult(f"no such town: {error}", failed=True)


_TOWNS = {
    "Oslo": "3 °C, light rain",
    "上海": "多云，22 °C",
    "Rome": "\n".join(f"hour {n}: sunny" for n in range(24)),
}


class Box(NoTools):
    """The box; `trouble` is told once."""

    def __init__(self) -> None:
        self.trouble = ["time: the server did not start; is uvx installed?"]

    async def tools(self) -> Sequence[Tool]:
        return (
            BoxedTool(spec("weather", "reads", "allow"), lambda given: _TOWNS[given["city"]]),
            BoxedTool(spec("wait", "reads", "allow"), lambda given: f"waited for {given['city']}", waits=True),
            BoxedTool(spec("remove", "changes"), lambda given: f"removed {given}"),
            BoxedTool(spec("run", "runs", source="command", always_asks=True), lambda given: f"ran {given}"),
        )

    def troubles(self) -> Sequence[str]:
        told, self.trouble = self.trouble, []
        return told


if __name__ == "__main__":
    from gptchat.cli import main
    from gptchat.conversation.services import Services

    Services.toolbox = property(lambda self: self.__dict__.setdefault("box", Box()))  # type: ignore[assignment]
    sys.exit(main())
