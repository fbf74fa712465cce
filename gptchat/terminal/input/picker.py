"""The picker of sessions and messages: type to search, preview, open with Enter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

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
from gptchat.terminal.answers import leaves
from gptchat.terminal.columns.moving import add_editing
from gptchat.terminal.input.keyboard import mark_pastes
from gptchat.terminal.input.questions import ask, prepare
from gptchat.terminal.output import dumb_terminal as plain
from gptchat.terminal.output.layout import styled
from gptchat.terminal.output.toolbar import shortened
from gptchat.words import _

_ROWS = 10
_PREVIEW = 8  # lines
_MARGIN = 6  # lines of the terminal left for the search line, the rule, the hint and the text above


class PickerRow(NamedTuple):
    """A session or message in the list: `meta` stands at its right, `snippet` is the text that matched."""

    id: str
    title: str
    meta: str = ""
    snippet: str = ""


class Picker:
    """A list that is searched while the user types; searches and previews run in threads, so keys never wait.

    `search(text)` returns the matching rows, best first; `preview(id)` the last turns of a session as text. Both
    are called from threads. `clean` makes text from outside safe to draw. `what` is a row's name, `nothing` is
    shown where none fits (by default those for sessions), and `begin` is the id of the row to begin at.
    """

    def __init__(
        self,
        search: Callable[[str], Sequence[PickerRow]],
        preview: Callable[[str], str],
        *,
        keyboard: Input,
        output: Output,
        clean: Callable[[str], str] = lambda text: text,
        style: Mapping[str, str] | None = None,
        what: str = "",
        nothing: str = "",
        begin: str = "",
    ) -> None:
        self._what = what or _("session")
        self._nothing = nothing or _("no session fits")
        self._first = begin
        self._search = search
        self._preview = preview
        self._clean = clean
        self._output = output
        self._tallest = 0
        """The most rows so far: the list keeps their height, so that the preview does not jump at each letter."""
        self._rows: Sequence[PickerRow] = ()
        self._index = 0
        self._searched: str | None = None
        self._wanted: str | None = None
        """The search text whose first row is chosen once its results arrive (after Enter)."""
        self._previews: dict[str, str] = {}
        self._buffer = Buffer(multiline=False, on_text_changed=lambda _buffer: self._look())
        self._looking: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
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

    async def pick(self, text: str = "") -> str | None:
        """Let the user choose, beginning with a search for `text`.

        Returns the row's id; None if cancelled. Raises LeaveRequested on Ctrl-D with nothing typed, for /exit, and
        if the terminal is gone.
        """
        if plain.is_dumb_terminal():
            return await self._pick_plainly(text)
        try:
            return await self._app.run_async(pre_run=lambda: self._begin(text), handle_sigint=False)
        except (EOFError, OSError):  # the terminal is gone
            leaving.ask(leaving.GONE)
            raise LeaveRequested from None
        finally:
            for task in (self._looking, self._reading):
                if task:
                    task.cancel()
            mark_pastes(self._output)

    async def _pick_plainly(self, text: str) -> str | None:
        """For a dumb terminal: ask for one of the first rows by its number."""
        rows = (await asyncio.get_running_loop().run_in_executor(None, self._search, text))[:_ROWS]
        if not rows:
            self._output.write(self._nothing + "\n")
            self._output.flush()
            return None
        choices = [(str(number), _one_line(self._clean(row.title))) for number, row in enumerate(rows, start=1)]
        answer = await ask(self._what, keyboard=self._app.input, output=self._output, choices=choices)
        return rows[int(answer) - 1].id if answer else None

    def _begin(self, text: str) -> None:
        self._buffer.text = text
        self._buffer.cursor_position = len(text)
        self._look()

    # Searches in the background.

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look_until_done())

    async def _look_until_done(self) -> None:
        """Search for the typed text, and again if it changed meanwhile."""
        while self._searched != (text := self._buffer.text):
            rows = await asyncio.get_running_loop().run_in_executor(None, self._search, text)
            self._searched, self._rows = text, rows
            self._tallest = max(self._tallest, len(rows))
            # The row to begin at, until something is typed.
            ids = [row.id for row in rows] if self._first and not text else []
            self._index = ids.index(self._first) if self._first in ids else 0
            self._show_preview()
        if self._wanted == self._searched:
            self._choose()

    def _show_preview(self) -> None:
        self._app.invalidate()
        if self._reading:
            self._reading.cancel()
        self._reading = asyncio.get_running_loop().create_task(self._read_preview())

    async def _read_preview(self) -> None:
        if not self._rows:
            return
        wanted = self._rows[self._index].id
        if wanted not in self._previews:
            text = await asyncio.get_running_loop().run_in_executor(None, self._preview, wanted)
            self._previews[wanted] = self._clean(text)
            self._app.invalidate()

    # Keys.

    def _choose(self) -> None:
        if self._rows and not self._app.is_done:
            self._app.exit(result=self._rows[self._index].id)

    def _move(self, by: int) -> None:
        if self._rows:
            self._index = min(max(self._index + by, 0), len(self._rows) - 1)
            self._show_preview()

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        for names, by in (
            (("up", "c-p"), -1),
            (("down", "c-n"), 1),
            (("pageup",), -_ROWS),
            (("pagedown",), _ROWS),
            (("c-home",), -(10**9)),
            (("c-end",), 10**9),
        ):
            for name in names:
                keys.add(name)(lambda _event, by=by: self._move(by))

        @keys.add("enter")
        def _enter(_event: KeyPressEvent) -> None:
            if leaves(self._buffer.text):
                self._app.exit(exception=LeaveRequested())
                return
            # A quick Enter must not choose a row of an older search: it waits for the current results.
            if self._searched == self._buffer.text:
                self._choose()
            else:
                self._wanted = self._buffer.text

        @keys.add("escape")
        @keys.add("c-c")
        def _cancel(event: KeyPressEvent) -> None:
            event.app.exit(result=None)

        @keys.add("c-d", filter=Condition(lambda: not self._buffer.text))
        def _leave(event: KeyPressEvent) -> None:
            event.app.exit(exception=LeaveRequested())

        add_editing(keys)
        return keys

    # Drawing.

    def _layout(self) -> Layout:
        search = Window(BufferControl(self._buffer), height=1)
        label = Window(FormattedTextControl([("class:prompt", self._what + " › ")]), dont_extend_width=True)
        return Layout(
            HSplit(
                [
                    VSplit([label, search], height=1),
                    Window(FormattedTextControl(self._list), height=self._list_height, wrap_lines=False),
                    Window(char="─", height=1, style="class:picker.hint"),
                    Window(
                        FormattedTextControl(self._preview_text),
                        height=self._preview_height,
                        wrap_lines=True,
                    ),
                    Window(
                        FormattedTextControl(
                            [("class:picker.hint", _("Enter opens, Esc goes back, ↑ ↓ choose, type to search"))]
                        ),
                        height=1,
                    ),
                ]
            ),
            focused_element=search,
        )

    def _visible(self) -> int:
        """Number of rows that fit on the terminal."""
        lines = self._output.get_size().rows - _MARGIN
        return max(min(_ROWS, lines - min(_PREVIEW, lines // 2)), 1)

    def _list_height(self) -> Dimension:
        return Dimension.exact(min(self._visible(), max(self._tallest, 1)))

    def _preview_height(self) -> Dimension:
        lines = self._output.get_size().rows - _MARGIN
        return Dimension.exact(max(min(_PREVIEW, lines // 2), 1))

    def _list(self) -> StyleAndTextTuples:
        if not self._rows:
            words = _("searching…") if self._searched is None else self._nothing
            return [("class:picker.hint", words)]
        width = self._output.get_size().columns - 1
        visible = self._visible()
        first = max(min(self._index - visible // 2, len(self._rows) - visible), 0)
        result: StyleAndTextTuples = []
        for number, row in enumerate(self._rows[first : first + visible], start=first):
            result += self._row(row, width, current=number == self._index)
            result.append(("", "\n"))
        return result[:-1]

    def _row(self, row: PickerRow, width: int, *, current: bool) -> StyleAndTextTuples:
        """One row: the title, a snippet if it fits, and `meta` right-aligned; the current one is of one colour."""
        looks = ("", "class:picker.snippet", "class:picker.meta")
        titled, cited, dated = ("class:picker.current",) * 3 if current else looks
        meta = shortened(_one_line(self._clean(row.meta)), width // 2)
        room = width - cells(meta) - 3
        title = shortened(_one_line(self._clean(row.title)), room)
        room -= cells(title) + 2
        snippet = shortened(_one_line(self._clean(row.snippet)), room) if row.snippet and room > 8 else ""
        used = 2 + cells(title) + (cells(snippet) + 2 if snippet else 0)
        gap = " " * max(width - used - cells(meta), 1)
        return [
            (titled, ("› " if current else "  ") + title),
            (cited, f"  {snippet}" if snippet else ""),
            (dated, gap + meta),
        ]

    def _preview_text(self) -> str:
        if not self._rows:
            return ""
        text = self._previews.get(self._rows[self._index].id, "…")
        # The last turns matter most, so show the end.
        return "\n".join(wrapped(text, max(self._output.get_size().columns - 1, 1))[-_PREVIEW:])


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("\t", " ").rstrip()
