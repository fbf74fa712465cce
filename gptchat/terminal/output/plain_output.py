"""Writes a reply for pipes and scripts: as received, or as one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TextIO

from gptchat.conversation.outcome import Outcome
from gptchat.core.events import ToolFinished
from gptchat.core.messages import Message
from gptchat.core.replies.media import KeptFile, files_of
from gptchat.core.replies.sources import sources_of
from gptchat.terminal.calls.plain import PlainCalls
from gptchat.words import _


class PlainReply(PlainCalls):
    """Writes a reply as it arrives (a `ReplyPainter`); messages to the user go to `tell`.

    With `silent` the reply is not written. `watched`: whether a user is present to be told about progress.
    """

    code_blocks = 0
    behind = False

    def __init__(
        self, stdout: TextIO, tell: Callable[[str], None], is_tty: bool, *, silent: bool, watched: bool
    ) -> None:
        from gptchat.terminal.output.capabilities import Terminal
        from gptchat.terminal.output.reply import RawPainter

        write = writer(stdout) if not silent else lambda _text: None
        self._raw = RawPainter(write, terminal=Terminal(is_tty=is_tty))
        self._tell = tell
        self._watched = watched and not silent
        self._is_tty = is_tty
        self._sources: Sequence[str] = ()

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""
        self._raw.feed(text)

    def feed_reasoning(self, text: str) -> None:
        """Ignored: reasoning is not part of the reply."""

    def feed_file(self, label: str, source: str) -> None:
        """Take a file of the reply."""
        self._raw.feed_file(label, source)

    def text_was_reasoning(self, text: str) -> None:
        """Say so to a user who is watching; what is written stays."""
        if text and self._watched:
            self._tell(_("what came so far was thinking; the reply follows"))

    def set_sources(self, lines: Sequence[str]) -> None:
        """Keep the lines for the end."""
        self._sources = lines
        self._raw.set_sources(lines)

    def note(self, text: str, look: str = "notice") -> None:
        """Pass the message to `tell`."""
        self._tell(text)

    def begin_round(self) -> None:
        """The text of the next message stands apart."""
        self._raw.begin_round()

    def tell_call(self, lines: list[str]) -> None:
        """Pass the lines to `tell`."""
        for line in lines:
            self._tell(line)

    def set_activity(self, text: str) -> None:
        """Pass the text to `tell` if a user is watching; a script's log only needs the result."""
        if text and self._watched:
            self._tell(text)

    def set_footer(
        self, lines: Sequence[Sequence[tuple[str, str]]], cursor: tuple[int, int] | None = None
    ) -> None:
        """Ignored: there is no footer."""

    def skip(self) -> None:
        """Ignored: everything is written as it arrives."""

    def clear(self) -> None:
        """Ignored: nothing is painted."""

    def step_aside(self) -> None:
        """Ignored: nothing is painted."""

    def frame(self, *, force: bool = False) -> float | None:
        """None: everything is written as it arrives."""
        return None

    def finish(self, status: str = "") -> None:
        """End the reply; `status` is ignored. A user who watches the output of a pipe is told the sources."""
        self._raw.finish()
        if self._watched and not self._is_tty:
            for line in self._sources:
                self._tell(line)

    def interrupt(self, status: str = "") -> None:
        """End an incomplete reply; `status` is ignored."""
        self.finish()


def file_json(file: KeptFile, path: str) -> dict[str, Any]:
    """A file of a reply as `--json` lists it; `path` is null incognito."""
    return {
        "kind": file.kind,
        "path": path or None,
        "mime": file.mime,
        "size": file.size,
        "label": file.label,
    }


def _call_json(event: ToolFinished) -> dict[str, Any]:
    """A call of a tool as `--json` lists it; arguments that are no JSON stand as they are."""
    import json

    try:
        arguments = json.loads(event.call.arguments or "{}")
    except ValueError:
        arguments = event.call.arguments
    return {
        "name": event.call.name,
        "arguments": arguments,
        "outcome": event.outcome,
        "result": event.message.text,
        "tokens": event.tokens,
        "seconds": round(event.seconds, 3),
        **({"whole": event.whole} if event.whole else {}),
    }


def writer(stdout: TextIO) -> Callable[[str], None]:
    """A function that writes text to `stdout` and flushes it."""

    def write(text: str) -> None:
        stdout.write(text)
        stdout.flush()

    return write


def reply_json(
    user: str,
    session: str | None,
    outcome: Outcome,
    message: Message,
    path_of: Callable[[str], str] = lambda _name: "",
) -> dict[str, Any]:
    """The document that `--json` prints; `choices` only if there are several replies, no `session` incognito.

    `files`, `sources` and `tools` are there if there are any; `sources` is empty where documents were asked and
    none fits. `data` is there if the answer was asked for with a schema. `path_of` returns the path of a file by
    its name.
    """
    fit, files, sources = outcome.fit, files_of(message), sources_of(message)
    usage = outcome.usage if fit is not None else message.usage
    choices = [one.text for one in (message, *outcome.others)]
    return {
        "reply": fit.text if fit is not None else message.text,
        **({"data": fit.data} if fit is not None else {}),
        **({"choices": choices} if outcome.others else {}),
        "reasoning": message.reasoning or None,
        "user": user,
        "session": session,
        "provider": message.provider,
        "model": message.model,
        "finish_reason": message.finish_reason,
        "usage": None
        if usage is None
        else {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "estimated": usage.estimated,
        },
        **({"files": [file_json(file, path_of(file.name)) for file in files]} if files else {}),
        **({"sources": [source.to_json() for source in sources]} if "sources" in message.extra else {}),
        **({"tools": [_call_json(event) for event in outcome.calls]} if outcome.calls else {}),
        "cost_usd": outcome.cost,
        "seconds": round(outcome.seconds, 3),
    }
