"""Which session a text was typed in: a line above the entries of the input history, and above the draft."""

from __future__ import annotations

PLACE = b"# in: "
"""How a line begins that names the session in which an entry of the input history, or a draft, was typed."""


def with_place(place: str, text: bytes) -> bytes:
    """`text` below the line that names the session `place`; unchanged where that is empty."""
    return PLACE + place.encode("utf-8", "replace") + b"\n" + text if place else text


def split_place(data: bytes) -> tuple[str, bytes]:
    """The session that the first line of `data` names, empty if it names none, and the rest."""
    first, found, rest = data.partition(b"\n")
    if found and first.startswith(PLACE):
        return first[len(PLACE) :].decode("utf-8", "replace"), rest
    return "", data
