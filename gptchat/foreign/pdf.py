"""The text of a PDF, with `pypdf`, if that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from gptchat.errors import UsageError
from gptchat.words import _


def read(file: IO[bytes], arguments: dict[str, Any], _step: object) -> Iterator[Any]:
    """Yield the text of each page that has some (a reader, see `process`). Raises UsageError.

    With `arguments["numbered"]`, each comes as `[number, text]`.
    """
    name = arguments["name"]
    try:
        import pypdf
    except ImportError as error:
        raise UsageError(
            _("{name} is a PDF, and pypdf, which reads them, is not installed").format(name=name),
            hint='pip install "gptchat[pdf]"',
        ) from error
    found = False
    try:
        for number, page in enumerate(pypdf.PdfReader(file).pages, 1):
            if text := page.extract_text().strip():
                found = True
                yield [number, text] if arguments.get("numbered") else text
    except pypdf.errors.FileNotDecryptedError as error:
        raise UsageError(
            _("{name} is locked by a password").format(name=name), hint=_("save it without the password first")
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # pypdf raises almost any exception for a damaged PDF
        raise UsageError(
            _("{name} cannot be read as a PDF: {why}").format(
                name=name, why=str(error)[:300] or type(error).__name__
            ),
            hint=_("open it in a viewer and save it again, or copy its text"),
        ) from error
    if not found:
        raise UsageError(
            _("{name} holds no text, only pictures of pages").format(name=name),
            hint=_("attach the pages as images to a model with vision"),
        )
