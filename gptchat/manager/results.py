"""Results of tools in the window: old ones are left out before anything that was said is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gptchat.core.context import ContextPlan
from gptchat.core.messages import Message

_SHORT = 200
"""Characters of a result that always stay: leaving them out would win nothing."""
LEFT_OUT = "[this earlier result was left out to save space; call the tool again if it is needed]"
"""What stands for a result that is left out. Not translated, because models read it."""


def plan(path: Sequence[Message], plan_of: Callable[[Sequence[Message]], ContextPlan]) -> ContextPlan:
    """The plan of `path` by `plan_of`, with as many results of tools in it as fit.

    First the results of earlier turns are left out, then those of earlier rounds of the newest turn, then the
    newest ones are cut; each only if the messages would not all be sent, or if even the newest turn would not fit.
    A call always keeps its result, or what stands for it.
    """
    planned = plan_of(path)
    if not planned.trimmed and planned.fits:
        return planned
    for number, lighter in enumerate(_lighter(path)):
        if number and planned.fits:  # only the newest turn's results are left: they matter more than older turns
            break
        planned = plan_of(lighter)
        if planned.fits and not planned.trimmed:
            break
    return planned


def _lighter(path: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Versions of `path` with less and less of the results; none if there are no results."""
    if not any(message.role == "tool" for message in path):
        return
    turn = max((i for i, message in enumerate(path) if message.role == "user"), default=0)
    newest = max((i for i, message in enumerate(path) if message.extra.get("tool_calls")), default=0)
    yield [_cut(message, 0) if i < turn else message for i, message in enumerate(path)]
    yield [_cut(message, 0) if i < newest else message for i, message in enumerate(path)]
    for characters in (8000, 2000, 500, 0):
        yield [_cut(message, characters if i > newest else 0) for i, message in enumerate(path)]


def _cut(message: Message, most: int) -> Message:
    """A result with at most `most` characters, or what stands for it; other messages as they are.

    Pictures are left out of a result that is cut.
    """
    if message.role != "tool":
        return message
    if len(message.text) <= max(most, _SHORT):
        return message if isinstance(message.content, str) else message.with_content(f"{message.text}\n{CUT}")
    text = message.text
    return message.with_content(f"{text[:most]}\n{CUT}" if most else LEFT_OUT)


CUT = "[the rest of this result was cut off to save space]"
"""What stands behind a result that was cut off. Not translated, because models read it."""
