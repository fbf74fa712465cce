"""A short notation for JSON Schemas: `name, age int, tags: list`.

    FIELDS      FIELD, FIELD ...            commas or line ends between them
    FIELD       NAME TYPE: DESCRIPTION      type and description may be missing; `NAME: TYPE` is as `NAME TYPE`
    TYPE        str int float bool list     a text, if none is given
                list of TYPE, TYPE[]        a list
                open|closed, enum(open, closed)
                {FIELDS}                    an object
    NAME? TYPE, NAME TYPE?                  need not be there

A description with a comma is quoted. The full-width signs of Chinese texts do as well.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from gptchat.errors import UsageError
from gptchat.words import _

Json = dict[str, Any]

_TYPES = {
    "str": "string", "string": "string", "int": "integer", "integer": "integer", "float": "number",
    "number": "number", "bool": "boolean", "boolean": "boolean",
}  # fmt: skip
_KNOWN = ("str", "int", "float", "bool", "list", "enum")
_LISTS = ("list", "array")
_NAME = re.compile(r"[^\W\d][\w.-]*")
_SPACE = re.compile(r"[ \t\r\u3000]*")
_BETWEEN = ",，、;；\n"
_COLONS = ":："
_OPTIONAL = "?？"
_QUOTES = {'"': '"', "'": "'", "“": "”"}
_INTEGER = re.compile(r"-?\d{1,15}")
_DEEPEST = 20
_EXAMPLE = "name, age int, tags: list of str, state: open|closed"


def read_fields(text: str) -> Json:
    """The JSON Schema of an object with the fields that `text` names. Raises UsageError, which says where."""
    reader = _Reader(text)
    schema = reader.fields("")
    if not schema["properties"]:
        raise reader.wrong(_("a field is missing"))
    return schema


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0

    def wrong(self, problem: str, at: int | None = None, hint: str = "") -> UsageError:
        """The error for what stands at a place, by default here."""
        place = self.at if at is None else at
        rest = self.text[place : place + 20].split("\n")[0]
        words = _("the schema is wrong at character {n} ({rest}): {problem}")
        if not rest.strip():
            words = _("the schema is wrong at character {n}, its end: {problem}")
        return UsageError(
            words.format(n=place + 1, rest=rest, problem=problem),
            hint=hint
            or _("as in: {example}").format(example="name, age int, tags: list of str, state: open|closed"),
        )

    # Signs

    def skip(self, more: str = "") -> None:
        while True:
            matched = _SPACE.match(self.text, self.at)
            assert matched is not None
            self.at = matched.end()
            if not (more and self.peek() and self.peek() in more):
                return
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, signs: str) -> bool:
        """Step over one of `signs`, if it is next."""
        if self.peek() and self.peek() in signs:
            self.at += 1
            return True
        return False

    def ends(self, closing: str) -> bool:
        """Whether a field ends here."""
        return not self.peek() or self.peek() in _BETWEEN or self.peek() in closing

    # Fields

    def fields(self, closing: str) -> Json:
        """The fields up to `closing`, or to the end of the text."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong(_("it is nested too deeply"))
        properties: Json = {}
        required: list[str] = []
        self.skip("\n")
        while self.peek() and self.peek() not in closing:
            if self.peek() in _BETWEEN:
                raise self.wrong(_("a field is missing"))
            at = self.at
            name, optional, schema = self.field(closing)
            if name in properties:
                raise self.wrong(_("{name} is there already").format(name=name), at)
            properties[name] = schema
            if not optional:
                required.append(name)
            self.skip()
            if not self.ends(closing):
                raise self.wrong(_("a comma is missing"))
            self.take(_BETWEEN)
            self.skip("\n")
        if closing and not self.take(closing):
            raise self.wrong(_("{sign} is missing").format(sign=closing))
        self._depth -= 1
        more = {"required": required} if required else {}
        return {"type": "object", "properties": properties, **more, "additionalProperties": False}

    def field(self, closing: str) -> tuple[str, bool, Json]:
        """A name, whether it may be missing, and its schema."""
        matched = _NAME.match(self.text, self.at)
        if matched is None:
            raise self.wrong(_("the name of a field begins with a letter"))
        self.at = matched.end()
        optional = self.take(_OPTIONAL)
        self.skip()
        schema: Json | None = None
        if not self.ends(closing) and self.peek() not in _COLONS:
            schema, may_miss = self.type(closing)
            optional = optional or may_miss
        description = ""
        while self.take(_COLONS):
            self.skip()
            if schema is None and self.is_type(closing):
                schema, may_miss = self.type(closing)
                optional = optional or may_miss
            else:
                description = self.described(closing)
            self.skip()
        schema = dict(schema or {"type": "string"})
        if description:
            schema["description"] = description
        return matched[0], optional, schema

    def described(self, closing: str) -> str:
        """A description: in quotes, or up to the end of the field."""
        begin, sign = self.at, self.peek()
        if sign in _QUOTES and sign:
            end = self.text.find(_QUOTES[sign], begin + 1)
            if end < 0:
                raise self.wrong(_("{sign} is missing").format(sign=_QUOTES[sign]))
            self.at = end + 1
            return self.text[begin + 1 : end].strip()
        while not self.ends(closing):
            self.at += 1
        return self.text[begin : self.at].strip()

    # Types

    def is_type(self, closing: str) -> bool:
        """Whether a type follows a colon, rather than a description. Raises for a slip in the name of a type."""
        rest = self.ahead(closing)
        if rest.startswith(("{", "enum(")) or "|" in rest:
            return not rest.startswith(tuple(_QUOTES)) or "|" in rest
        words = rest.rstrip(_OPTIONAL + " ").split()
        first = words[0].partition("[")[0].partition("?")[0] if words else ""
        if first in _LISTS:
            return len(words) == 1 or words[1] == "of"
        if len(words) != 1:
            return False
        if first not in _TYPES and (near := _near(first)):
            raise self.wrong(
                _("unknown type {name}").format(name=first),
                hint=_("did you mean {near}? A description of one word is quoted").format(near=near),
            )
        return first in _TYPES

    def ahead(self, closing: str) -> str:
        """The text up to the end of the field, or to the next colon."""
        end = self.at
        while end < len(self.text) and self.text[end] not in _BETWEEN + _COLONS + closing:
            end += 1
        return self.text[self.at : end].strip()

    def type(self, closing: str) -> tuple[Json, bool]:
        """A type, and whether a question mark follows it."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong(_("it is nested too deeply"))
        schema = self.one_type(closing)
        self._depth -= 1
        self.skip()
        while self.text.startswith("[]", self.at):
            self.at += 2
            schema = {"type": "array", "items": schema}
            self.skip()
        optional = self.take(_OPTIONAL)
        self.skip()
        return schema, optional

    def one_type(self, closing: str) -> Json:
        if self.take("{"):
            return self.fields("}")
        at = self.at
        matched = _NAME.match(self.text, at)
        word = matched[0] if matched else ""
        end = matched.end() if matched else at
        if word in _LISTS:
            self.at = end
            return self.list(closing)
        if word == "enum" and self.text[end:].lstrip().startswith("("):
            self.at = self.text.index("(", end) + 1
            return self.values(self.until(")"), re.compile("[,，、|]"), at)
        if "|" in self.ahead(closing + ")]"):
            begin = self.at
            while not self.ends(closing + ")]" + _COLONS + _OPTIONAL):
                self.at += 1
            return self.values(self.text[begin : self.at], re.compile(r"\|"), at)
        if word in _TYPES:
            self.at = end
            return {"type": _TYPES[word]}
        near = _near(word)
        known = _(", ").join(_KNOWN)
        raise self.wrong(
            _("unknown type {name}").format(name=word or self.peek()),
            hint=_("did you mean {near}? There are {known}").format(near=near, known=known)
            if near
            else _("there are {known}; a description follows a colon").format(known=known),
        )

    def list(self, closing: str) -> Json:
        self.skip()
        if self.take("["):
            if self.take("]"):
                return {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}
            self.skip()
            inner, _optional = self.type(closing + "]")
            if not self.take("]"):
                raise self.wrong(_("{sign} is missing").format(sign="]"))
            return {"type": "array", "items": inner}
        if re.compile(r"of\b").match(self.text, self.at):
            self.at += 2
            self.skip()
            return {"type": "array", "items": self.one_type(closing)}
        return {"type": "array", "items": {"type": "string"}}

    def until(self, sign: str) -> str:
        begin = self.at
        end = self.text.find(sign, begin)
        if end < 0:
            raise self.wrong(_("{sign} is missing").format(sign=sign))
        self.at = end + 1
        return self.text[begin:end]

    def values(self, text: str, between: re.Pattern[str], at: int) -> Json:
        """The enumeration of the values in `text`."""
        found = [one.strip().strip("\"'“”") for one in between.split(text)]
        if not all(found):
            raise self.wrong(_("a value is missing"), at)
        if len(set(found)) < len(found):
            raise self.wrong(_("a value is there twice"), at)
        if all(_INTEGER.fullmatch(one) for one in found):
            return {"type": "integer", "enum": [int(one) for one in found]}
        return {"type": "string", "enum": found}


def _near(word: str) -> str:
    """The type that `word` may be a slip of; empty if none."""
    names = (*_TYPES, *_LISTS, "enum")
    return next(iter(difflib.get_close_matches(word.lower(), names, 1, 0.6)), "") if word not in names else ""
