"""Tokens and money spent, from the account book and the journals: by turn, session, day, model and person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from gptchat import catalogue
from gptchat.core.messages import Message, Usage
from gptchat.core.numbers import amount
from gptchat.core.session import Session
from gptchat.storage import ledger
from gptchat.values import dataclass, replace
from gptchat.words import _

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.manager import SessionManager
    from gptchat.storage.accounts.book import Book, Entry
    from gptchat.storage.index.library import Library

DAYS = 14
"""Days that `/usage` shows."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the account. `cost` is US$, None if no price is known for any part.

    `unpriced` is the number of requests in it that may have cost something, but whose price is not known.
    """

    label: str
    usage: Usage
    cost: float | None
    unpriced: int = 0


def cost_of(message: Message) -> float | None:
    """The cost of a reply in US$: as recorded, else from today's catalogue; None if unknown.

    A noted null is an answer too: on a server of one's own a model is free, whatever its name costs elsewhere.
    """
    noted = message.extra.get("cost", False)
    if noted is None or (paid := amount(noted)) is not None:
        return None if noted is None else paid
    facts = catalogue.facts(message.model, message.provider) if message.usage else None
    return catalogue.price(facts, message.usage, _moment(message.ts)) if facts and message.usage else None


def _moment(ts: str) -> datetime | None:
    """The time of a record; None if it is none."""
    try:
        return datetime.fromisoformat(ts).astimezone(UTC)
    except ValueError:
        return None


def add_up(label: str, messages: Iterator[Message] | list[Message]) -> AccountRow:
    """The sum of `messages`, as one row."""
    usage, cost, unpriced = Usage(), None, 0
    for message in messages:
        if message.usage is not None:
            usage = usage.plus(message.usage)
            spent = cost_of(message)
            cost = cost if spent is None else (cost or 0.0) + spent
            unpriced += message.extra.get("unpriced") is True
    return AccountRow(label, usage, cost, unpriced)


def _last_turn(path: Sequence[Message]) -> list[Message]:
    """The replies of the newest turn that has any: several, where tools were called."""
    turn: list[Message] = []
    for message in reversed(path):
        if message.role == "user" and turn:
            break
        if message.usage is not None:
            turn.append(message)
    return turn


class Running:
    """Running cost of the visible conversation, in constant time per turn."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._last = ""
        self._counted = 0
        self._cost: float | None = None

    def cost(self, session: Session) -> float | None:
        """The cost of the path of `session` in US$; None if no price is known for any part."""
        ids = session.path_ids()
        # The path before a message never changes, so the same id at the same index has the same history.
        known = 0 < self._counted < len(ids) and ids[self._counted - 1] == self._last
        if session is not self._session or not known:
            self._session, self._counted, self._cost = session, 0, None
        cost = self._cost
        for message in session.tail(len(ids) - self._counted):
            self._cost = cost  # the newest message may still grow; all others are final
            if message.usage is not None and (spent := cost_of(message)) is not None:
                cost = (cost or 0.0) + spent
        self._counted = max(len(ids) - 1, 0)
        self._last = ids[-2] if len(ids) > 1 else ""
        return cost


def midnight() -> str:
    """Local midnight as a UTC timestamp in the format of records."""
    local = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _booked(entry: Entry) -> Message:
    """A line of the account book as a message. Free is written as no cost, as journals do."""
    told = {"cost": entry.cost or None, "unpriced": entry.cost is None, "turn": entry.ref}
    return Message(
        "assistant", "", ts=entry.ts, provider=entry.provider, model=entry.model, usage=entry.usage, extra=told
    )


def _is_new(message: Message, seen: set[str]) -> bool:
    """Whether the request of `message` is not among `seen`, to which it is added."""
    ref = message.extra.get("turn")
    if not isinstance(ref, str) or not ref:
        return True
    if ref in seen:
        return False
    seen.add(ref)
    return True


class Account:
    """Spending of the current user. Reads the disk.

    The account book has every request since there is one; journals add replies that it lacks: older ones, and
    those that were paid for on another machine.
    """

    def __init__(self, manager: SessionManager, library: Library, data_dir: Path, book: Book) -> None:
        self._manager = manager
        self.book = book
        self._library = library
        self._data_dir = data_dir

    @property
    def user(self) -> str:
        """The current user."""
        return self._manager.user

    def replies(self, since: str = "") -> list[Message]:
        """Every request with usage of this person since the time `since` (UTC), each as a message without text."""
        booked = self.book.entries(self.user, since)
        return [*map(_booked, booked), *self.unbooked(since, {entry.ref for entry in booked})]

    def unbooked(self, since: str = "", refs: Set[str] | None = None) -> list[Message]:
        """Every reply since `since` in this person's sessions that is not in the book, whose tokens are `refs`."""
        if refs is None:
            refs = {entry.ref for entry in self.book.entries(self.user, since)}
        session, user = self._manager.session, self.user
        found: list[Message] = []
        for info in self._library.list(user):
            if info.updated < since:
                break  # the list is newest first
            if info.id != session.id:
                found += ledger.replies(self._data_dir, user, info.id)
        # Copied, because this runs in a thread while a reply may finish. Incognito has no journal.
        here = ledger.replies(self._data_dir, user, session.id)
        found += here or [
            message
            for message in [*session.messages.values(), *session.asides]
            if message.usage is not None and message.extra.get("copied") is not True
        ]
        # A session that was exported and imported again has the same tokens: it is counted once.
        seen = {*refs}
        return [message for message in found if message.ts >= since and _is_new(message, seen)]

    def today(self) -> float:
        """Today's spending in US$, as far as prices are known."""
        return add_up("", self.replies(midnight())).cost or 0.0

    def days(self, count: int = DAYS) -> list[AccountRow]:
        """The last `count` local days, oldest first, from the first one with usage on; labels are ISO dates."""
        today = datetime.now().astimezone().date()
        found: dict[date, list[Message]] = {today - timedelta(days=ago): [] for ago in reversed(range(count))}
        since = datetime.now(UTC) - timedelta(days=count)
        for message in self.replies(since.strftime("%Y-%m-%dT%H:%M:%SZ")):
            try:
                day = datetime.fromisoformat(message.ts).astimezone().date()
            except ValueError:
                continue  # an imported message may have any time
            if day in found:
                found[day].append(message)
        rows = [add_up(day.isoformat(), messages) for day, messages in found.items()]
        first = next((place for place, row in enumerate(rows) if row.usage.total_tokens), len(rows))
        return rows[first:]

    def report(self) -> list[AccountRow]:
        """The account: the last turn, this session, today, each model, and everything."""
        session = self._manager.session
        everything = self.replies()
        since = midnight()
        unpriced = {str(one.extra.get("turn")) for one in everything if one.extra.get("unpriced") is True}

        def here(label: str, messages: Sequence[Message]) -> AccountRow:
            row = add_up(label, list(messages))
            return replace(row, unpriced=sum(one.extra.get("turn") in unpriced for one in messages))

        rows = [
            here(_("last turn"), _last_turn(session.path())),
            here(_("this session"), [*session.messages.values(), *session.asides]),
        ]
        rows.append(add_up(_("today"), [message for message in everything if message.ts >= since]))
        by_model: dict[str, list[Message]] = {}
        for message in everything:
            by_model.setdefault(message.model, []).append(message)
        if len(by_model) > 1:
            rows += [add_up(model, messages) for model, messages in sorted(by_model.items())]
        rows.append(add_up(_("{user}, all in all").format(user=self.user), everything))
        return rows
