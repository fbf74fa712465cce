"""Gathers in the chat what was typed and not sent: it is the next draft, or kept for the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.origin import Sourced, joined
from gptchat.terminal.input.folding import FoldedDraft

if TYPE_CHECKING:
    from gptchat.terminal.effect_runner import Carrier
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.live import LiveTurn


class Unsent:
    """The draft between two prompts. `carrier` has the texts of messages and commands, once there is one."""

    def __init__(self, prompt: Prompt, live: LiveTurn) -> None:
        self._prompt = prompt
        self._live = live
        self.carrier: Carrier | None = None
        self._draft = FoldedDraft()

    def take(self) -> FoldedDraft:
        """Return and clear the draft, for a prompt or a reply at which it is edited."""
        draft, self._draft = self._draft, FoldedDraft()
        if self.carrier:
            self.carrier.sending = []  # it is this draft, or sent, or lost with a fault that was told
        return draft

    def gather(self, *returned: Sourced) -> None:
        """Add to the draft what was not sent or returned by a command, then what was typed during a reply."""
        folding, typed = self._prompt.folding, self._live.take_draft()
        pieces = [*returned, *(self.carrier.take_draft() if self.carrier else ())]
        if self._draft.text:
            pieces.append(folding.unfolded(self._draft))
        if not pieces:
            self._draft = typed
            return
        if typed.text:
            pieces.append(folding.unfolded(typed))
        self._draft = folding.folded(joined("\n", pieces))

    def keep(self) -> None:
        """Have everything unsent on disk, messages under way and queued ones too: the program ends."""
        waiting = self.carrier.take_sending() if self.carrier else []
        while (queued := self._live.next_queued()) is not None:
            waiting.append(queued)
        self.gather(*waiting)
        if self._draft.text:  # else the prompt has its own
            self._prompt.keep(self._draft, at_once=True)
        self._prompt.flush()
