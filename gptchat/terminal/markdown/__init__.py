"""Markdown in the terminal: a reply as styled lines, at once or while it grows."""

from gptchat.terminal.markdown.lines import Encoder, Line, Span
from gptchat.terminal.markdown.stream import MarkdownStream, render_lines

__all__ = ["Encoder", "Line", "MarkdownStream", "Span", "render_lines"]
