"""Rules that hold for names and schemas, whatever a source calls its tools."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gptchat.tools.openapi.document import Document
from gptchat.tools.openapi.operations import operations_of
from gptchat.tools.text import schema_of, tool_name, unique_names

WORDS = ["get", "post", "parameters", "requestBody", "content", "application/json", "schema", "$ref", "name", "in"]
WORDS += ["properties", "security", "servers", "url", "#/paths"]


def values(keys: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """JSON values with objects of these keys."""
    leaves = st.none() | st.booleans() | st.integers() | st.text()
    return st.recursive(leaves, lambda one: st.lists(one, max_size=3) | st.dictionaries(keys, one, max_size=4))


@given(values(st.sampled_from(WORDS)))
def test_any_document_is_read(value: object) -> None:
    """Whatever a document holds, reading it ends, with operations or reasons."""
    paths = {"/a": value if isinstance(value, dict) else {"get": value}, "/b/{c}": {"post": value}}
    document = Document({"openapi": "3.0.0", "paths": paths, "components": value, "servers": value}, "http://h/")
    assert isinstance(document.server(), str)
    operations, _refused = operations_of(document)
    assert all(json.dumps(schema_of(one.schema)) for one in operations)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8))
def test_names_are_unique_and_fit_every_model(wanted: list[tuple[str, str]]) -> None:
    """Whatever sources call their tools, each is offered under a name of its own that every model takes."""
    names = unique_names(wanted)
    assert len(names) == len(wanted) == len(set(names))
    assert all(name == tool_name(name) for name in names)


@given(values(st.text(max_size=5)))
def test_any_schema_becomes_one_of_an_object(value: object) -> None:
    """Whatever a source gives as a schema, the request carries a bounded one of type object."""
    schema = schema_of(value)
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], Mapping)
    assert len(json.dumps(schema)) <= 40_000
