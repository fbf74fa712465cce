"""Asks the person in the chat. What they type at a question without answering it is kept for the prompt."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.commands.effects import Ask
from gptchat.commands.registry import Parsed, Shell
from gptchat.core.origin import Sourced, whole
from gptchat.core.safe import clean_line
from gptchat.core.typed.lines import half_width
from gptchat.errors import StorageError
from gptchat.storage.users import read_state, write_state
from gptchat.terminal.answers import with_words
from gptchat.terminal.input import questions
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.output.screen import Screen

_SHORT = 300
"""Characters of a text that is edited on the line of a question."""
DIGITS = {"0": "/exit", "1": "/new"}
"""What a lone digit does in the scripts that many learnt from."""


class Asking:
    """Asks questions with the prompt's keyboard, one at a time."""

    def __init__(self, prompt: Prompt, screen: Screen) -> None:
        self._prompt = prompt
        self._screen = screen
        self._kept: list[Sourced] = []
        self._tips: set[str] = set()

    def take_kept(self) -> list[Sourced]:
        """Return and forget what was typed at questions and was no answer."""
        kept, self._kept = self._kept, []
        return kept

    async def ask(self, ask: Ask) -> str | None:
        """The answer, or None where the person declines."""
        self._screen.asked()
        return await questions.ask(
            clean_line(ask.question),
            keyboard=self._prompt.keyboard,
            output=self._prompt.output,
            choices=[(key, clean_line(meaning)) for key, meaning in ask.choices],
            default=ask.default,
            secret=ask.secret,
            style=self._screen.rules,
            keep=self._keep,
            free=(lambda answer: with_words(answer, ask.words) is not None) if ask.words else None,
            begun=ask.begun,
        )

    def show(self, text: str, look: str = "text") -> None:
        """Show `text` beside a question."""
        self._screen.say(text, look)

    async def edit(self, text: str) -> str | None:
        """Have `text` edited at the keyboard; what is long, or a dumb terminal cannot edit, in the editor."""
        if len(text) <= _SHORT and not self._screen.terminal.dumb:
            return await self.ask(Ask(_("edit, then Enter (Esc leaves it as it was):"), begun=text))
        from gptchat.terminal.input.editor import visit

        return await visit(self._prompt.keyboard, self._prompt.output, text, ".json")

    async def may_run(self, parsed: Parsed, line: str) -> str | None:
        """Ask before a command that was not typed, shown in full: `y` runs it, `m` sends `line` as a message."""
        if isinstance(parsed, Shell):
            question = _("this was not typed here; run it in the shell? {command}").format(command=parsed.command)
        else:
            question = _("this was not typed here; run it? {command}").format(command=line.strip())
        choices = (
            ("y", _("yes, run it")),
            ("m", _("send it as a message")),
            ("n", _("neither; back to the prompt")),
        )
        answer = await self.ask(Ask(question, choices, "n"))
        return None if answer == "n" else answer

    async def may_write(self, target: str) -> bool:
        """Whether the file `target` is new, or the person lets it be replaced. Raises UsageError."""
        from gptchat.commands.wording import may_replace, replaces

        path = await asyncio.to_thread(lambda: Path(target).expanduser())
        if path.is_dir() or not await asyncio.to_thread(replaces, path):
            return True
        return await self.ask(may_replace(path)) == "y"

    def digit(self, said: Sourced, services: Services) -> str | None:
        """The command that a lone typed 0 or 1 stands for (`ui.digits`); empty where it is a message.

        None where nothing is to be done, because the tip was shown: once for each digit, unless it cannot be kept.
        """
        digit = half_width(said.text.strip()[:2])
        if said.parts or digit not in DIGITS:
            return ""
        if services.settings.ui.digits:
            return DIGITS[digit]
        data, known = services.paths.data_dir, f"tip_{digit}"
        if known in self._tips or read_state(data).get(known):
            return ""
        self._tips.add(known)
        if not services.run.incognito:
            with suppress(StorageError):
                write_state(data, **{known: True})
        tip = (
            _("0 was not sent: /exit leaves. Up and Enter send it; /set ui.digits true lets 0 and 1 act")
            if digit == "0"
            else _("1 was not sent: /new begins anew. Up and Enter send it; /set ui.digits true lets 0 and 1 act")
        )
        self._screen.say(tip, "notice")
        return None

    def _keep(self, text: str) -> None:
        # Typing at a question is no typing at the prompt, where a first sign is meant to act.
        self._kept.append(whole(text, "draft"))
