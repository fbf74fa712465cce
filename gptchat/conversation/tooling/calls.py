"""Runs the calls of one round at once; what each returns is cleaned, cut to its share and kept in the journal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal

from gptchat.conversation.tooling.rest import note
from gptchat.core.events import ToolCall, ToolFinished, ToolProgress, ToolStarted
from gptchat.core.messages import Message, Part
from gptchat.core.replies.media import KeptFile, content_with, decoded, kind_of, label, name_of
from gptchat.core.safe import clean
from gptchat.core.tooling import Tool, ToolResult, ToolSpec
from gptchat.manager import Route, SessionManager
from gptchat.manager.request import INTERRUPTED
from gptchat.values import dataclass, replace

Outcome = Literal["done", "failed", "denied", "interrupted"]
_PATIENCE = 3.0
"""Seconds that a call has to end after it was cancelled."""
_LEAST = 200
"""Tokens of a result that are always sent."""


@dataclass(slots=True)
class Planned:
    """A call that was decided about: it runs with `arguments`, or has its `result` already."""

    call: ToolCall
    tool: Tool | None = None
    arguments: Mapping[str, Any] | None = None
    result: ToolResult | None = None
    outcome: Outcome = "done"
    reason: str = ""
    """Why the person said no."""
    changed: str = ""
    """The arguments as JSON, if the person has changed them."""

    def change(self, arguments: Mapping[str, Any]) -> None:
        """Let it run with other arguments, which the model is told with the result."""
        self.arguments = arguments
        self.changed = json.dumps(arguments, ensure_ascii=False, default=str)
        self.call = replace(self.call, arguments=self.changed)

    @property
    def spec(self) -> ToolSpec | None:
        """The tool's, if the name means one."""
        return self.tool.spec if self.tool is not None else None


def arguments_of(call: ToolCall, schema: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The arguments of a call as an object, and what is wrong with them, for the model; empty if nothing is.

    Only what every tool needs is checked: an object, the required parameters, and the simple types.
    """
    try:
        given = json.loads(call.arguments) if call.arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        return {}, f"the arguments are not valid JSON: {error}"
    if not isinstance(given, dict):
        return {}, "the arguments must be a JSON object"
    required = schema.get("required")
    missing = [name for name in required if name not in given] if isinstance(required, list) else []
    if missing:
        return given, f"missing arguments: {', '.join(map(str, missing))}"
    properties = schema.get("properties")
    for name, value in given.items():
        wanted = properties.get(name) if isinstance(properties, Mapping) else None
        kind = wanted.get("type") if isinstance(wanted, Mapping) else None
        if isinstance(kind, str) and kind in _TYPES and not _is(value, kind):
            return given, f"the argument {name} must be of type {kind}"
    return given, ""


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the call with this number in its round ended."""

    number: int
    result: ToolResult
    outcome: Outcome
    seconds: float


def _interrupted(number: int) -> _Ended:
    return _Ended(number, ToolResult(INTERRUPTED, failed=True), "interrupted", 0.0)


class Calls:
    """The calls of `reply`, in the order in which the model asked for them. `share` is for all their results."""

    def __init__(
        self, manager: SessionManager, route: Route, planned: Sequence[Planned], share: int, reply: Message
    ) -> None:
        self._manager = manager
        self._reply = self._last = reply.id
        self._route = route
        self._planned = planned
        self._most = max(share // max(len(planned), 1), _LEAST)
        self._tasks: list[asyncio.Task[None]] = []
        self._queue: asyncio.Queue[ToolProgress | _Ended | None] = asyncio.Queue()

    def stop(self) -> None:
        """Cancel what runs. Calls that have not ended are told as interrupted, even if they do not end."""
        for task in self._tasks:
            task.cancel()
        asyncio.get_running_loop().call_later(_PATIENCE, self._queue.put_nowait, None)

    async def run(self) -> AsyncGenerator[ToolStarted | ToolProgress | ToolFinished, None]:
        """Run those that may run; yield what happens, and each result once it is in the journal.

        The journal has the results in the order of the calls, so a result waits for those before it.
        """
        ready: dict[int, _Ended] = {}
        for number, one in enumerate(self._planned):
            if one.result is not None:
                ready[number] = _Ended(number, one.result, one.outcome, 0.0)
        running = [number for number in range(len(self._planned)) if number not in ready]
        self._manager.running = self
        try:
            if running and not self._manager.stopping:
                await self._note([self._planned[number].call.id for number in running])
            for number in running:
                yield ToolStarted(self._planned[number].call, self._planned[number].spec)
                self._tasks.append(asyncio.create_task(self._one(number)))
            if self._manager.stopping:
                self.stop()
            written = 0
            while written < len(self._planned):
                while written in ready:
                    yield await self._finished(self._planned[written], ready.pop(written))
                    written += 1
                if written == len(self._planned):
                    break
                got = await self._queue.get()
                if isinstance(got, ToolProgress):
                    yield got
                elif got is not None:
                    ready[got.number] = got
                else:
                    for number in range(written, len(self._planned)):
                        ready.setdefault(number, _interrupted(number))
        finally:
            self._manager.running = None
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_PATIENCE)

    async def _one(self, number: int) -> None:
        planned, begun = self._planned[number], time.monotonic()
        tool = planned.tool
        assert tool is not None

        def progress(text: str) -> None:
            self._queue.put_nowait(ToolProgress(planned.call, clean(text, newlines=False)))

        ended = _interrupted(number)
        try:
            result = await tool.call(planned.arguments or {}, progress)
            ended = _Ended(number, result, "failed" if result.failed else "done", time.monotonic() - begun)
        except Exception as error:  # a tool must not end the turn, whatever it does
            result = ToolResult(f"{type(error).__name__}: {error}", failed=True)
            ended = _Ended(number, result, "failed", time.monotonic() - begun)
        finally:
            self._queue.put_nowait(ended)

    async def _note(self, names: Sequence[str]) -> None:
        """Write down which calls are about to run, so that a killed program does not run them again unasked."""
        manager = self._manager
        record = {"type": "calls", "message": self._reply, "started": list(names)}
        await asyncio.to_thread(manager.record, record)

    def _pictures(self, result: ToolResult) -> list[KeptFile]:
        """The pictures of a result, kept as files of the person. The model is told that there is one."""
        manager = self._manager
        kept: list[KeptFile] = []
        for part in result.parts:
            if (found := _picture(part, len(kept) + 1)) is not None:
                file, data = found
                manager.store.keep_file(manager.user, file.name, data)
                kept.append(file)
        return kept

    async def _finished(self, planned: Planned, ended: _Ended) -> ToolFinished:
        message, tokens, whole = await asyncio.to_thread(self._keep, planned, ended)
        return ToolFinished(planned.call, message, ended.outcome, ended.seconds, tokens, whole)

    def _keep(self, planned: Planned, ended: _Ended) -> tuple[Message, int, str]:
        """The result as a message in the journal, its tokens, and the path of the whole of it, if it was cut."""
        manager = self._manager
        counter, name = manager.counter, self._route.counted_as
        text = clean(ended.result.text)
        pictures = self._pictures(ended.result)
        text = "\n".join(filter(None, (text, *(one.label for one in pictures))))
        if planned.changed:
            text = f"[the user changed the arguments to {clean(planned.changed)}]\n{text}"
        whole, tokens = "", counter.count(text, name)
        if tokens > self._most:
            data = text.encode("utf-8", "replace")
            file = name_of(data, "text/plain")
            manager.store.keep_file(manager.user, file, data)
            whole = manager.store.file_path(manager.user, file)
            text = _cut(text, tokens, self._most, planned.call.id if whole else "")
            tokens = counter.count(text, name)
        extra: dict[str, Any] = {
            "tool_call_id": planned.call.id,
            "name": planned.call.name,
            "outcome": ended.outcome,
        }
        if planned.spec is not None:
            extra["source"] = planned.spec.source
        if planned.reason:
            extra["reason"] = planned.reason
        if planned.changed:
            extra["arguments"] = planned.changed
        if ended.seconds:
            extra["seconds"] = round(ended.seconds, 3)
        if whole:
            extra["whole"] = whole
        session = manager.session
        content = content_with(text, pictures)
        # The parent is the last result, even if another process has written since.
        message = Message("tool", content, parent=self._last, ts=manager.timestamp(), extra=extra)
        written = manager.record(message.to_record())
        self._last = written[-1]["id"]
        return session.messages[self._last], tokens, whole


def _picture(part: Part, number: int) -> tuple[KeptFile, bytes] | None:
    """The picture in a content part, and its bytes; None for other parts, and for an address on the web."""
    given = part.get("image_url")
    address = given.get("url") if isinstance(given, Mapping) else None
    head, comma, payload = str(address or "").partition(";base64,")
    if not comma or not head.startswith("data:image/"):
        return None
    try:
        data = decoded(payload)
    except ValueError:
        return None
    mime = head.removeprefix("data:")
    return KeptFile(kind_of(mime), name_of(data, mime), mime, len(data), label(mime, len(data), number)), data


def _cut(text: str, tokens: int, most: int, name: str) -> str:
    """The beginning and the end of a text of `tokens` tokens, together about `most`, with a note between them.

    `name` is the call's, if the model may ask for what is missing.
    """
    characters = max(int(len(text) * most / tokens * 0.9), 1)
    head = characters * 3 // 4
    tail = text[len(text) - (characters - head) :] if characters > head else ""
    told = note(name, head, len(text)) if name else ""
    here = f"[... {len(text) - characters:,} of {len(text):,} characters were cut off here ...]{told}"
    return f"{text[:head]}\n{here}\n{tail}"
