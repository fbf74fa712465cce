"""Words for calls of tools and their results, on one line each; whatever the model or a tool wrote is cleaned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat.core.events import ToolCall
from gptchat.core.replies.media import size_words
from gptchat.core.safe import clean, clean_line
from gptchat.core.width import cells, cut
from gptchat.values import dataclass, replace
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.core.messages import Message
    from gptchat.core.tooling import ToolSpec

_MOST = 2000
"""Characters of arguments or of a result that one line looks at."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended, for people. `seconds` and `tokens` are 0 if they are not known.

    `outcome` is done, failed, denied or interrupted; empty for a result of which that is not known. `text` is what
    the model is told, `reason` why the person said no. `whole` is the path of the file with the whole result, if
    only a part of it is sent.
    """

    outcome: str
    text: str
    reason: str = ""
    seconds: float = 0.0
    tokens: int = 0
    parts: int = 0
    whole: str = ""


def calls_of(message: Message) -> list[ToolCall]:
    """The calls that an assistant's `message` asks for; what is no call is left out."""
    listed = message.extra.get("tool_calls")
    if message.role != "assistant" or not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    calls = []
    for one in listed:
        function = one.get("function") if isinstance(one, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)
            calls.append(ToolCall(str(one.get("id") or ""), function["name"], text))
    return calls


def result_of(message: Message) -> CallResult:
    """The result that a message of the role `tool` holds."""
    outcome, reason, seconds, whole = (message.extra.get(key) for key in ("outcome", "reason", "seconds", "whole"))
    parts = 0 if isinstance(message.content, str) else sum(part.get("type") != "text" for part in message.content)
    return CallResult(
        outcome if isinstance(outcome, str) else "",
        message.text,
        reason if isinstance(reason, str) else "",
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        next(iter(message.tokens.values()), 0),
        parts,
        whole if isinstance(whole, str) else "",
    )


def with_results(messages: Iterable[Message]) -> Iterator[tuple[Message, list[tuple[ToolCall, Message | None]]]]:
    """Each of `messages` with the calls that it asks for, and their results, which are not given again.

    A result follows its call before anybody else speaks; None for a call without one. A result that belongs to no
    call is given by itself. Arguments that the person changed before the call ran are those of the call.
    """
    listed = list(messages)
    at = 0
    while at < len(listed):
        message = listed[at]
        at += 1
        calls = calls_of(message)
        results: list[Message] = []
        while calls and at < len(listed) and listed[at].role == "tool":
            results.append(listed[at])
            at += 1
        pairs: list[tuple[ToolCall, Message | None]] = []
        for call in calls:
            found = next((one for one in results if str(one.extra.get("tool_call_id") or "") == call.id), None)
            if found is not None:
                results.remove(found)
                if isinstance(ran := found.extra.get("arguments"), str):  # the person has changed them
                    call = replace(call, arguments=ran)
            pairs.append((call, found))
        yield message, pairs
        for rest in results:
            yield rest, []


def gist(message: Message) -> str:
    """The text of `message`; where it has none, the calls that it asks for."""
    if message.text.strip():
        return message.text
    return ", ".join(call_line(call.name, call.arguments) for call in calls_of(message))


def call_line(name: str, arguments: str | Mapping[str, Any]) -> str:
    """A call as one line: `weather(city="Oslo", days=3)`. Arguments that are no JSON object stand as they are."""
    given: object = arguments
    if isinstance(arguments, str):
        try:
            given = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            given = arguments
    if isinstance(given, Mapping):
        written = ", ".join(f"{key}={_json(value)}" for key, value in given.items())
    else:
        written = str(given) if isinstance(given, str) else _json(given)
    return clean_line(f"{name[:200]}({written[:_MOST]})")


def arguments_whole(arguments: str | Mapping[str, Any]) -> str:
    """All arguments as indented JSON, cleaned; what is no JSON stands as it is."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return clean(str(arguments))
    return clean(json.dumps(arguments, ensure_ascii=False, indent=2, default=str))


def may(spec: ToolSpec | None) -> str:
    """What a call of the tool may do, in a word or two; empty for an unknown tool."""
    if spec is None:
        return ""
    return {"reads": _("only reads"), "changes": _("may change things"), "runs": _("runs a program")}[spec.effect]


def named(line: str, spec: ToolSpec | None, width: int) -> str:
    """`line` of a call with what it may do and where the tool is from, in `width` columns: the line gives way."""
    behind = "".join(f" · {clean_line(word)}" for word in ((may(spec), spec.source) if spec is not None else ()))
    if cells(behind) > width // 2:
        behind = f" · {may(spec)}"
    return fold(line, width - cells(behind)) + behind


def fold(line: str, width: int, end: str = "…)") -> str:
    """`line`, that of a call unless `end` says otherwise, in at most `width` columns: `end` shows what is cut."""
    if cells(line) <= width:
        return line
    return line[: cut(line, max(width - len(end), 0))].rstrip() + end


SIGNS: Mapping[str, str] = {"done": "✓", "failed": "✗", "denied": "⊘", "interrupted": "■"}
"""The sign of each outcome."""


def result_line(result: CallResult, width: int) -> str:
    """A result folded to one line of at most `width` columns: outcome, size, tokens, time, and how it begins."""
    text, sign = result.text.strip(), SIGNS.get(result.outcome, "·")
    begins = clean_line(text[:_MOST])
    if result.outcome in ("denied", "interrupted"):
        words = _("not run") if result.outcome == "denied" else _("interrupted")
        why = clean_line(result.reason) or (begins if result.outcome == "denied" else "")
        return fold(" · ".join(filter(None, (f"{sign} {words}", why))), width, "…")
    facts = [_("failed")] if result.outcome == "failed" else []
    lines = text.count("\n") + 1
    if lines > 1:
        facts.append(ngettext("{n} line", "{n} lines", lines).format(n=f"{lines:,}"))
    facts.append(size_words(len(result.text.encode(errors="replace"))) if text else _("empty"))
    if result.parts:
        facts.append(ngettext("{n} file", "{n} files", result.parts).format(n=result.parts))
    if result.tokens:
        facts.append(ngettext("{count} token", "{count} tokens", result.tokens).format(count=f"{result.tokens:,}"))
    if result.seconds >= 0.05:
        facts.append(_("{seconds} s").format(seconds=f"{result.seconds:.1f}"))
    if result.whole:
        facts.append(_("a part is sent"))
    return fold(f"{sign} " + " · ".join(filter(None, (*facts, begins))), width, "…")


def told_calls(calls: Iterable[tuple[ToolCall, Message | None]], width: int = 120) -> list[str]:
    """Calls and their results as lines of text, of at most `width` columns."""
    lines = []
    for call, message in calls:
        result = result_of(message) if message is not None else CallResult("interrupted", "")
        lines.append("▸ " + fold(call_line(call.name, call.arguments), width - 2))
        lines.append("  " + result_line(result, width - 2))
    return lines


def _json(value: object) -> str:
    if isinstance(value, str):
        value = value[:_MOST]
    return json.dumps(value, ensure_ascii=False, default=str)
