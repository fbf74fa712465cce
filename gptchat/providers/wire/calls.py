"""Puts the calls of tools in a reply together from their pieces, however a server numbers them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.core.events import ToolCall
from gptchat.values import dataclass, field


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it has a name and its arguments are a JSON object."""
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return False  # looked at first, since a server may send name and id with every piece
        try:
            return bool(self.name) and isinstance(json.loads("".join(self.pieces)), dict)
        except (ValueError, RecursionError):
            return False

    def is_(self, name: str, text: str) -> bool:
        """Whether this name and these arguments are those it has."""
        return (self.name, "".join(self.pieces)) == (name, text)


class CallPieces:
    """The calls of one choice.

    A piece belongs to the call of its index. Where the index is missing, or the same for all calls, a new id with
    a name begins a new call, and so does a name with arguments behind a call that is complete. Some servers repeat
    id and name in every piece, or send the whole call again at the end.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        """The newest call of each index."""

    def __bool__(self) -> bool:
        """Whether there is any call."""
        return bool(self._calls)

    def add(self, index: int | None, id: Any, name: Any, arguments: Any) -> int:
        """Take one piece; returns the place of its call among the calls, from 0.

        Values of the wrong type count as missing; `arguments` may be an object.
        """
        id, name = (one if isinstance(one, str) else "" for one in (id, name))
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments, ensure_ascii=False)
        text = arguments if isinstance(arguments, str) else ""
        held = self._held(index, id, name, text)
        if held is None or self._begins(held, id, name, text):
            held = _Call()
            self._calls.append(held)
        if index is not None:
            self._at[index] = held
        held.id, held.name, named = held.id or id, held.name or name, bool(held.name)
        if named and name and held.complete:
            return self._place(held)  # the whole of it once more
        if not name and held.pieces == ["{}"] and text.lstrip().startswith("{"):
            held.pieces.clear()  # a stand-in for the arguments to come
        if text:
            held.pieces.append(text)
        return self._place(held)

    def places(self) -> list[int]:
        """The places of the calls that `all` gives."""
        return [place for place, call in enumerate(self._calls) if call.name]

    def all(self) -> Iterator[ToolCall]:
        """The calls, in the order in which they began. Those without a name are none."""
        for call in self._calls:
            if call.name:
                yield ToolCall(call.id, call.name, "".join(call.pieces))

    def _place(self, call: _Call) -> int:
        return next(place for place, one in enumerate(self._calls) if one is call)

    def _held(self, index: int | None, id: str, name: str, text: str) -> _Call | None:
        """The call that a piece seems to belong to; None if there is none yet."""
        known = next((call for call in self._calls if id and call.id == id), None)
        if index is None:
            return known or (self._calls[-1] if self._calls else None)
        if known is not None and name and known.complete and known.is_(name, text):
            return known  # the whole of it once more, numbered anew
        return self._at.get(index)

    @staticmethod
    def _begins(held: _Call, id: str, name: str, text: str) -> bool:
        """Whether the piece begins a new call, although it seems to belong to `held`."""
        if not name or not held.name:
            return False
        if id and held.id and id != held.id:
            return True
        return bool(text) and held.complete and not held.is_(name, text)
