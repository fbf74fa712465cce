"""The lines of a batch: questions read from a file, answers written to another, and what is answered already."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gptchat.config.parse import parse_setting
from gptchat.errors import GptchatError, StorageError, UsageError
from gptchat.files import LARGE, read_regular, replacing, try_lock
from gptchat.values import dataclass, field
from gptchat.words import _, reason

if TYPE_CHECKING:
    from gptchat.core.structured import Structure

PARAMETERS = (
    "temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty", "stop", "seed", "effort",
    "thinking", "response_format",
)  # fmt: skip
"""Parameters that a question may have of its own."""
_FIELDS = ("id", "prompt", "system", "model", "attachments", "schema", *PARAMETERS)


@dataclass(frozen=True, slots=True)
class BatchQuestion:
    """One line of a batch. `line` counts from 1. `trouble` says why it cannot be asked; empty if it can.

    `digest` tells whether an answer in the output file is one to this question.
    """

    line: int
    digest: str
    prompt: str = ""
    id: str = ""
    system: str | None = None
    model: str = ""
    attachments: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""
    structure: Structure | None = None
    """The shape that the answer must have, if it is to be JSON."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A line of the output: the answer to a question, or its failure."""

    question: BatchQuestion
    document: Mapping[str, Any]
    cost: float | None = None
    failed: bool = False

    def line(self) -> str:
        """The JSON line, without its end."""
        asked = self.question
        named: dict[str, Any] = {"id": asked.id} if asked.id else {}
        whole = {**named, "line": asked.line, **self.document, "digest": asked.digest}
        return json.dumps(whole, ensure_ascii=False)


def read_questions(path: Path) -> list[BatchQuestion]:
    """The questions in the file `path`; blank lines are none. Raises UsageError if there are none to read."""
    try:
        data = read_regular(path, LARGE)
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {why}").format(path=path, why=reason(error))) from error
    from gptchat.attachments.decoding import decode

    decoded = decode(data)
    if decoded is None:
        raise UsageError(_("{path} is not text").format(path=path))
    questions = [question(number, line) for number, line in enumerate(decoded[0].split("\n"), 1) if line.strip()]
    if not questions:
        raise UsageError(
            _("{path} has no questions").format(path=path),
            hint=_("one a line: text, or {example}").format(example='{"prompt": "..."}'),
        )
    return questions


def question(number: int, line: str) -> BatchQuestion:
    """The question in a line: a JSON object with a `prompt`, or else the text itself."""
    digest = hashlib.sha256(line.strip().encode("utf-8", "surrogatepass")).hexdigest()[:16]
    stripped = line.strip()
    if not stripped.startswith("{"):
        return BatchQuestion(number, digest, stripped)
    try:
        given = json.loads(stripped)
    except (ValueError, RecursionError):
        return BatchQuestion(number, digest, stripped)  # text that begins with a brace
    try:
        return _of_object(number, digest, given)
    except GptchatError as error:
        name = given.get("id")
        named = str(name) if isinstance(name, str | int) else ""
        return BatchQuestion(number, digest, id=named, trouble=error.message)


def _of_object(number: int, digest: str, given: Mapping[str, Any]) -> BatchQuestion:
    prompt = given.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise UsageError(_("the line has no prompt"))
    if unknown := [key for key in given if key not in _FIELDS]:
        raise UsageError(
            _("unknown field {name}; there are {known}").format(name=unknown[0], known=_(", ").join(_FIELDS))
        )
    for key in ("system", "model"):
        if not isinstance(given.get(key, ""), str):
            raise UsageError(_("{key} must be a text").format(key=key))
    attachments = given.get("attachments", [])
    attachments = [attachments] if isinstance(attachments, str) else attachments
    if not isinstance(attachments, list) or not all(isinstance(one, str) for one in attachments):
        raise UsageError(_("{key} must be a list of texts").format(key="attachments"))
    name = given.get("id", "")
    parameters = {
        key: value if key == "response_format" else parse_setting(key, _text(value))
        for key, value in given.items()
        if key in PARAMETERS and value is not None
    }
    return BatchQuestion(
        number,
        digest,
        prompt,
        str(name) if isinstance(name, str | int) else json.dumps(name),
        given.get("system"),
        given.get("model", ""),
        tuple(attachments),
        parameters,
        structure=_structure(given.get("schema")),
    )


def _structure(schema: object) -> Structure | None:
    if schema is None:
        return None
    if not isinstance(schema, str | Mapping):
        raise UsageError(_("{key} must be a JSON Schema, or a text").format(key="schema"))
    from gptchat.conversation.structured.reading import read_schema

    return read_schema(schema)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Output:
    """The file of answers. Each is appended as it comes, so that a killed batch loses none; `sort` orders them."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._lines: dict[tuple[int, str], str] = {}
        self._failed: set[tuple[int, str]] = set()
        self._read()

    def answered(self, asked: BatchQuestion) -> bool:
        """Whether the file has an answer to `asked` that is no failure."""
        key = (asked.line, asked.digest)
        return key in self._lines and key not in self._failed

    def add(self, answer: Answered) -> None:
        """Append an answer. Raises StorageError."""
        key, line = (answer.question.line, answer.question.digest), answer.line()
        with self._told():
            self._file.write(line.encode("utf-8", "replace") + b"\n")
            self._file.flush()
        self._lines[key] = line
        self._failed.discard(key)
        if answer.failed:
            self._failed.add(key)

    def sort(self, questions: Sequence[BatchQuestion]) -> None:
        """Write the answers to `questions` in their order, each once. Raises StorageError."""
        lines = [self._lines.get((asked.line, asked.digest)) for asked in questions]
        data = "".join(f"{line}\n" for line in lines if line is not None).encode("utf-8", "replace")
        with self._told(), replacing(self._path, own=False) as file:
            file.write(data)
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(self._file.fileno()).st_mode))

    def _read(self) -> None:
        """Read the answers of an earlier run. A line that was cut off is dropped, and its question asked again."""
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        for raw in data[:whole].splitlines():
            try:
                found = json.loads(raw)
                key = (found["line"], found["digest"])
            except (ValueError, KeyError, TypeError, RecursionError):
                raise UsageError(
                    _("{path} is not the output of a batch").format(path=self._path),
                    hint=_("give another file with --output"),
                ) from None
            self._lines[key] = raw.decode("utf-8", "replace")
            self._failed.discard(key)
            if "error" in found:
                self._failed.add(key)
        self._file.seek(whole)
        self._file.truncate()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                _("{path} cannot be written: {why}").format(path=self._path, why=reason(error)),
                hint=_("the answers so far are kept; the same command goes on"),
            ) from error


@contextmanager
def open_output(path: Path) -> Iterator[Output]:
    """The output file `path`, made if it is missing, for this process alone. Raises UsageError."""
    try:
        file = path.open("a+b")
    except OSError as error:
        raise UsageError(_("{path} cannot be written: {why}").format(path=path, why=reason(error))) from error
    with file:
        held = try_lock(file.fileno(), path)
        if held is None:
            raise UsageError(_("another batch writes {path}").format(path=path))
        try:
            yield Output(path, file)
        finally:
            held.release()
