"""The door of one-shot runs: whatever they print passes through here, and is safe for a terminal and without keys.

A reply that goes into a pipe or a file is passed on exactly as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from gptchat import notices
from gptchat.core.safe import clean, escaped
from gptchat.errors import GptchatError
from gptchat.redaction import redact, redacted
from gptchat.words import _


def say(text: str, stream: TextIO) -> None:
    """Print a sentence of the program."""
    print(clean(redact(text)), file=stream)


def show(text: str, stream: TextIO, *, end: str = "\n") -> None:
    """Print text of a conversation: made safe for a terminal, and exact anywhere else."""
    print(clean(text) if stream.isatty() else text, end=end, file=stream)


def print_document(document: Any, stream: TextIO, *, exact: bool = True) -> None:
    """Print `document` as JSON; what the stream's encoding may lack, or a terminal would act on, is escaped.

    Without `exact`, what looks like a key is masked.
    """
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    text = json.dumps(
        document if exact else redacted(document), ensure_ascii=not encoding.startswith("utf"), indent=2
    )
    print(escaped(text) if stream.isatty() else text, file=stream)


def tell_notices(stream: TextIO) -> None:
    """Say what the layers below have to tell."""
    for sentence in notices.take():
        say(sentence, stream)


def tell_failure(
    error: GptchatError, *, as_json: bool, debug: bool = False, also: Mapping[str, Any] | None = None
) -> int:
    """Print an error on standard error, or as JSON on standard output; returns the exit status.

    `also` stands beside the error in the JSON document.
    """
    tell_notices(sys.stderr)
    if as_json:
        document = {
            "kind": error.kind,
            "message": error.message,
            "hint": error.hint or None,
            "status": error.status,
        }
        print_document({"error": document, **(also or {})}, sys.stdout, exact=False)
    else:
        say(_("gptchat: {what}").format(what=error.message), sys.stderr)
        if error.hint:
            say(_("hint: {what}").format(what=error.hint), sys.stderr)
    if debug:
        from gptchat.terminal.debugging import traceback_of

        say(traceback_of(error), sys.stderr)
    return error.exit_status
