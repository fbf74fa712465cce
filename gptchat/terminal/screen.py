"""The screen between prompts: messages, tables and errors printed once, in the theme's looks, safely."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from gptchat.commands.effects import Block, Markdown, Source
from gptchat.errors import GptchatError
from gptchat.redaction import redact
from gptchat.terminal import capabilities, theme
from gptchat.terminal.layout import Fragment, lines_of
from gptchat.terminal.safe import clean
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.terminal.markdown.lines import Encoder


class Screen:
    """Prints lines for the person. What it prints becomes ordinary scrollback and is never touched again."""

    def __init__(self, name: str, environ: Mapping[str, str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._environ = environ
        self.terminal = capabilities.Terminal.detect(self._stream, environ)
        self.theme = theme.choose(name, environ)
        self._encoder: Encoder | None = None

    def use_theme(self, name: str) -> None:
        """Draw in the theme `name` from now on."""
        self.theme = theme.choose(name, self._environ)

    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        return capabilities.size(self._stream)

    def write(self, text: str) -> None:
        """Send `text`, which is safe already, to the terminal."""
        self._stream.write(text)
        self._stream.flush()

    def print(self, lines: Sequence[Sequence[Fragment]]) -> None:
        """Print lines of fragments."""
        encode = self._encode()
        self.write("".join(encode(line).rstrip(" ") + "\n" for line in lines))

    def say(self, text: str, look: str = "text") -> None:
        """Print `text`, folded to the width, in one look."""
        from gptchat.core.width import wrapped

        width = max(self.size()[0] - 1, 10)
        self.print([[(line, look)] for line in wrapped(clean(text), width)])

    def error(self, error: GptchatError) -> None:
        """Say what went wrong, and what to do."""
        self.say(f"✗ {redact(error.message)}", "error")
        if error.hint:
            self.say("  " + _("hint: {what}").format(what=redact(error.hint)), "hint")

    def show(self, blocks: Sequence[Block]) -> None:
        """Print what a command shows."""
        run: list[Block] = []
        for block in blocks:
            if isinstance(block, (Markdown, Source)):
                self._plainly(run)
                run = []
                self.markdown(block.text) if isinstance(block, Markdown) else self._source(block)
            else:
                run.append(block)
        self._plainly(run)

    def markdown(self, text: str, *, code_blocks: int = 0) -> None:
        """Print `text` as Markdown."""
        from gptchat.terminal.markdown.stream import render_lines

        encoder = self._rich_encoder()
        width = max(self.size()[0] - 1, 10)
        lines = render_lines(
            text, width, self.theme, hyperlinks=self.terminal.hyperlinks, code_blocks=code_blocks
        )
        self.write("".join(encoder.line(line) + "\n" for line in lines))

    def _plainly(self, blocks: Sequence[Block]) -> None:
        if blocks:
            self.print(lines_of(blocks, max(self.size()[0] - 1, 10)))

    def _source(self, block: Source) -> None:
        """Lines as they are, so that they copy clean; long ones are left to the terminal to fold."""
        from gptchat.terminal.markdown.code import Highlighter

        encoder, highlighter = self._rich_encoder(), Highlighter(block.language, self.theme)
        lines = clean(block.text).rstrip("\n").split("\n")
        self.write("".join(encoder.line(highlighter.line(line)) + "\n" for line in lines))

    def _encode(self) -> Callable[[Sequence[Fragment]], str]:
        if self.terminal.depth == "none" and self.terminal.dumb:
            return lambda line: "".join(clean(text, newlines=False) for text, _look in line)
        encoder, looks = self._rich_encoder(), self.theme
        return lambda line: encoder.line([(text, looks[look]) for text, look in line])

    def _rich_encoder(self) -> Encoder:
        if self._encoder is None:
            from gptchat.terminal.markdown.lines import Encoder

            self._encoder = Encoder(self.terminal)
        return self._encoder
