"""Renders Markdown blocks (`tree.Piece`) as styled lines, with the bullets and bars of their containers."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from rich.style import Style

from gptchat.core.width import cells
from gptchat.grammar.code import TAB, Highlighter
from gptchat.grammar.marks import aligns, callout_names, footnote_mark
from gptchat.grammar.maths import to_unicode
from gptchat.grammar.rules import reading
from gptchat.grammar.tree import Container, Piece, is_closed, language_of
from gptchat.terminal.markdown import diagrams, tables
from gptchat.terminal.markdown.inline import InlineRenderer
from gptchat.terminal.markdown.lines import Line, trim, width_of, wrap
from gptchat.terminal.output.theme import Theme
from gptchat.values import dataclass
from gptchat.words import _

_BULLETS = "•◦▪"
_LEAST_WIDTH = 8
_RULE_WIDTH = 40
_DRAWN = re.compile("([\u2500-\u257f\u25b2-\u25cb×]+)")


@dataclass(slots=True)
class OpenFence:
    """State of a code block whose first lines have been printed."""

    highlighter: Highlighter[Style]


@dataclass(slots=True)
class OpenTable:
    """State of a table whose first rows have been printed; `measured` are the rows that determine its widths."""

    measured: list[list[str]]


Progress = OpenFence | OpenTable


class BlockRenderer:
    """Renders pieces in order. Code blocks are numbered from `code_blocks` + 1."""

    def __init__(self, theme: Theme, env: MutableMapping[str, Any], *, hyperlinks: bool) -> None:
        self._theme = theme
        self._inline = InlineRenderer(theme, env, hyperlinks=hyperlinks)
        self._reading = reading(env)
        self.code_blocks = 0

    def render(self, piece: Piece, width: int, progress: Progress | None = None) -> list[Line]:
        """The lines of `piece` in `width` columns; with `progress`, only those after the lines already printed."""
        rest = [span for container in piece.path for span in self._following(container)]
        inner = max(width - width_of(rest), _LEAST_WIDTH)
        prose = min(inner, max((self._reading.prose or width) - width_of(rest), _LEAST_WIDTH))
        lines = self._body(piece, inner, prose, progress)
        return self._contained(piece, lines, rest)

    def open_fence(self, piece: Piece) -> OpenFence:
        """The state of a fence before its first line."""
        return OpenFence(Highlighter(language_of(piece), self._theme))

    def _contained(self, piece: Piece, lines: list[Line], rest: Line) -> list[Line]:
        out: list[Line] = []
        if piece.gap:
            out.append(trim([s for c in piece.path if c.begun for s in self._following(c)]))
        if piece.path:
            inner = piece.path[-1]
            if inner.callout and not inner.begun:
                lines = [[(callout_names()[inner.callout], self._theme[inner.callout])], *lines]
            fresh = any(not container.begun for container in piece.path)
            if fresh and not lines:
                lines = [[]]
            first = [s for c in piece.path for s in (self._following(c) if c.begun else self._beginning(c))]
            lines = [trim([*(first if index == 0 else rest), *line]) for index, line in enumerate(lines)]
            if lines:
                for container in piece.path:
                    container.begun = True
        return out + lines

    def _beginning(self, container: Container) -> Line:
        if container.kind == "quote":
            return self._following(container)
        if container.task is not None:
            return [("☑ " if container.task else "☐ ", self._theme["task" if container.task else "bullet"])]
        return [(self._marker(container), self._theme["bullet"])]

    def _following(self, container: Container) -> Line:
        if container.kind == "quote":
            return [("▎ ", self._theme[container.callout or "quote"])]
        return [
            (
                " " * (2 if container.task is not None else cells(self._marker(container))),
                self._theme["text"],
            )
        ]

    def _marker(self, container: Container) -> str:
        if container.number is not None:
            return f"{container.number:0{container.digits}}{container.sign} "
        if self._reading.conversation and container.sign == "+":
            return "+ "
        return _BULLETS[min(container.depth, len(_BULLETS) - 1)] + " "

    def _body(self, piece: Piece, width: int, prose: int, progress: Progress | None) -> list[Line]:
        theme = self._theme
        match piece.kind:
            case "paragraph":
                return wrap(self._inline.render(piece.text), prose) if piece.text else []
            case "heading":
                return wrap(self._inline.render(piece.text, theme[f"heading{piece.level}"]), prose)
            case "rule":
                return [[("─" * min(width, _RULE_WIDTH), theme["rule"])]]
            case "fence":
                return self._fence(piece, width, progress)
            case "code":
                return _literal(piece.text, theme["code"])
            case "html":
                return _literal(piece.text, theme["html"])
            case "table":
                return self._table(piece, width, progress)
            case "maths":
                return self._maths(piece, prose)
            case "footnote":
                return self._footnote(piece, prose)
        return []

    def _fence(self, piece: Piece, width: int, progress: Progress | None) -> list[Line]:
        lines: list[Line] = []
        if not isinstance(progress, OpenFence):
            progress = self.open_fence(piece)
            self.code_blocks += 1
            name = language_of(piece) or _("code")
            lines.append([(f"╶ {name} · {self.code_blocks}", self._theme["fence"])])
            if is_closed(piece) and language_of(piece).lower() == "mermaid":
                drawn = diagrams.draw(piece.text, width)
                if drawn is not None:
                    return lines + [self._diagram(row) for row in drawn]
        source = piece.text.removesuffix("\n")
        if piece.text:
            lines += [progress.highlighter.line(line) for line in source.split("\n")]
        return lines

    def _diagram(self, row: str) -> Line:
        """A row of a diagram: its lines muted, its labels plain."""
        return [
            (part, self._theme["table.line" if _DRAWN.match(part) else "text"])
            for part in _DRAWN.split(row)
            if part
        ]

    def _table(self, piece: Piece, width: int, progress: Progress | None) -> list[Line]:
        table = table_of(piece)
        measured = progress.measured if isinstance(progress, OpenTable) else table.rows
        plan = tables.layout(
            tables.MarkdownTable(table.header, table.align, measured[: tables.MEASURED_ROWS]),
            width,
            self._inline.render,
        )
        lines: list[Line] = []
        first = not isinstance(progress, OpenTable)
        if first:
            lines += tables.header_lines(table, plan, width, self._inline.render, self._theme)
        for row in table.rows:
            lines += tables.row_lines(table, row, plan, width, self._inline.render, self._theme, first=first)
            first = False
        if not lines and not isinstance(progress, OpenTable):  # a list without rows still shows the header
            lines += tables.row_lines(table, [], plan, width, self._inline.render, self._theme, first=True)
        return lines

    def _maths(self, piece: Piece, width: int) -> list[Line]:
        assert piece.token is not None, "only an empty container has no token"
        text = to_unicode(piece.text) if piece.text else None
        style = self._theme["maths"]
        if text is None:
            return _literal(piece.token.markup, style)
        return [[("  ", style), *line] for line in wrap([(text, style)], max(width - 2, _LEAST_WIDTH))]

    def _footnote(self, piece: Piece, width: int) -> list[Line]:
        assert piece.token is not None, "only an empty container has no token"
        name = str(piece.token.meta["footnote"])
        mark = footnote_mark(name) + " "
        style = self._theme["footnote"]
        indent = cells(mark)
        lines = wrap(self._inline.render(piece.text), max(width - indent, _LEAST_WIDTH))
        return [[(mark if index == 0 else " " * indent, style), *line] for index, line in enumerate(lines)]


def table_of(piece: Piece) -> tables.MarkdownTable:
    """The cells of a piece of kind `table`."""
    assert piece.token is not None, "only an empty container has no token"
    meta = piece.token.meta
    return tables.MarkdownTable(meta["header"], aligns(meta["align"]), meta["rows"])


def may_be_drawn(piece: Piece) -> bool:
    """Whether an open fence may become a diagram when it is closed, so that its lines are not final."""
    return language_of(piece).lower() == "mermaid" and not diagrams.too_long(piece.text)


def _literal(text: str, style: Any) -> list[Line]:
    lines = text.removesuffix("\n").split("\n")
    return [[(line.expandtabs(TAB), style)] if line.strip() else [] for line in lines]
