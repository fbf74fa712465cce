"""The toolbar below the prompt: user, session, model, window usage, cost and warnings."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.formatted_text import StyleAndTextTuples

from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.values import dataclass
from gptchat.words import _, money, ngettext

_BAR = 8  # cells
_HIGH = 0.8  # fraction of the window from which the bar warns


@dataclass(frozen=True, slots=True)
class Status:
    """The figures in the toolbar at one moment.

    - `thinking`: what is asked for and costs (`on`, or an effort), if anything.
    - `tokens`: of the next request, including the draft; `window`: the model's limit (None: unknown).
    - `estimated`: whether tokens are not counted exactly.
    - `cost`: in US$ (None: no price known).
    - `left_out`: number of messages omitted from the next request; `near`: whether omitting is about to begin;
      `too_long`: whether the request does not fit even with all of them omitted.
    - `waiting`: number of queued messages.
    - `incognito`: whether nothing is saved; it is shown first and never left out.
    - `indexed`: fraction of the sessions indexed, 0 to 1 (None: no indexing in progress).
    """

    user: str = ""
    title: str = ""
    provider: str = ""
    model: str = ""
    thinking: str = ""
    tokens: int | None = None
    window: int | None = None
    estimated: bool = False
    cost: float | None = None
    left_out: int = 0
    too_long: bool = False
    near: bool = False
    waiting: int = 0
    indexed: float | None = None
    incognito: bool = False


_Part = tuple[str, str]


def toolbar(
    status: Status, width: int, *, clean: Callable[[str], str] = lambda text: text, plain: bool = False
) -> StyleAndTextTuples:
    """`status` on one line of at most `width` cells, as prompt_toolkit's formatted text.

    If it does not fit, the title is shortened and then dropped, followed by the bar, the provider, the cost, the
    user and the model. `plain` draws in ASCII. Style classes: `toolbar`, `toolbar.quiet`, `toolbar.warning`,
    `toolbar.bar`, `toolbar.bar.high`.
    """
    title = _one_line(clean(status.title))
    thinking = {"": "", "on": " " + _("thinking")}.get(status.thinking, " " + status.thinking)
    model = _one_line(clean(status.model)) + thinking
    provider = _one_line(clean(status.provider))
    user = _one_line(clean(status.user))
    warnings = _warnings(status)
    usage = _usage(status)
    cost: list[_Part] = [("class:toolbar", money(status.cost))] if status.cost is not None else []
    full = f"{provider}/{model}" if provider and model else provider or model

    def line(title: str, user: str, model: str, bar: bool, cost: list[_Part]) -> list[_Part]:
        parts: list[list[_Part]] = [
            [("class:toolbar.warning", _("incognito") if status.incognito else "")],
            [("class:toolbar", user)],
            [("class:toolbar", title)],
            [("class:toolbar", model)],
            [*_bar(status, plain), *usage] if bar else usage,
            cost,
            warnings,
        ]
        return _joined(parts, " | " if plain else " · ")

    room = width - _cells(line("", user, full, True, cost)) - 3
    if room >= min(12, cells(title)):
        return list(line(shortened(title, room), user, full, True, cost))
    for attempt in (
        line("", user, full, True, cost),
        line("", user, full, False, cost),
        line("", user, model, False, cost),
        line("", user, model, False, []),
        line("", "", model, False, []),
    ):
        if _cells(attempt) <= width:
            return list(attempt)
    return _cut(line("", "", "", False, []) or line("", "", model, False, []), width)


def shortened(text: str, width: int) -> str:
    """`text` cut to `width` cells, between whole characters; an ellipsis marks the cut."""
    if cells(text) <= width:
        return text
    used, kept = 1, []
    for character in graphemes.split(text):
        used += cells(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…" if width > 0 else ""


def count(tokens: int) -> str:
    """A number of tokens in short form: `812`, `4.1k`, `128k`, `1.05M`."""
    if tokens < 1000:
        return str(tokens)
    if tokens < 999_500:
        return f"{tokens / 1000:.1f}k" if tokens < 9950 else f"{tokens / 1000:.0f}k"
    return f"{tokens / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"


def _usage(status: Status) -> list[_Part]:
    if status.tokens is None:
        return []
    about = "≈" if status.estimated else ""
    if not status.window:
        return [("class:toolbar", _("{count} tokens").format(count=about + count(status.tokens)))]
    percent = min(round(100 * status.tokens / status.window), 999)
    style = "class:toolbar.bar.high" if _high(status) else "class:toolbar"
    return [
        (style, f"{about}{percent}%"),
        ("class:toolbar.quiet", f" {count(status.tokens)}/{count(status.window)}"),
    ]


def _high(status: Status) -> bool:
    """Whether to warn: the window is nearly full, or its budget, which may be smaller, is nearly spent."""
    return status.near or (status.tokens or 0) >= _HIGH * (status.window or float("inf"))


def _bar(status: Status, plain: bool) -> list[_Part]:
    if status.tokens is None or not status.window:
        return []
    share = min(status.tokens / status.window, 1.0)
    filled = min(max(round(share * _BAR), 1 if status.tokens else 0), _BAR)
    style = "class:toolbar.bar.high" if _high(status) else "class:toolbar.bar"
    on, off = ("#", "-") if plain else ("█", "░")
    return [(style, on * filled), ("class:toolbar.quiet", off * (_BAR - filled)), ("", " ")]


def _warnings(status: Status) -> list[_Part]:
    words = []
    if status.indexed is not None:
        words.append(_("indexing {percent}%").format(percent=int(status.indexed * 100)))
    if status.waiting:
        words.append(_("{count} queued").format(count=status.waiting))
    if status.too_long:
        words.append(_("too long to send"))
    elif status.left_out:
        words.append(
            ngettext("{count} message left out", "{count} messages left out", status.left_out).format(
                count=status.left_out
            )
        )
    elif status.near:
        words.append(_("soon the oldest is left out"))
    return [("class:toolbar.warning", _(", ").join(words))] if words else []


def _joined(parts: list[list[_Part]], between: str) -> list[_Part]:
    """The non-empty parts, separated by `between`."""
    result: list[_Part] = []
    for part in parts:
        if not any(text for _style, text in part):
            continue
        if result:
            result.append(("class:toolbar.quiet", between))
        result += part
    return result


def _cut(parts: list[_Part], width: int) -> StyleAndTextTuples:
    """The parts cut at `width` cells, for when nothing more can be omitted."""
    result: StyleAndTextTuples = []
    room = width
    for style, text in parts:
        fitting = shortened(text, room)
        result.append((style, fitting))
        room -= cells(fitting)
        if fitting != text:
            break
    return result


def _cells(parts: list[_Part]) -> int:
    return sum(cells(text) for _style, text in parts)


def _one_line(text: str) -> str:
    return " ".join(text.split())
