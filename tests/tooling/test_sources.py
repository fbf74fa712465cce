"""Tools of every source: Python files, commands, OpenAPI documents, MCP servers, and those built in."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from fastapi import FastAPI, Header, HTTPException
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gptchat.core.tooling import Tool, ToolResult
from gptchat.tools import python_child
from gptchat.tools.openapi import reading
from gptchat.tools.shelf import ToolShelf
from gptchat.tools.text import schema_of, tool_name, unique_names
from tests.support.program import compose_program

EVERYTHING = Path(__file__).parent / "npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
_T = TypeVar("_T")
Use = Callable[[ToolShelf, dict[str, Tool]], Awaitable[_T]]


def use(folder: Path, config: str, work: Use[_T]) -> _T:
    """What `work` returns, which gets the box of a program with `config` and its tools by key."""
    program = compose_program(folder, config)
    box = program.services.toolbox
    assert isinstance(box, ToolShelf)

    async def run() -> _T:
        try:
            return await work(box, {tool.spec.key: tool for tool in await box.tools()})
        finally:
            await box.close()

    return asyncio.run(run())


def call(folder: Path, config: str, key: str, **arguments: Any) -> ToolResult:
    """The result of one call of the tool `key`."""
    return use(folder, config, lambda _box, tools: tools[key].call(arguments, lambda _text: None))


WEATHER = '''
import os
from typing import Annotated, Literal

def forecast(city: Annotated[str, "Its name"], days: int = 3, unit: Literal["C", "F"] = "C") -> dict:
    """The weather of a city.

    Args:
        days: How many days.
    """
    print("working")
    return {"city": city, "days": days, "unit": unit}

async def later(seconds: float) -> str:
    """Waits."""
    return f"after {seconds}"

def broken() -> None:
    """Fails."""
    raise ValueError("no such weather")

def crash() -> None:
    """Ends the process."""
    os._exit(3)

def secret() -> str:
    """Tells what it can see."""
    return os.environ.get("TEST_KEY", "nothing")

def _hidden() -> None: ...
'''


def test_functions_of_a_python_file_are_tools(tmp_path: Path) -> None:
    """Signature and docstring become the schema, and what a function does wrong hurts nothing but its call."""
    (tmp_path / "weather.py").write_text(WEATHER, encoding="utf-8")
    config = '[tools.weather]\npython = "weather.py"\n'

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> dict[str, ToolResult]:
        def told(_text: str) -> None:
            pass

        spec = tools["weather/forecast"].spec
        assert spec.description.startswith("The weather of a city.")
        assert spec.parameters["required"] == ["city"]
        assert spec.parameters["properties"]["unit"]["enum"] == ["C", "F"]
        assert spec.parameters["properties"]["days"]["type"] == "integer"
        assert "weather/_hidden" not in tools
        return {
            "forecast": await tools["weather/forecast"].call({"city": "北京"}, told),
            "later": await tools["weather/later"].call({"seconds": 0.5}, told),
            "broken": await tools["weather/broken"].call({}, told),
            "crash": await tools["weather/crash"].call({}, told),
            "secret": await tools["weather/secret"].call({}, told),
        }

    found = use(tmp_path, config, work)
    assert json.loads(found["forecast"].text) == {"city": "北京", "days": 3, "unit": "C"}
    assert found["later"].text == "after 0.5"
    assert found["broken"].failed
    assert "no such weather" in found["broken"].text
    assert found["crash"].failed
    assert found["secret"].text == "nothing"


TYPES = '''
import dataclasses, enum, typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Optional, TypedDict, Union

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

class Point(TypedDict):
    x: int
    y: int

@dataclasses.dataclass
class Box:
    name: str
    sides: list[int]

def everything(
    text: str, number: int, share: float, sure: bool, colour: Colour, point: Point, box: Box, path: Path,
    names: list[str], table: dict[str, int], maybe: Optional[int] = None, either: Union[int, str] = 1,
    kind: Literal["a", "b"] = "a", rest: Sequence[int] = (), untyped=None, *, only: Any = 3,
) -> str:
    """All kinds of arguments.

    :param text: a text
    :param number: a number
    """
    return f"{text} {number} {colour} {point} {box} {path} {names} {table} {maybe} {either} {kind} {rest} {only}"

def numpy_style(first: int, second: str = "x") -> list:
    """Documented otherwise.

    Parameters
    ----------
    first : int
        The first one.
    second : str
        The second one.

    Returns
    -------
    list
    """
    return [first, second]

def nothing() -> None:
    """Returns nothing."""

def positional(a: int, /, b: int, *more: int, **named: int) -> int:
    """Takes anything."""
    return a + b
'''


def test_every_annotation_becomes_a_schema(tmp_path: Path) -> None:
    """Whatever a function's arguments are annotated with, the model is told their types, and may give them."""
    file, request, answer = (tmp_path / name for name in ("types.py", "request", "answer"))
    file.write_text(TYPES, encoding="utf-8")

    def asked(value: object) -> Any:
        request.write_text(json.dumps(value), encoding="utf-8")
        path = list(sys.path)
        try:
            python_child.main(str(file), str(request), str(answer))
        finally:
            sys.path[:] = path
            sys.modules.pop("types", None)
        return json.loads(answer.read_text(encoding="utf-8"))

    file = file.rename(tmp_path / "kinds_of_arguments.py")
    listed = {tool["name"]: tool for tool in asked({})["tools"]}
    assert list(listed) == ["everything", "numpy_style", "nothing", "positional"]
    schema = listed["everything"]["parameters"]
    kinds = {name: one.get("type") for name, one in schema["properties"].items()}
    assert [kinds[name] for name in ("text", "number", "share", "sure", "names", "table")] == [
        *("string", "integer", "number", "boolean", "array", "object"),
    ]
    assert schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert schema["properties"]["text"]["description"] == "a text"
    assert "maybe" not in schema["required"]
    assert listed["numpy_style"]["parameters"]["properties"]["first"]["description"] == "The first one."
    given = {
        "text": "t", "number": 1, "share": 0.5, "sure": True, "colour": "blue", "point": {"x": 1, "y": 2},
        "box": {"name": "b", "sides": [1, 2]}, "path": "p", "names": ["n"], "table": {"k": 1},
    }  # fmt: skip
    said = asked({"name": "everything", "arguments": given})
    assert "Colour.BLUE" in said["text"]
    assert asked({"name": "numpy_style", "arguments": {"first": 1}})["text"] == '[1, "x"]'
    assert "text" in asked({"name": "nothing", "arguments": {}})
    assert "no argument" in asked({"name": "nothing", "arguments": {"x": 1}})["error"]
    assert "there is no function" in asked({"name": "gone", "arguments": {}})["error"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A file with an error offers nothing, and says why; the other sources are there."""
    (tmp_path / "bad.py").write_text("def f(:\n")
    config = '[tools.bad]\npython = "bad.py"\n[tools.ls]\ncommand = "ls"\n'

    async def work(box: ToolShelf, tools: dict[str, Tool]) -> tuple[list[str], list[str]]:
        return list(tools), list(box.troubles())

    keys, troubles = use(tmp_path, config, work)
    assert keys == ["ls/ls"]
    assert len(troubles) == 1
    assert "bad.py" in troubles[0]


EVIL = ["x; touch owned", "$(touch owned)", "`touch owned`", "a b", "'\"", "*", "~", "a\nb"]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("shell", ["false", "true"])
def test_an_argument_is_one_word_whatever_is_in_it(tmp_path: Path, evil: str, shell: str) -> None:
    """No argument of a command is read as code, with the shell or without."""
    config = f'[tools.say]\ncommand = "printf %s {{text}}"\nshell = {shell}\ncwd = "{tmp_path}"\n'
    assert call(tmp_path, config, "say/say", text=evil).text.strip() == evil.strip()
    assert not (tmp_path / "owned").exists()


def test_an_argument_does_not_become_an_option(tmp_path: Path) -> None:
    """A value that begins with a dash is refused, unless the command line ends its options before."""
    (tmp_path / "data.txt").write_text("-rf\n")
    config = f'[tools.find]\ncommand = "grep {{text}} data.txt"\ncwd = "{tmp_path}"\n'
    assert call(tmp_path, config, "find/find", text="-rf").failed
    config = f'[tools.find]\ncommand = "grep -- {{text}} data.txt"\ncwd = "{tmp_path}"\n'
    assert call(tmp_path, config, "find/find", text="-rf").text == "-rf"


def test_a_command_that_is_cancelled_is_killed(tmp_path: Path) -> None:
    """Cancelling a call ends the command and all that it started."""
    config = f'[tools.wait]\ncommand = \'sh -c "sleep 60 & echo $! > pid; wait"\'\ncwd = "{tmp_path}"\n'

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> None:
        task = asyncio.create_task(tools["wait/wait"].call({}, lambda _text: None))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    use(tmp_path, config, work)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.01)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_files_outside_the_folder_stay_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in tools read in and below the current folder only, whatever leads out of it."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "diary.txt").write_text("secret")
    (inside / "notes.txt").write_text("public")
    (inside / "link.txt").symlink_to(tmp_path / "diary.txt")
    (inside / ".env").write_text("KEY=secret")
    monkeypatch.chdir(inside)
    config = '[tools]\nuse = "on"\n'

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> list[ToolResult]:
        assert tools["builtin/run_command"].spec.always_asks
        paths = ["notes.txt", "link.txt", "../diary.txt", str(tmp_path / "diary.txt"), ".env", "/etc/passwd"]
        return [await tools["builtin/read_file"].call({"path": path}, lambda _text: None) for path in paths]

    first, *others = use(tmp_path / "home", config, work)
    assert "public" in first.text
    assert all(result.failed for result in others)
    assert all("secret" not in result.text for result in others)


# OpenAPI


class Item(BaseModel):
    """What the shop sells."""

    name: str
    price: float
    tags: list[str] = []


def shop() -> FastAPI:
    """A small application of a real framework."""
    app = FastAPI(title="Shop")
    items: dict[int, Item] = {1: Item(name="tea", price=2.5)}

    def check(key: str) -> None:
        if key != "open-sesame":
            raise HTTPException(401, "wrong key")

    @app.get("/items/{number}")
    def get_item(number: int, currency: str = "EUR", x_key: str = Header("")) -> dict[str, Any]:
        """One item by its number."""
        check(x_key)
        if number not in items:
            raise HTTPException(404, f"no item {number}")
        return {**items[number].model_dump(), "currency": currency}

    @app.post("/items")
    def create_item(item: Item, x_key: str = Header("")) -> dict[str, int]:
        """Add an item."""
        check(x_key)
        items[len(items) + 1] = item
        return {"number": len(items)}

    return app


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The shop on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(shop(), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def test_operations_of_a_real_document_are_tools(address: str, tmp_path: Path) -> None:
    """Path, query, header and body go where the document wants them; errors are told with what the server said."""
    config = f'[tools.shop]\nopenapi = "{address}/openapi.json"\n'

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> list[ToolResult]:
        get = next(tool for key, tool in tools.items() if "get_item" in key)
        create = next(tool for key, tool in tools.items() if "create_item" in key)
        assert (get.spec.effect, get.spec.permission) == ("reads", "allow")
        assert (create.spec.effect, create.spec.permission) == ("changes", "ask")
        key = {"x-key": "open-sesame"}

        def told(_text: str) -> None:
            pass

        return [
            await get.call({"number": 1, "currency": "CNY", **key}, told),
            await create.call({"name": "咖啡", "price": 3, **key}, told),
            await get.call({"number": 2, **key}, told),
            await get.call({"number": 9, **key}, told),
            await create.call({"name": "x", "price": "dear", **key}, told),
            await get.call({"number": 1}, told),
        ]

    first, created, second, missing, wrong, locked = use(tmp_path, config, work)
    assert json.loads(first.text)["currency"] == "CNY"
    assert json.loads(created.text) == {"number": 2}
    assert json.loads(second.text)["name"] == "咖啡"
    assert missing.failed
    assert "404" in missing.text
    assert "no item 9" in missing.text
    assert "422" in wrong.text
    assert "price" in wrong.text
    assert "401" in locked.text


def document(**more: Any) -> dict[str, Any]:
    """A document with one operation."""
    get = {"operationId": "look", "parameters": [], "responses": {}}
    return {"openapi": "3.1.0", "info": {"title": "T"}, "paths": {"/look": {"get": get}}, **more}


def test_the_key_goes_to_the_server_alone(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the settings goes into the header that the document names, and is never seen by the model."""
    monkeypatch.setenv("SHOP_KEY", "open-sesame")
    scheme = {"key": {"type": "apiKey", "in": "header", "name": "x-key"}}
    given = document(components={"securitySchemes": scheme}, security=[{"key": []}])
    given["paths"] = {"/items/{number}": {"get": {"operationId": "look", "parameters": [
        {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}]}}}  # fmt: skip
    (tmp_path / "shop.json").write_text(json.dumps(given))
    config = f'[tools.shop]\nopenapi = "shop.json"\nbase_url = "{address}"\nkey_env = "SHOP_KEY"\n'
    result = call(tmp_path, config, "shop/look", number=1)
    assert json.loads(result.text)["name"] == "tea"
    assert call(tmp_path, config, "shop/look", number="../../etc").failed


def test_a_document_in_yaml(tmp_path: Path) -> None:
    """A document may be YAML; references within it, even endless ones, are resolved, others are refused."""
    text = """
openapi: 3.0.3
info: {title: Trees}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /tree:
    post:
      operationId: grow
      requestBody:
        content: {application/json: {schema: {$ref: "#/components/schemas/Node"}}}
  /file:
    post:
      operationId: upload
      requestBody: {content: {multipart/form-data: {schema: {type: object}}}}
  /other:
    get:
      operationId: other
      parameters: [{$ref: "other.yaml#/p"}]
components:
  schemas:
    Node:
      type: object
      properties: {name: {type: string}, child: {$ref: "#/components/schemas/Node"}}
"""
    found = reading.read(reading.parse(text, "trees.yaml"), "")
    assert [one.name for one in found.operations] == ["grow"]
    assert found.operations[0].schema["properties"]["name"] == {"type": "string"}
    assert len(found.refused) == 2
    assert "multipart/form-data" in found.refused[0]


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
    found = reading.read({"openapi": "3.0.0", "paths": paths, "components": value, "servers": value}, "http://h/")
    assert all(json.dumps(one.schema) for one in found.operations)


# MCP

TIME = '[mcp.time]\ncommand = "mcp-server-time"\n'


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of this environment come first."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def test_a_real_server_over_stdio(tmp_path: Path) -> None:
    """A server's tools are listed and called; what goes wrong in one is told to the model."""

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> tuple[ToolResult, ToolResult]:
        now = tools["time/get_current_time"]
        assert now.spec.permission == "ask"
        good = await now.call({"timezone": "Asia/Shanghai"}, lambda _text: None)
        return good, await now.call({"timezone": "Nowhere"}, lambda _text: None)

    good, bad = use(tmp_path, TIME, work)
    assert json.loads(good.text)["timezone"] == "Asia/Shanghai"
    assert bad.failed
    assert "Nowhere" in bad.text


def test_a_server_of_git(tmp_path: Path) -> None:
    """Another real server, with a folder of its own, reads a repository."""
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    (tmp_path / "repo" / "new.txt").write_text("new")
    config = '[mcp.git]\ncommand = "mcp-server-git"\nonly = ["git_status"]\n'

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> ToolResult:
        assert list(tools) == ["git/git_status"]
        return await tools["git/git_status"].call({"repo_path": str(tmp_path / "repo")}, lambda _text: None)

    assert "new.txt" in use(tmp_path, config, work).text


@pytest.fixture
def everything() -> Path:
    """The reference server's program."""
    if not EVERYTHING.exists() or shutil.which("node") is None:
        if os.environ.get("CI"):
            pytest.fail("the reference server is missing: tests/tooling/npm/install.sh")
        pytest.skip("the reference server is not installed")
    return EVERYTHING


@pytest.mark.timeout(60)
def test_the_reference_server(everything: Path, tmp_path: Path) -> None:
    """Progress, pictures, prompts, resources and cancelling work with the reference server."""
    config = f'[mcp.all]\ncommand = "node"\nargs = ["{everything}"]\n'

    async def work(box: ToolShelf, tools: dict[str, Tool]) -> None:
        told: list[str] = []
        long = tools["all/trigger-long-running-operation"]
        done = await long.call({"duration": 0.3, "steps": 3}, told.append)
        assert not done.failed
        assert told[-1].startswith("100%")
        picture = await tools["all/get-tiny-image"].call({}, told.append)
        assert picture.parts[0]["image_url"]["url"].startswith("data:image/png;base64,")
        seen = await tools["all/get-env"].call({}, told.append)
        assert "TEST_KEY" not in seen.text
        task = asyncio.create_task(long.call({"duration": 60, "steps": 600}, told.append))
        known = len(told)
        while len(told) == known:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert not (await tools["all/echo"].call({"message": "still there"}, told.append)).failed
        prompts = {one.name: one for one in await box.prompts()}
        assert prompts["all:args-prompt"].required == ["city"]
        assert "Paris" in await box.prompt("all:args-prompt", {"city": "Paris"})
        resource = (await box.resources())[0]
        assert (await box.resource(resource.name))[0].text

    use(tmp_path, config, work)


@pytest.mark.timeout(60)
def test_the_reference_server_over_http(everything: Path, tmp_path: Path) -> None:
    """The same server answers over streamable HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(
        ["node", str(everything), "streamableHttp"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        config = f'[mcp.all]\nurl = "http://127.0.0.1:{port}/mcp"\n'
        result = call(tmp_path, config, "all/get-sum", a=2, b=3)
        server.kill()
    assert "5" in result.text


@pytest.mark.timeout(60)
def test_a_server_that_dies_is_started_again_once(tmp_path: Path) -> None:
    """The call in which a server dies is not repeated; the next one finds it started again, which is told."""

    async def work(box: ToolShelf, tools: dict[str, Tool]) -> tuple[list[bool], list[str]]:
        now = tools["time/get_current_time"]
        results: list[bool] = []
        troubles: list[str] = []
        for _death in range(2):
            results.append((await now.call({"timezone": "UTC"}, lambda _text: None)).failed)
            for process in _children():
                os.kill(process, signal.SIGKILL)
            while _children():
                await asyncio.sleep(0.01)
            results.append((await now.call({"timezone": "UTC"}, lambda _text: None)).failed)
            await box.tools()
            troubles += box.troubles()
        return results, troubles

    failed, troubles = use(tmp_path, TIME, work)
    assert failed[0] is False
    assert any("started again" in line for line in troubles)
    assert any("ended again" in line for line in troubles)


def _children() -> list[int]:
    """The processes of this one that are the server."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            named = "mcp-server-time" in (entry / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and named:
            found.append(int(entry.name))
    return found


def test_a_server_that_cannot_start_is_told(tmp_path: Path) -> None:
    """A program that is missing is named, and the other tools are there."""

    async def work(box: ToolShelf, tools: dict[str, Tool]) -> tuple[list[str], list[str]]:
        return list(tools), list(box.troubles())

    keys, troubles = use(tmp_path, '[mcp.gone]\ncommand = "no-such-program"\n[tools.ls]\ncommand = "ls"\n', work)
    assert keys == ["ls/ls"]
    assert "there is no program no-such-program" in troubles[0]


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    """Servers in another program's file are offered, comments and a last comma in it notwithstanding."""
    text = '{ // mine\n "mcpServers": {"my time": {"command": "mcp-server-time", "args": [],},}, /* end */ }'
    (tmp_path / "mcp.json").write_text(text)

    async def work(_box: ToolShelf, tools: dict[str, Tool]) -> list[str]:
        return list(tools)

    assert "my_time/get_current_time" in use(tmp_path, 'mcp_files = ["mcp.json"]\n', work)


# Names and schemas


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


def test_nothing_of_tools_is_loaded_without_them(tmp_path: Path) -> None:
    """A chat without tools imports neither the SDK of MCP nor any source."""
    program = (
        "import sys\nfrom tests.support.program import compose_program\nfrom pathlib import Path\nimport asyncio\n"
        f"box = compose_program(Path({str(tmp_path)!r}), '').services.toolbox\n"
        "assert asyncio.run(box.tools()) == []\n"
        "loaded = [name for name in sys.modules if name == 'mcp' or name.startswith('gptchat.tools.')]\n"
        "assert set(loaded) <= {'gptchat.tools.shelf', 'gptchat.tools.text'}, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True, timeout=30)
