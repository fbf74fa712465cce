"""Which tools are offered in a request, in how many tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gptchat.core.tooling import Tool
from gptchat.values import dataclass
from gptchat.words import ngettext

Definition = Mapping[str, Any]
"""A tool in the format of the chat API."""

_BRIEF = 160
"""Characters of a description that is shortened."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that a request offers, and what a person should know of those that it does not offer in full."""

    tools: Sequence[Tool] = ()
    definitions: Sequence[Definition] = ()
    note: str = ""


def offer(tools: Sequence[Tool], room: int, count: Callable[[Sequence[Definition]], int], text: str) -> Offer:
    """The `tools` whose definitions fit into `room` tokens, as `count` counts them.

    Where not all of them fit, their descriptions are shortened first; then those are chosen whose names and
    descriptions have most in common with `text`, what the turn is about. They keep their order.
    """
    whole = [tool.spec.definition() for tool in tools]
    if not tools or count(whole) <= room:
        return Offer(tools, whole)
    brief = [_shortened(definition) for definition in whole]
    if count(brief) <= room:
        words = ngettext(
            "the description of {n} tool was shortened to fit the window",
            "the descriptions of {n} tools were shortened to fit the window",
            len(tools),
        )
        return Offer(tools, brief, words.format(n=len(tools)))
    wanted = _parts(text)
    ranked = sorted(range(len(tools)), key=lambda i: (-_common(wanted, whole[i]), i))
    chosen: list[int] = []
    left = room - count([])
    for i in ranked:
        cost = count([brief[i]])
        if cost <= left:
            chosen.append(i)
            left -= cost
    while chosen and count([brief[i] for i in chosen]) > room:
        chosen.pop()
    chosen.sort()
    words = ngettext(
        "{n} of {all} tools fits the window, shortened; /tools shows all",
        "{n} of {all} tools fit the window, shortened; /tools shows all",
        len(chosen),
    )
    note = words.format(n=len(chosen), all=len(tools))
    return Offer([tools[i] for i in chosen], [brief[i] for i in chosen], note)


def _shortened(definition: Definition) -> Definition:
    """The definition with a brief description, and without those within its parameters."""
    function = dict(definition["function"])
    function["description"] = _brief(str(function.get("description", "")))
    function["parameters"] = _bare(function.get("parameters", {}))
    return {**definition, "function": function}


def _brief(text: str) -> str:
    """The first sentence of a description, or as much of it as is brief."""
    text = " ".join(text.split())
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", text, maxsplit=1)[0]
    return first if len(first) <= _BRIEF else first[: _BRIEF - 1] + "…"


def _bare(schema: Any) -> Any:
    """A JSON schema without descriptions, titles and examples; properties of these names stay."""
    if isinstance(schema, Mapping):
        kept = {}
        for key, value in schema.items():
            if key == "properties" and isinstance(value, Mapping):
                kept[key] = {name: _bare(one) for name, one in value.items()}
            elif key not in ("description", "title", "examples", "example", "default", "$schema"):
                kept[key] = _bare(value)
        return kept
    return [_bare(one) for one in schema] if isinstance(schema, list | tuple) else schema


_WORD = re.compile(r"[a-z0-9]{2,}|[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7a3]+")
_CASES = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-./]+")


def _parts(text: str) -> frozenset[str]:
    """The words of a text in lower case; of scripts without blanks, each two characters."""
    found: set[str] = set()
    for word in _WORD.findall(_CASES.sub(" ", text).lower()):
        if word[0].isascii():
            found.add(word)
            found.add(word.removesuffix("s"))
        else:
            found.update(word[i : i + 2] for i in range(max(len(word) - 1, 1)))
    return frozenset(found)


def _common(wanted: frozenset[str], definition: Definition) -> float:
    """How much a tool has in common with the words `wanted`; its name counts twice."""
    function = definition["function"]
    name, about = _parts(str(function["name"])), _parts(str(function.get("description", "")))
    return 2 * len(wanted & name) + len(wanted & about)
