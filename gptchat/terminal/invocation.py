"""What the command line and standard input ask: a message, a slash command, or nothing, and then it is a chat."""

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
    """Where the program reads and writes, and which of these are terminals; tests bring their own."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def of_process(cls) -> Streams:
        """The process's own; a closed one is empty."""
        return cls(sys.stdin or io.StringIO(), sys.stdout or io.StringIO(), sys.stderr or io.StringIO())


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in one go: what was typed, and what standard input brought.

    What was piped is data: it is never a command, and an `@path` in it attaches nothing.
    """

    typed: Parsed
    piped: str = ""


def question(options: Options, streams: Streams) -> Question | None:
    """What is asked on the command line and standard input; None where a person wants to chat.

    Raises UsageError where there is neither a question nor a terminal, and for a slash command's arguments.
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
    """The prompt, or the command that it is: in a shell only a slash makes one, so `gptchat exit` asks."""
    if not prompt.lstrip().startswith(("/", "／", "、")):
        return Said(prompt)
    parsed = registry().parse(prompt)
    return Said(prompt) if isinstance(parsed, Shell) else parsed


def _text_of(stdin: TextIO) -> str:
    """All of standard input, in whatever encoding a file may have. Raises UsageError where it is no text."""
    buffer = getattr(stdin, "buffer", None)
    if buffer is None:
        return stdin.read()
    data = buffer.read()
    if not data:
        return ""
    from gptchat.attachments.decoding import decode  # only where it is needed: most questions are typed

    decoded = decode(data)
    if decoded is None:
        raise UsageError(
            _("standard input is not text"), hint=_("attach a file by its name: gptchat -a FILE QUESTION")
        )
    return decoded[0]
