"""How the prompt stands on the screen.

The toolbar stands directly under the draft and needs no answer from the terminal about the cursor's
position: such an answer would delay leaving the prompt on a slow line, and could end up among the keys.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from prompt_toolkit.filters import Condition, is_done, to_filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import ConditionalContainer, HSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from gptchat.terminal import plain

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
    # noinherit: the library's own look has a grey of its own behind each line
    "completion-menu": "noinherit",
    "completion-menu.completion": "noinherit",
    "completion-menu.completion.current": "noinherit reverse",
    "completion-menu.meta.completion": f"noinherit {_QUIET}",
    "completion-menu.meta.completion.current": "noinherit reverse",
    "completion-menu.completion.match": "bold",
}
"""The style where the theme says nothing: the terminal's own colours."""


def styled(rules: Mapping[str, str] | None) -> Style:
    """`STYLE` with the theme's `rules` over it; what is quiet is as quiet as the theme's hints."""
    rules = rules or {}
    quiet = rules.get("hint", _QUIET)
    return Style.from_dict({**{name: look.replace(_QUIET, quiet) for name, look in STYLE.items()}, **rules})


def open_screen() -> Output:
    """The terminal to draw on; it is never asked for the cursor's position (see above).

    One that can draw nothing (`TERM=dumb`) gets no control sequence at all.
    """
    if plain.is_dumb_terminal():
        return PlainTextOutput(sys.stdout)
    output = create_output()
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
    return output


def stand_below(layout: Layout, text: Callable[[], StyleAndTextTuples], room: Callable[[], Dimension]) -> None:
    """Put a toolbar directly under the draft of a prompt session's `layout`, while there is a text for it.

    `room` gives the height of the draft itself.
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
        Window(height=Dimension(preferred=0)),  # takes the room that a closed list of completions leaves
    ]
