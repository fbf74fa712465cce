"""MCP servers that people use: what they offer, return, and how they end; over stdio and HTTP."""

from __future__ import annotations

import asyncio
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.tools.servers.server import McpServer
from tests.tools.boxes import by_key, call, open_box, run

NODE = Path(__file__).parents[1] / "tooling" / "npm" / "node_modules" / "@modelcontextprotocol"
BIN = Path(sys.executable).parent


def _python(name: str, *arguments: str) -> str:
    program = BIN / f"mcp-server-{name}"
    assert program.exists(), f"{program} is not installed: it is in the extra `test`"
    return f'[mcp.{name}]\ncommand = "{program}"\nargs = {list(arguments)}\n'


def _script(name: str) -> Path:
    """A server of npm; skipped where it is not installed, but on CI."""
    script = NODE / f"server-{name}" / "dist" / "index.js"
    if shutil.which("node") is None or not script.exists():
        reason = "MCP servers of npm are not here: install node and npm, and run tests/tooling/npm/install.sh"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return script


def _node(name: str, *arguments: str) -> str:
    return f'[mcp.{name}]\ncommand = "node"\nargs = {[str(_script(name)), *arguments]}\n'


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page on loopback."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html><body><article><h1>Title</h1><p>Some words of a page.</p></article></body></html>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing is logged."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_python_servers(tmp_path: Path, page: str) -> None:
    """Three servers of PyPI start at once, are listed by their own names, are called, and tell their errors."""
    repository = tmp_path / "repo"
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=repository if repository.exists() else _made(repository), check=True)
    text = (
        _python("time")
        + _python("git", "--repository", str(repository))
        + _python("fetch", "--ignore-robots-txt", "--allow-private-ips")
    )

    async def work() -> None:
        async with open_box(text, tmp_path) as (box, tools):
            assert box.troubles() == []
            assert list(tools)[:2] == ["time/get_current_time", "time/convert_time"]
            spec = tools["time/get_current_time"].spec
            assert (spec.name, spec.source, spec.permission, spec.effect) == (
                "get_current_time",
                "mcp time",
                "ask",
                "runs",
            )
            assert spec.parameters["required"] == ["timezone"]
            assert '"Asia/Shanghai"' in (await call(tools["time/get_current_time"], timezone="Asia/Shanghai")).text
            wrong = await call(tools["time/get_current_time"], timezone="Nowhere")
            assert wrong.failed
            assert "Nowhere" in wrong.text
            assert (await call(tools["time/get_current_time"])).failed
            log = await call(tools["git/git_log"], repo_path=str(repository))
            assert "first" in log.text
            fetched = await call(tools["fetch/fetch"], url=page)
            assert "Some words" in fetched.text
            prompts = {prompt.name: prompt for prompt in await box.prompts()}
            assert prompts["fetch:fetch"].required == ["url"]
            assert "Some words" in await box.prompt("fetch:fetch", {"url": page})

    run(work)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_everything_over_stdio(tmp_path: Path) -> None:
    """The reference server: pictures, structured results, progress, cancelling, prompts and resources."""
    text = _node("everything") + _node("filesystem", str(tmp_path)) + '[tools.read_file]\ncommand = "cat {file}"\n'
    (tmp_path / "note.txt").write_text("in the folder", encoding="utf-8")

    async def work() -> None:
        async with open_box(text, tmp_path) as (box, tools):
            names = {tool.spec.key: tool.spec.name for tool in tools.values()}
            assert names["read_file/read_file"] == "read_file_read_file"
            assert names["filesystem/read_file"] == "filesystem_read_file"
            assert names["everything/echo"] == "echo"
            picture = await call(tools["everything/get-tiny-image"])
            assert picture.parts[0]["image_url"]["url"].startswith("data:image/png;base64,")
            structured = await call(tools["everything/get-structured-content"], location="Chicago")
            assert "temperature" in structured.text
            linked = await call(tools["everything/get-resource-reference"], resourceType="Text", resourceId=1)
            assert "resource" in linked.text.lower()
            assert "gptchat" not in (await call(tools["everything/get-env"])).text.lower().replace(
                str(tmp_path), ""
            )
            steps: list[str] = []
            arguments = {"duration": 0.4, "steps": 4}
            await tools["everything/trigger-long-running-operation"].call(arguments, steps.append)
            assert steps[-1].endswith("4/4")
            task = asyncio.create_task(
                call(tools["everything/trigger-long-running-operation"], duration=30, steps=3)
            )
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await call(tools["everything/echo"], message="天 after")).text == "Echo: 天 after"
            note = await call(tools["filesystem/read_text_file"], path=str(tmp_path / "note.txt"))
            assert note.text == "in the folder"
            assert (await call(tools["filesystem/read_text_file"], path="/etc/passwd")).failed
            prompts = {prompt.name: prompt for prompt in await box.prompts()}
            assert list(prompts["everything:args-prompt"].arguments) == ["city", "state"]
            assert "Oslo" in await box.prompt("everything:args-prompt", {"city": "Oslo"})
            resources = await box.resources()
            contents = await box.resource(resources[0].name)
            assert contents[0].name == resources[0].name
            assert len(contents[0].text) > 100
            assert box.troubles() == []

    run(work)


def test_everything_over_http(tmp_path: Path) -> None:
    """The same server at an address: list, call, picture, progress; a call after its end fails and says so."""
    script = _script("everything")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def start() -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PORT": str(port)}
        process = subprocess.Popen(
            ["node", str(script), "streamableHttp"],
            env=environ,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        limit = time.monotonic() + 15
        while time.monotonic() < limit:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.02)
        raise AssertionError("the server does not start")

    process = start()
    text = f'[mcp.web]\nurl = "http://127.0.0.1:{port}/mcp"\nheaders = {{X-Try = "1"}}\ntimeout = 3\n'

    async def work() -> None:
        async with open_box(text, tmp_path) as (box, tools):
            assert box.troubles() == []
            assert (await call(tools["web/echo"], message="hi")).text == "Echo: hi"
            assert (await call(tools["web/get-tiny-image"])).parts
            steps: list[str] = []
            await tools["web/trigger-long-running-operation"].call({"duration": 0.2, "steps": 2}, steps.append)
            assert steps
            process.kill()
            process.wait()
            assert (await call(tools["web/echo"], message="hi")).failed

    try:
        run(work)
    finally:
        process.kill()
        process.wait()


ODD = f'command = "{sys.executable}"\nargs = ["{Path(__file__).with_name("odd_server.py")}", "%s"]\n'


def _odd(mode: str, name: str = "odd") -> str:
    return f"[mcp.{name}]\n{ODD % mode}"


def test_death_is_told_and_mended_once(tmp_path: Path) -> None:
    """A call that the server's end cut is not repeated; the server starts once more, told, and no third time."""

    async def work() -> None:
        async with open_box(_odd("plain"), tmp_path) as (box, tools):
            cut = await call(tools["odd/die"])
            assert cut.failed
            assert "ended during the call" in cut.text
            assert (await call(tools["odd/text"])).failed is False
            (line,) = box.troubles()
            assert "started again" in line
            assert "something broke" in line
            assert (await call(tools["odd/die"])).failed
            again = await call(tools["odd/text"])
            assert again.failed
            assert "ended again" in again.text
            assert [tool.spec.key for tool in await box.tools()] == []
            assert len(box.troubles()) == 1

    run(work)


def test_a_real_server_that_is_killed_comes_back(tmp_path: Path) -> None:
    """A server that dies between two calls is started again before the next, which then runs."""

    async def work() -> None:
        async with open_box(_node("filesystem", str(tmp_path)), tmp_path) as (box, tools):
            allowed = tools["filesystem/list_allowed_directories"]
            process = box._servers["filesystem"]._process
            assert process is not None
            process.kill()
            await process.ended.wait()
            assert str(tmp_path) in (await call(allowed)).text
            assert any("started again" in line for line in box.troubles())

    run(work)


def test_a_changed_server_is_opened_anew(tmp_path: Path) -> None:
    """A server whose settings change, or that is taken out, is stopped, and the new one is used."""

    async def work() -> None:
        async with open_box(_odd("plain"), tmp_path) as (box, _tools):
            first = box._servers["odd"]
            box._settings.set("set", "mcp.odd.only", ["text"])
            assert list(await by_key(box)) == ["odd/text"]
            assert box._servers["odd"] is not first
            box._settings.set("set", "tools.use", "off")
            assert await box.tools() == []
            assert box._servers == {}

    run(work)


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    """The rest works; each trouble says which server, why, and where to look; a noisy one fills no disk."""
    text = '[mcp.nobin]\ncommand = "/does/not/exist"\n' + _odd("silent", "silent") + _odd("noisy", "noisy")
    text += '[mcp.half]\nargs = ["x"]\n[mcp.var]\ncommand = "x"\nenv = {A = "$NOT_THERE"}\n'

    async def work() -> None:
        async with open_box(text, tmp_path) as (box, tools):
            assert {tool.spec.group for tool in tools.values()} == {"noisy"}
            told = "\n".join(box.troubles())
            for part in (
                "nobin",
                "there is no program /does/not/exist",
                "no key",
                "either command or url",
                "NOT_THERE",
            ):
                assert part in told
            assert len(told.splitlines()) == 4
            await box.tools()
            assert box.troubles() == []
        assert (tmp_path / "data" / "logs" / "mcp-noisy.log").stat().st_size < 100_000
        assert (tmp_path / "data" / "logs" / "mcp-silent.log").read_text(encoding="utf-8") == "no key\n"

    run(work)


def test_what_a_server_says_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, descriptions, schemas and results of any kind and size are cleaned and bounded, and allow nothing."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")

    async def work() -> None:
        async with open_box(_odd("hostile", "bad") + _odd("plain"), tmp_path) as (_box, tools):
            for tool in tools.values():
                spec = tool.spec
                assert len(spec.name) <= 64
                assert spec.name.replace("_", "").replace("-", "").isalnum()
                assert len(spec.description) <= 2_000
                assert len(str(spec.parameters)) < 60_000
                assert not any(sign in str(spec.definition()) for sign in ("\x1b", "\u202e", "\x00", "10.0.0.1"))
                assert (spec.permission, spec.effect) == ("ask", "runs")
            assert "bad/time/get_current_time" in tools
            text = (await call(tools["odd/text"])).text
            assert "Approved" in text
            assert not any(sign in text for sign in ("\x1b", "\u202e", "\x00"))
            assert len((await call(tools["odd/flood"])).text) < 300_000
            binary = await call(tools["odd/binary"])
            assert binary.parts == []
            assert binary.text.count("not shown") == 2
            seen = (await call(tools["odd/environment"])).text
            assert "PATH" in seen
            assert "OPENAI" not in seen
            endless = await call(tools["odd/line"])
            assert endless.failed

    run(work)


def test_a_changed_list_is_read_again(tmp_path: Path) -> None:
    """A server that says its tools are others now has them listed anew before the next turn."""

    async def work() -> None:
        async with open_box(_odd("plain"), tmp_path) as (box, tools):
            assert "odd/new" not in tools
            await call(tools["odd/more"])
            assert "odd/new" in {tool.spec.key for tool in await box.tools()}

    run(work)


def test_only_wanted_servers_start(tmp_path: Path) -> None:
    """With tools off, or others named, nothing is started."""
    for use, started in (("off", 0), ("odd", 1), ("odd/text", 1), ("builtin", 0), ("auto", 1), ("text", 1)):
        text = f'[tools]\nuse = "{use}"\n' + _odd("plain")

        async def work(text: str = text, started: int = started) -> None:
            async with open_box(text, tmp_path) as (box, _tools):
                assert len(box._servers) == started

        run(work)


def test_files_of_other_programs(tmp_path: Path) -> None:
    """`mcpServers` of Claude and Cursor and `servers` of VS Code, with comments, are read and never written."""
    server = f'{{"command": "{sys.executable}", "args": ["{Path(__file__).with_name("odd_server.py")}", "plain"]'
    (tmp_path / "cursor.json").write_text(
        f'{{"mcpServers": {{"a": {server}, "env": {{"A": "pa$s"}}}}, "off": {{"command": "x", "disabled": true}}'
        "}}"
    )
    (tmp_path / "vscode.json").write_text(
        f'{{// mine\n"servers": {{"b": {server}}}, "a": {{"command": "no"}},}},}}'
    )
    (tmp_path / "broken.json").write_text("{")
    text = 'mcp_files = ["cursor.json", "vscode.json", "broken.json", "missing.json"]\n'

    async def work() -> None:
        async with open_box(text, tmp_path) as (box, tools):
            assert {tool.spec.group for tool in tools.values()} == {"a", "b"}
            told = box.troubles()
            assert ["broken.json" in one or "missing.json" in one for one in told] == [True, True]

    run(work)


def test_no_server_is_left_behind(tmp_path: Path) -> None:
    """After the box is closed no server runs, also where its opening was cut short."""

    async def work() -> None:
        async with open_box(_odd("plain"), tmp_path) as (box, _tools):
            server: McpServer = box._servers["odd"]
        assert server._process is not None
        assert server._process.status == 0
        async with open_box('[tools]\nuse = "off"\n' + _odd("plain"), tmp_path) as (box, _tools):
            pass

    run(work)
