"""A prompt without a terminal: keys go in, and what it writes is kept, to be shown in any engine."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

from prompt_toolkit.application.current import set_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress

from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.input.completion import ChatCompleter
from gptchat.terminal.input.prompt import Prompt

MESSAGE = "alice › "


class Bench:
    """A running prompt. Use it with `run`; `written` is all that it wrote."""

    def __init__(self, keyboard: PipeInput, columns: int, rows: int, completer: ChatCompleter | None) -> None:
        self._stream = io.StringIO()
        self.columns, self.rows = columns, rows
        self.output = ColumnOutput(
            self._stream, lambda: Size(rows, columns), term="xterm-256color", enable_cpr=False
        )
        self.prompt = Prompt(
            message=lambda: [("class:prompt", MESSAGE)],
            keyboard=keyboard,
            output=self.output,
            completer=completer,
        )
        self.app = self.prompt._session.app
        self.buffer = self.prompt._session.default_buffer
        self._pressed: list[KeyPress] = []
        self._parser = Vt100Parser(self._pressed.append)

    @property
    def written(self) -> str:
        """All that the prompt has written."""
        return self._stream.getvalue()

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the prompt believes the cursor to be: row, counted from its own first, and column."""
        position = self.app.renderer._cursor_pos
        return position.y, position.x

    def type(self, keys: str) -> None:
        """Press keys, as a terminal reports them, and draw."""
        self._parser.feed_and_flush(keys)
        pressed = self._pressed[:]
        self._pressed.clear()
        with set_app(self.app):
            self.app.key_processor.feed_multiple(pressed)
            self.app.key_processor.process_keys()
            self.app._redraw()

    def paste(self, text: str) -> None:
        """Paste text, marked as a terminal marks it."""
        self.type(f"\x1b[200~{text}\x1b[201~")


def run(
    use: Callable[[Bench], object],
    columns: int = 80,
    rows: int = 24,
    *,
    vi: bool = False,
    completer: ChatCompleter | None = None,
) -> None:
    """Call `use` with a running prompt."""

    async def main() -> None:
        with create_pipe_input() as keyboard:
            bench = Bench(keyboard, columns, rows, completer)
            bench.prompt.set_vi(vi)
            reading = asyncio.ensure_future(bench.prompt.read())
            while not bench.app.is_running:
                await asyncio.sleep(0)
            bench.app._redraw()
            try:
                use(bench)
            finally:
                reading.cancel()
                await asyncio.wait([reading])

    asyncio.run(main())
