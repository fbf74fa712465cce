"""Support for `--debug`: a log file (0600) with keys redacted, and tracebacks without variable values."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path

from gptchat import notices, words
from gptchat.config.paths import debug_log
from gptchat.errors import ConfigurationError, GptchatError
from gptchat.files import make_folder, open_private
from gptchat.redaction import redact
from gptchat.words import _


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def keep_quiet() -> None:
    """Keep all log records off the terminal: without a handler, Python would print them."""
    logging.getLogger().addHandler(logging.NullHandler())


def start_log(data: Path) -> Path:
    """Log gptchat and its HTTP libraries (level DEBUG) to `<data>/debug.log`; returns the path.

    A log that cannot be written is told, and stops nothing.
    """
    path = debug_log(data)
    try:
        make_folder(data)
        descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        notices.tell(_("{file} is left out: {reason}").format(file=path, reason=words.reason(error)))
        return path
    handler = logging.StreamHandler(os.fdopen(descriptor, "a", encoding="utf-8"))
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("gptchat", "openai", "httpx2"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    return path


def unexpected(fault: BaseException) -> GptchatError:
    """An internal error as a GptchatError with a message for the user; the traceback is logged.

    A failure of the operating system that nobody expected is told as such, with its file.
    """
    keep_quiet()
    if isinstance(fault, OSError) and fault.filename is not None:
        logging.getLogger(__name__).error("not expected there", exc_info=fault)
        from gptchat.storage.os_errors import storage_error

        failure: GptchatError = storage_error(fault, Path(os.fsdecode(fault.filename)))
        failure.__cause__ = fault
        return failure
    missing = (fault.name or "").partition(".")[0] if isinstance(fault, ModuleNotFoundError) else ""
    if missing not in ("", "gptchat"):
        logging.getLogger(__name__).error("not installed", exc_info=fault)
        failure = ConfigurationError(
            _("the Python package {name} is missing").format(name=missing),
            hint=_("this Python was built without it, or its package is not installed: {python}").format(
                python=sys.executable
            )
            if missing in sys.stdlib_module_names
            else _("the installation is not complete: {command}").format(
                command="pip install --force-reinstall gptchat"
            ),
        )
        failure.__cause__ = fault
        return failure
    logging.getLogger(__name__).error("a mistake in gptchat itself", exc_info=fault)
    error = GptchatError(
        _("a mistake in gptchat itself: {kind}: {what}").format(kind=type(fault).__name__, what=fault),
        hint=_("--debug shows where it happened"),
    )
    error.__cause__ = fault
    return error


def traceback_of(error: BaseException) -> str:
    """The traceback of `error` and its causes, without variable values and with keys redacted."""
    return redact("".join(traceback.format_exception(error)))
