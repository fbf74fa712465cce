"""The SDK's raw request: its authentication, Azure routing and errors, with the body of the answer unread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


async def send(
    client: AsyncOpenAI,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    files: Mapping[str, Any] | None,
    authorization: Mapping[str, Any],
) -> httpx2.Response:
    """Send a request; `body` goes as JSON, or with `files` as the fields of a form. Raises errors of the SDK."""
    import httpx2  # already imported by whoever made the client

    from gptchat.providers.sdk.light import openai

    headers: dict[str, Any] = {"Accept-Encoding": "identity"}  # compressed text would come late
    if body is not None:
        headers["Accept"] = "text/event-stream" if body.get("stream") else "application/json"
    if files:
        headers["Content-Type"] = "multipart/form-data"
    options: dict[str, Any] = {"cast_to": httpx2.Response, "options": {"headers": {**headers, **authorization}}}
    stream: dict[str, Any] = {"stream": True, "stream_cls": openai.AsyncStream[Any]}
    match method:
        case "get":
            response = await client.get(path, **options, **stream)
        case "delete":
            response = await client.delete(path, **options)
        case _:
            parts = [*files.items()] if files else None
            response = await client.post(path, body=body, files=parts, **options, **stream)
    assert isinstance(response, httpx2.Response)
    return response
