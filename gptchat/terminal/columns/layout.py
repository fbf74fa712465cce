"""Gives prompt_toolkit's layouts stand-ins for what terminals disagree on (see `standins`)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection
from itertools import accumulate
from typing import Any

from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.formatted_text.utils import fragment_list_to_text, fragment_list_width
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import WindowRenderInfo
from prompt_toolkit.layout.controls import BufferControl, GetLinePrefixCallable, UIContent, UIControl
from prompt_toolkit.layout.margins import Margin
from prompt_toolkit.layout.menus import CompletionsMenuControl
from prompt_toolkit.layout.screen import _CHAR_CACHE
from prompt_toolkit.output import Output
from prompt_toolkit.utils import get_cwidth

from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.columns.standins import WIDEST, spans, stand_in


def stand_in_columns(layout: Layout, output: Output) -> None:
    """Make everything in `layout` stand in its columns on any terminal; does nothing if `output` cannot do it."""
    if not isinstance(output, ColumnOutput):
        return
    for window in {*layout.find_all_windows()}:  # a prompt's layout has some twice
        if window.get_line_prefix is not None:
            window.get_line_prefix = _prefix(window.get_line_prefix)
        if isinstance(window.content, BufferControl):
            window.right_margins = [_Edge()]
    for control in {*layout.find_all_controls()}:
        _stand(control)


class _Edge(Margin):
    """Keeps the last column free: without wrapping, terminals draw marks there on the character before."""

    def get_width(self, get_ui_content: Callable[[], UIContent]) -> int:
        """One column."""
        return 1

    def create_margin(self, window_render_info: WindowRenderInfo, width: int, height: int) -> StyleAndTextTuples:
        """Nothing is drawn in it."""
        return []


def _prefix(original: Callable[[int, int], AnyFormattedText]) -> Callable[[int, int], AnyFormattedText]:
    return lambda line, wraps: stood(to_formatted_text(original(line, wraps)))[0]


def _stand(control: UIControl) -> None:
    create = control.create_content
    filled = isinstance(control, CompletionsMenuControl)

    def create_content(width: int, height: int, **more: Any) -> UIContent:
        return _Content(create(width, height, **more), width, filled=filled)

    control.create_content = create_content  # type: ignore[method-assign]  # prompt_toolkit has no hook for it


class _Content(UIContent):
    """The lines of another content with stand-ins in them, and the cursor between whole spans."""

    def __init__(self, content: UIContent, width: int, *, filled: bool) -> None:
        self._original = content
        self._filled = filled
        self._widest = max(min(width // 2, WIDEST), 2)
        self._lines: dict[int, tuple[StyleAndTextTuples, list[int]]] = {}
        self._breaks = [
            (point.y, point.x) for point in (content.cursor_position, content.menu_position) if point is not None
        ]
        super().__init__(
            lambda number: self._line(number)[0],
            content.line_count,
            self._moved(content.cursor_position),
            self._moved(content.menu_position),
            content.show_cursor,
        )

    def _line(self, number: int) -> tuple[StyleAndTextTuples, list[int]]:
        if number not in self._lines:
            breaks = {column for line, column in self._breaks if line == number}
            self._lines[number] = stood(
                self._original.get_line(number), breaks, widest=self._widest, filled=self._filled
            )
        return self._lines[number]

    def _moved(self, point: Point | None) -> Point | None:
        if point is None or not point.x or point.y >= self._original.line_count:
            return point
        starts = self._line(point.y)[1]
        return Point(starts[point.x] if point.x < len(starts) else point.x, point.y) if starts else point

    def get_height_for_line(
        self,
        lineno: int,
        width: int,
        get_line_prefix: GetLinePrefixCallable | None,
        slice_stop: int | None = None,
    ) -> int:
        """The rows of a line as drawn; prompt_toolkit forgets cells that stay empty before wide characters."""
        text = fragment_list_to_text(self.get_line(lineno))[:slice_stop]
        if text.isascii() or width < 2:
            return super().get_height_for_line(lineno, width, get_line_prefix, slice_stop)

        def beginning(wraps: int) -> int:
            return fragment_list_width(to_formatted_text(get_line_prefix(lineno, wraps))) if get_line_prefix else 0

        rows, used = 1, beginning(0)
        for own in (_CHAR_CACHE[character, ""].width for character in text):
            if used + own > width:
                used = beginning(rows)
                if used + own > width:
                    return super().get_height_for_line(lineno, width, get_line_prefix, slice_stop)
                rows += 1
            used += own
        return rows


def stood(
    fragments: StyleAndTextTuples,
    breaks: Collection[int] = (),
    *,
    widest: int = WIDEST,
    filled: bool = False,
) -> tuple[StyleAndTextTuples, list[int]]:
    """A line with stand-ins, and for each of its code points the index in the result; unchanged: an empty list.

    `breaks` are indices at which a span must not go on. If the line is `filled` with blanks to a width that
    prompt_toolkit counted, spans that are wider take blanks away.
    """
    text = fragment_list_to_text(fragments)
    if text.isascii():
        return fragments, []
    fragments = [fragment for fragment in fragments if "[ZeroWidthEscape]" not in fragment[0]]
    ends = list(accumulate(len(fragment[1]) for fragment in fragments))
    result: StyleAndTextTuples = []
    starts: list[int] = []
    size = debt = 0
    looks = [fragment[0] for fragment in fragments]
    changes = {end for end, look, following in zip(ends, looks, looks[1:], strict=False) if look != following}
    for span in spans(text, {*breaks, *changes}, widest):
        begin = len(starts)
        until = begin + span.length
        while begin < until:
            number = bisect_left(ends, begin + 1)
            end = min(ends[number], until) if span.plain else until
            if span.plain:
                starts += range(size, size + end - begin)
                part, debt = _shortened(text, begin, end, debt)
            else:
                starts += [size] * span.length
                part = stand_in(span)
                debt += max(span.width - get_cwidth(text[begin:end]), 0) if filled else 0
            result.append((looks[number], part))
            size += len(part)
            begin = end
    return result, [*starts, size]


def _shortened(text: str, begin: int, end: int, debt: int) -> tuple[str, int]:
    """`text[begin:end]` with up to `debt` blanks less, where several stand together, and what is still owed."""
    if not debt:
        return text[begin:end], 0
    kept: list[str] = []
    for index in range(begin, end):
        if debt > 0 and text[index : index + 2] == "  ":
            debt -= 1
        else:
            kept.append(text[index])
    return "".join(kept), debt
