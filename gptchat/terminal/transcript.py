"""Prints earlier messages of a session, in the same form as when they were new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gptchat.commands.effects import Replay, SearchedTurn
from gptchat.commands.wording import speaker
from gptchat.core.messages import Message
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.core.safe import clean_line
from gptchat.core.tooling.described import CallResult, call_line, result_of, with_results
from gptchat.core.width import cells
from gptchat.terminal.calls.running import call_fragments, result_fragments
from gptchat.terminal.output.reply import columns_to_fill
from gptchat.terminal.turn import version
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.core.events import ToolCall
    from gptchat.manager import SessionManager
    from gptchat.terminal.output.blocks import Fragment
    from gptchat.terminal.output.screen import Screen


class Transcript:
    """Shows messages of the open session."""

    def __init__(self, manager: SessionManager, settings: Settings, screen: Screen) -> None:
        self._manager = manager
        self._settings = settings
        self._screen = screen

    async def replay(self, effect: Replay) -> None:
        """Print a session's last turns, the number of earlier messages, and the search result if there is one."""
        screen = self._screen
        if effect.title:
            screen.say(effect.title, "heading2")
        if effect.found is None:
            self._earlier(effect.omitted)
        else:
            await self._found(effect.found)
        if damage := self._manager.store.damage(self._manager.session):
            screen.say(damage, "notice")
        await self.messages(effect.messages)

    async def _found(self, found: SearchedTurn) -> None:
        """Print the turn that was searched for, and its distance from the last turns."""
        self._earlier(found.before)
        await self.messages(found.messages)
        if found.between:
            words = ngettext("… {n} message in between", "… {n} messages in between", found.between)
            self._screen.say(words.format(n=found.between), "hint")

    def _earlier(self, count: int) -> None:
        if count:
            words = ngettext(
                "… {n} earlier message; /history lists all", "… {n} earlier messages; /history lists all", count
            )
            self._screen.say(words.format(n=count), "hint")

    async def messages(self, messages: Iterable[Message]) -> None:
        """Print messages in the same form as when they were new."""
        screen = self._screen
        for message, calls in with_results(messages):
            await self._message(message, calls)
            if message.role == "assistant":
                screen.write("\n")

    async def _message(self, message: Message, calls: Sequence[tuple[ToolCall, Message | None]] = ()) -> None:
        screen = self._screen
        if message.role == "user":
            who = f"{clean_line(self._manager.user)} › "
            first, *rest = _shown(message.text)
            screen.print([[(who, "prompt"), first], *([(" " * cells(who), "prompt"), line] for line in rest)])
            screen.write("\n")
        elif message.role == "assistant":
            if calls and not message.text.strip():
                pass  # many models only call
            elif self._settings.ui.raw:
                screen.say(message.text)
            else:
                await screen.reply(message.text)
            self._calls(calls, apart=bool(message.text.strip()))
            screen.sources(numbered(sources_of(message)))
            if mark := version(self._manager.session, message):
                screen.write("\n")
                screen.say(mark, "status")
            if message.status == "interrupted":
                screen.say("■ " + _("stopped"), "notice")
            elif message.status == "failed":
                screen.say("■ " + _("cut off; what came is kept"), "notice")
        else:
            who = speaker(message, self._manager.user)
            screen.say(_("{who}: {text}").format(who=who, text=message.text), "hint")

    def _calls(self, calls: Sequence[tuple[ToolCall, Message | None]], *, apart: bool) -> None:
        """Print calls and their results in the same form as when they were new; `apart`: below a blank line."""
        width = columns_to_fill(self._screen.size()[0])
        lines: list[list[Fragment]] = [[("", "text")]] if apart and calls else []
        for call, message in calls:
            result = result_of(message) if message is not None else CallResult("interrupted", "")
            lines.append(call_fragments(call_line(call.name, call.arguments), None, width))
            lines.append(result_fragments(result, width))
        self._screen.print(lines)


def _shown(text: str) -> list[tuple[str, str]]:
    """The lines of a user message as (text, look) pairs; of more than 12 lines only the first 8 are shown."""
    lines = text.split("\n")
    if len(lines) <= 12:
        return [(line, "text") for line in lines]
    more = ngettext("… {n} more line", "… {n} more lines", len(lines) - 8).format(n=len(lines) - 8)
    return [*((line, "text") for line in lines[:8]), (more, "hint")]
