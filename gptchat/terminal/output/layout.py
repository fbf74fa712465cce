"""Layout and style of the prompt.

The toolbar is directly under the draft and does not query the cursor position: on a slow connection the
terminal's answer would delay leaving the prompt, and could end up among the keys.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import Condition, is_done, to_filter
from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import ConditionalContainer, HSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl, SearchBufferControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.layout.screen import Screen
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.search import SearchDirection
from prompt_toolkit.styles import Style

from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.output import dumb_terminal as plain
from gptchat.terminal.output.capabilities import Terminal
from gptchat.words import _

_QUIET = "ansibrightblack"
STYLE: Mapping[str, str] = {
    "prompt": "bold",
    "pasted": "italic",
    "notice": "italic",
    "auto-suggestion": _QUIET,
    "bottom-toolbar": "noreverse",
    "toolbar": "",
    "toolbar.quiet": _QUIET,
    "toolbar.warning": "bold",
    "toolbar.bar": "",
    "toolbar.bar.high": "bold",
    "question": "bold",
    "question.key": "bold",
    "question.default": _QUIET,
    "picker.current": "reverse",
    "picker.meta": _QUIET,
    "picker.snippet": "italic",
    "picker.hint": _QUIET,
    # noinherit: prompt_toolkit's default style has a grey background
    "completion-menu": "noinherit",
    "completion-menu.completion": "noinherit",
    "completion-menu.completion.current": "noinherit reverse",
    "completion-menu.meta.completion": f"noinherit {_QUIET}",
    "completion-menu.meta.completion.current": "noinherit reverse",
    "completion-menu.completion.match": "bold",
}
"""Default style for names that the theme does not set; uses the terminal's own colours."""


def styled(rules: Mapping[str, str] | None) -> Style:
    """`STYLE` overridden by the theme's `rules`; dim parts get the style of the theme's `hint`."""
    rules = rules or {}
    quiet = rules.get("hint", _QUIET)
    return Style.from_dict({**{name: look.replace(_QUIET, quiet) for name, look in STYLE.items()}, **rules})


def open_screen() -> Output:
    """The terminal as prompt_toolkit output, without cursor position queries (see above).

    A dumb terminal (`TERM=dumb`) gets no control sequences.
    """
    if plain.is_dumb_terminal():
        return PlainTextOutput(sys.stdout)
    output = create_output()
    return ColumnOutput.of(output) if isinstance(output, Vt100_Output) else output


def follow_width(app: Application[str]) -> None:
    """Make `app` erase all of its rows when the window becomes narrower, not only as many as it drew.

    Most terminals have then wrapped each row into several, which moved the cursor down.
    """
    erase_and_draw = app._on_resize  # prompt_toolkit has no public hook for this

    def resized() -> None:
        screen, output = app.renderer.last_rendered_screen, app.output
        if screen is not None and isinstance(output, Vt100_Output) and Terminal.detect(sys.stdout).reflows:
            cursor = screen.get_cursor_position(app.layout.current_window)
            columns = output.get_size().columns
            more = rows_more(screen, cursor, columns)
            # Row by row, because erasing a whole screen at once would copy it into tmux's history.
            below = screen.height - cursor.y + rows_more(screen, Point(0, screen.height), columns)
            output.write_raw("\x1b7" + "\x1b[B\x1b[2K" * below + "\x1b8\x1b[2K")
            output.write_raw("\x1b[A\x1b[2K" * (cursor.y + more))
            output.cursor_down(cursor.y)
        erase_and_draw()

    app._on_resize = resized  # type: ignore[method-assign]  # as above


def rows_more(screen: Screen, cursor: Point, columns: int) -> int:
    """Number of rows by which the cursor moved down when the contents of `screen` were wrapped at `columns`."""
    more = 0
    for number in range(cursor.y + 1):
        row = screen.data_buffer[number]
        width = max((x + cell.width for x, cell in row.items() if cell.char != " "), default=0)
        wrapped = max(-(-width // columns), 1) - 1
        more += min(cursor.x // columns, wrapped) if number == cursor.y else wrapped
    return more


def stand_below(layout: Layout, text: Callable[[], StyleAndTextTuples], room: Callable[[], Dimension]) -> None:
    """Add a toolbar directly under the draft to a prompt session's `layout`; it is hidden if `text()` is empty.

    `room` returns the height of the draft itself.
    """
    assert isinstance(layout.container, HSplit)
    layout.current_window.height = room
    layout.current_window.dont_extend_height = to_filter(True)
    layout.container.children += [
        ConditionalContainer(
            Window(
                FormattedTextControl(text),
                style="class:bottom-toolbar",
                height=Dimension(min=1, max=2),
                wrap_lines=True,
                dont_extend_height=True,
            ),
            filter=~is_done & Condition(lambda: bool(text())),
        ),
        Window(height=Dimension(preferred=0)),  # fills the space left by a closed completion menu
    ]


def translate_labels(layout: Layout) -> None:
    """Translate the labels that prompt_toolkit puts below the draft: of a search, and of a repeat count."""
    for control in layout.find_all_controls():
        match control:
            case SearchBufferControl():
                label = BeforeInput(partial(_search_label, control), style="class:search-toolbar.prompt")
                control.input_processors = [label]
            case FormattedTextControl(text=text) if callable(text) and _is_repeat_count(text):
                control.text = partial(_repeat_label, text)


def _search_label(control: SearchBufferControl) -> str:
    backward = control.searcher_search_state.direction == SearchDirection.BACKWARD
    return _("I-search backward: ") if backward else _("I-search: ")


def _is_repeat_count(text: Callable[[], AnyFormattedText]) -> bool:
    return getattr(text, "__name__", "") == "_get_arg_text"  # prompt_toolkit has no public name for it


def _repeat_label(original: Callable[[], AnyFormattedText]) -> StyleAndTextTuples:
    parts = to_formatted_text(original())
    return [(part[0], _("Repeat: ") if part[1] == "Repeat: " else part[1]) for part in parts]
