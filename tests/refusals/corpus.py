"""Replays refusals from a corpus against the program, and says what it made of each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptchat.errors import ContextLengthError
from tests.providers.asking import ask, provider, question
from tests.support.server import Reply, Server, raw

DATA = Path(__file__).with_name("data")

_PARAMETERS: dict[str, Any] = {
    "max_tokens": 20_480,
    "temperature": 0.84,
    "stop": ["END"],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "thinking": {"type": "enabled"},
    "response_format": {"type": "json_object"},
    "n": 1,
}
"""Values of the parameters that rows name; any other is sent as 1."""


@dataclass(frozen=True)
class Row:
    """One refusal of a corpus, with what is expected of its reader."""

    vendor: str
    status: int
    headers: dict[str, str]
    body: Any
    in_stream: bool
    kind: str
    parameter: str | None
    action: str
    numbers: dict[str, Any]

    @property
    def left_out(self) -> set[str]:
        """The parameters that the next request must not have."""
        found = re.match(r"leave (?:the misspelt )?(.+?) out(?! of)", self.action)
        instead = re.match(r"send (\w+(?:\.\w+)?) instead of (\w+)$", self.action)
        both = re.match(r"send \w+ or (\w+), not both", self.action)
        if instead:
            return {instead[2]}
        if both:
            return {both[1]}
        return set(re.split(r", | and ", found[1])) if found else set()

    def reply(self) -> Reply:
        """The answer that the server gives."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)
        kind = self.headers.get("content-type", "")
        others = {name: value for name, value in self.headers.items() if name != "content-type"}
        if self.in_stream and not isinstance(self.body, str):
            text = f"data: {text}\n\n"
        default = "text/event-stream" if self.in_stream else "application/json"
        return raw(text, content_type=kind or default, status=self.status, headers=others)


@dataclass(frozen=True)
class Reading:
    """What the program made of a refusal: the error's kind, what it shows, learnt and sent again without."""

    kind: str
    message: str
    hint: str
    window: int | None
    requested: int | None
    left_out: frozenset[str]


def rows(name: str) -> list[Row]:
    """The rows of the corpus file `name`."""
    listed = []
    for line in (DATA / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        numbers = {key: value for key, value in (row.get("numbers") or {}).items() if isinstance(value, int)}
        listed.append(
            Row(
                row["vendor"],
                row["status"],
                row.get("headers") or {},
                row["body"],
                row.get("in_stream", False),
                row["kind"],
                row.get("parameter"),
                row.get("action", ""),
                numbers,
            )
        )
    return listed


def read(row: Row, server: Server) -> Reading:
    """Send a request that `row` refuses as often as the program tries it."""
    names = {*row.left_out, *re.split(r", ", row.parameter or "")} & _names(row)
    parameters = {name: _PARAMETERS.get(name, 1) for name in sorted(names)}
    server.script(*[row.reply()] * 10)
    before = len(server.requests)
    outcome = ask(provider(server.url, extra_body=parameters), question("hello", model="the-model"))
    sent = [request.json for request in server.requests[before:]]
    server.clear()
    error = outcome.failure
    limits = (error.limit, error.requested) if isinstance(error, ContextLengthError) else (None, None)
    gone = sent[0].keys() - sent[-1].keys()
    return Reading(error.kind, error.message, error.hint, *limits, frozenset(gone))


def _names(row: Row) -> set[str]:
    """The top-level parameters of a chat request that `row` names."""
    named = {*row.left_out, *re.split(r", ", row.parameter or "")}
    return {name for name in named if re.fullmatch(r"[a-z_]{1,40}", name)} - {
        "model",
        "messages",
        "stream",
        "stream_options",
        "image_url",
        "extra_body",
        "reasoning_content",
    }


NEXT_STEPS = {
    "authentication": ("key",),
    "permission": ("/provider", "/model", "account", "region", "terms", "model"),
    "quota": ("/provider", "top up", "max_tokens"),
    "rate_limit": ("/retry", "wait", "/model", "/compact"),
    "context_length": ("/compact", "/context", "max_tokens"),
    "not_found": ("/model", "address", "api"),
    "content_filter": ("/edit",),
    "server": ("/retry", "/model", "smaller model"),
    "timeout": ("/retry",),
    "protocol": ("/retry", "/context", "address"),
    "bad_request": ("/json", "/set", "/undo", "/tools", "/model", "/unset", "/compact"),
}
"""What the hint for each kind names, one of these."""


def shortcomings(row: Row, reading: Reading) -> list[str]:
    """How `reading` differs from what `row` expects; empty if it does not."""
    wrong = []
    if reading.kind != row.kind:
        wrong.append(f"kind {reading.kind}, not {row.kind}")
    wanted = row.left_out - {"extra_body"}
    if not wanted <= reading.left_out or (row.kind != "bad_request" and reading.left_out and not row.parameter):
        wrong.append(f"left out {sorted(reading.left_out)}, not {sorted(wanted)}")
    if row.kind == "context_length":
        if row.numbers.get("window") != reading.window:
            wrong.append(f"window {reading.window}, not {row.numbers.get('window')}")
        told = row.numbers.get("requested")
        if told and reading.requested not in (told, row.numbers.get("prompt")):
            wrong.append(f"requested {reading.requested}, not {told}")
    if not any(word in reading.hint for word in NEXT_STEPS[reading.kind]):
        wrong.append(f"hint “{reading.hint}”")
    return wrong
