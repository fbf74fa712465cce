"""The settings of tools and servers: tables beside plain values, names, and what may set them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.config.flags import parse as parse_flags
from gptchat.config.settings import Settings
from gptchat.config.sources import resolve
from gptchat.config.write import remove_table, write_value
from gptchat.errors import ConfigurationError, UsageError
from tests.config.support import settings_of

FILE = """
mcp_files = ["cursor.json", "~/claude.json"]
[tools]
approve = "always"
allow = ["time/now"]
[tools.weather]
python = "weather.py"
[tools."dotted.name"]
command = "date -d {day}"
env = {TOKEN = "$WORK_TOKEN"}
[mcp.time]
command = "uvx"
args = ["mcp-server-time"]
"""


def test_tables_stand_beside_plain_values(tmp_path: Path) -> None:
    """`[tools]` holds its own settings and tools by name, which know the folder of the file."""
    settings = settings_of(FILE, tmp_path)
    assert (settings.tools.approve, settings.tools.allow) == ("always", ("time/now",))
    assert [(one.name, one.kind, one.folder) for one in settings.tool_sources()] == [
        ("weather", "python", str(tmp_path)),
        ("dotted.name", "command", str(tmp_path)),
    ]
    (server,) = settings.mcp_servers()
    assert (server.command, server.args) == ("uvx", ("mcp-server-time",))
    assert settings.mcp_files() == [str(tmp_path / "cursor.json"), "~/claude.json"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tools.approve]\ncommand = "x"', "[tools.approve] cannot have that name"),
        ('[tools.on]\ncommand = "x"', "[tools.on] cannot have that name"),
        ('[mcp.builtin]\ncommand = "x"', "[mcp.builtin] cannot have that name"),
        ('[tools.a]\ncommand = "x"\n[mcp.a]\ncommand = "x"', "[mcp.a] cannot have that name"),
        ('[tools]\naprove = "ask"', "unknown setting tools.aprove"),
        ('[tools.a]\ncomand = "x"', "unknown setting tools.a.comand"),
        ("[tools]\nrounds = 0", "tools.rounds is a whole number from 1 to 1000"),
        ('tools = "on"', "[tools] holds tables only"),
    ],
)
def test_a_name_with_two_meanings_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """What cannot be meant is an error that names the table or the setting."""
    with pytest.raises(ConfigurationError) as error:
        settings_of(text, tmp_path)
    assert said in error.value.message


def test_a_tool_is_one_thing(tmp_path: Path) -> None:
    """A table with two sources, or none, says so when it is used; so does a server."""
    for text in ('[tools.a]\npython = "a.py"\ncommand = "x"', "[tools.a]\ntimeout = 3"):
        with pytest.raises(ConfigurationError, match="needs one of"):
            assert settings_of(text, tmp_path).tool_sources()[0].kind
    with pytest.raises(ConfigurationError, match="either command or url"):
        settings_of("[mcp.a]\ntimeout = 3", tmp_path).mcp_servers()[0].check()


def test_no_session_and_no_person_names_a_program(tmp_path: Path) -> None:
    """Only the settings file and this run name what is run: a session may choose among tools, and nothing more."""
    settings = settings_of("", tmp_path)
    sources = {"tools.x.command": "rm -rf /", "mcp.x.command": "sh", "mcp_files": ["/tmp/x.json"]}
    trust = {"tools.approve": "always", "tools.allow": ["x"], "tools.deny": []}
    settings.replace_layer("session", {"tools.use": "x", **sources, **trust})
    settings.replace_layer("user", {"tools.allow": ["time/now"], **{k: v for k, v in sources.items() if "." in k}})
    assert set(settings.ignored) == {*sources, *trust}
    assert (settings.tools.use, settings.tools.approve, settings.tools.allow) == ("x", "ask", ("time/now",))
    assert (settings.tool_sources(), settings.mcp_servers(), settings.mcp_files()) == ([], [], [])


def test_flags_choose_tools(tmp_path: Path) -> None:
    """`--tools` and `--approve` are settings of the run."""
    settings = settings_of("", tmp_path)
    settings.use_options(parse_flags(["--tools", "time,weather", "--approve=never", "hello"]))
    assert (settings.tools.use, settings.tools.approve) == ("time,weather", "never")
    with pytest.raises(UsageError):
        parse_flags(["--approve", "maybe"])


def test_values_of_headers_and_variables_are_not_shown(tmp_path: Path) -> None:
    """`/config` names the variables of a tool and never shows what they hold."""
    settings = settings_of(
        '[mcp.x]\nurl = "http://x/mcp"\nheaders = {Authorization = "Bearer abcdefgh"}', tmp_path
    )
    assert "abcdefgh" not in settings.shown("mcp.x.headers")


@pytest.mark.parametrize("text", ["", "[ui]\nvi = true\n", '[tools.a]\ncommand = "x"\n', "[tools]\nrounds = 3\n"])
def test_written_files_read_the_same(text: str, tmp_path: Path) -> None:
    """Plain values and tables of `[tools]` are written into any file, and taken out again."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    write_value(path, "tools.approve", "never")
    write_value(path, "tools.search.command", "grep {text}")
    settings = settings_of(path.read_text(encoding="utf-8"), tmp_path)
    assert (settings.tools.approve, settings.tool_sources()[-1].command) == ("never", "grep {text}")
    remove_table(path, "tools", "search")
    write_value(path, "tools.approve", None)
    settings = settings_of(path.read_text(encoding="utf-8"), tmp_path)
    assert (settings.tools.approve, "search" in settings.names("tools")) == ("ask", False)


def test_references_take_variables() -> None:
    """`$NAME`, `${NAME}`, `${env:NAME}` and `{env:NAME}` stand for a variable; one that is not set is an error."""
    held = {"A": "one", "B_2": "two"}.get
    assert resolve("x $A ${B_2}{env:A}${env:A} $$A $5", held) == "x one twooneone $A $5"
    with pytest.raises(ConfigurationError, match="MISSING"):
        resolve("$MISSING", held)


def test_groups_are_plain_values() -> None:
    """Without settings, only tools that a person set up are offered, and each call asks."""
    tools = Settings().tools
    assert (tools.use, tools.approve, tools.allow, tools.deny) == ("auto", "ask", (), ())
