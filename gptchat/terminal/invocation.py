"""Reads the question from the command line and standard input: a message, a slash command, or none (a chat)."""

from __future__ import annotations

import io
import sys
from typing import TextIO

from gptchat.commands.program import registry
from gptchat.commands.registry import Parsed, Said, Shell
from gptchat.config.flags import Options
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _


@dataclass(frozen=True, slots=True)
class Streams:
    """The program's standard streams; tests pass their own."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def of_process(cls) -> Streams:
        """The process's own streams; a closed one is replaced by an empty one."""
        return cls(sys.stdin or io.StringIO(), sys.stdout or io.StringIO(), sys.stderr or io.StringIO())


@dataclass(frozen=True, slots=True)
class Question:
    """A one-shot question: the parsed prompt and the text from standard input.

    `piped` is data: it is never run as a command, and an `@path` in it attaches nothing.
    """

    typed: Parsed
    piped: str = ""


def question(options: Options, streams: Streams) -> Question | None:
    """The question from the command line and standard input; None if the user wants to chat.

    Raises UsageError if there is neither a question nor a terminal, and for wrong arguments of a slash command.
    """
    prompt = "" if options.prompt == "-" else options.prompt
    typed = _typed(prompt)
    if not isinstance(typed, Said):
        return Question(typed)
    if streams.stdin.isatty():
        if prompt.strip():
            return Question(typed)
        if not streams.stdout.isatty():
            raise UsageError(
                _("the chat needs a terminal, and standard output is none"),
                hint=_('ask in one go: gptchat "question"'),
            )
        return None
    piped = _text_of(streams.stdin).strip("\n")
    if not piped.strip():
        piped = ""
        if not prompt.strip():
            raise UsageError(
                _("there is no question: standard input is empty"),
                hint=_('gptchat "question", or gptchat in a terminal'),
            )
    return Question(typed, piped)


def _typed(prompt: str) -> Parsed:
    """The parsed prompt. On the command line only a slash marks a command, so `gptchat exit` is a message."""
    if not prompt.lstrip().startswith(("/", "／", "、")):
        return Said(prompt)
    parsed = registry().parse(prompt)
    return Said(prompt) if isinstance(parsed, Shell) else parsed


def _text_of(stdin: TextIO) -> str:
    """All of standard input, with its encoding detected as for files. Raises UsageError if it is not text."""
    buffer = getattr(stdin, "buffer", None)
    if buffer is None:
        return stdin.read()
    data = buffer.read()
    if not data:
        return ""
    from gptchat.attachments.decoding import decode  # imported only here, because most questions are typed

    decoded = decode(data)
    if decoded is None:
        raise UsageError(
            _("standard input is not text"), hint=_("attach a file by its name: gptchat -a FILE QUESTION")
        )
    return decoded[0]
