"""The short notation for schemas: what each form means, and where a slip is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.conversation.structured.checking import problem_of
from gptchat.core.structured.dsl import read_fields
from gptchat.errors import UsageError

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}
STATE = {"type": "string", "enum": ["open", "closed"]}


@pytest.mark.parametrize(
    ("notation", "properties", "required"),
    [
        ("name, age int, tags: list", {"name": TEXT, "age": INTEGER, "tags": TEXTS}, ["name", "age", "tags"]),
        ("a float\nb bool\n", {"a": {"type": "number"}, "b": {"type": "boolean"}}, ["a", "b"]),
        ("a list of int", {"a": {"type": "array", "items": INTEGER}}, ["a"]),
        ("a int[], b: list[int]", {key: {"type": "array", "items": INTEGER} for key in "ab"}, ["a", "b"]),
        ("a list of list of str", {"a": {"type": "array", "items": TEXTS}}, ["a"]),
        ("a list[]", {"a": {"type": "array", "items": TEXTS}}, ["a"]),
        ("s open|closed", {"s": STATE}, ["s"]),
        ("s: open | closed", {"s": STATE}, ["s"]),
        ("s enum(open, closed)", {"s": STATE}, ["s"]),
        ('s: "open"|closed: is it', {"s": {**STATE, "description": "is it"}}, ["s"]),
        ("s list of open|closed", {"s": {"type": "array", "items": STATE}}, ["s"]),
        ("n 1|2|3", {"n": {"type": "integer", "enum": [1, 2, 3]}}, ["n"]),
        ("a? int, b int?, c", {"a": INTEGER, "b": INTEGER, "c": TEXT}, ["c"]),
        ("a: int?", {"a": INTEGER}, []),
        ("bio: a short life", {"bio": {**TEXT, "description": "a short life"}}, ["bio"]),
        ("bio: list them all", {"bio": {**TEXT, "description": "list them all"}}, ["bio"]),
        ("age int: in years", {"age": {**INTEGER, "description": "in years"}}, ["age"]),
        ("age: int: in years", {"age": {**INTEGER, "description": "in years"}}, ["age"]),
        ('bio: "short, sweet", b', {"bio": {**TEXT, "description": "short, sweet"}, "b": TEXT}, ["bio", "b"]),
        ("姓名，年龄 int：岁、标签：list", {"姓名": TEXT, "年龄": {**INTEGER, "description": "岁"}, "标签": TEXTS},
         ["姓名", "年龄", "标签"]),
    ],
)  # fmt: skip
def test_each_form(notation: str, properties: dict[str, Any], required: list[str]) -> None:
    """Names, types, lists, choices, optional fields and descriptions mean what they look like."""
    schema = read_fields(notation)
    assert schema["properties"] == properties
    assert schema.get("required", []) == required
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert problem_of(schema) == ""


def test_objects_within_objects() -> None:
    """Braces hold the fields of an object, also in a list."""
    schema = read_fields("who {name, age? int}, several list of {x float}")
    assert schema["properties"]["who"]["properties"] == {"name": TEXT, "age": INTEGER}
    assert schema["properties"]["who"]["required"] == ["name"]
    assert schema["properties"]["several"]["items"]["properties"] == {"x": {"type": "number"}}


@pytest.mark.parametrize(
    ("notation", "at", "told"),
    [
        ("age itn", 5, "unknown type itn; did you mean int?"),
        ("age: itn", 6, "unknown type itn; did you mean int?"),
        ("a b c", 3, "unknown type b;"),
        ("name, 1st", 7, "begins with a letter"),
        ("a,,b", 3, "a field is missing"),
        ("  ", 3, "a field is missing"),
        ("name, name", 7, "name is there already"),
        ("a {b", 5, "} is missing"),
        ("a list[int", 11, "] is missing"),
        ('a: "no end', 4, '" is missing'),
        ("a enum(x, y", 8, ") is missing"),
        ("a x|", 3, "a value is missing"),
        ("a x|x", 3, "a value is there twice"),
        ("a int int", 7, "a comma is missing"),
        ("a %", 3, "unknown type %"),
        ("a " + "list of " * 30 + "int", 0, ""),
        ("a " + "{b " * 30, 0, "nested too deeply"),
    ],
)
def test_a_slip_is_told_with_its_place(notation: str, at: int, told: str) -> None:
    """What is wrong is told with the character where it stands, and what would be right."""
    if not told:
        assert read_fields(notation)
        return
    with pytest.raises(UsageError) as caught:
        read_fields(notation)
    error = caught.value
    assert told in f"{error.message}; {error.hint}"
    assert error.hint
    if at:
        assert f"at character {at} " in error.message.replace(",", " ")


@given(st.text(alphabet="ab ,:?|[]{}()\"'\n，：intlisof", max_size=40))
def test_any_text_is_a_schema_or_told(text: str) -> None:
    """Whatever is written is a valid schema, or refused with a place."""
    try:
        schema, told = read_fields(text), ""
    except UsageError as error:
        schema, told = {}, error.message
    assert "character" in told if told else problem_of(schema) == ""
