"""Which collections a message asks: those in use, and those that a `#NAME` of its own names."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from gptchat.attachments.mentions import CODE
from gptchat.conversation.collections.store import Collection
from gptchat.core.origin import Sourced, decide
from gptchat.values import dataclass

_MENTION = re.compile(r"(?:^|(?<=[\s(\[（【，。、；：！？「『]))[#＃]([^\W_][\w-]*)")
"""A hash sign, full-width or not, at the beginning of a word; not `##`, `C#name` or the end of an address."""


@dataclass(slots=True)
class Wish:
    """A collection that a message asks."""

    collection: Collection
    asked: bool = False
    """Whether a person must agree first."""
    chosen: bool = True
    """Whether it is asked; False until a person agrees."""


def wishes(
    entry: Sourced, collections: Sequence[Collection], use: str = "", again: Container[str] = ()
) -> list[Wish]:
    """What of `collections` the message `entry` asks, each once; a name that none of them has is text.

    `use` is the name of the one that every message asks. A mention acts by where it came from; `again` has the
    names that the message asked already, before it was edited.
    """
    found = [Wish(one) for one in collections if one.name.casefold() == use.casefold()] if use else []
    for start, _end, one in find(entry.text, collections):
        if any(wish.collection == one and wish.chosen for wish in found):
            continue
        origin = entry.at(start)
        # A shell fills in other texts unseen, but the beginning of its one line is what the person typed.
        own = origin == "argument" and not entry.text[:start].strip() and "\n" not in entry.text.strip()
        verdict = "act" if own or one.name in again else decide(entry, "collection", start)
        found = [wish for wish in found if wish.collection != one]
        found.append(Wish(one, verdict == "ask", verdict == "act"))
    return found


def find(text: str, collections: Sequence[Collection]) -> list[tuple[int, int, Collection]]:
    """The mentions of `collections` in `text`, outside of code: where each begins and ends.

    Chinese text has no spaces, so a name may end where another script begins.
    """
    if not collections or not {"#", "＃"} & set(text):
        return []
    by_name = {one.name.casefold(): one for one in collections}
    code = [match.span() for match in CODE.finditer(text)]
    found = []
    for match in _MENTION.finditer(text):
        if any(begin <= match.start() < end for begin, end in code):
            continue
        word = match[1]
        for length in range(len(word), 0, -1):
            if length < len(word) and word[length].isascii():
                continue  # another name, of which this one is the beginning
            if (one := by_name.get(word[:length].casefold())) is not None:
                found.append((match.start(), match.start() + 1 + length, one))
                break
    return found


def question(text: str, wanted: Sequence[Wish]) -> str:
    """`text` without the mentions of `wanted`: what is looked for."""
    for start, end, _one in reversed(find(text, [wish.collection for wish in wanted])):
        text = f"{text[:start]} {text[end:]}"
    return text.strip()
