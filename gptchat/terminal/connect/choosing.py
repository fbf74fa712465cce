"""A list to choose from with arrow keys, by letter or number, or by typing what else is accepted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import Output

from gptchat import leaving
from gptchat.core.width import cells, wrapped
from gptchat.leaving import LeaveRequested
from gptchat.terminal.answers import chosen, leaves
from gptchat.terminal.columns.moving import add_editing
from gptchat.terminal.input.keyboard import mark_pastes
from gptchat.terminal.input.questions import ask, prepare
from gptchat.terminal.output import dumb_terminal as plain
from gptchat.terminal.output.layout import styled
from gptchat.words import _

HELP = "?"
"""The answer if an explanation is wanted."""
_LEAVES = "q"
_PAUSE = 0.8
"""Seconds after which a `q` that nothing follows leaves: `qwen` begins with one, too."""
_MARGIN = 5  # rows of the terminal left for the input line, the hint and the text above


class Choosing:
    """One choice among `rows`, which are (key, meaning) pairs that are safe to draw.

    `hint` stands below the list. `free` tells which other answers are accepted. `explained`: the explanation has
    just been asked for, and an Enter that belongs to its `?` takes no row.
    """

    def __init__(
        self,
        rows: Sequence[tuple[str, str]],
        hint: str,
        *,
        keyboard: Input,
        output: Output,
        style: Mapping[str, str] | None = None,
        free: Callable[[str], bool] = lambda _text: False,
        explained: bool = False,
    ) -> None:
        self._deaf_until = time.monotonic() + _PAUSE if explained else 0.0
        self._rows = rows
        self._hint = hint
        self._free = free
        self._keyboard = keyboard
        self._output = output
        self._index = 0
        self._notice = ""
        self._leaving: asyncio.TimerHandle | None = None
        self._buffer = Buffer(multiline=False, on_text_changed=self._typed)
        self._app: Application[str | None] = Application(
            layout=self._layout(),
            key_bindings=self._bindings(),
            style=styled(style),
            include_default_pygments_style=False,
            erase_when_done=True,
            input=keyboard,
            output=output,
        )
        prepare(self._app, output)

    async def choose(self) -> str | None:
        """The key of a row, another answer that is accepted, or `HELP`; None if the person leaves.

        Raises LeaveRequested for Ctrl-D with nothing typed, for `/exit`, and if the terminal is gone.
        """
        if plain.is_dumb_terminal():
            answer = await ask(
                self._hint,
                keyboard=self._keyboard,
                output=self._output,
                choices=self._rows,
                default=self._rows[0][0],
                free=lambda text: text in (HELP, _LEAVES) or self._free(text),
            )
            return None if answer == _LEAVES else answer
        try:
            return await self._app.run_async(handle_sigint=False)
        except (EOFError, OSError):  # the terminal is gone
            leaving.ask(leaving.GONE)
            raise LeaveRequested from None
        finally:
            self._stay()
            mark_pastes(self._output)

    # What is typed

    def _typed(self, _buffer: Buffer) -> None:
        text = self._buffer.text.strip()
        self._notice = ""
        self._stay()
        if (key := chosen(text, self._rows)) is not None:
            self._index = [key for key, _meaning in self._rows].index(key)
        elif text == _LEAVES:
            self._leaving = asyncio.get_running_loop().call_later(_PAUSE, self._leave)

    def _take(self) -> None:
        """Answer with what is typed, or else with the row that is marked."""
        text = self._buffer.text.strip()
        if not text:
            if time.monotonic() > self._deaf_until:
                self._exit(self._rows[self._index][0])
        elif leaves(text):
            self._quit()
        elif text == _LEAVES:
            self._leave()
        elif (key := chosen(text, self._rows)) is not None:
            self._exit(key)
        elif self._free(text):
            self._exit(text)
        else:
            keys = _(", ").join(key for key, _meaning in self._rows)
            self._notice = _("please answer one of {keys}").format(keys=keys)
            self._app.invalidate()

    def _move(self, by: int) -> None:
        self._buffer.reset()
        self._stay()
        self._notice = ""
        self._index = (self._index + by) % len(self._rows)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _leave(self) -> None:
        self._exit(None)

    def _quit(self) -> None:
        """Leave the program, and not this list alone."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit(exception=LeaveRequested())

    def _exit(self, answer: str | None) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit(result=answer)

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        nothing_typed = Condition(lambda: not self._buffer.text)
        for name, by in (("up", -1), ("c-p", -1), ("s-tab", -1), ("down", 1), ("c-n", 1), ("tab", 1)):
            keys.add(name)(lambda _event, by=by: self._move(by))
        for name, row in (("home", 0), ("pageup", 0), ("end", -1), ("pagedown", -1)):
            keys.add(name, filter=nothing_typed)(lambda _event, row=row: self._move(row - self._index))

        @keys.add("enter")
        def _enter(_event: KeyPressEvent) -> None:
            self._take()

        @keys.add("?", filter=nothing_typed)
        @keys.add("？", filter=nothing_typed)
        def _help(_event: KeyPressEvent) -> None:
            self._exit(HELP)

        @keys.add("escape")
        @keys.add("c-c")
        def _cancel(_event: KeyPressEvent) -> None:
            self._leave()

        @keys.add("c-d", filter=nothing_typed)
        def _leave_all(_event: KeyPressEvent) -> None:
            self._quit()

        add_editing(keys)
        return keys

    # Drawing

    def _layout(self) -> Layout:
        sign = Window(FormattedTextControl([("class:prompt", "› ")]), dont_extend_width=True)
        line = Window(BufferControl(self._buffer), height=1)
        return Layout(
            HSplit(
                [
                    Window(FormattedTextControl(self._list), height=self._height, wrap_lines=False),
                    Window(FormattedTextControl(self._below), height=self._height_below, wrap_lines=False),
                    VSplit([sign, line], height=1),
                ]
            ),
            focused_element=line,
        )

    def _width(self) -> int:
        return max(self._output.get_size().columns - 1, 10)

    def _drawn(self) -> list[list[str]]:
        """The lines of each row."""
        column = max(cells(key) for key, _meaning in self._rows)
        return [
            [
                (f"{key:<{column}}  " if number == 0 else " " * (column + 2)) + line
                for number, line in enumerate(wrapped(meaning, max(self._width() - column - 4, 10)))
            ]
            for key, meaning in self._rows
        ]

    def _visible(self) -> range:
        """The rows that fit on the screen, with the marked one among them."""
        heights = [len(lines) for lines in self._drawn()]
        room = max(self._output.get_size().rows - _MARGIN - len(self._below_lines()), 1)
        first = last = self._index
        used = heights[first]
        while True:
            if last + 1 < len(heights) and used + heights[last + 1] <= room:
                last += 1
                used += heights[last]
            elif first > 0 and used + heights[first - 1] <= room:
                first -= 1
                used += heights[first]
            else:
                return range(first, last + 1)

    def _height(self) -> Dimension:
        drawn = self._drawn()
        return Dimension.exact(sum(len(drawn[number]) for number in self._visible()))

    def _list(self) -> StyleAndTextTuples:
        drawn = self._drawn()
        result: StyleAndTextTuples = []
        typed = self._buffer.text.strip()
        other = bool(typed) and chosen(typed, self._rows) is None
        for number in self._visible():
            current = number == self._index and not other
            for at, line in enumerate(drawn[number]):
                sign = "› " if current and at == 0 else "  "
                result += [("class:picker.current" if current else "", sign + line), ("", "\n")]
        return result[:-1]

    def _below_lines(self) -> list[str]:
        return wrapped(self._notice or self._hint, self._width())

    def _height_below(self) -> Dimension:
        return Dimension.exact(len(self._below_lines()) + 1)

    def _below(self) -> StyleAndTextTuples:
        look = "class:notice" if self._notice else "class:picker.hint"
        return [("", "\n"), (look, "\n".join(self._below_lines()))]
