"""OpenAPI documents: those of a real framework's application, called; and any other, read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptchat.errors import ConfigurationError
from gptchat.tools.openapi.document import Document, read_document
from gptchat.tools.openapi.operations import operations_of, prepare
from tests.tools.boxes import call, open_box, run
from tests.tools.shop import KEY, application, served


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with served(application()) as address:
        yield address


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)


def _settings(shop: str, more: str = 'key_env = "SHOP_KEY"') -> str:
    return f'[tools.shop]\nopenapi = "{shop}/openapi.json"\ntimeout = 5\n{more}\n'


def test_operations_of_a_framework(shop: str, tmp_path: Path) -> None:
    """FastAPI's operations are tools: GET may run, the rest asks; what cannot be sent is named."""

    async def work() -> None:
        async with open_box(_settings(shop), tmp_path) as (box, tools):
            specs = {tool.spec.name: tool.spec for tool in tools.values()}
            assert (specs["get_item"].permission, specs["get_item"].effect) == ("allow", "reads")
            assert (specs["create_item"].permission, specs["create_item"].effect) == ("ask", "changes")
            assert specs["get_item"].description == "Get Item\nTells an item by its number."
            assert specs["get_item"].parameters["required"] == ["item_id"]
            fields = specs["create_item"].parameters["properties"]
            assert fields["name"]["description"] == "What it is called"
            assert fields["parts"] == {"items": {}, "type": "array", "title": "Parts", "default": []}
            (told,) = box.troubles()
            assert "POST /upload" in told
            assert "multipart/form-data" in told

    run(work)


def test_calls_to_a_framework(shop: str, tmp_path: Path) -> None:
    """Path, query, header, cookie, JSON and form arrive; the key goes where the document says; errors are told."""

    async def work() -> None:
        async with open_box(_settings(shop), tmp_path) as (_box, tools):

            async def said(name: str, /, **arguments: Any) -> tuple[bool, Any]:
                result = await call(tools[f"shop/{name}"], **arguments)
                try:
                    return result.failed, json.loads(result.text)
                except ValueError:
                    return result.failed, result.text

            assert await said("get_item", item_id=1, verbose=True) == (
                False,
                {"name": "tea", "price": 2.5, "parts": [], "verbose": True},
            )
            assert await said("create_item", name="茶", price=3) == (False, {"id": 2})
            assert (await said("get_item", item_id=2))[1]["name"] == "茶"
            missing = await said("get_item", item_id=9)
            assert missing[0]
            assert missing[1].startswith("404 Not Found")
            assert "there is no item 9" in missing[1]
            wrong = await said("create_item", name="x")
            assert wrong[0]
            assert wrong[1].startswith("422 ")
            assert '"price"' in wrong[1]
            assert await said("get_item") == (True, "the argument item_id is missing")
            assert (await said("get_item", item_id=1, other=1))[0]
            assert (await said("get_item", item_id="../search"))[0]
            found = (await said("search", q=["a b", "&c=d"], **{"x-trace": "t1", "seen": "yes"}))[1]
            assert (found["q"], found["trace"], found["seen"]) == (["a b", "&c=d"], "t1", "yes")
            assert not {"x-shop-key", "authorization"} & set(found["keys"])
            assert (await said("search", **{"x-trace": "a\r\nEvil: 1"}))[0]
            assert await said("login", user="ann&b", password="=&") == (False, "ann&b:2")
            assert await said("bearer") == (False, KEY)
            assert await said("basic") == (False, f"{KEY}/")
            broken = await said("broken")
            assert broken[0]
            assert "the shop burns" in broken[1]
            assert "\x1b" not in broken[1]
            assert await said("binary") == (False, "[3,000 bytes of application/octet-stream, not shown]")
            endless = (await said("endless"))[1]
            assert len(endless) < 300_000
            assert "cut" in endless

    run(work)


def test_the_key_stays_with_its_server(shop: str, tmp_path: Path) -> None:
    """No redirect carries a call to another host, and no operation's own server gets the key."""
    with served(application()) as other:

        async def work() -> None:
            async with open_box(_settings(shop), tmp_path) as (_box, tools):
                led = await call(tools["shop/away"], to=other.replace("127.0.0.1", "localhost") + "/search")
                assert led.failed
                assert "instead of answering" in led.text

        run(work)
        document = {
            "openapi": "3.1.0",
            "servers": [{"url": other}],
            "paths": {"/search": {"get": {"operationId": "s"}}},
        }
        elsewhere = Document(document, "https://api.example.com/openapi.json")
        assert elsewhere.server() == other
    (tmp_path / "own.json").write_text(json.dumps(document), encoding="utf-8")
    far = {**document, "servers": [{"url": shop}]}
    far["paths"] = {"/search": {"get": {"operationId": "s", "servers": [{"url": other}], "security": [{"k": []}]}}}
    far["components"] = {"securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}}
    (tmp_path / "far.json").write_text(json.dumps(far), encoding="utf-8")

    async def refused() -> None:
        text = '[tools.far]\nopenapi = "far.json"\nkey_env = "SHOP_KEY"\n'
        async with open_box(text, tmp_path) as (_box, tools):
            result = await call(tools["far/s"])  # an operation's own server elsewhere, in a private network
            assert result.failed

    run(refused)


def test_a_public_document_leads_nowhere_inside(tmp_path: Path) -> None:
    """A document from the web that names a server in a private network is refused, unless base_url names it."""
    from gptchat.config.settings import Settings
    from gptchat.config.sources import ToolSource
    from gptchat.tools.openapi.calls import ApiDocument

    inside = Document(
        {"openapi": "3.0.0", "servers": [{"url": "http://169.254.169.254/"}]}, "https://example.com/a"
    )
    for source, fails in ((ToolSource("a"), True), (ToolSource("a", base_url="http://169.254.169.254"), False)):
        api = ApiDocument(source, Settings(), tmp_path)
        api._server = inside.server()
        if fails:
            with pytest.raises(ConfigurationError, match="private network"):
                api._judge_server(inside)
        else:
            api._judge_server(inside)


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://{region}.example.com/v1/", "variables": {"region": {"default": "eu"}}}],
    "paths": {
        "/a/{p}/{m}": {
            "parameters": [{"$ref": "#/components/parameters/p"}],
            "get": {
                "parameters": [
                    {
                        "name": "m",
                        "in": "path",
                        "required": True,
                        "style": "matrix",
                        "explode": True,
                        "schema": {},
                    },
                    {"name": "p", "in": "query", "schema": {"type": "string", "nullable": True}},
                    {"name": "list", "in": "query", "explode": False, "schema": {"type": "array"}},
                    {"name": "pipes", "in": "query", "style": "pipeDelimited", "explode": False, "schema": {}},
                    {"name": "deep", "in": "query", "style": "deepObject", "explode": True, "schema": {}},
                    {"name": "filter", "in": "query", "content": {"application/json": {"schema": {}}}},
                    {"name": "X-H", "in": "header", "schema": {}},
                    {"name": "Authorization", "in": "header", "schema": {}},
                ],
                "requestBody": {"content": {"image/png": {}}},
            },
            "head": {},
            "post": {"requestBody": {"required": True, "content": {"multipart/form-data": {}}}},
        },
        "/tree": {"put": {"operationId": "tree", "requestBody": {"$ref": "#/components/requestBodies/tree"}}},
    },
    "components": {
        "parameters": {"p": {"name": "p", "in": "path", "required": True, "schema": {"type": "string"}}},
        "requestBodies": {
            "tree": {
                "required": True,
                "content": {"application/vnd.x+json": {"schema": {"$ref": "#/components/schemas/T"}}},
            }
        },
        "schemas": {
            "T": {
                "type": "object",
                "properties": {
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/T"}},
                    "id": {"type": "integer", "readOnly": True},
                    "other": {"$ref": "https://evil.example/x.json"},
                },
            }
        },
    },
}


def test_parameters_are_written_as_the_document_says() -> None:
    """Styles and explode, names that two places share, circles of references, variables of the server."""
    document = Document(DOCUMENT)
    assert document.server() == "https://eu.example.com/v1"
    operations, refused = operations_of(document)
    assert [line.split(":")[0] for line in refused] == ["POST /a/{p}/{m}", "HEAD /a/{p}/{m}"]
    get, tree = operations
    assert get.name == "get_/a/{p}/{m}"
    assert get.schema["required"] == ["p", "m"]
    assert get.schema["properties"]["query_p"] == {"type": ["string", "null"]}
    arguments = {
        "p": "a/b c",
        "m": [1, 2],
        "query_p": "q&r",
        "list": ["x", "y,z"],
        "pipes": [1, 2],
        "deep": {"k": "v w"},
        "filter": {"a": [1]},
        "X-H": [1, True],
    }
    prepared = prepare(get, arguments)
    assert prepared.target == (
        "/a/a%2Fb%20c/;m=1;m=2?p=q%26r&list=x,y%2Cz&pipes=1%7C2&deep%5Bk%5D=v%20w&filter=%7B%22a%22%3A%20%5B1%5D%7D"
    )
    assert prepared.headers == {"X-H": "1,true"}
    assert tree.schema["properties"] == {"children": {"type": "array", "items": {}}, "other": {}}
    sent = prepare(tree, {"children": []})
    assert (sent.content, sent.headers["Content-Type"]) == (b'{"children": []}', "application/vnd.x+json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"swagger": "2.0"}', "swagger 2.0"),
        ("<!doctype html><p>Docs</p>", "neither JSON nor YAML"),
        ("[1, 2]", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("[" * 100_000, "neither JSON nor YAML"),
        ("!!python/object/apply:os.system ['touch pwned']", "neither JSON nor YAML"),
    ],
)
def test_what_is_no_document_is_told(text: str, why: str, tmp_path: Path) -> None:
    """A file that is something else is refused in a sentence, whatever it holds."""
    from gptchat.config.endpoints import NetworkSettings

    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=why):
        read_document("a.yaml", str(tmp_path), NetworkSettings())


def test_yaml_with_aliases_is_read(tmp_path: Path) -> None:
    """YAML is read, aliases too; a few lines that stand for gigabytes cost nothing."""
    from gptchat.config.endpoints import NetworkSettings

    lines = ["openapi: 3.1.0", "servers: [{url: 'http://a.example'}]", "x0: &x0 {type: string}"]
    lines += [f"x{n}: &x{n} {{anyOf: [{', '.join([f'*x{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    lines += ["paths: {/a: {get: {operationId: a, parameters: [{name: q, in: query, schema: *x11}]}}}"]
    (tmp_path / "a.yaml").write_text("\n".join(lines), encoding="utf-8")
    begun = time.monotonic()
    operations, _refused = operations_of(read_document("a.yaml", str(tmp_path), NetworkSettings()))
    assert [one.name for one in operations] == ["a"]
    assert time.monotonic() - begun < 1
