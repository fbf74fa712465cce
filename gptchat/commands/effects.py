"""What a command wants done: effects are values; the terminal, or the one-shot run, carries them out.

A command is an async generator: it yields effects one by one, and `Ask` and `Pick` send an answer back
into it. It never prints. `Show` carries both what a person sees (blocks) and what `--json` prints (data).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from gptchat.values import dataclass, field

if TYPE_CHECKING:
    from gptchat.core.messages import Message
from gptchat.core.origin import Origin, Sourced

Tone = Literal["plain", "quiet", "good", "warning", "error", "title"]


@dataclass(frozen=True, slots=True)
class Text:
    """A line, or a few, in one tone."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Marked:
    """A line behind a sign, which alone has the tone."""

    mark: str
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Markdown:
    """Text to be drawn as Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Text to be shown as it is, highlighted where the language is known, clean to copy."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. `right` names the columns that are aligned to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    marked: int | None = None
    """The row that is the current one, if any."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    pairs: Sequence[tuple[str, str]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Meter:
    """A bar of parts of a whole: each part has a label, a size and its tone; the rest is free."""

    parts: Sequence[tuple[str, int, Tone]]
    total: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """Titled sections of names and meanings, to look something up; side by side where they fit."""

    sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each row, to one scale: each row has a label, a size and figures, which are shown as texts."""

    rows: Sequence[tuple[str, float, Sequence[str]]]


Block = Text | Marked | Markdown | Source | Table | Facts | Meter | Sheet | Bars


@dataclass(frozen=True, slots=True)
class Show:
    """Show `blocks`; `data` is the same for `--json`, None where that has no need of it.

    `failed` says that what is shown is a failure, which a script learns by the exit status.
    """

    blocks: Sequence[Block]
    data: Any = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SearchedTurn:
    """The turn that was searched for. `before` and `between` count the messages before it and after it."""

    messages: Sequence[Message]
    before: int
    between: int


@dataclass(frozen=True, slots=True)
class Replay:
    """Another session is open: show its title and its last turns."""

    messages: Sequence[Message]
    omitted: int = 0
    """How many earlier messages there are."""
    title: str = ""
    found: SearchedTurn | None = None
    """What was searched for, where it is not among `messages`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Put `text`, which came from `origin`, into the prompt, to be edited and sent."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Run:
    """Run a turn: send `text`, answer again, or go on with the last reply; by `model`, if given.

    `compare` has each of `models` answer `text`, or the last message where it is empty; `aside` has `text`
    answered beside the conversation.
    """

    what: Literal["send", "retry", "continue", "compare", "aside"]
    text: Sourced = field(default_factory=lambda: Sourced(""))
    model: str = ""
    models: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a line; the answer comes back as a string, or None when the person declines.

    `choices` are (key, meaning) pairs of which one is wanted; `secret` hides what is typed; `default` is
    what an empty answer means. After a key of `words` more may follow, which the answer then is (`n too dear`).
    `begun` is text to begin with. Where nobody can answer, the answer is None.
    """

    question: str
    choices: Sequence[tuple[str, str]] = ()
    default: str = ""
    secret: bool = False
    words: Sequence[str] = ()
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """Let the person choose a session; the answer is its id, or None. `text` is what to search for.

    `found` are the sessions to choose from, as (id, title, mark, line) tuples; empty: all sessions.
    """

    text: str = ""
    found: Sequence[tuple[str, str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class PickMessage:
    """Let the person choose a message of the session; the answer is its id, or None.

    `rows` are (id, title, mark, text) tuples; the message `at` is the one to begin with.
    """

    rows: Sequence[tuple[str, str, str, str]]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """Ask the person how to connect, and try it; the answer is the name of the provider in use now, None if none.

    `place` is a provider's name or an address, or empty for the list of what there is. `insist` takes it even if
    it does not answer, and an address with plain HTTP.
    """

    place: str = ""
    insist: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Open `text` in the person's editor; the answer is the edited text, or None when left unchanged."""

    text: str
    suffix: str = ".md"


@dataclass(frozen=True, slots=True)
class Copy:
    """Put `text` on the clipboard; `what` names it for the person."""

    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Attach:
    """Attach what `reference` names (a file, folder or address) to the next message."""

    reference: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Work that takes a while has done `done` of `total` steps."""

    label: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Something the prompt or theme depends on has changed (user, settings, session): read it again."""

    what: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Leave:
    """End the program."""


Action = Show | Replay | Draft | Run | Ask | Pick | PickMessage | Connect | Edit | Copy | Attach | Changed | Leave
Effect = Action | Progress
Effects = AsyncGenerator[Effect, str | None]
"""What a command yields, and the answer to each `Ask`, `Pick`, `Connect` and `Edit`."""

AsideEffect = Show | Copy
AsideEffects = AsyncGenerator[AsideEffect, str | None]
"""What a command may yield that runs beside a streaming reply."""
