"""prompt_toolkit's output to a terminal; each character stands in its column, whatever the terminal's widths.

What terminals disagree on is written over blanks, as many as the widest terminal needs, and the cursor is then
set to the column after them (`CSI n G`): so nothing written later depends on where the terminal left it.
"""

from __future__ import annotations

from prompt_toolkit.output.vt100 import Vt100_Output

from gptchat.core.width import cells
from gptchat.terminal.columns.standins import Span, spans, stands_for

_TAB = 8  # columns


class ColumnOutput(Vt100_Output):
    """Writes text, and stand-ins (`standins.stand_in`) for theirs."""

    _column = 0
    """Where prompt_toolkit believes the cursor to be."""
    _wraps = True

    @classmethod
    def of(cls, output: Vt100_Output) -> ColumnOutput:
        """An output to the same terminal as `output`, which never asks where the cursor is."""
        return cls(
            output.stdout,
            output.get_size,
            term=output.term,
            default_color_depth=output.default_color_depth,
            enable_bell=output.enable_bell,
            enable_cpr=False,
        )

    def write(self, data: str) -> None:
        """Write a stand-in, as prompt_toolkit's screen has it, or text; each part in its columns."""
        if data.isascii():
            self._plain(data)
            return
        stood_for = stands_for(data)
        for span in [stood_for] if stood_for else spans(data):
            if span.plain:
                self._plain(span.drawn)
            else:
                self._place(span)

    def _plain(self, text: str) -> None:
        super().write(text)
        begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        if begin:
            self._column = 0
        first, *rest = text[begin:].split("\t")
        self._column += cells(first)
        for part in rest:
            self._column += _TAB - self._column % _TAB + cells(part)

    def _place(self, span: Span) -> None:
        drawn = span.drawn.rstrip("\u200d")  # tmux joins the next character to one that ends here
        end, columns = self._column + span.width, self.get_size().columns
        # Without wrapping, tmux leaves the cursor on the last column, and draws marks on the character before it.
        wraps = not self._wraps and end == columns
        if wraps:
            self.write_raw("\x1b[?7h")
        if span.settled or end > columns:  # beyond the edge: a long line, which the terminal wraps
            super().write(drawn)
        else:
            self.write_raw(" " * span.width + f"\x1b[{self._column + 1}G")
            super().write(drawn)
            self.write_raw(f"\x1b[{end + 1}G")
        if wraps:
            self.write_raw("\x1b[?7l")
        self._column = end

    def enable_autowrap(self) -> None:
        """Let long lines wrap."""
        super().enable_autowrap()
        self._wraps = True

    def disable_autowrap(self) -> None:
        """Let nothing wrap."""
        super().disable_autowrap()
        self._wraps = False

    def cursor_goto(self, row: int = 0, column: int = 0) -> None:
        """Move to `row` and `column`, from 1."""
        super().cursor_goto(row, column)
        self._column = max(column - 1, 0)

    def cursor_forward(self, amount: int) -> None:
        """Move right."""
        super().cursor_forward(amount)
        self._column += amount

    def cursor_backward(self, amount: int) -> None:
        """Move left, at most to the first column."""
        super().cursor_backward(amount)
        self._column = max(self._column - amount, 0)

    def enter_alternate_screen(self) -> None:
        """Switch to the alternate screen; the cursor is at its top left."""
        super().enter_alternate_screen()
        self._column = 0
