"""Batches, as OpenAI and Azure run them: a file of requests, answered within a day for half the price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.core.numbers import count
from gptchat.core.remote import BatchState, RemoteBatch
from gptchat.providers.endpoints.files import Sender, fields_of, quoted, text

_STATES: Mapping[str, BatchState] = {
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelling": "cancelling",
    "cancelled": "cancelled",
}
"""What a server's words mean; every other (`validating`, `in_progress`, `finalizing`) is that it runs."""


class Batches:
    """`core.remote.BatchesEndpoint` over OpenAI's API. `prefix` stands before the path of a request."""

    def __init__(self, sender: Sender, prefix: str) -> None:
        self._sender = sender
        self._prefix = prefix

    def address(self, path: str) -> str:
        """How a line of a batch names `path`."""
        return self._prefix + path

    async def create(self, file: str, path: str) -> RemoteBatch:
        """Begin a batch."""
        body = {"input_file_id": file, "endpoint": self.address(path), "completion_window": "24h"}
        return self._batch(await self._sender.call("post", "/batches", body))

    async def batch(self, id: str) -> RemoteBatch:
        """A batch as it stands."""
        return self._batch(await self._sender.call("get", f"/batches/{quoted(id)}", None))

    async def cancel(self, id: str) -> RemoteBatch:
        """Ask that a batch ends."""
        return self._batch(await self._sender.call("post", f"/batches/{quoted(id)}/cancel", None))

    def _batch(self, answer: Any) -> RemoteBatch:
        found = fields_of(answer, self._sender.name, "batch")
        counts, errors = found.get("request_counts"), found.get("errors")
        counts = counts if isinstance(counts, dict) else {}
        listed = errors.get("data") if isinstance(errors, dict) else None
        reasons = [text(one.get("message")) for one in listed or () if isinstance(one, dict)]
        status = text(found.get("status"))
        return RemoteBatch(
            found["id"],
            _STATES.get(status, "running"),
            status,
            count(counts.get("total")),
            count(counts.get("completed")),
            count(counts.get("failed")),
            text(found.get("output_file_id")),
            text(found.get("error_file_id")),
            "; ".join(dict.fromkeys(filter(None, reasons)))[:500],
        )
