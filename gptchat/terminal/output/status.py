"""The status lines of a reply: parts of the spinner line, and the facts after the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gptchat.core.safe import clean_line
from gptchat.core.width import wrapped
from gptchat.words import _, money, ngettext

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TICKS = 5
"""Steps of the spinner per second."""
_STATUS_ROWS = 4
"""Maximum rows of the status line, which may hold a server's reason for a wait."""
_WORDS = "[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]|[^\\s\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]+"

Fragment = tuple[str, str]
"""A text and the name of its look (`theme.LOOKS`)."""


def duration(seconds: float) -> str:
    """A duration as text: `0.8 s`, `12 s`, `2 min 5 s`; `<0.1 s` below 0.05 seconds."""
    if seconds < 0.05:
        return _("{seconds} s").format(seconds="<0.1")
    if seconds < 9.95:
        return _("{seconds} s").format(seconds=f"{seconds:.1f}")
    if seconds < 60:
        return _("{seconds} s").format(seconds=f"{seconds:.0f}")
    return _("{minutes} min {seconds} s").format(minutes=int(seconds // 60), seconds=int(seconds % 60))


def seconds_only(seconds: float) -> str:
    """A running time as text, in whole seconds: `12 s`, `2 min 5 s`."""
    return _("{seconds} s").format(seconds=int(seconds)) if seconds < 60 else duration(seconds)


def status_rows(status: str, width: int) -> list[tuple[str, str]]:
    """`status`, which begins with a sign, as rows of (sign or blanks, text) of at most `width` columns.

    It is wrapped, because a server's reason for a wait should not be cut at the window's edge.
    """
    rows = wrapped(status[2:], max(width - 2, 1))[:_STATUS_ROWS]
    return [(status[:2] if number == 0 else "  ", row) for number, row in enumerate(rows)]


def count_words(text: str) -> int:
    """Number of words in `text`; each Chinese, Japanese or Korean character counts as one."""
    return sum(1 for _match in re.finditer(_WORDS, text))


def thought(seconds: float, words: int) -> str:
    """The summary line of folded reasoning: its time in seconds and its number of words."""
    time = duration(seconds) if seconds < 1 else seconds_only(seconds)
    return _("thought for {time}").format(time=time) + " · " + _words(words)


def facts(
    *,
    tokens: int | None = None,
    unseen: int = 0,
    seconds: float | None = None,
    generating: float | None = None,
    cost: float | None = None,
    estimated: bool = False,
    notes: tuple[str, ...] = (),
) -> str:
    """The line after a reply, such as `812 tokens · 45 tok/s · $0.0012 · 3.1 s`.

    `tokens` are those of the reply, `unseen` those before the first delta; `seconds` is the total time, and
    `generating` the part after the first delta: the speed is the other tokens by that. `cost` is in US$. Unknown
    values (None) are omitted. `notes` come last.
    """
    parts: list[str] = []
    if tokens is not None:
        about = "≈" if estimated else ""
        parts.append(about + ngettext("{count} token", "{count} tokens", tokens).format(count=f"{tokens:,}"))
        streamed = tokens - unseen
        if generating is not None and generating >= 0.05 and streamed > 1:
            parts.append(_("{speed} tok/s").format(speed=f"{streamed / generating:,.0f}"))
    if cost is not None:
        parts.append(money(cost))
    if seconds is not None:
        parts.append(duration(seconds))
    return " · ".join([*parts, *(clean_line(note) for note in notes)])


def _words(count: int) -> str:
    return ngettext("{count} word", "{count} words", count).format(count=f"{count:,}")


def working(passed: float, has_text: bool, said: Sequence[str], coming: str, activity: str, *, keys: bool) -> str:
    """The status line below a reply that streams for `passed` seconds: what it does, and how to stop it.

    `said` is told unless there is an `activity`, which comes last, since a server's message may be longer than the
    line. `coming` names output that waits for a place between two blocks. `keys`: whether Esc is read.
    """
    sign = SPINNER[int(passed * TICKS) % len(SPINNER)] if not has_text else "•"
    parts = [seconds_only(passed), *(() if activity else said)]
    parts.append(_("Esc stops") if keys else _("Ctrl-C stops"))
    if coming:
        parts.append(_("{names} comes below this block").format(names=coming))
    if activity:
        parts.append(activity)
    return f"{sign} " + " · ".join(parts)
