"""Asks whether a call of a tool may run; it can be seen whole, and its arguments edited, before the answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from gptchat.commands.effects import Ask
from gptchat.core.tooling.described import arguments_whole, call_line, fold, may
from gptchat.errors import GptchatError
from gptchat.terminal.answers import with_words
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.events import Decision, WantedCall
    from gptchat.terminal.output.reply import ReplyPainter

_STOP = "Esc"
_ROWS = 2
"""Rows of a question's call before it is folded."""


class CallQuestions(Protocol):
    """What a front end offers to ask with."""

    async def ask(self, ask: Ask) -> str | None:
        """The answer; None where the person declines."""

    def show(self, text: str, look: str = "text") -> None:
        """Show `text` to the person; it is made safe by this."""

    async def edit(self, text: str) -> str | None:
        """`text` as it was edited, None where that was left. Raises GptchatError."""


async def approve(decision: Decision, questions: CallQuestions, width: int) -> bool:
    """Have the person decide on the call that `decision` is about; False where they decline, which stops the turn.

    What they edit and the reason they give is put into the decision. `width` is that of the window in columns.
    """
    wanted = decision.call
    assert wanted is not None
    while True:
        line = call_line(wanted.call.name, wanted.arguments)
        shown = fold(line, _ROWS * max(width - 8, 20))
        answer = await questions.ask(_question(decision, wanted, shown, folded=shown != line or len(line) > 1500))
        if answer is None or answer == _STOP:
            decision.answer = None
            return False
        key, reason = with_words(answer, ("n",)) or (answer, "")
        match key:
            case "y" | "a":
                decision.answer = key
                return True
            case "n":
                said = reason or await questions.ask(
                    Ask(_("why not? The model is told. Enter alone gives no reason:"))
                )
                if said is None:
                    decision.answer = None
                    return False
                decision.answer, wanted.reason = "n", said
                return True
            case "v":
                questions.show(arguments_whole(wanted.arguments))
            case "e":
                await _edited(wanted, questions)
            case _:
                pass  # asked again


def _question(decision: Decision, wanted: WantedCall, shown: str, *, folded: bool) -> Ask:
    spec = wanted.spec
    facts = " · ".join(filter(None, (may(spec), spec.source)))
    choices = [("y", _("once"))]
    if any(key == "a" for key, _meaning in decision.choices):
        choices.append(("a", _("always in this session")))
    choices += [("n", _("no; n REASON tells the model why")), ("e", _("edit the arguments"))]
    if folded:
        choices.append(("v", _("view all of it first")))
    choices.append((_STOP, _("stop the turn")))
    question = _("▸ run {call}? · {facts}").format(call=shown, facts=facts)
    return Ask(question, choices, decision.default, words=("n",))


async def _edited(wanted: WantedCall, questions: CallQuestions) -> None:
    """Have the person edit the arguments until they are a JSON object, or are left as they were."""
    text = json.dumps(wanted.arguments, ensure_ascii=False, default=str)
    while True:
        try:
            edited = await questions.edit(text)
        except GptchatError as error:
            questions.show(error.message, "error")
            return
        if edited is None or not edited.strip():
            return
        text = edited
        try:
            arguments = json.loads(text)
        except json.JSONDecodeError as error:
            told = _("that is no JSON: line {line}, column {column}; your text is kept")
            questions.show(told.format(line=error.lineno, column=error.colno), "error")
            continue
        except (ValueError, RecursionError):
            arguments = None
        if isinstance(arguments, dict):
            wanted.arguments = arguments
            return
        questions.show(_("the arguments are a JSON object, {example}; your text is kept").format(
            example='{"name": "value"}'), "error")  # fmt: skip


async def pause_typing(quiet_in: Callable[[], float], painter: ReplyPainter) -> None:
    """Wait until the person has stopped typing, so that no key that was meant for a draft answers a question.

    `quiet_in` returns the seconds that are left until then, if no further key comes. Then the painter makes way.
    """
    import asyncio

    while (left := quiet_in()) > 0:
        painter.set_activity(_("a question comes as soon as you pause typing"))
        painter.frame()
        await asyncio.sleep(left)
    painter.set_activity("")
    painter.make_way()


Decide = Callable[["Decision"], Awaitable[None]]
"""Answers a decision that comes in the middle of a turn."""
