"""What these tests use: a box from the text of a settings file, in a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gptchat.config.paths import Paths
from gptchat.config.settings import read_settings
from gptchat.core.tooling import Tool, ToolResult
from gptchat.tools.shelf import ToolShelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")


def box_of(text: str, folder: Path) -> ToolShelf:
    """The box under a settings file with this text."""
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    data = folder / "data"
    return ToolShelf(read_settings(Paths(file, data, folder / "cache"), {}), [data], data / "logs")


@asynccontextmanager
async def open_box(text: str, folder: Path) -> AsyncIterator[tuple[ToolShelf, dict[str, Tool]]]:
    """The box and its tools by key; closed at the end."""
    box = box_of(text, folder)
    try:
        yield box, await by_key(box)
    finally:
        await box.close()


async def by_key(box: ToolShelf) -> dict[str, Tool]:
    """The tools that are ready."""
    return {tool.spec.key: tool for tool in await box.tools()}


async def call(tool: Tool, **arguments: Any) -> ToolResult:
    """The result of a call, whose progress nobody looks at."""
    return await tool.call(arguments, lambda _line: None)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, in a loop of its own."""

    async def whole() -> T:
        return await work()

    return asyncio.run(whole())


def called(text: str, folder: Path, key: str, arguments: Mapping[str, Any]) -> ToolResult:
    """The result of one call under a settings file with this text."""

    async def work() -> ToolResult:
        async with open_box(text, folder) as (_box, tools):
            return await call(tools[key], **arguments)

    return run(work)
