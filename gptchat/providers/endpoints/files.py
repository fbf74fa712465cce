"""Files at a server, as OpenAI and Azure keep them."""

from __future__ import annotations

import asyncio
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import quote

from gptchat.core.numbers import count
from gptchat.core.remote import RemoteFile
from gptchat.errors import ProtocolError
from gptchat.words import _


class Sender(Protocol):
    """Sends requests with the provider's authentication; the engine of a provider is one."""

    @property
    def name(self) -> str:
        """The name of the provider."""

    async def call(self, method: str, path: str, body: dict[str, Any] | None, files: Any = None) -> Any:
        """The JSON answer to a request. Raises GptchatError."""


class FileKeeping:
    """`core.remote.FilesEndpoint` over OpenAI's API."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def upload(self, path: str, purpose: str) -> RemoteFile:
        """Send the file at `path`. Raises GptchatError and OSError."""
        with await asyncio.to_thread(open, path, "rb") as file:
            fields = {"purpose": purpose}
            part = (PurePath(path).name, file, "application/jsonl")
            return _file(await self._sender.call("post", "/files", fields, {"file": part}), self._sender.name)

    async def remove(self, id: str) -> None:
        """Remove a file."""
        await self._sender.call("delete", f"/files/{quoted(id)}", None)


def quoted(id: str) -> str:
    """An id as part of a path, whatever is in it."""
    return quote(id, safe="")


def fields_of(answer: Any, who: str, what: str) -> dict[str, Any]:
    """The object that a server answered, which must have an id. Raises ProtocolError."""
    if not isinstance(answer, dict) or not isinstance(answer.get("id"), str) or not answer["id"]:
        raise ProtocolError(_("{who} answered with something that is no {what}").format(who=who, what=what))
    return answer


def text(value: Any) -> str:
    """`value` if it is a text; else an empty one."""
    return value if isinstance(value, str) else ""


def _file(answer: Any, who: str) -> RemoteFile:
    found = fields_of(answer, who, "file")
    return RemoteFile(
        found["id"], text(found.get("filename")), count(found.get("bytes")), text(found.get("status"))
    )
