"""What the scriptable server may answer: replies as steps, rendered for the wire API that was asked."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit


class _Cut:
    """Break the connection off."""


CUT: Final = _Cut()


class Gate:
    """A point in a reply where the server waits for the test. `reached` is set when it gets there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        """Let the reply go on."""
        self._open.set()

    def is_open(self) -> bool:
        """Whether the reply may go on."""
        return self._open.is_set()


Step = str | bytes | float | Gate | _Cut
"""A piece of text; raw bytes put in between; seconds to pause; a gate; or the end of the connection."""


@dataclass
class Recorded:
    """A request as it came. `disconnected`: the client left before the reply was over."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    disconnected: bool = False
    finished: bool = False

    @property
    def path(self) -> str:
        """The path without the query; of a proxied request, without the host."""
        return urlsplit(self.target).path

    @property
    def json(self) -> dict[str, Any]:
        """The body, where it is a JSON object."""
        value = json.loads(self.body or b"{}")
        assert isinstance(value, dict)
        return value

    @property
    def last_text(self) -> str:
        """The words of the last message, input item or prompt."""
        items = self.json.get("messages") or self.json.get("input") or self.json.get("prompt") or ""
        content = items[-1].get("content", "") if isinstance(items, list) else items
        return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


@dataclass(frozen=True)
class Reply:
    """One answer. With `body` None the steps are text of a reply, rendered for the API that was asked."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    raw: bool = False
    """The steps are the body as it is, not text of a reply."""
    silent: bool = False
    """Say nothing at all until the client leaves."""
    reasoning: Sequence[str] = ()
    reasoning_key: str = "reasoning_content"
    finish: str | None = "stop"
    done: bool = True
    usage: Mapping[str, int] | None = None
    calls: Sequence[Mapping[str, Any]] = ()
    choices: int = 1
    model: str = ""

    @classmethod
    def document(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A JSON document."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls((body,), status, dict(headers or {}), "application/json", raw=True)

    @classmethod
    def error(cls, status: int, message: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> Reply:
        """An error in OpenAI's form."""
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
        return cls.document({"error": error}, status, headers)


def say(*steps: Step, **options: Any) -> Reply:
    """A reply of these pieces; `options` are the fields of `Reply`."""
    return Reply(steps, **options)


def refuse(
    status: int, message: str = "refused", *, headers: Mapping[str, str] | None = None, **fields: Any
) -> Reply:
    """An error; `fields` (`code`, `type`, `param`) go into the error object."""
    return Reply.error(status, message, headers=headers, **fields)


def raw(*steps: Step, content_type: str = "text/event-stream", **options: Any) -> Reply:
    """A body as it is."""
    return Reply(steps, content_type=content_type, raw=True, **options)


def page(title: str = "Log in", status: int = 200) -> Reply:
    """A web page."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>Please log in</body></html>"
    return Reply((html.encode(),), status, {}, "text/html; charset=utf-8", raw=True)


def hang() -> Reply:
    """Nothing, not even a status line."""
    return Reply(silent=True)


def pings(interval: float = 0.02, number: int = 100_000) -> Reply:
    """A stream that consists of comments alone."""
    steps: list[Step] = []
    for _ping in range(min(number, 5_000)):
        steps += [b": ping\n\n", interval]
    return Reply(steps, content_type="text/event-stream", raw=True)


def gzipped(body: bytes, content_type: str = "text/event-stream") -> Reply:
    """A compressed body."""
    return Reply((gzip.compress(body),), 200, {"Content-Encoding": "gzip"}, content_type, raw=True)


def render(reply: Reply, request: Recorded) -> tuple[dict[str, str], Iterator[Step]]:
    """Headers, and the body's steps (bytes, pauses, gates, cuts), for the API that `request` asked."""
    headers = dict(reply.headers)
    if reply.raw:
        headers.setdefault("Content-Type", reply.content_type or "text/event-stream")
        return headers, (step.encode() if isinstance(step, str) else step for step in reply.steps)
    streamed = request.json.get("stream") is True
    headers.setdefault(
        "Content-Type", reply.content_type or ("text/event-stream" if streamed else "application/json")
    )
    from tests.support import rendering

    return headers, rendering.stream(reply, request) if streamed else rendering.whole(reply, request)
