"""`/tools` with real sources: what is listed, what is remembered, and what is written into the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gptchat.attachments import find_mentions
from gptchat.commands.templates.served import commands_of, values_in
from gptchat.commands.tools.sources import _derived, _read
from gptchat.core.tooling import ServerPrompt
from gptchat.errors import UsageError
from tests.support.program import command, compose_program, data, effects, running, settings_for
from tests.support.server import Server

WEATHER = '''"""Weather."""


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return "rain"
'''


@pytest.fixture
def config(tmp_path: Path, server: Server) -> str:
    """Settings with a Python file and a command as sources of tools."""
    (tmp_path / "weather.py").write_text(WEATHER)
    tables = '[tools.sky]\npython = "weather.py"\n[tools.list]\ncommand = "ls -- {folder}"\n'
    return settings_for(server.url) + tables


def test_tools_are_listed(tmp_path: Path, config: str) -> None:
    """A tool stands there with source, tokens and its permission; a source that fails is told."""
    program = compose_program(tmp_path, config + '[tools.gone]\npython = "no.py"\n')
    with running(program) as loop:
        shown = loop.run(command(program, "/tools"))
        found = data(loop.run(effects(program, "/tools")))
    assert "weather" in shown
    assert "python weather.py" in shown
    assert "asks" in shown
    assert "no.py" in shown
    assert [one["key"] for one in found["tools"]] == ["sky/weather", "list/list"]
    assert all(one["tokens"] > 5 and one["offered"] for one in found["tools"])


def test_permissions_are_remembered(tmp_path: Path, config: str) -> None:
    """What is allowed, asked about or denied holds in the next run, by the tool's source and not by its name."""
    with running(program := compose_program(tmp_path, config)) as loop:
        loop.run(command(program, "/tools allow weather"))
        loop.run(command(program, "/tools deny list"))
        assert program.services.settings.tools.allow == ("sky/weather",)
    with running(program := compose_program(tmp_path, config)) as loop:
        found = data(loop.run(effects(program, "/tools")))
        assert {one["key"]: (one["permission"], one["offered"]) for one in found["tools"]} == {
            "sky/weather": ("allow", True), "list/list": ("deny", False)
        }  # fmt: skip
        loop.run(command(program, "/tools ask sky"))
        assert program.services.settings.tools.allow == ()
        assert program.services.settings.tools.ask == ("sky",)
        with pytest.raises(UsageError, match="there is no tool wether") as error:
            loop.run(command(program, "/tools allow wether"))
        assert "weather" in error.value.hint


def test_tools_that_run_anything_are_not_allowed(tmp_path: Path, config: str) -> None:
    """`/tools allow run_command` is refused, since it would allow everything."""
    with running(program := compose_program(tmp_path, config)) as loop:
        loop.run(command(program, "/tools on"))
        with pytest.raises(UsageError, match="always asks"):
            loop.run(command(program, "/tools allow run_command"))


def test_on_and_off(tmp_path: Path, config: str) -> None:
    """Tools are switched off and on, all of them or one source, and only those that are on are offered."""

    def now(program: Any) -> list[str]:
        return [one["key"] for one in data(loop.run(effects(program, "/tools")))["tools"] if one["offered"]]

    with running(program := compose_program(tmp_path, config)) as loop:
        loop.run(command(program, "/tools off sky"))
        assert now(program) == ["list/list"]
        loop.run(command(program, "/tools on sky"))
        assert now(program) == ["sky/weather", "list/list"]
        assert "tools are off" in loop.run(command(program, "/tools off"))
        loop.run(command(program, "/tools on builtin"))
        assert now(program)[0].startswith("builtin/")
        assert not any(key.startswith("sky") for key in now(program))


def test_a_source_is_added_and_removed(tmp_path: Path, server: Server) -> None:
    """`/tools add` writes the source into the settings file and shows its tools; `/tools remove` takes it out."""
    (tmp_path / "weather.py").write_text(WEATHER)
    with running(program := compose_program(tmp_path, settings_for(server.url) + "# mine\n")) as loop:
        assert "weather" in loop.run(command(program, f"/tools add {tmp_path / 'weather.py'}", "sky"))
        loop.run(command(program, "/tools add", "ls -- {folder}", "list"))
        with pytest.raises(UsageError, match="cannot be the name"):
            loop.run(command(program, "/tools add pwd", "sky"))
        with pytest.raises(UsageError, match="there is no file"):
            loop.run(command(program, "/tools add no.py"))
        text = (tmp_path / "config.toml").read_text()
        assert "# mine" in text
        assert "[tools.sky]" in text
    with running(program := compose_program(tmp_path)) as loop:
        found = data(loop.run(effects(program, "/tools")))
        assert [one["key"] for one in found["tools"]] == ["sky/weather", "list/list"]
        loop.run(command(program, "/tools remove sky", "y"))
        assert "[tools.sky]" not in (tmp_path / "config.toml").read_text()
        assert [one["key"] for one in data(loop.run(effects(program, "/tools")))["tools"]] == ["list/list"]


def test_requests_are_counted_with_their_tools(tmp_path: Path, config: str) -> None:
    """/context, /status and /json count and show the tools of the next request, and nothing of them when off."""
    with running(program := compose_program(tmp_path, config)) as loop:
        assert data(loop.run(effects(program, "/context")))["tool_tokens"] > 20
        assert data(loop.run(effects(program, "/status")))["tools"] == 2
        names = [one["function"]["name"] for one in data(loop.run(effects(program, "/json")))["tools"]]
        assert names == ["weather", "list"]
        assert "weather" in loop.run(command(program, "/code"))
        loop.run(command(program, "/tools off"))
        assert data(loop.run(effects(program, "/context")))["tool_tokens"] == 0
        assert "tools" not in data(loop.run(effects(program, "/json")))


@pytest.mark.parametrize(
    ("what", "table", "values", "name"),
    [
        ("mcp uvx mcp-server-time -z", "mcp", {"command": "uvx", "args": ("mcp-server-time", "-z")}, "time"),
        ("mcp npx -y @modelcontextprotocol/server-everything", "mcp", None, "everything"),
        ("mcp http://localhost:8000/mcp", "mcp", {"url": "http://localhost:8000/mcp"}, "localhost"),
        ("https://api.example.com/v1.json", "tools", {"openapi": "https://api.example.com/v1.json"}, "api"),
        ("https://www.example.com/mcp", "mcp", {"url": "https://www.example.com/mcp"}, "example"),
        ("https://example.com/", "", {}, None),
        ("grep -rn -- {text} .", "tools", {"command": "grep -rn -- {text} ."}, "grep"),
        ("~/tools/my weather.py", "tools", {"command": "~/tools/my weather.py"}, None),
        ("'weather.py'", "tools", {"python": "weather.py"}, "weather"),
    ],
)  # fmt: skip
def test_what_is_added_is_recognised(
    what: str, table: str, values: dict[str, Any] | None, name: str | None
) -> None:
    """A file, a command, a document and a server are told apart by what is typed, and get a name from it."""
    found = _read(what)
    assert found[0] == table
    assert values is None or found[1] == values
    assert name is None or _derived(found[1]) == name


def test_prompts_of_servers_are_commands() -> None:
    """Each prompt is a command by its server and name; it takes the place of no other command."""
    prompts = [
        ServerPrompt("time:Brief Me", "A\nbrief", ["city", "tone"], ["city"]),
        ServerPrompt("time:brief_me", "the same name again"),
        ServerPrompt("he:lp", "", []),
        ServerPrompt("x:\x1b[2J", "", []),
    ]
    found = commands_of(prompts, {"he-lp"})
    assert list(found) == ["time-brief-me", "x-2j"]
    assert found["time-brief-me"].summary == "A brief (MCP server time)"
    assert values_in("Oslo very short", ["city", "tone"]) == {"city": "Oslo", "tone": "very short"}
    assert values_in("tone=short Oslo", ["city", "tone"]) == {"tone": "short", "city": "Oslo"}


def test_resources_of_servers_are_mentions(tmp_path: Path) -> None:
    """`@SERVER:uri` is a mention where there is such a server, and nothing where there is none."""
    text = "see @docs:file:///a/b.md, and @other:thing"
    assert [one.reference for one in find_mentions(text, tmp_path, servers=["docs"])] == ["docs:file:///a/b.md"]
    assert find_mentions("@docs: hello", tmp_path, servers=["docs"]) == []
