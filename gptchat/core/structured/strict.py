"""JSON Schemas for OpenAI's strict mode, which takes a subset of the language and wants all properties required.

The limits are those of "Structured model outputs" in OpenAI's guides: the root is an object, every object has
`additionalProperties: false` and names all its properties as required; `allOf`, `not`, `if` and their like are
refused, and so are most keywords that only narrow a value. An answer is checked against the whole schema later, so
what only narrows may be left out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

WRAPPER = "answer"
"""The property that holds an answer that is no object."""

_KEPT = frozenset(
    ("type", "description", "enum", "const", "pattern", "multipleOf", "minimum", "maximum", "exclusiveMinimum",
     "exclusiveMaximum", "minItems", "maxItems", "title")
)  # fmt: skip
"""Keywords that strict mode takes as they are."""
_FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
_DROPPED = frozenset(
    ("$schema", "$id", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly", "minLength",
     "maxLength", "uniqueItems", "minProperties", "maxProperties", "contentEncoding", "contentMediaType", "format")
)  # fmt: skip
"""Keywords that only say more about a value, or narrow it."""
_NOTES = frozenset(("description", "title", "default", "examples", "deprecated", "$comment"))
_DEFINITIONS = ("$defs", "definitions")
_DEEPEST = 10
_MOST_PROPERTIES = 5000
_MOST_VALUES = 1000
"""Values of all enumerations."""


class _Refused(Exception):
    """Strict mode cannot say this."""


def wrapped(schema: Mapping[str, Any]) -> Json:
    """An object schema with `schema` as its only property; references point to where things are then."""
    moved = {name: schema[name] for name in _DEFINITIONS if name in schema}
    inner = {key: value for key, value in schema.items() if key not in moved and key != "$schema"}
    above = {"$schema": schema["$schema"]} if "$schema" in schema else {}
    inner, moved = _repointed(inner), _repointed(moved)
    return {
        **above,
        "type": "object",
        "properties": {WRAPPER: inner},
        "required": [WRAPPER],
        "additionalProperties": False,
        **moved,
    }


def _repointed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _pointer(one) if key == "$ref" else _repointed(one) for key, one in value.items()}
    return [_repointed(one) for one in value] if isinstance(value, list | tuple) else value


def _pointer(ref: Any) -> Any:
    if not isinstance(ref, str):
        return _repointed(ref)  # a property of this name
    if ref != "#" and not ref.startswith("#/"):
        return ref
    if ref[2:].startswith(tuple(f"{name}/" for name in _DEFINITIONS)):
        return ref
    return f"#/properties/{WRAPPER}{ref[1:]}"


def strict(schema: Mapping[str, Any]) -> Json | None:
    """`schema` for strict mode; None where that cannot be.

    A property that need not be there is required and may be null: `without_nulls` takes those out of an answer.
    """
    budget = _Budget()
    try:
        made = _made(schema, budget, 0)
        for name in _DEFINITIONS:
            if isinstance(schema.get(name), Mapping):
                made[name] = {key: _made(one, budget, 1) for key, one in schema[name].items()}
    except (_Refused, RecursionError):
        return None
    return made if made.get("type") == "object" else None


class _Budget:
    """Counts what strict mode limits in a whole schema."""

    def __init__(self) -> None:
        self._properties = self._values = 0

    def add(self, properties: int = 0, values: int = 0) -> None:
        self._properties += properties
        self._values += values
        if self._properties > _MOST_PROPERTIES or self._values > _MOST_VALUES:
            raise _Refused


def _made(schema: Any, budget: _Budget, depth: int) -> Json:
    if not isinstance(schema, Mapping) or not schema or depth > _DEEPEST:
        raise _Refused  # true, false and {} say nothing of a type
    if "$ref" in schema:
        return _reference(schema)
    made: Json = {}
    for key, value in schema.items():
        if key in _KEPT or (key == "format" and value in _FORMATS):
            made[key] = value
        elif key in ("anyOf", "oneOf"):
            if "anyOf" in made:
                raise _Refused
            made["anyOf"] = [_made(one, budget, depth + 1) for one in _listed(value)]
        elif key == "items":
            made["items"] = _made(value, budget, depth + 1)
        elif key not in ("properties", "required", "additionalProperties", *_DEFINITIONS, *_DROPPED):
            raise _Refused
    if "enum" in made:
        budget.add(values=len(_listed(made["enum"])))
    kinds = made.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds) or "properties" in schema:
        _objects(schema, made, budget, depth)
    if not made.keys() & {"type", "anyOf", "enum", "const"}:
        raise _Refused
    if (kinds == "array" or (isinstance(kinds, list) and "array" in kinds)) and "items" not in made:
        raise _Refused
    return made


def _objects(schema: Mapping[str, Any], made: Json, budget: _Budget, depth: int) -> None:
    properties = schema.get("properties")
    more = schema.get("additionalProperties", False)
    if not isinstance(properties, Mapping) or not properties or more is not False:
        raise _Refused  # a map with names of the model's own
    required = _listed(schema.get("required", ()))
    if not set(required) <= properties.keys():
        raise _Refused
    budget.add(properties=len(properties))
    made.setdefault("type", "object")
    made["properties"] = {}
    for name, value in properties.items():
        one = _made(value, budget, depth + 1)
        made["properties"][name] = one if name in required else _nullable(one)
    made["required"] = list(properties)
    made["additionalProperties"] = False


def _reference(schema: Mapping[str, Any]) -> Json:
    ref = schema["$ref"]
    if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")) or schema.keys() - {"$ref"} - _NOTES:
        raise _Refused
    return {"$ref": ref}


def _nullable(schema: Json) -> Json:
    """`schema`, or null."""
    kinds = schema.get("type")
    if _takes_null(schema):
        return schema
    if isinstance(kinds, str | list) and not schema.keys() & {"const", "anyOf"}:
        many = [kinds] if isinstance(kinds, str) else kinds
        made = {**schema, "type": [*many, "null"]}
        return {**made, "enum": [*schema["enum"], None]} if "enum" in schema else made
    return {"anyOf": [schema, {"type": "null"}]}


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    if "enum" in schema:
        return None in _listed(schema["enum"])
    if kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
        return True
    return any(isinstance(one, Mapping) and _takes_null(one) for one in _listed(schema.get("anyOf", ())))


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _Refused
    return list(value)


def without_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` without the nulls that stand for properties that need not be there.

    `schema` is that of the answer, not of strict mode. Where it offers alternatives, its values stay as they are.
    """
    return _without(value, schema, schema)


def _without(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    for resolved in _resolved(schema, root):
        schema = resolved
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_without(one, schema.get("items"), root) for one in value]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, Mapping):
        return value
    required = schema.get("required", ())
    return {
        name: _without(one, properties.get(name), root)
        for name, one in value.items()
        if one is not None or name in required or name not in properties or _allows_null(properties[name], root)
    }


def _allows_null(schema: Any, root: Mapping[str, Any]) -> bool:
    for resolved in _resolved(schema, root):
        schema = resolved
    if not isinstance(schema, Mapping):
        return bool(schema)
    if "const" in schema:
        return schema["const"] is None
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return any(_allows_null(one, root) for one in schema[name])
    if "type" not in schema and "enum" not in schema:
        return True
    try:
        return _takes_null(schema)
    except _Refused:
        return False


def _resolved(schema: Any, root: Mapping[str, Any]) -> Iterator[Any]:
    """What the references that begin at `schema` lead to, one after the other; at most a few."""
    for _step in range(_DEEPEST):
        ref = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            return
        place: Any = root
        for part in ref.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) else None
        schema = place
        yield place
