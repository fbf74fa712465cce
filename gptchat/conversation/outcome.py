"""How a turn ended, gathered from its events."""

from __future__ import annotations

from gptchat.core.context import ContextPlan
from gptchat.core.events import TurnEvent, TurnFailed, TurnFinished, TurnInterrupted, TurnStarted
from gptchat.core.messages import Message
from gptchat.errors import GptchatError
from gptchat.values import dataclass


@dataclass(slots=True)
class Outcome:
    """The result of a turn; `take` each of its events."""

    message: Message | None = None
    error: GptchatError | None = None
    interrupted: bool = False
    draft: str = ""
    """Text that was not sent, to be put back into the prompt."""
    seconds: float = 0.0
    first: float = 0.0
    """Seconds until the first piece."""
    cost: float | None = None
    """US$, or None where no price is known."""
    others: tuple[Message, ...] = ()
    provider: str = ""
    model: str = ""
    plan: ContextPlan | None = None

    @property
    def whole(self) -> bool:
        """Whether the turn ended neither with an error nor by a stop."""
        return self.error is None and not self.interrupted

    def take(self, event: TurnEvent) -> None:
        """Note what `event` says of the turn."""
        match event:
            case TurnStarted(_message, plan, provider, model):
                self.plan, self.provider, self.model = plan, provider, model
            case TurnFinished(message, seconds, first, cost, others):
                self.message, self.seconds, self.cost, self.others = message, seconds, cost, others
                self.first = first
            case TurnInterrupted(message, seconds):
                self.interrupted, self.message, self.seconds = True, message, seconds
            case TurnFailed(error, message, draft):
                self.error, self.message, self.draft = error, message, draft
            case _:
                pass
