"""Asks the questions of the dialogue: a choice from a list, a line, a secret, yes or no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gptchat.config.key_text import key_as_name
from gptchat.core.safe import clean_line
from gptchat.terminal.connect.choosing import Choosing
from gptchat.terminal.input import questions
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.output.screen import Screen


class Questions:
    """Asks with the prompt's keyboard, one question at a time. Each returns None if the user declines."""

    def __init__(self, prompt: Prompt, screen: Screen) -> None:
        self._prompt = prompt
        self._screen = screen

    async def choose(
        self,
        rows: Sequence[tuple[str, str]],
        hint: str,
        free: Callable[[str], bool],
        *,
        explained: bool = False,
    ) -> str | None:
        """The key of a row, `HELP`, or another answer that `free` accepts; see `Choosing`."""
        self._screen.asked()
        return await Choosing(
            [(key, clean_line(meaning)) for key, meaning in rows],
            hint,
            keyboard=self._prompt.keyboard,
            output=self._prompt.output,
            style=self._screen.rules,
            free=free,
            explained=explained,
        ).choose()

    async def line(self, question: str, default: str = "") -> str | None:
        """A line of text. A key that is pasted by mistake is refused, and the question asked again."""
        while answer := await self._ask(question, default=default):
            refused = None if "://" in answer else key_as_name(answer)
            if refused is None:
                break
            self._screen.error(refused)
        return answer

    async def secret(self, question: str) -> str | None:
        """A line that is not shown."""
        return await self._ask(question, secret=True)

    async def yes(self, question: str) -> bool:
        """Whether the user agrees; no answer is a no."""
        self._screen.gap()
        return await self._ask(question, (("y", _("yes")), ("n", _("no"))), default="n") == "y"

    async def _ask(
        self,
        question: str,
        choices: Sequence[tuple[str, str]] = (),
        *,
        default: str = "",
        secret: bool = False,
    ) -> str | None:
        self._screen.asked()
        return await questions.ask(
            clean_line(question),
            keyboard=self._prompt.keyboard,
            output=self._prompt.output,
            choices=choices,
            default=default,
            secret=secret,
            style=self._screen.rules,
        )
