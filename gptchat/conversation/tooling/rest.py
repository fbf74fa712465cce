"""The tool with which a model reads on in a result that was cut off; the whole of it is a file of the person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gptchat.core.replies.media import fits
from gptchat.core.tooling import ToolResult, ToolSpec
from gptchat.core.tooling.choice import BUILTIN
from gptchat.errors import StorageError

if TYPE_CHECKING:
    from gptchat.core.messages import Message
    from gptchat.manager import Route, SessionManager

NAME = "rest_of_result"

_SPEC = ToolSpec(
    NAME,
    "Returns more of an earlier result that was cut off: from the character number start on.",
    {
        "type": "object",
        "properties": {"result": {"type": "string"}, "start": {"type": "integer"}},
        "required": ["result", "start"],
    },
    "built in",
    BUILTIN,
    "reads",
    "allow",
)
"""Not translated, because models read it."""


class Rest:
    """Reads on in the results of the open conversation. It can reach no file but theirs.

    A piece has at most `most` tokens, as they are counted for `route`.
    """

    def __init__(self, manager: SessionManager, route: Route, most: int) -> None:
        self._manager = manager
        self._route = route
        self._most = most

    @property
    def spec(self) -> ToolSpec:
        """What it is."""
        return _SPEC

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """The piece of the result named `result` that begins at `start`."""
        wanted, start = str(arguments.get("result")), max(int(arguments.get("start") or 0), 0)
        message = next((one for one in cut(self._manager) if one.extra.get("tool_call_id") == wanted), None)
        text = await asyncio.to_thread(self._read, message) if message is not None else None
        if text is None:
            return ToolResult(f"there is no file of a result {wanted}", failed=True)
        if start >= len(text):
            return ToolResult(f"the result has {len(text)} characters", failed=True)
        return ToolResult(await asyncio.to_thread(self._piece, text, start, wanted))

    def _read(self, message: Message) -> str | None:
        """The whole of a result that was cut off; None if its file is missing or is not what it was."""
        name = PurePath(str(message.extra["whole"])).name
        try:
            data = self._manager.store.read_file(self._manager.user, name)
        except StorageError:
            return None
        return data.decode("utf-8", "replace") if data is not None and fits(name, data) else None

    def _piece(self, text: str, start: int, wanted: str) -> str:
        counter, model = self._manager.counter, self._route.counted_as
        size = self._most * 4
        while size > 1 and counter.count(text[start : start + size], model) > self._most * 3 // 4:
            size = size * 3 // 4
        end = start + size
        more = note(wanted, end, len(text)) if end < len(text) else "[this is the end of the result]"
        return f"{text[start:end]}\n{more}"


def cut(manager: SessionManager) -> list[Message]:
    """The results in the open conversation that were cut off."""
    return [one for one in manager.session.path() if one.role == "tool" and one.extra.get("whole")]


def note(result: str, at: int, size: int) -> str:
    """What the model reads where a result of `size` characters was cut off, from the character `at` on."""
    return f'[{size - at:,} more characters: call {NAME} with "result": "{result}", "start": {at}]'
