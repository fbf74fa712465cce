"""Prints why a run failed: one to three lines on standard error, or one JSON document."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from gptchat.core.safe import clean
from gptchat.errors import GptchatError
from gptchat.redaction import redact
from gptchat.words import _


def print_document(document: Any, stream: TextIO) -> None:
    """Print `document` as JSON; characters that the stream's encoding may lack are escaped, not lost."""
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    print(json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=2), file=stream)


def tell_failure(error: GptchatError, *, as_json: bool, debug: bool = False) -> int:
    """Print an error on standard error, or as JSON on standard output; returns the exit status."""
    if as_json:
        document = {"kind": error.kind, "message": redact(error.message), "hint": redact(error.hint) or None,
                    "status": error.status}  # fmt: skip
        print_document({"error": document}, sys.stdout)
    else:
        print(_("gptchat: {what}").format(what=clean(redact(error.message))), file=sys.stderr)
        if error.hint:
            print(_("hint: {what}").format(what=clean(redact(error.hint))), file=sys.stderr)
    if debug:
        from gptchat.terminal.debugging import traceback_of

        print(traceback_of(error), file=sys.stderr)
    return error.exit_status
