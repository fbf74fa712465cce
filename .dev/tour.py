"""The README's picture, made from a real run: `python .dev/tour.py` draws the demo's tour as SVG."""

from __future__ import annotations

import os
import pty
import select
import struct
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pyte

COLUMNS, ROWS = 84, 110
TARGET = Path(__file__).parents[1] / ".github" / "tour.svg"
CELL, LINE, EDGE = 8.4, 18, 16
"""A column's and a row's size, and the margin, in pixels."""
INK, PAPER = "d6d9de", "181a1f"


def screen_of(arguments: list[str]) -> pyte.Screen:
    """The screen after the program has run with `arguments` in a terminal of true colours."""
    import fcntl
    import termios

    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": home,
                   "GPTCHAT_DATA_DIR": home, "GPTCHAT_CONFIG": ""}  # fmt: skip
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execve(sys.executable, [sys.executable, "-m", "gptchat", *arguments], environ)
        while select.select([terminal], [], [], 60)[0]:
            try:
                stream.feed(os.read(terminal, 65536))
            except OSError:
                break
        os.waitpid(pid, 0)
    return screen


def svg_of(screen: pyte.Screen) -> str:
    """The used rows of a screen as a picture; the reader's own monospaced font, and nothing from elsewhere."""
    used = max(row for row in range(ROWS) if screen.display[row].strip()) + 1
    width, height = COLUMNS * CELL + 2 * EDGE, used * LINE + 2 * EDGE
    spans = [span for row in range(used) for span in _row(screen, row)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#{PAPER}"/>\n'
        f'<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#{INK}">\n'
        + "\n".join(spans)
        + "\n</g>\n</svg>\n"
    )


def _row(screen: pyte.Screen, row: int) -> Iterator[str]:
    """Runs of one style, each put at its own column, so that no font can move what follows; wide ones alone."""
    cells = [screen.buffer[row][column] for column in range(COLUMNS)]
    column = 0
    while column < COLUMNS:
        end = column + 1
        wide = end < COLUMNS and cells[end].data == ""
        while not wide and end < COLUMNS and _style(cells[end]) == _style(cells[column]):
            if end + 1 < COLUMNS and cells[end + 1].data == "":
                break
            end += 1
        text = "".join(cell.data for cell in cells[column:end])
        if text.strip():
            x, y = EDGE + column * CELL, EDGE + row * LINE + LINE * 0.75
            length = (2 if wide else end - column) * CELL
            place = f'x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}" xml:space="preserve"'
            yield f"<text {place}{_style(cells[column])}>{escape(text)}</text>"
        column = end + 1 if wide else end


def _style(cell: pyte.screens.Char) -> str:
    style = f' fill="#{cell.fg}"' if len(cell.fg) == 6 and cell.fg != "default" else ""
    style += ' font-weight="bold"' if cell.bold else ""
    style += ' font-style="italic"' if cell.italics else ""
    lines = [name for name, on in (("underline", cell.underscore), ("line-through", cell.strikethrough)) if on]
    return style + (f' text-decoration="{" ".join(lines)}"' if lines else "")


if __name__ == "__main__":
    tour = screen_of(["-p", "demo", "-m", "demo-fast", "-o", "ui.theme=dark", "show me"])
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(svg_of(tour), encoding="utf-8")
