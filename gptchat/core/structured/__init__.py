"""Answers that are JSON of a given shape: the schema in the forms that providers take, and an answer that fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gptchat.core.structured.strict import WRAPPER, strict, wrapped
from gptchat.values import dataclass

Json = Mapping[str, Any]

NAME = "answer"
"""The name of a schema on the wire, and of the tool that stands for it."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The shape that an answer must have.

    `schema` is the JSON Schema that it is checked against. `sent` is what providers get: the same where it
    describes an object, else an object that has the answer as its only property, since they take nothing else.
    `strict` is `sent` in the subset of OpenAI's strict mode; None where it cannot be said in that.
    """

    schema: Json
    sent: Json
    strict: Json | None = None

    @property
    def wraps(self) -> bool:
        """Whether `sent` wraps the answer in an object."""
        return self.sent is not self.schema

    @property
    def instructions(self) -> str:
        """What a model is told where the schema goes into the prompt. Not translated, because models read it."""
        shape = json.dumps(self.sent, ensure_ascii=False, separators=(",", ":"))
        return (
            "Answer with one JSON value that fits this JSON Schema, and with nothing else: no explanation, no "
            f"code fence.\n{shape}"
        )

    def correction(self, reason: str) -> str:
        """The message that asks once more, with the `reason` why the answer does not fit."""
        return f"Your answer does not fit: {reason}\n\n{self.instructions}"


@dataclass(frozen=True, slots=True)
class Fit:
    """An answer that fits: its value, and its text as JSON."""

    data: Any
    text: str


def structure_of(schema: Json) -> Structure:
    """The structure for a JSON Schema that is known to be one."""
    sent = schema if schema.get("type") == "object" else wrapped(schema)
    return Structure(schema, sent, strict(sent))


def unwrapped(structure: Structure, value: Any) -> Any:
    """`value` without the object that `structure` wraps answers in, if it is there."""
    if structure.wraps and isinstance(value, dict) and value.keys() == {WRAPPER}:
        return value[WRAPPER]
    return value
