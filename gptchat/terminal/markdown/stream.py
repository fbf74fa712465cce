"""Renders a reply while it streams: final lines are committed once, and a short tail may still change.

The committed lines equal those of rendering the whole reply at once, however the text was split. Only
complete lines are committed: a piece when another one follows it, the lines of an open code block and the
rows of a table as they arrive. A diagram is held until its code block is closed, up to a limit. The remaining
source stays short (the unfinished piece, after rewritten lines that hold its list item or quote open), so the
cost grows linearly with the reply.

A reference link whose definition comes later stays literal, because it has been printed by then.
"""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.core.safe import clean
from gptchat.grammar.bounds import MOST, bounded, continuation, cut_line, divided, taken, too_long, without_blanks
from gptchat.grammar.fences import reopened
from gptchat.grammar.tree import PLACEHOLDER, Container, Opening, Piece, is_closed, pieces
from gptchat.terminal.markdown import tables
from gptchat.terminal.markdown.blocks import BlockRenderer, OpenFence, OpenTable, Progress, may_be_drawn, table_of
from gptchat.terminal.markdown.lines import Line
from gptchat.terminal.markdown.mending import mended
from gptchat.terminal.markdown.prefixes import QUOTE, inside, marker
from gptchat.terminal.markdown.reading import environment
from gptchat.terminal.output.theme import Theme

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings

_FENCE = re.compile(r" *(?:`+|~+)")
SLICE = MOST
"""Characters that one call looks at, at most."""
_CLOSED_BY_BLANKS = ("paragraph", "heading", "rule", "table", "footnote")
"""Pieces that blank lines end, wherever they stand."""
_LINES = 100
"""Lines that one call looks at, at most."""


class MarkdownStream:
    """Takes text in parts of any size and returns lines.

    `commit` returns lines that are final, `tail` the remaining lines as they look now, `finish` the remaining
    lines as final. `width` is in columns and may differ between calls, because the window may change. `ui` decides
    how Markdown is read (None: as by default).
    """

    def __init__(
        self, theme: Theme, *, hyperlinks: bool = False, code_blocks: int = 0, ui: UiSettings | None = None
    ) -> None:
        self._env = environment(ui)
        self._theme = theme
        self._hyperlinks = hyperlinks
        self._renderer = BlockRenderer(theme, self._env, hyperlinks=hyperlinks)
        self._renderer.code_blocks = code_blocks
        self._incoming: deque[str] = deque()
        self.behind = 0
        """Number of characters that have come and were not looked at yet; each call looks at `SLICE` of them."""
        self._partial = ""
        """The incomplete last line, as received."""
        self._prefix = ""
        """What stands before it in the source, if it goes on with a line that was too long."""
        self._source = ""
        """The complete lines that are not committed, cleaned; possibly after a rewritten beginning."""
        self._opening = Opening()
        self._progress: Progress | None = None
        self._diagram = False
        """Whether the uncommitted text ends in a code block that is held because it may become a diagram."""
        self._fresh = False
        """Whether complete lines have arrived since the last commit."""
        self.first_break: int | None = None
        """How many of the lines last committed stand before the first place between two blocks, if any."""

    @property
    def code_blocks(self) -> int:
        """Number of code blocks committed, including those before this text."""
        return self._renderer.code_blocks

    @property
    def pending(self) -> int:
        """Number of characters that each call of `tail` parses again."""
        return len(self._source) + len(self._partial)

    @property
    def between(self) -> bool:
        """Whether the committed lines end between two blocks: outside of a code block, table, list or quote."""
        return self.divisible and not self._opening.path

    @property
    def divisible(self) -> bool:
        """Whether the committed lines end with a whole block, possibly inside a list or quote."""
        return self._progress is None

    def feed(self, text: str) -> None:
        """Add `text`; it is parsed by the next `commit`, `tail` or `finish`, all of it once `behind` is 0."""
        self._incoming += [text[at : at + SLICE] for at in range(0, len(text), SLICE)]
        self.behind += len(text)

    def skip(self) -> bool:
        """Drop what has come and was not looked at, if it is more than one call looks at; whether it was."""
        if self.behind <= SLICE:
            return False
        self._incoming.clear()
        self.behind = 0
        return True

    def commit(self, width: int) -> list[Line]:
        """The lines that have become final since the last call."""
        self._take()
        self.first_break = None
        if not self._fresh:
            return []
        self._fresh = False
        found = divided(pieces(self._source, self._env, self._opening))
        if not found or (found[-1].path and found[-1].kind in _CLOSED_BY_BLANKS):
            self._source = without_blanks(self._source)
        if not found:
            return []
        last = found[-1]
        cut = len(found) if self._is_final(last) else len(found) - 1
        if last.path and self._tabs(last):
            # With a tab in a marker, columns are not characters: wait for the whole block, unless it is too long.
            if len(self._source) <= 4 * MOST:
                return []
            self._source, self._fresh = self._source.expandtabs(4), True
            return self.commit(width) if len(found) == 1 else self._settle(found, len(found) - 1, width)
        return self._settle(found, cut, width)

    def tail(self, width: int) -> list[Line]:
        """The lines of the uncommitted text, as they look now."""
        self._take()
        partial = self._prefix + clean(self._partial.removesuffix("\r"))
        if not (isinstance(self._progress, OpenFence) or self._diagram):
            partial = mended(self._source, partial)
        source = self._source + partial + "\n"
        if not source.strip():
            return []
        env = {**self._env, "references": dict(self._env.get("references", {}))}
        renderer = BlockRenderer(self._theme, env, hyperlinks=self._hyperlinks)
        renderer.code_blocks = self._renderer.code_blocks
        progress = self._progress
        if isinstance(progress, OpenFence):
            progress = OpenFence(progress.highlighter.fork())
        opening = Opening(tuple(copy.copy(one) for one in self._opening.path), self._opening.gap)
        return _render(renderer, divided(pieces(source, env, opening)), width, progress)

    def finish(self, width: int) -> list[Line]:
        """The lines of all uncommitted text, as final; ends the stream."""
        if self._partial or self._incoming:
            self.feed("\n")
        lines: list[Line] = []
        first: int | None = None
        while self.behind:
            before = len(lines)
            lines += self.commit(width)
            if first is None and self.first_break is not None:
                first = before + self.first_break
        self._take()
        found = divided(pieces(self._source, self._env, self._opening))
        before = len(lines)
        lines += self._final(found, len(found), width)
        if first is not None or self.first_break is not None:
            self.first_break = first if first is not None else before + (self.first_break or 0)
        self._source, self._opening, self._progress, self._fresh = "", Opening(), None, False
        return lines

    def _take(self) -> None:
        if not self._incoming:
            return
        text = taken(self._incoming)
        self.behind -= len(text)
        if text.count("\n") > _LINES:
            rest = text.split("\n", _LINES)[_LINES]
            self._incoming.appendleft(rest)
            self.behind += len(rest)
            text = text[: -len(rest)] if rest else text
        text = self._partial + text
        cut = text.rfind("\n") + 1
        self._partial = text[cut:]
        if cut:
            self._source += self._prefix + bounded(text[:cut], self._prefix)
            self._prefix, self._fresh = "", True
        while too_long(self._partial):
            part, following, self._partial = cut_line(self._partial, self._prefix)
            self._source += self._prefix + clean(part) + "\n"
            self._prefix, self._fresh = following, True

    def _is_final(self, piece: Piece) -> bool:
        """Whether the last piece can no longer change. False inside containers, which it holds open."""
        if piece.path:
            return False
        if piece.kind in ("paragraph", "table", "footnote", "maths"):  # a blank line closes them
            lines = self._source.split("\n")
            return piece.end < len(lines) - 1 and not lines[piece.end].strip()
        return piece.kind in ("heading", "rule") or (piece.kind == "fence" and is_closed(piece))

    def _final(self, found: Sequence[Piece], cut: int, width: int) -> list[Line]:
        """The lines of the first `cut` pieces; sets `first_break`."""
        self.first_break = None
        lines: list[Line] = []
        for index, piece in enumerate(found[:cut]):
            lines += self._renderer.render(piece, width, None if index else self._progress)
            following = found[index + 1].path[:1] if index + 1 < len(found) else ()
            if self.first_break is None and not any(one is other for one in following for other in piece.path):
                self.first_break = len(lines)
        return lines

    def _settle(self, found: Sequence[Piece], cut: int, width: int) -> list[Line]:
        """Render the first `cut` pieces and the final lines of an open fence or table after them."""
        lines = self._final(found, cut, width)
        self._diagram = False
        if cut == len(found):
            self._source = "\n".join(self._source.split("\n")[found[-1].end :])
            self._opening, self._progress = Opening(gap=True), None
            return lines
        last = found[-1]
        progress = self._progress if cut == 0 else None
        self._diagram = not progress and last.kind == "fence" and not is_closed(last) and may_be_drawn(last)
        if last.kind == "fence" and not is_closed(last) and not self._diagram:
            return lines + self._settle_fence(last, width, progress)
        if last.kind == "table" and (progress or len(table_of(last).rows) >= tables.MEASURED_ROWS):
            return lines + self._settle_table(last, width, progress)
        if cut:
            self._progress = None
            self._retain_part(last) if last.divided else self._retain(last, found[cut - 1])
        return lines

    def _settle_fence(self, piece: Piece, width: int, progress: Progress | None) -> list[Line]:
        if not isinstance(progress, OpenFence):
            progress = self._renderer.open_fence(piece)
            empty = copy.copy(piece)
            empty.text = ""
            heading = self._renderer.render(empty, width)
        else:
            heading = []
        self._progress = progress
        body = copy.copy(piece)
        body.gap = False
        rows = self._renderer.render(body, width, progress) if piece.text else []
        rewritten = self._source.split("\n")
        head, following = self._held_open(piece.path, rewritten)
        fence = _FENCE.match(inside(rewritten, piece.path, piece.start))
        assert fence is not None, "a code block begins with its fence"
        assert piece.token is not None, "a fence has its token"
        opener = following + reopened(fence[0], piece.token.meta.get("inner"))
        self._source = "\n".join([*head, opener, *rewritten[piece.end :]])
        self._opening = Opening(piece.path)
        return heading + rows

    def _settle_table(self, piece: Piece, width: int, progress: Progress | None) -> list[Line]:
        table = table_of(piece)
        lines = self._renderer.render(piece, width, progress)
        if not isinstance(progress, OpenTable):
            progress = OpenTable(table.rows[: tables.MEASURED_ROWS])
        self._progress = progress
        rewritten = self._source.split("\n")
        head, following = self._held_open(piece.path, rewritten)
        header = inside(rewritten, piece.path, piece.start)
        rule = inside(rewritten, piece.path, piece.start + 1).strip()
        self._source = "\n".join([*head, following + header, following + rule, *rewritten[piece.end :]])
        self._opening = Opening(piece.path)
        return lines

    def _retain(self, piece: Piece, previous: Piece) -> None:
        """Keep the source from `piece` on, and hold the containers open that have already begun."""
        lines = self._source.split("\n")
        begun = [container for container in piece.path if container.begun]
        fresh = [container for container in piece.path if not container.begun]
        start = min([piece.start, *(container.line for container in fresh)])
        head, _ = self._held_open(begun, lines)
        if not piece.path:
            end = previous.path[0].end if previous.path else previous.end
            while start > end and lines[start - 1].strip():
                start -= 1  # definitions directly before it may continue
        self._source = "\n".join([*head, *lines[start:]])
        self._opening = Opening(piece.path, piece.gap)

    def _retain_part(self, piece: Piece) -> None:
        """Keep the last part of a piece that was too long, and what follows it."""
        lines = self._source.split("\n")
        head, following = self._held_open(piece.path, lines)
        rest = [following + line for line in continuation(piece)]
        self._source = "\n".join([*head, *rest, *lines[piece.end :]])
        self._opening = Opening(piece.path)

    def _tabs(self, piece: Piece) -> bool:
        """Whether there is a tab in the piece's first two lines or in a line that opens one of its containers."""
        lines = self._source.split("\n")
        numbers = {container.line for container in piece.path} | {piece.start, min(piece.start + 1, piece.end - 1)}
        return any("\t" in lines[number] for number in numbers)

    def _held_open(self, path: Sequence[Container], lines: Sequence[str]) -> tuple[list[str], str]:
        """Lines that open the containers of `path` again, and the prefix of each following line in them.

        Each container gets its own line, because the indent before a second marker would count for the first.
        """
        head: list[str] = []
        following = ""
        for index, container in enumerate(path):
            text = inside(lines, path[:index], container.line)
            if container.kind == "quote":
                match = QUOTE.match(text)
                assert match is not None, "a quote begins with its mark"
                mark = more = match[1] + "> "
            else:
                mark = marker(text)
                more = " " * len(mark)
            head.append(following + mark + PLACEHOLDER)
            following += more
            head.append(following.rstrip())
        return head, following


def _render(renderer: BlockRenderer, found: Sequence[Piece], width: int, progress: Progress | None) -> list[Line]:
    lines: list[Line] = []
    for index, piece in enumerate(found):
        lines += renderer.render(piece, width, progress if index == 0 else None)
    return lines


def render_lines(
    text: str,
    width: int,
    theme: Theme,
    *,
    hyperlinks: bool = False,
    ui: UiSettings | None = None,
) -> list[Line]:
    """`text` (untrusted Markdown) as lines of at most `width` columns; code lines may be longer.

    `ui` decides how Markdown is read; None: as by default.
    """
    env = environment(ui)
    renderer = BlockRenderer(theme, env, hyperlinks=hyperlinks)
    source = bounded(text if text.endswith("\n") else text + "\n")
    return _render(renderer, divided(pieces(source, env, Opening())), width, None)
