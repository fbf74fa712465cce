"""Checks a training file before it leaves: form, roles, lengths and tokens of each example."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gptchat.core.messages import Message
from gptchat.values import dataclass, field
from gptchat.words import _, ngettext

FEWEST = 10
"""Examples that OpenAI wants at least (https://platform.openai.com/docs/guides/supervised-fine-tuning)."""
LARGEST = 512 << 20
"""Bytes that OpenAI takes in one file (https://platform.openai.com/docs/api-reference/files/create)."""
_EXAMPLE, _MESSAGE = 3, 3
"""Tokens that an example and each of its messages take besides their text, as OpenAI's cookbook counts them."""
_TARGET, _EPOCHS, _MOST_EPOCHS, _MOST_SHOWN = 100, 3, 25, 25_000
_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
_NAMED = 5


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training file holds. `problems` are (line, words) pairs, for which a server refuses it."""

    examples: int = 0
    messages: int = 0
    tokens: int = 0
    longest: int = 0
    """Tokens of the longest example."""
    problems: Sequence[tuple[int, str]] = field(default_factory=tuple)

    @property
    def epochs(self) -> int:
        """How often OpenAI goes through the examples if it is not told, as its cookbook estimates it."""
        count = max(self.examples, 1)
        if count * _EPOCHS < _TARGET:
            return min(_MOST_EPOCHS, max(_TARGET // count, 1))
        if count * _EPOCHS > _MOST_SHOWN:
            return max(1, _MOST_SHOWN // count)
        return _EPOCHS

    def told(self) -> list[str]:
        """The problems for people, the first few with their lines."""
        lines = [_("line {n}: {what}").format(n=number, what=words) for number, words in self.problems[:_NAMED]]
        if (more := len(self.problems) - _NAMED) > 0:
            lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
        return lines


def check(lines: Iterable[bytes], count: Callable[[Message], int], most: int | None) -> TrainingReport:
    """Look through the lines of a training file.

    `count` tells the tokens of the text of a message; `most` are those that an example may have, None if that
    is not known. Blank lines are none.
    """
    examples = messages = tokens = longest = 0
    problems: list[tuple[int, str]] = []
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        examples += 1
        listed = _listed(raw)
        if isinstance(listed, str):
            problems.append((number, listed))
            continue
        if trouble := _trouble(listed):
            problems.append((number, trouble))
        size = _EXAMPLE + sum(_MESSAGE + count(_as_message(one)) for one in listed)
        messages, tokens, longest = messages + len(listed), tokens + size, max(longest, size)
        if most is not None and size > most:
            words = _("{tokens} tokens, and the model takes {most}")
            problems.append((number, words.format(tokens=f"{size:,}", most=f"{most:,}")))
    return TrainingReport(examples, messages, tokens, longest, tuple(problems))


def _listed(raw: bytes) -> list[Mapping[str, Any]] | str:
    """The messages of a line, or why there are none."""
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return _("this is no JSON")
    listed = entry.get("messages") if isinstance(entry, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        return _("there is no list of messages")
    return listed


def _trouble(listed: Sequence[Mapping[str, Any]]) -> str:
    """Why a server would refuse these messages; empty if it would not."""
    waiting: set[str] = set()
    for one in listed:
        role, content = one.get("role"), one.get("content")
        if role not in _ROLES:
            return _("{role} is no role").format(role=json.dumps(role, ensure_ascii=False)[:40])
        if waiting and role != "tool":
            return _("a call of a tool has no result")
        calls = one.get("tool_calls")
        if calls is not None and (role != "assistant" or not isinstance(calls, list)):
            return _("calls of tools stand in an assistant's message, as a list")
        if role == "tool":
            if str(one.get("tool_call_id")) not in waiting:
                return _("a result belongs to no call of a tool")
            waiting.discard(str(one.get("tool_call_id")))
        if content is None and not calls and not one.get("function_call"):
            return _("a message of the role {role} has no content").format(role=role)
        if not isinstance(content, str | list | None):
            return _("the content of a message is no text")
        if role in ("user", "assistant") and not content and not calls and not one.get("function_call"):
            return _("a message of the role {role} is empty").format(role=role)
        waiting |= {str(call.get("id")) for call in calls or () if isinstance(call, dict)}
    if waiting:
        return _("a call of a tool has no result")
    if not any(one.get("role") == "assistant" for one in listed):
        return _("no message is the assistant's, so there is nothing to learn")
    if listed[-1].get("role") != "assistant":
        return _("the last message is not the assistant's")
    return ""


def _as_message(one: Mapping[str, Any]) -> Message:
    """A message whose text holds all that is counted."""
    content = one.get("content")
    text = content if isinstance(content, str) else ""
    if isinstance(content, list):
        text = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if calls := one.get("tool_calls"):
        text += json.dumps(calls, ensure_ascii=False)
    return Message(str(one.get("role")), text)
