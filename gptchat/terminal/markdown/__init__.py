"""Markdown in the terminal: a reply as styled lines, at once or while it grows."""

from gptchat.terminal.markdown.lines import Encoder, Line, Span
from gptchat.terminal.markdown.stream import MarkdownStream, render_lines
from gptchat.terminal.output.theme import Theme

__all__ = ["Encoder", "Line", "MarkdownStream", "Span", "render_lines", "warm_up"]


def warm_up(theme: Theme) -> None:
    """Do once what the first reply would otherwise wait for: build the grammar, load a lexer, parse the looks."""
    render_lines("# a **b**\n\n```python\nx = 1\n```\n\n| a |\n|---|\n| b |\n", 40, theme)
