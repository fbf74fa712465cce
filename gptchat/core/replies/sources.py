"""Sources of a reply: the pages and documents that a model with a search tool cites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from gptchat.core.messages import Message
from gptchat.core.numbers import count
from gptchat.values import dataclass


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A cited page or document: its address (empty for a file), title and date, as the server gives them.

    A document of the person's own has `file` and the line `at` (or `page`), from 1; its title tells both.
    """

    url: str
    title: str = ""
    date: str = ""
    file: str = ""
    at: int = 0
    page: int = 0

    def to_json(self) -> dict[str, Any]:
        """The JSON object in a record, without empty fields other than the address."""
        more = {"title": self.title, "date": self.date, "file": self.file, "line": self.at, "page": self.page}
        return {"url": self.url, **{key: value for key, value in more.items() if value}}

    @classmethod
    def from_json(cls, data: object) -> Self | None:
        """The source in a record; None if `data` is none."""
        if isinstance(data, str):
            return cls(data) if data else None
        if not isinstance(data, Mapping):
            return None
        url, title, date = (str(data.get(key) or "") for key in ("url", "title", "date"))
        file = kept if isinstance(kept := data.get("file"), str) else ""
        line, page = count(data.get("line")), count(data.get("page"))
        return cls(url, title, date, file, line, page) if url or title else None

    @property
    def line(self) -> str:
        """Title and address in one line of text."""
        return " ".join(" ".join(filter(None, (self.title, self.url))).split())


def sources_of(message: Message) -> list[CitedSource]:
    """The sources kept with `message`, in the order of their numbers."""
    listed = message.extra.get("sources")
    if not isinstance(listed, list | tuple):
        return []
    return [source for one in listed if (source := CitedSource.from_json(one)) is not None]


def numbered(sources: Iterable[CitedSource]) -> list[str]:
    """One line for each source: `[1] title address`."""
    return [f"[{number}] {source.line}" for number, source in enumerate(sources, 1)]


def merged(known: Sequence[CitedSource], more: Iterable[CitedSource]) -> list[CitedSource]:
    """`known` with those of `more` that are not among them, by address or else title.

    Titles and dates that come later complete sources that are known. The order and so the numbers stay.
    """
    result = list(known)
    places = {source.url or source.title: place for place, source in enumerate(result)}
    for source in more:
        place = places.get(source.url or source.title)
        if place is None:
            places[source.url or source.title] = len(result)
            result.append(source)
        elif (source.title and not result[place].title) or (source.date and not result[place].date):
            old = result[place]
            result[place] = CitedSource(old.url, old.title or source.title, old.date or source.date)
    return result


def records_of(sources: Iterable[CitedSource]) -> list[dict[str, Any]]:
    """The value of the field `sources` in a message record."""
    return [source.to_json() for source in sources]
