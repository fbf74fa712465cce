"""Rules of structured answers: strict mode, what is found in a reply, and what fits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.conversation.structured.checking import Misfit, check, problem_of
from gptchat.core.structured import Fit, structure_of
from gptchat.core.structured.extraction import find
from gptchat.core.structured.strict import strict, without_nulls, wrapped

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
NEEDED = {**PERSON, "required": ["name", "age"]}


def test_strict_mode_needs_everything() -> None:
    """Every property is required and no other allowed; one that may be missing may be null instead."""
    made = strict({**PERSON, "required": ["name"], "$schema": "https://json-schema.org/draft/2020-12/schema"})
    assert made == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"type": "string", "minLength": 3, "default": "x", "format": "uri"}, {"type": "string"}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"$ref": "#/$defs/x", "description": "one"}, {"$ref": "#/$defs/x"}),
        (
            {"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True},
            {"type": "array", "items": {"enum": ["a"]}},
        ),
        ({"const": 1}, {"const": 1}),
    ],
)
def test_what_only_narrows_is_left_out(schema: dict[str, Any], made: dict[str, Any]) -> None:
    """Strict mode gets what it takes of a value; the rest is checked when the answer is there."""
    whole = strict({"type": "object", "properties": {"it": schema}, "required": ["it"]})
    assert whole is not None
    assert whole["properties"]["it"] == made


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"enum": ["a"]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        ({"type": "string", "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"enum": ["a", None]}, {"enum": ["a", None]}),
        ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ],
)
def test_what_may_be_missing_may_be_null(schema: dict[str, Any], made: dict[str, Any]) -> None:
    """A property that need not be there takes null in strict mode, in whatever words its values are told."""
    whole = strict({"type": "object", "properties": {"it": schema}})
    assert whole is not None
    assert whole["properties"]["it"] == made


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {**PERSON, "additionalProperties": True},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"allOf": [{"type": "string"}]},
        {"type": "string", "not": {"const": "x"}},
        {"$ref": "other.json"},
        {"$ref": "#/$defs/x", "minLength": 2},
        {"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]},
        {"anyOf": "x"},
        {"enum": list(range(2000))},
        {"description": "anything"},
    ],
)
def test_what_strict_mode_cannot_say(schema: Any) -> None:
    """A schema beyond strict mode is not bent: it goes as it is, without strict."""
    assert strict({"type": "object", "properties": {"it": schema}, "required": ["it"]}) is None
    deep: dict[str, Any] = {"type": "string"}
    for _level in range(15):
        deep = {"type": "object", "properties": {"a": deep}}
    assert strict(deep) is None


def test_definitions_go_along() -> None:
    """Definitions are brought into strict mode as well, also those that refer to themselves."""
    tree = {
        "type": "object",
        "properties": {"more": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "$defs": {"tree": {"type": "object", "properties": {"up": {"$ref": "#/$defs/tree"}}}},
    }
    made = strict(tree)
    assert made is not None
    assert made["$defs"]["tree"]["required"] == ["up"]
    assert structure_of(tree).strict == made


def test_an_answer_that_is_no_object_is_wrapped() -> None:
    """Providers get an object around a list, with references that still lead where they led."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/x"}, {"$ref": "#"}, {"$ref": "#/items"}, {"$ref": "other"}]},
        "$defs": {"x": {"type": "object", "properties": {"$ref": {"type": "string"}}}},
    }
    made = wrapped(schema)
    refs = [one["$ref"] for one in made["properties"]["answer"]["items"]["anyOf"]]
    assert refs == ["#/$defs/x", "#/properties/answer", "#/properties/answer/items", "other"]
    assert made["$defs"] == schema["$defs"]
    structure = structure_of({"type": "array", "items": {"type": "integer"}})
    assert check(structure, '{"answer": [1, 2]}') == Fit([1, 2], "[1, 2]")
    assert check(structure, "[1, 2]") == Fit([1, 2], "[1, 2]")
    assert isinstance(check(structure, '{"answer": [1], "more": 2}'), Misfit)


def test_nulls_of_what_may_be_missing_are_taken_out() -> None:
    """A null that strict mode wants for a missing property is not in the answer; one of the schema's own stays."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": ["string", "null"]},
            "c": {"type": "array", "items": {"$ref": "#/$defs/x"}},
            "d": {"const": None},
            "e": {"oneOf": [{"type": "null"}, {"type": "string"}]},
            "f": {"enum": ["x"]},
            "g": {},
            "h": True,
        },
        "$defs": {"x": {"type": "object", "properties": {"y": {"$ref": "#/$defs/z"}}}, "z": {"type": "integer"}},
    }
    value = {**dict.fromkeys("abdefgh"), "c": [{"y": None}, {"y": 1}, 3], "other": None}
    assert without_nulls(value, schema) == {
        "b": None, "c": [{}, {"y": 1}, 3], "d": None, "e": None, "g": None, "h": None, "other": None,
    }  # fmt: skip
    endless = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    assert without_nulls({"a": None}, endless) == {"a": None}
    assert without_nulls({"a": None}, {"$ref": "#/nowhere"}) == {"a": None}


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (' {"a": 1}\n', ['{"a": 1}']),
        ('Sure:\n```json\n{"a": 1}\n```\nDone.', ['{"a": 1}']),
        ("~~~\n[1]\n~~~\n```\nno\n```", ["[1]"]),
        ('It is {"a": 1}, or rather {"a": 2}.', ['{"a": 2}', '{"a": 1}']),
        ('Use {x} and {y}: {"a": {"b": 1}}', ['{"a": {"b": 1}}']),
        ('{"a": "x\ny"}', ['{"a": "x\\ny"}']),
        ('{\n"a": 1}', ['{\n"a": 1}']),
        ('not {"a": x, "b": {"c": 1}, "}": []} but {"a": 2}', ['{"a": 2}']),
        ('{"a": x, {"b": 1}', []),
        ("3", ["3"]),
        ("the number 3", []),
        ("[NaN]", []),
        ("[1e999]", []),
        ("", []),
        ("[" * 20_000, []),
    ],
)
def test_json_is_found_in_a_reply(reply: str, texts: list[str]) -> None:
    """JSON is found alone, in a fence, and among sentences; what is not JSON is not taken for it."""
    assert [found.text for found in find(reply).values] == texts


@pytest.mark.parametrize("reply", ['{"a": [1, 2', 'so: {"a": "unend', '{"a": 1,', "Well, ["])
def test_a_reply_that_ends_within_json_is_known(reply: str) -> None:
    """A reply that is cut off within its JSON is told as such, and no part of it is taken for the answer."""
    assert find(reply).open
    assert find(reply).values == ()


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8,
), st.sampled_from(["{}", "Here:\n```json\n{}\n```\nBye", "It is {} I think"]))  # fmt: skip
def test_any_value_is_found(value: Any, around: str) -> None:
    """Any object or list is found as it is, whatever stands around it."""
    text = json.dumps([value])
    found = find(around.replace("{}", text, 1))
    assert found.values[0].value == [value]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{"name": "A"}', "$: age is missing"),
        ('{"name": "A", "age": "x"}', '$.age: "x" is not of type integer'),
        ('{"name": "A", "age": 3, "kind": "z"}', '$.kind: "z" is none of ["a", "b"]'),
        ('{"name": "A", "age": 3, "x": 1}', "$: x is too much"),
        ('{"name": "A", "age": -3}', "$.age: -3 does not fit minimum 0"),
        ('{"name": "A", "age": 3, "tags": ["b", 1]}', "$.tags[1]: 1 is not of type string, null"),
        ('{"name": "A", "age": 3, "born": "soon"}', '$.born: "soon" does not fit format "date"'),
        ('{"name": "A", "age": 3, "tags": ["a", "a"]}', "$.tags: ['a', 'a'] has non-unique elements"),
        ("nothing", "there is no JSON in it"),
        ('{"name": A}', "its JSON is wrong: Expecting value"),
        ('{"name": "A",}', None),
        ('{"name": ', "its JSON does not end"),
        ('{"name": "A", "age": ' + "[" * 5000 + "]" * 5000 + "}", ""),
    ],
)
def test_why_an_answer_does_not_fit(reply: str, reason: str | None) -> None:
    """The reason names the place and what is wrong there, in words."""
    schema = {
        **NEEDED,
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": ["string", "null"]}, "uniqueItems": True},
            "born": {"type": "string", "format": "date"},
        },
        "additionalProperties": False,
    }
    verdict = check(structure_of(schema), reply)
    assert isinstance(verdict, Misfit)
    assert verdict.told
    if reason:
        assert verdict.reason == reason
    elif reason is None:  # the words are Python's
        assert verdict.reason.startswith("its JSON is wrong: ")


def test_the_first_value_that_fits_is_the_answer() -> None:
    """Of several values in a reply the one that fits is taken, as it was written."""
    reply = 'For example {"name": "x"}. So:\n```\n{"age": 1.0, "name": "B"}\n```\nor {"more": 1}'
    assert check(structure_of(NEEDED), reply) == Fit({"age": 1.0, "name": "B"}, '{"age": 1.0, "name": "B"}')
    taken = check(structure_of(PERSON), '{"name": "x", "age": null}')
    assert taken == Fit({"name": "x"}, '{"name": "x"}')


def test_what_is_no_schema_is_told() -> None:
    """A schema with a slip is told with its place; an endless one and a reference into nothing as such."""
    assert problem_of({"type": "objekt"}).startswith("$.type: 'objekt'")
    assert "$defs/none" in problem_of({"properties": {"a": {"$ref": "#/$defs/none"}}})
    assert problem_of({"$ref": "#"}) == "it refers to itself without end"
    assert problem_of({"type": "object", "properties": {"up": {"$ref": "#"}, "all": {}}}) == ""
