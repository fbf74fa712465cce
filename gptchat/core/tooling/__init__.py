"""Tools that a model may call: what one is, what a call returns, and the port that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gptchat.core.attachments import Attachment
    from gptchat.core.messages import Part

Effect = Literal["reads", "changes", "runs"]
"""What a call may do: read only, change something, or run a program. A front end tells it when it asks."""

Permission = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model and the person see it.

    `name` is unique among the tools that are offered and matches `[a-zA-Z0-9_-]{1,64}`. `parameters` is a JSON
    Schema of type object. `source` says where the tool is from, for people: `built in`, `python weather.py`,
    `command`, `openapi shop`, `mcp time`. `group` is the name in the settings (`[tools.NAME]`, `[mcp.NAME]`),
    by which all its tools are named together. `permission` is what holds until the person says otherwise.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    source: str
    group: str
    effect: Effect = "runs"
    permission: Permission = "ask"
    own_name: str = ""
    """The name by which its source knows it, if that differs from `name`."""
    always_asks: bool = False
    """Whether `allow` is never remembered for it, such as for a tool that runs any command."""

    @property
    def key(self) -> str:
        """`GROUP/TOOL`: by this a permission is remembered.

        `name` may pass to another tool when a source comes or goes; this never does.
        """
        return f"{self.group}/{self.own_name or self.name}"

    def definition(self) -> dict[str, Any]:
        """The tool in the format of the chat API: `{"type": "function", "function": {...}}`."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call returned: its text, for the model and the person; and pictures and other parts, if any.

    `failed` says that the text is an error that the model is told.
    """

    text: str
    parts: Sequence[Part] = ()
    failed: bool = False


class Tool(Protocol):
    """A tool that can be called."""

    @property
    def spec(self) -> ToolSpec:
        """What it is."""

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Run it. `progress` takes one line about how far it is. Cancelling the task stops what it runs.

        Whatever goes wrong is a result with `failed`; raises no exception besides CancelledError.
        """


@dataclass(frozen=True, slots=True)
class ServerPrompt:
    """A prompt that a server offers. `name` is `SERVER:PROMPT`, `arguments` are its variables."""

    name: str
    description: str
    arguments: Sequence[str] = ()
    required: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ServerResource:
    """What a server offers to attach: `@NAME:uri` in a message, with `NAME` the server's."""

    name: str
    """`NAME:uri`."""
    title: str
    mime: str = ""


class ToolBox(Protocol):
    """All tools of the settings, whatever their source."""

    def start(self) -> None:
        """Begin to open the sources behind the prompt; needs a running event loop, and returns at once."""

    async def prompts(self) -> Sequence[ServerPrompt]:
        """The prompts of the servers: slash commands."""

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of a prompt, filled. Raises GptchatError."""

    async def resources(self) -> Sequence[ServerResource]:
        """The resources that the servers list."""

    async def resource(self, name: str) -> Sequence[Attachment]:
        """The contents of the resource `NAME:uri`. Raises GptchatError."""

    async def tools(self) -> Sequence[Tool]:
        """The tools that are ready, in the order of the settings; waits for servers that are starting.

        A source that fails is missing from the list, and `troubles` tells why.
        """

    def troubles(self) -> Sequence[str]:
        """One line for each source that failed since the last call, or was restarted: what, why, what to do."""

    async def close(self) -> None:
        """Stop all servers. The box cannot be used afterwards."""


class NoTools:
    """A box without tools."""

    def start(self) -> None:
        """There is nothing to open."""

    async def prompts(self) -> Sequence[ServerPrompt]:
        """None."""
        return ()

    async def prompt(self, name: str, _arguments: Mapping[str, str]) -> str:
        """There is none."""
        raise UsageError(_("there is no prompt {name}").format(name=name), hint=_("/tools lists what there is"))

    async def resources(self) -> Sequence[ServerResource]:
        """None."""
        return ()

    async def resource(self, name: str) -> Sequence[Attachment]:
        """There is none."""
        raise UsageError(_("there is no resource {name}").format(name=name), hint=_("/tools lists what there is"))

    async def tools(self) -> Sequence[Tool]:
        """None."""
        return ()

    def troubles(self) -> Sequence[str]:
        """None."""
        return ()

    async def close(self) -> None:
        """Nothing is open."""
