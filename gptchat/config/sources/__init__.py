"""The settings of tools: `[tools]`, `[tools.NAME]` and `[mcp.NAME]`."""

# Annotations are not put off here: `setting.declared` reads the types themselves.

from collections.abc import Callable, Mapping
from typing import Literal

from gptchat.config.setting import Flag, setting
from gptchat.errors import ConfigurationError
from gptchat.values import dataclass, field
from gptchat.words import N_, _

RESERVED = frozenset(("on", "off", "auto", "none", "builtin"))
"""Names that no tool or server of the settings may have, beside those of the `[tools]` settings themselves."""

SENSITIVE = r"(?i)auth|key|token|secret|cookie|password"
"""What is in the name of a header or variable that holds a secret."""


@dataclass(frozen=True, eq=False, repr=False)
class FileSettings:
    """At the top of the file: which files of other programs are read as well."""

    mcp_files: tuple[str, ...] = setting(
        (), N_("Other programs' files of MCP servers (mcpServers), such as ~/.cursor/mcp.json; only read")
    )


@dataclass(frozen=True, eq=False, repr=False)
class ToolSettings:
    """`[tools]`: which tools a model may call, and when a person is asked."""

    use: str = setting(
        "auto",
        N_("Tools offered: on, off, auto (those that you set up), or names of tools and groups"),
        flag=Flag(N_("tools for this run: names, on or off"), "NAMES|on|off", name="--tools"),
        scope="chat",
    )
    approve: Literal["ask", "always", "never"] = setting(
        "ask",
        N_("Whether a call runs: once you agree, always or never; never holds for allowed ones, too"),
        flag=Flag(
            N_("whether calls of tools run; without a terminal ask means never"),
            name="--approve",
            choices=("ask", "always", "never"),
        ),
    )
    rounds: int = setting(
        20, N_("How many times in a turn the model may call tools before it has to answer"), 1, 1000
    )
    share: float = setting(0.3, N_("How much of the window tools and their results may fill"), 0.01, 0.9)
    allow: tuple[str, ...] = setting((), N_("Tools that run without a question, such as time/get_current_time"))
    ask: tuple[str, ...] = setting((), N_("Tools that always ask first"))
    deny: tuple[str, ...] = setting((), N_("Tools that never run and are not offered"))


@dataclass(frozen=True, slots=True)
class ToolSource:
    """`[tools.NAME]`: where tools come from. Exactly one of `python`, `command` and `openapi` is set."""

    name: str
    folder: str = field(default="", metadata={})
    """The folder from which relative paths start."""
    python: str = setting("", N_("A Python file whose public functions are tools"), example="weather.py")
    command: str = setting(
        "", N_("A command line; each {name} in it is an argument of the tool"), example="grep -rn -- {text} ."
    )
    openapi: str = setting(
        "",
        N_("An OpenAPI 3 document, a file or an address: its operations are tools"),
        example="http://localhost:8000/openapi.json",
    )
    description: str = setting("", N_("What the command does, for the model"), example="Searches the folder")
    only: tuple[str, ...] = setting(
        (), N_("Offer only the functions or operations that fit, * for any letters"), example=["get_*"]
    )
    timeout: float = setting(60.0, N_("Seconds that a call may take"), 0.1, 86_400)
    cwd: str = setting("", N_("The folder in which it runs; empty: the working folder"), example="~/notes")
    shell: bool = setting(False, N_("Whether the command line is run by a shell"), example=True)
    env: Mapping[str, str] = setting(
        {}, N_("Further environment variables; $NAME takes one of yours"), example={"TOKEN": "$WORK_TOKEN"}
    )
    base_url: str = setting(
        "", N_("OpenAPI: the server, instead of the document's"), example="http://localhost:8000"
    )
    key_env: str = setting("", N_("OpenAPI: the environment variable that holds the key"), example="SHOP_KEY")
    key_command: str = setting("", N_("OpenAPI: a command that prints the key"), example="pass show shop")
    key_file: str = setting("", N_("OpenAPI: a file that holds the key"), example="~/.shop-key")

    @property
    def kind(self) -> Literal["python", "command", "openapi"]:
        """Which of the three it is. Raises ConfigurationError unless exactly one is set."""
        kinds: tuple[Literal["python", "command", "openapi"], ...] = ("python", "command", "openapi")
        given = [kind for kind in kinds if getattr(self, kind).strip()]
        if len(given) != 1:
            raise ConfigurationError(
                _("{table} needs one of python, command and openapi").format(table=f"[tools.{self.name}]"),
                hint=_("take one line away") if given else _("name a file, a command line or a document"),
            )
        return given[0]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`[mcp.NAME]`: an MCP server, started by `command` or reached at `url`."""

    name: str
    folder: str = field(default="", metadata={})
    """The folder from which relative paths start."""
    origin: str = field(default="", metadata={})
    """The file of another program that names it; empty for our own settings."""
    command: str = setting("", N_("The program that is started"), example="uvx")
    args: tuple[str, ...] = setting((), N_("Its arguments"), example=["mcp-server-time"])
    env: Mapping[str, str] = setting(
        {}, N_("Further environment variables; $NAME takes one of yours"), example={"TOKEN": "$WORK_TOKEN"}
    )
    cwd: str = setting("", N_("The folder in which it runs; empty: the working folder"), example="~/notes")
    url: str = setting("", N_("Instead of a command: its address"), example="http://localhost:8000/mcp")
    headers: Mapping[str, str] = setting(
        {}, N_("Further HTTP headers; $NAME takes a variable"), example={"Authorization": "Bearer $WORK_TOKEN"}
    )
    only: tuple[str, ...] = setting((), N_("Offer only the tools that fit, * for any letters"), example=["get_*"])
    timeout: float = setting(60.0, N_("Seconds that a call may take without a sign of progress"), 0.1, 86_400)

    def check(self) -> None:
        """Raise ConfigurationError unless exactly one of `command` and `url` is set."""
        if bool(self.command.strip()) == bool(self.url.strip()):
            raise ConfigurationError(
                _("{table} needs either command or url").format(table=f"[mcp.{self.name}]"),
                hint=_("take one line away") if self.url else _("name a program or an address"),
            )


def is_reference(value: str) -> bool:
    """Whether a value of `env` or `headers` names a variable, rather than holding a secret itself."""
    return "$" in value or "{env:" in value


def resolve(value: str, environ: Callable[[str], str | None]) -> str:
    """`value` with `$NAME`, `${NAME}` and `{env:NAME}` replaced by variables; `$$` is a dollar sign.

    What a variable holds is masked from now on if its name says that it is a secret. Raises ConfigurationError for
    a variable that is not set.
    """
    import re  # only where there is a table with references

    from gptchat import redaction

    def put(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name = found[1] or found[2] or found[3]
        held = environ(name)
        if held is None:
            raise ConfigurationError(
                _("the environment variable {name} is not set").format(name=name),
                hint=_("set it before you start gptchat"),
            )
        if re.search(SENSITIVE, name):
            redaction.register(held)
        return held

    name = r"[A-Za-z_][A-Za-z0-9_]*"
    return re.sub(rf"\$\$|\$({name})|\$\{{(?:env:)?({name})\}}|\{{env:({name})\}}", put, value)
