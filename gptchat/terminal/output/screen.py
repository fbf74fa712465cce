"""Prints messages, tables and errors between prompts, in the theme's looks and cleaned (`safe.clean`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from gptchat import leaving, notices
from gptchat.commands.effects import Block, Markdown, Source
from gptchat.core.safe import clean
from gptchat.core.width import cut, wrapped
from gptchat.errors import GptchatError
from gptchat.redaction import redact
from gptchat.terminal.output import capabilities, theme
from gptchat.terminal.output.blocks import Fragment, lines_of
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings
    from gptchat.terminal.markdown.lines import Encoder

DEPTHS: Mapping[capabilities.Depth, ColorDepth] = {
    "none": ColorDepth.MONOCHROME,
    "16": ColorDepth.ANSI_COLORS_ONLY,
    "256": ColorDepth.DEFAULT,
    "truecolor": ColorDepth.TRUE_COLOR,
}


def told(error: GptchatError) -> list[tuple[str, str, int]]:
    """The lines that report `error` (message and hint) as (text, look, indent in columns) tuples."""
    lines = [(f"✗ {redact(error.message)}", "error", 0)]
    if error.hint:
        lines.append((_("hint: {what}").format(what=redact(error.hint)), "hint", 2))
    return lines


class Screen:
    """Prints lines for the user. They become normal scrollback and are never changed again."""

    def __init__(self, ui: UiSettings, environ: Mapping[str, str], output: Output) -> None:
        self._stream = sys.stdout
        self._environ = environ
        self.output = output
        self.terminal = capabilities.Terminal.detect(self._stream, environ)
        self._encoder: Encoder | None = None
        self._printed = self._blank = False
        """Whether something was printed since the last `gap`, and whether the last line of it is blank."""
        self.use(ui)

    def use(self, ui: UiSettings) -> None:
        """Draw as `ui` says from now on: its theme, and its reading of Markdown."""
        self.ui = ui
        self.theme = theme.choose(ui.theme, self._environ)
        self.rules = self.theme.prompt_toolkit_rules()
        self.style = Style.from_dict(self.rules)

    def size(self) -> tuple[int, int]:
        """The current (columns, rows)."""
        return capabilities.size(self._stream)

    def write(self, text: str) -> None:
        """Send `text` to the terminal as is; it must be safe already."""
        self._stream.write(text)
        self._stream.flush()
        if "\n" in text:  # else it is no line, such as progress
            self._blank = text.endswith("\n\n") or (text == "\n" and self._printed)
            self._printed = True

    def gap(self) -> None:
        """Print a blank line below what was printed since the last call, unless it ends with one."""
        if self._printed and not self._blank:
            self.write("\n")
        self._printed = self._blank = False

    def asked(self) -> None:
        """Take note that a question was printed by another component."""
        self._printed, self._blank = True, False

    def print(self, lines: Sequence[Sequence[Fragment]]) -> None:
        """Print lines of fragments, with prompt_toolkit, which is already imported."""
        fragments: StyleAndTextTuples = []
        for line in lines:
            fragments += [(f"class:{look.replace('.', '-')}", clean(text, newlines=False)) for text, look in line]
            fragments.append(("", "\n"))
        print_formatted_text(self.output, fragments, self.style, color_depth=DEPTHS[self.terminal.depth])
        if lines:
            self._printed, self._blank = True, not any(text.strip() for text, _look in lines[-1])

    def say(self, text: str, look: str = "text", indent: int = 0) -> None:
        """Print `text` in one look, wrapped to the width, with each line indented by `indent` blanks."""
        columns = self.size()[0] - 1
        width = max(min(columns, self.ui.width or columns) - indent, 10)
        self.print([[(" " * indent + line, look)] for line in wrapped(clean(redact(text)), width)])

    def say_for_now(self, text: str) -> None:
        """Show `text` on the current line; the next call replaces it, and an empty text removes it."""
        shown = clean(redact(text), newlines=False)
        self.write("\r\x1b[2K" + shown[: cut(shown, max(self.size()[0] - 1, 1))])

    def error(self, error: GptchatError) -> None:
        """Print an error and its hint."""
        for text, look, indent in told(error):
            self.say(text, look, indent=indent)

    def notices(self) -> None:
        """Say what the layers below have to tell."""
        for sentence in notices.take():
            self.say(sentence, "notice")

    def show(self, blocks: Sequence[Block]) -> None:
        """Print the blocks that a command shows."""
        run: list[Block] = []
        for block in blocks:
            if isinstance(block, (Markdown, Source)):
                self._plainly(run)
                run = []
                self.markdown(block.text) if isinstance(block, Markdown) else self._source(block)
            else:
                run.append(block)
        self._plainly(run)

    def markdown(self, text: str) -> None:
        """Print `text`, which is short, as Markdown."""
        for piece in self._pieces(text):
            self.write(piece)

    async def reply(self, text: str) -> None:
        """Print a reply of any length as Markdown. What else waits has its turn meanwhile; leaving ends it."""
        import asyncio  # there is a loop, so it is loaded

        for piece in self._pieces(text):
            self.write(piece)
            await asyncio.sleep(0)
            if leaving.status() is not None:
                return

    def _pieces(self, text: str) -> Iterator[str]:
        from gptchat.core.replies.data_addresses import without_data
        from gptchat.terminal.output.reply import reply_pieces

        columns = self.size()[0]
        return reply_pieces(
            without_data(text), columns=columns, theme=self.theme, terminal=self.terminal, ui=self.ui
        )

    def sources(self, lines: Sequence[str]) -> None:
        """Print the lines that list the sources of a reply, after an empty line; nothing if there are none."""
        if lines:
            self.write("\n")
            for line in lines:
                self.say(line, "hint")

    def _plainly(self, blocks: Sequence[Block]) -> None:
        if blocks:
            self.print(lines_of(blocks, max(self.size()[0] - 1, 10)))

    def _source(self, block: Source) -> None:
        """Print source lines unwrapped, so that they can be copied; the terminal wraps long ones."""
        from gptchat.grammar.code import Highlighter

        encoder, highlighter = self._rich_encoder(), Highlighter(block.language, self.theme)
        lines = clean(block.text).rstrip("\n").split("\n")
        self.write("".join(encoder.line(highlighter.line(line)) + "\n" for line in lines))

    def _rich_encoder(self) -> Encoder:
        if self._encoder is None:
            from gptchat.terminal.markdown.lines import Encoder

            self._encoder = Encoder(self.terminal)
        return self._encoder
