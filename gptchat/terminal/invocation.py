"""Reads the question from the command line and standard input: a message, a slash command, or none (a chat)."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from gptchat import leaving, notices
from gptchat.commands.program import registry
from gptchat.commands.registry import Call, Parsed, Said
from gptchat.config.flags import Options
from gptchat.config.paths import find_paths
from gptchat.core.origin import SIGN_OF, Sourced, whole
from gptchat.core.session import shorten
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import Services

_PIECE = 1 << 20  # bytes of standard input read at once, at most


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
    said: Sourced
    """The prompt, and where it came from."""
    piped: str = ""


def question(options: Options, streams: Streams) -> Question | None:
    """The question from the command line and standard input; None if the user wants to chat.

    Raises UsageError if there is neither a question nor a terminal, and for wrong arguments of a slash command.
    """
    prompt = "" if options.prompt == "-" else options.prompt
    entry, typed = _read(prompt, options)
    if not isinstance(typed, Said):
        takes_input = isinstance(typed, Call) and typed.command.takes_input and not streams.stdin.isatty()
        return Question(typed, entry, _text_of(streams.stdin).strip("\n") if takes_input else "")
    if streams.stdin.isatty():
        if prompt.strip():
            return Question(typed, entry)
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
    return Question(typed, entry, piped)


def open_asked(services: Services, options: Options) -> bool:
    """Open the saved session that `options` ask for; False if they ask for none.

    Raises UsageError, where there is none or its name does not tell which, and StorageError.
    """
    user = services.people.current
    if options.session or not (options.latest or options.last):
        return bool(options.session) and services.open_first(options.session)
    if options.latest and not services.open_first("", "conversation"):
        raise UsageError(_("{user} has no saved sessions yet").format(user=user))
    if not options.latest and not services.open_first("", "oneshot"):
        raise UsageError(
            _("{user} has no one-shot questions yet").format(user=user), hint=_("-c opens the latest conversation")
        )
    return True


def _read(prompt: str, options: Options) -> tuple[Sourced, Parsed]:
    """The prompt and what it means. Only a slash marks a command here, so `gptchat exit` is a message.

    A slash word that is an argument of its own was written by whoever called; within a longer argument
    it may come from anywhere, as in `gptchat "$(cat issue.txt)"`. Raises UsageError for a command that may not
    run so.
    """
    entry = whole(prompt, "argument")
    begins = len(prompt) - len(prompt.lstrip())
    if SIGN_OF.get(prompt[begins : begins + 1]) != "command":
        return entry, Said(prompt)
    if options.apart:
        word = prompt.split(maxsplit=1)[0]
        entry = entry.replaced(begins, begins + len(word), Sourced(word))
    paths = find_paths(os.environ, config=options.config, data_dir=options.data_dir)
    reading = registry(paths.config_file).read(entry)
    if reading.asked:
        raise UsageError(
            _("{command} is one argument, which may have come from anywhere; it does not run so").format(
                command=shorten(prompt.strip(), 60)
            ),
            hint=_("write the command as a word of its own: gptchat {word} ...").format(word=prompt.split()[0]),
        )
    return reading.said, reading.parsed


def _text_of(stdin: TextIO) -> str:
    """All of standard input, with its encoding detected as for files. Raises UsageError if it is not text."""
    buffer = getattr(stdin, "buffer", None)
    if buffer is None:
        return stdin.read()
    pieces = []
    try:
        while True:
            leaving.wait_for_input(stdin.fileno())
            if not (piece := buffer.read1(_PIECE)):
                break
            pieces.append(piece)
    except io.UnsupportedOperation:  # it is no file
        pieces = [buffer.read()]
    data = b"".join(pieces)
    if not data:
        return ""
    from gptchat.attachments.decoding import decode  # imported only here, because most questions are typed

    locale = (getattr(stdin, "encoding", None) or "utf-8").lower()
    decoded = decode(data, "" if locale.startswith(("utf", "ascii")) else locale)
    if decoded is None:
        raise UsageError(
            _("standard input is not text"), hint=_("attach a file by its name: gptchat -a FILE QUESTION")
        )
    if decoded[1] not in ("utf-8", locale):
        words = _("{name} was read as {encoding}")
        notices.tell(words.format(name=_("standard input"), encoding=decoded[1].upper().replace("_", "-")))
    return decoded[0]
