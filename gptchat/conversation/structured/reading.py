"""Reads the schema of an answer: a file, a JSON Schema, or the short notation of `core.structured.dsl`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gptchat.conversation.structured.checking import problem_of
from gptchat.core.structured import Structure, structure_of
from gptchat.core.structured.dsl import read_fields
from gptchat.errors import UsageError
from gptchat.files import read_regular
from gptchat.words import _, reason

_LARGEST = 1_000_000  # bytes
_DATA = frozenset(("const", "enum", "default", "examples", "example"))
"""Keywords whose values are no schemas."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


Schema = str | Path | Mapping[str, Any]
"""The schema of an answer: a JSON Schema, the path of one, or fields as in `name, age int, tags: list`."""


def structure_for(schema: Schema | None) -> Structure | None:
    """The structure for `schema`, if there is one. Raises UsageError."""
    return None if schema is None else read_schema(schema)


def read_schema(given: Schema) -> Structure:
    """The structure for `given`: the path of a JSON Schema, the schema itself, or the short notation.

    Raises UsageError. References may only lead to other places of the same document: nothing is fetched or read
    for them.
    """
    if isinstance(given, Mapping):
        return _structure(given, _("the schema"))
    if isinstance(given, Path):
        return _of_file(given)
    text = given.strip()
    if text.startswith("{"):
        return _structure(_object(text, _("the schema")), _("the schema"))
    path = Path(text).expanduser()
    if _is_path(text, path):
        return _of_file(path)
    return structure_of(read_fields(given))


def _is_path(text: str, path: Path) -> bool:
    """Whether `text` names a file, rather than fields."""
    try:
        if path.is_file():
            return True
    except (OSError, ValueError):
        return False  # too long, or with characters that no path has
    return "\n" not in text and (
        text.lower().endswith((".json", ".jsonschema")) or text.startswith(("/", "~", "."))
    )


def _of_file(path: Path) -> Structure:
    try:
        data = read_regular(path, _LARGEST)
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {why}").format(path=path, why=reason(error))) from error
    from gptchat.attachments.decoding import decode

    decoded = decode(data)
    if decoded is None:
        raise UsageError(_("{path} is not text").format(path=path))
    return _structure(_object(decoded[0], str(path)), str(path))


def _object(text: str, where: str) -> Mapping[str, Any]:
    """The JSON object in `text`. Raises UsageError, which says where it is wrong."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            _("{where} is not JSON: line {line}, column {column}: {why}").format(
                where=where, line=error.lineno, column=error.colno, why=error.msg
            ),
            hint=_hint(),
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(_("{where} is not JSON").format(where=where), hint=_hint()) from error
    if not isinstance(value, Mapping):
        raise UsageError(_("{where} is not a JSON object").format(where=where), hint=_hint())
    return value


def _hint() -> str:
    return _("give a JSON Schema, or fields as in: {example}").format(example="name, age int, tags: list")


def _structure(given: Mapping[str, Any], where: str) -> Structure:
    schema = _bare(given)
    try:
        for place, ref in _references(schema, ""):
            if ref.partition("#")[0] not in _ids(schema):
                raise UsageError(
                    _("{where} refers to another document at {place}: {ref}").format(
                        where=where, place=place, ref=ref
                    ),
                    hint=_("copy what it refers to below $defs, and refer to it as #/$defs/NAME"),
                )
        if problem := problem_of(schema):
            raise UsageError(
                _("{where} is not a JSON Schema: {problem}").format(where=where, problem=problem), hint=_hint()
            )
        return structure_of(schema)
    except RecursionError as error:
        raise UsageError(_("{where} is nested too deeply").format(where=where)) from error


def _bare(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, where `given` is the object that the chat API has around it."""
    inner = given.get("json_schema") if given.get("type") == "json_schema" else given
    inner = inner if isinstance(inner, Mapping) else given
    schema = inner.get("schema")
    if isinstance(schema, Mapping) and not inner.keys() & {"properties", "$ref", "items", "enum", "anyOf"}:
        return schema
    return given


def _references(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    """Each reference in `schema`, with the place where it stands."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from _references(one, f"{place}/{number}")
    if not isinstance(schema, Mapping):
        return
    for key, value in schema.items():
        if key in _REFERENCES and isinstance(value, str):
            yield f"{place}/{key}", value
        elif key not in _DATA or place.endswith("/properties"):
            yield from _references(value, f"{place}/{key}")


def _ids(schema: Any) -> set[str]:
    """The names that the parts of `schema` have for themselves; the empty one is the whole document's."""
    found = {""}
    if isinstance(schema, Mapping):
        for key in ("$id", "id"):
            if isinstance(schema.get(key), str):
                found.add(schema[key].partition("#")[0])
    for one in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        found |= _ids(one)
    return found
