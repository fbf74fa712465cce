"""The built-in tools: they stay in the folder, out of private networks, and ask."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.core.tooling import Tool, ToolResult
from gptchat.core.tooling.choice import fits, offered
from gptchat.tools.shelf import ToolShelf
from tests.tools.boxes import box_of, call, open_box, run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    (here / "note.txt").write_text("words \x1b[31m天", encoding="utf-8")
    (here / ".env").write_text("KEY=1", encoding="utf-8")
    (here / "private.pem").write_text("x", encoding="utf-8")
    (tmp_path / "outside.txt").write_text("secret", encoding="utf-8")
    (here / "link").symlink_to(tmp_path / "outside.txt")
    (here / "up").symlink_to(tmp_path)
    monkeypatch.chdir(here)
    return tmp_path


def _call(folder: Path, name: str, settings: str = "", **arguments: object) -> ToolResult:
    async def work() -> ToolResult:
        async with open_box(f'[tools]\nuse = "on"\n{settings}', folder) as (_box, tools):
            return await call(tools[f"builtin/{name}"], **arguments)

    return run(work)


def test_they_are_offered_when_asked_for(folder: Path) -> None:
    """A plain chat offers none; `on`, the group or a name does. Reading may run, the rest asks."""
    for use, names in (
        ("auto", []),
        ("off", []),
        ("on", ["fetch_page", "read_file", "list_folder", "run_command"]),
        ("builtin", ["fetch_page", "read_file", "list_folder", "run_command"]),
        ("read_file, builtin/list_folder,nothing", ["read_file", "list_folder"]),
    ):
        box = box_of(f'[tools]\nuse = "{use}"', folder)
        tools, unknown = offered(asyncio.run(_tools(box)), use)
        assert [tool.spec.name for tool in tools] == names
        assert unknown == (["nothing"] if "nothing" in use else [])
    specs = {tool.spec.name: tool.spec for tool in asyncio.run(_tools(box_of('[tools]\nuse = "on"', folder)))}
    assert {name: spec.permission for name, spec in specs.items()} == {
        "fetch_page": "ask",
        "read_file": "allow",
        "list_folder": "allow",
        "run_command": "ask",
    }
    assert specs["run_command"].always_asks
    assert fits("builtin", specs["read_file"])
    assert fits("builtin/read_file", specs["read_file"])
    assert not fits("read_file", specs["read_file"])


async def _tools(box: ToolShelf) -> list[Tool]:
    return list(await box.tools())


@pytest.mark.parametrize(
    "path",
    ["../outside.txt", "link", "up/outside.txt", "/etc/passwd", "~/x", "sub/../../outside.txt", ".env", "sub"],
)
def test_no_file_outside_or_secret_is_read(path: str, folder: Path) -> None:
    """Neither `..`, a link nor an absolute path leaves the folder; what holds keys is not read either."""
    result = _call(folder, "read_file", path=path)
    assert result.failed
    assert "secret" not in result.text
    assert "KEY=1" not in result.text


def test_files_and_folders_are_read(folder: Path) -> None:
    """What is in the folder is read and listed, without what is denied, hidden by a link or holds keys."""
    assert _call(folder, "read_file", path="note.txt").text == "words 天"
    assert _call(folder, "read_file", '[attach]\ndeny = ["note*"]\n', path="note.txt").failed
    listed = _call(folder, "list_folder", '[attach]\ndeny = ["*.pem"]\n', path=".").text
    assert listed.splitlines() == ["note.txt (14 B)", "sub/"]
    assert _call(folder, "list_folder", path="..").failed
    assert _call(folder, "list_folder", path="up").failed


@pytest.fixture
def site() -> Iterator[str]:
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html><script>bad()</script><h1>Title</h1><p>Readable &amp; plain.</p></html>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing is logged."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_pages_are_readable_and_inner_addresses_refused(folder: Path, site: str) -> None:
    """A page is its readable text; an inner address is refused unless attach.allow names it."""
    allowed = f'[attach]\nallow = ["{site}/*"]\n'
    text = _call(folder, "fetch_page", allowed, address=f"{site}/page").text
    assert "Readable & plain." in text
    assert "bad()" not in text
    for address in (site, "http://localhost/", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://x"):
        assert _call(folder, "fetch_page", address=address).failed


def test_commands_run_in_the_shell(folder: Path) -> None:
    """run_command runs a line and tells its status; nothing of the environment's keys is there."""
    assert _call(folder, "run_command", command="echo a | tr a b").text == "b"
    assert _call(folder, "run_command", command="exit 4").text == "[exit status 4]"
    assert _call(folder, "run_command").failed
