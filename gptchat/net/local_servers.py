"""Looks for model servers on this machine, by plain HTTP: loading a client would delay the first screen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from gptchat.config.endpoints import ProviderSettings
from gptchat.values import dataclass

PROBE_SECONDS = 0.5
_LARGEST = 4_000_000
"""Maximum bytes read of a list of models."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answered on this machine, and the names of its models."""

    settings: ProviderSettings
    models: tuple[str, ...]
    needs_key: bool = False


async def find_local(entries: Sequence[ProviderSettings], seconds: float = PROBE_SECONDS) -> list[LocalServer]:
    """The servers among `entries` that answer on this machine within `seconds`; all are probed concurrently."""
    results = await asyncio.gather(*(_probe(entry, seconds) for entry in entries))
    return [found for found in results if found is not None]


async def _probe(entry: ProviderSettings, seconds: float) -> LocalServer | None:
    address = urlsplit(entry.base_url)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
            try:
                path = f"{address.path.rstrip('/')}/models"
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: application/json\r\n"
                    "Connection: close\r\n\r\n".encode("ascii")
                )
                while (more := await reader.read(1_000_000)) and len(answer) < _LARGEST:
                    answer += more
                    if (
                        answer.rstrip().endswith((b"}", b"0"))
                        and _json(answer.partition(b"\r\n\r\n")[2]) is not None
                    ):
                        break  # the answer is complete; not every server closes the connection
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    status, _space, rest = answer.partition(b" ")[2].partition(b" ")
    document = _json(rest.partition(b"\r\n\r\n")[2])
    if not answer.startswith(b"HTTP/1.") or document is None:
        return None
    if status in (b"401", b"403") and "error" in document:
        return LocalServer(entry, (), needs_key=True)
    if status == b"200" and isinstance(document.get("data"), list):
        return LocalServer(entry, _names(document["data"]))
    return None  # another program listens on this port


def _json(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a body, without the chunk sizes around it; None if there is none."""
    try:
        document = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _names(models: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(model["id"]) for model in models if isinstance(model, dict) and model.get("id"))
