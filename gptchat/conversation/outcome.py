"""How a turn ended: `Outcome` is gathered from its events, and `Reply` is what the library returns of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from gptchat.core.context import ContextPlan
from gptchat.core.events import ToolFinished, TurnEvent, TurnFailed, TurnFinished, TurnInterrupted, TurnStarted
from gptchat.core.messages import Message, Usage
from gptchat.core.replies.sources import sources_of
from gptchat.errors import ContentFilterError, GptchatError
from gptchat.values import dataclass, field
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gptchat.core.structured import Fit


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
    usage: Usage | None = None
    spent: float | None = None
    """Tokens and US$ of this turn alone, which may have continued `message`."""
    others: tuple[Message, ...] = ()
    provider: str = ""
    model: str = ""
    plan: ContextPlan | None = None
    withheld: str = ""
    """Why the reply is not shown and the turn was taken back, if so."""
    fit: Fit | None = None
    """The answer, if one was asked for that fits a schema."""
    calls: list[ToolFinished] = field(default_factory=list)
    """The calls of tools with their results, in the order in which they ended."""

    def refusal(self) -> ContentFilterError:
        """The error that stands for a withheld reply where nobody can be shown a notice."""
        return ContentFilterError(
            _("{reason}; it is not shown, and the turn is taken back").format(reason=self.withheld),
            hint=_("gptchat -c /redo brings it back"),
        )

    @property
    def whole(self) -> bool:
        """Whether the turn ended neither with an error nor by a stop."""
        return self.error is None and not self.interrupted

    def take(self, event: TurnEvent) -> None:
        """Note what `event` says of the turn."""
        match event:
            case TurnStarted(_message, plan, provider, model):
                self.plan, self.provider, self.model = plan, provider, model
            case TurnFinished(message, seconds, first, cost, others, usage, spent):
                self.message, self.seconds, self.cost, self.others = message, seconds, cost, others
                self.first, self.usage, self.spent = first, usage, spent
            case TurnInterrupted(message, seconds):
                self.interrupted, self.message, self.seconds = True, message, seconds
            case TurnFailed(error, message, draft):
                self.error, self.message, self.draft = error, message, draft
            case ToolFinished():
                self.calls.append(event)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class UsedTool:
    """A call of a tool in a turn. `arguments` is JSON, as the model wrote it or the person changed it.

    `outcome` is `done`, `failed`, `denied` or `interrupted`, and `text` the result as the model was sent it.
    """

    name: str
    arguments: str
    outcome: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered. `cost` is US$, None where no price is known; `message_id` is its id in the journal.

    `others` are the texts of further answers where the setting `n` asks for several. `files` are the pictures and
    other files that came with it, none incognito, and `sources` the addresses it cites, `[1]` first. `tools` are
    the calls of tools in its turn; `usage` and `cost` are then those of all its rounds. `data` is the value of an
    answer that was asked for with a schema, and `text` then its JSON; `usage` and `cost` count both times it was
    asked for.
    """

    text: str
    reasoning: str
    usage: Usage | None
    cost: float | None
    finish_reason: str | None
    message_id: str
    provider: str
    model: str
    seconds: float
    others: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    sources: tuple[str, ...] = ()
    tools: tuple[UsedTool, ...] = ()
    data: Any = None

    @classmethod
    def of(cls, outcome: Outcome, message: Message, files: Sequence[Path] = ()) -> Self:
        """The reply `message` with its `files`, with which the turn of `outcome` ended."""
        return cls(
            text=outcome.fit.text if outcome.fit else message.text,
            reasoning=message.reasoning,
            usage=outcome.usage if outcome.calls or outcome.fit else message.usage,
            cost=outcome.cost,
            finish_reason=message.finish_reason,
            message_id=message.id,
            provider=message.provider,
            model=message.model,
            seconds=outcome.seconds,
            others=tuple(one.text for one in outcome.others),
            files=tuple(files),
            sources=tuple(source.url or source.title for source in sources_of(message)),
            tools=tuple(
                UsedTool(one.call.name, one.call.arguments, one.outcome, one.message.text, one.seconds)
                for one in outcome.calls
            ),
            data=outcome.fit.data if outcome.fit else None,
        )
