"""Operations of OpenAPI documents: every style of a parameter, every place of a key, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptchat.core.tooling import ToolResult
from gptchat.errors import ConfigurationError
from gptchat.tools.openapi import reading
from gptchat.tools.openapi.reading import Parameter
from tests.support.program import compose_program
from tests.support.replies import Reply
from tests.support.server import Server

VALUES: dict[str, Any] = {"list": ["a", "b"], "table": {"x": 1, "y": True}, "text": "t", "none": None}


@pytest.mark.parametrize(
    ("place", "style", "explode", "value", "pairs"),
    [
        ("query", "form", True, "list", [("p", "a"), ("p", "b")]),
        ("query", "form", False, "list", [("p", "a,b")]),
        ("query", "pipeDelimited", False, "list", [("p", "a|b")]),
        ("query", "spaceDelimited", False, "list", [("p", "a b")]),
        ("query", "form", True, "table", [("x", "1"), ("y", "true")]),
        ("query", "form", False, "table", [("p", "x,1,y,true")]),
        ("query", "deepObject", True, "table", [("p[x]", "1"), ("p[y]", "true")]),
        ("path", "simple", False, "list", [("p", "a,b")]),
        ("path", "simple", True, "table", [("p", "x=1,y=true")]),
        ("header", "simple", False, "text", [("p", "t")]),
        ("query", "json", False, "table", [("p", '{"x": 1, "y": true}')]),
        ("query", "form", True, "none", [("p", "")]),
    ],
)
def test_every_style_of_a_parameter(
    place: str, style: str, explode: bool, value: str, pairs: list[tuple[str, str]]
) -> None:
    """An argument is written as the style of its parameter wants it."""
    parameter = Parameter("p", "p", place, style, explode, {})
    assert list(reading.texts(parameter, VALUES[value])) == pairs


def operation(**more: Any) -> dict[str, Any]:
    return {"operationId": "do", "responses": {}, **more}


def document(server: str, scheme: dict[str, str] | None = None, **paths: Any) -> dict[str, Any]:
    """A document with these paths, whose names have `_` for `/`."""
    security: dict[str, Any] = {"security": [{"key": []}]} if scheme else {}
    return {
        "openapi": "3.0.3",
        "info": {"title": "T"},
        "servers": [{"url": f"{server}/{{version}}", "variables": {"version": {"default": "v1"}}}],
        "paths": {name.replace("_", "/"): item for name, item in paths.items()},
        "components": {"securitySchemes": {"key": scheme or {}}},
        **security,
    }


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        server.answers["/models"] = Reply.document({"ok": True})
        server.answers["/things"] = Reply.document({"made": True})
        yield server


def call(folder: Path, given: dict[str, Any], arguments: dict[str, Any], more: str = "") -> ToolResult:
    """The result of the document's only operation."""
    (folder / "api.json").write_text(json.dumps(given))
    box = compose_program(folder, f'[tools.api]\nopenapi = "api.json"\n{more}').services.toolbox

    async def run() -> ToolResult:
        [tool] = await box.tools()
        result = await tool.call(arguments, lambda _text: None)
        await box.close()
        return result

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("scheme", "place", "wanted"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "x-key", "secret-key"),
        ({"type": "apiKey", "in": "cookie", "name": "k"}, "cookie", "k=secret-key"),
        ({"type": "http", "scheme": "bearer"}, "authorization", "Bearer secret-key"),
        ({"type": "http", "scheme": "basic"}, "authorization", "Basic c2VjcmV0LWtleTo="),
        ({"type": "oauth2"}, "authorization", "Bearer secret-key"),
        ({"type": "apiKey", "in": "query", "name": "k"}, "query", "k=secret-key"),
    ],
)
def test_every_place_of_a_key(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: dict[str, str],
    place: str,
    wanted: str,
) -> None:
    """A key goes where the document's security scheme puts it."""
    monkeypatch.setenv("API_KEY_OF_OURS", "secret-key")
    given = document(server.root, scheme, _models={"get": operation()})
    assert call(tmp_path, given, {}, 'key_env = "API_KEY_OF_OURS"\n').text
    request = server.requests[-1]
    assert wanted in (request.target if place == "query" else request.headers[place])


@pytest.mark.parametrize("mime", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_every_kind_of_body(server: Server, tmp_path: Path, mime: str) -> None:
    """A body is sent as JSON, a form or text, as the document says, and cookies and headers beside it."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    text = mime == "text/plain"
    body = {"content": {mime: {"schema": {"type": "string"} if text else schema}}, "required": True}
    parameters = [
        {"name": "c", "in": "cookie", "schema": {"type": "string"}},
        {"name": "X-H", "in": "header", "schema": {"type": "string"}},
    ]
    given = document(server.root, _things={"post": operation(requestBody=body, parameters=parameters)})
    arguments = {"body": "hello"} if text else {"name": "n"}
    result = call(tmp_path, given, {**arguments, "c": "1", "X-H": "2"})
    assert json.loads(result.text) == {"made": True}
    request = server.requests[-1]
    assert request.body in (b"hello", b"name=n", b'{"name": "n"}')
    assert (request.headers["cookie"], request.headers["x-h"]) == ("c=1", "2")
    assert call(tmp_path, given, {**arguments, "X-H": "a\nb"}).failed


def test_what_cannot_be_called_is_told(server: Server, tmp_path: Path) -> None:
    """A missing argument, an error, a server that is not there and a document without a server are told."""
    path = {"get": operation(parameters=[{"name": "id", "in": "path", "required": True, "schema": {}}])}
    given = document(server.root)
    given["paths"] = {"/models/{id}": path}
    assert call(tmp_path, given, {}).failed
    assert "404" in call(tmp_path, given, {"id": "x"}).text
    assert call(tmp_path, document("http://127.0.0.1:1", _models={"get": operation()}), {}).failed
    nowhere = document(server.root, _models={"get": operation()})
    del nowhere["servers"]
    assert "base_url" in call(tmp_path, nowhere, {}).text
    assert call(tmp_path, given, {"id": "x"}, 'key_env = "NO_SUCH_KEY_HERE"\n').failed


@pytest.mark.parametrize("text", ["", "[]", '{"swagger": "2.0"}', "openapi: [", "openapi: 2.0", "just text"])
def test_what_is_no_document_is_refused(text: str) -> None:
    """Another file, or a document of another version, is refused with a next step."""
    with pytest.raises(ConfigurationError) as refused:
        reading.parse(text, "file")
    assert refused.value.hint


def test_the_built_in_tools(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are listed, commands run and their failures told; an address of this machine is not fetched."""
    (tmp_path / "here" / "inner").mkdir(parents=True)
    (tmp_path / "here" / "a.txt").write_text("text")
    monkeypatch.chdir(tmp_path / "here")
    box = compose_program(tmp_path, '[tools]\nuse = "on"\n').services.toolbox

    async def run() -> dict[str, list[ToolResult]]:
        tools = {tool.spec.own_name or tool.spec.name: tool for tool in await box.tools()}

        async def called(name: str, key: str, *values: object) -> list[ToolResult]:
            return [await tools[name].call({key: value}, lambda _text: None) for value in values]

        return {
            "list": await called("list_folder", "path", ".", "inner", "a.txt", "gone", 3, ".."),
            "read": await called("read_file", "path", "a.txt", "inner", "gone"),
            "fetch": await called(
                "fetch_page", "address", f"{server.root}/x", "ftp://x/y", "", "file:///etc/passwd"
            ),
            "run": await called("run_command", "command", "echo hi", "exit 3", "", 7),
        }

    found = asyncio.run(run())
    assert "a.txt" in found["list"][0].text
    assert "inner/" in found["list"][0].text
    assert [one.failed for one in found["list"]] == [False, False, True, True, True, True]
    assert [one.failed for one in found["read"]] == [False, True, True]
    assert all(one.failed for one in found["fetch"])
    assert found["run"][0].text.strip() == "hi"
    assert [one.failed for one in found["run"]] == [False, True, True, True]
