"""What the program writes for a reply: streamed in pieces of some kind, or replayed from history."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.reply import reply_pieces
from gptchat.terminal.output.theme import Theme

ROWS, COLUMNS = 24, 80
PIECES: dict[str, Callable[[str], list[str]]] = {
    "a character at a time": list,
    "a word at a time": lambda text: re.findall(r"\s*\S+|\s+", text),
    "a line at a time": lambda text: text.splitlines(keepends=True),
}
REPLAYED = "replayed"
WAYS = (*PIECES, REPLAYED)


@lru_cache(maxsize=500)  # the engines are shown a document one after the other
def written(text: str, columns: int, way: str) -> str:
    """All that is written to a window of `columns` for the reply `text`, with a frame after each piece."""
    out: list[str] = []
    if way == REPLAYED:
        return "".join(reply_pieces(text, columns=columns, theme=Theme("dark"), terminal=Terminal()))
    now = 0.0
    painter = painter_of(out, columns, lambda: now)
    for piece in PIECES[way](text):
        painter.feed(piece)
        painter.frame()
        now += 0.2  # longer than the pause between two frames
    painter.finish()
    return "".join(out)


def painter_of(out: list[str], columns: int, clock: Callable[[], float]) -> Painter:
    """A painter that writes to `out`, in a window of `columns`."""
    return Painter(out.append, size=lambda: (columns, ROWS), theme=Theme("dark"), terminal=Terminal(), clock=clock)


@lru_cache(maxsize=2)
def written_so_far(text: str) -> list[tuple[str, str]]:
    """What has come and what has been written for it, at every seventh blank of `text`, a character at a time."""
    out: list[str] = []
    now = 0.0
    painter = painter_of(out, COLUMNS, lambda: now)
    seen = []
    for at, character in enumerate(text):
        painter.feed(character)
        painter.frame()
        now += 0.2
        if character == " " and text.count(" ", 0, at) % 7 == 0:
            seen.append((text[:at], "".join(out)))
    return seen
