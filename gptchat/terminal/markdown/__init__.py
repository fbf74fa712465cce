"""Renders Markdown as styled terminal lines, for a whole reply or while it streams."""

from gptchat.terminal.markdown.lines import Encoder, Line, Span
from gptchat.terminal.markdown.stream import MarkdownStream, render_lines
from gptchat.terminal.output.theme import Theme

__all__ = ["Encoder", "Line", "MarkdownStream", "Span", "render_lines", "warm_up"]


def warm_up(theme: Theme) -> None:
    """Build the grammar, load a lexer and parse the theme's styles now, so that the first reply need not wait."""
    render_lines("# a **b** 你好，😀\n\n```python\nx = 1\n```\n\n| a |\n|---|\n| b |\n", 40, theme)
