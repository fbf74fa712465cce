"""All tools of the settings: each source is read when a tool of it may be wanted, and told when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.core.tooling import ServerPrompt, ServerResource, Tool, ToolResult, ToolSpec
from gptchat.core.tooling.choice import BUILTIN, wants_group
from gptchat.errors import GptchatError, UsageError
from gptchat.tools.text import unique_names
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.config.sources import ServerSettings, ToolSource
    from gptchat.core.attachments import Attachment
    from gptchat.tools.servers.server import Server


class Named:
    """A tool under the name by which it is offered."""

    def __init__(self, tool: Tool, name: str) -> None:
        self._tool = tool
        spec = tool.spec
        self.spec: ToolSpec = replace(spec, name=name, own_name=spec.own_name or spec.name)

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it."""
        return await self._tool.call(arguments, progress)


class ToolShelf:
    """Implements `core.tooling.ToolBox`. The settings are read anew each time, so that a change holds at once.

    `own` is what belongs to gptchat itself, which no tool reads; servers' logs are in the folder `logs`.
    """

    def __init__(self, settings: Settings, own: Sequence[Path], logs: Path) -> None:
        self._settings = settings
        self._own = own
        self._logs = logs
        self._sources: dict[str, tuple[ToolSource, Any]] = {}
        self._servers: dict[str, Server] = {}
        self._troubles: list[str] = []
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to open the servers that are wanted."""
        for server in self._wanted_servers():
            server.start()

    async def tools(self) -> Sequence[Tool]:
        """The tools that are ready; waits for servers that are opening."""
        servers = self._wanted_servers()
        for server in servers:
            server.start()
        sources = self._settings.tool_sources()
        found: list[Tool] = []
        if self._wants(BUILTIN):
            from gptchat.tools.builtin import Builtin

            found += await Builtin(self._settings, self._own).tools()
        for source in sources:
            if self._wants(source.name):
                found += await self._tried(source.name, self._of_source, source)
        for listed in await asyncio.gather(*(self._tried(one.name, one.tools) for one in servers)):
            found += listed
        for server in servers:
            self._troubles += server.troubles
            server.troubles.clear()
        names = unique_names((tool.spec.group, tool.spec.own_name or tool.spec.name) for tool in found)
        return [Named(tool, name) for tool, name in zip(found, names, strict=True)]

    def troubles(self) -> Sequence[str]:
        """What went wrong since the last call."""
        told, self._troubles = list(dict.fromkeys(self._troubles)), []
        return told

    async def prompts(self) -> Sequence[ServerPrompt]:
        """The prompts of the servers that answer."""
        found: list[ServerPrompt] = []
        for server in self._wanted_servers():
            found += await self._tried(server.name, server.prompts)
        return found

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of a prompt. Raises GptchatError."""
        server, own = self._server_of(name)
        return await server.prompt(own, arguments)

    async def resources(self) -> Sequence[ServerResource]:
        """The resources of the servers that answer."""
        found: list[ServerResource] = []
        for server in self._wanted_servers():
            found += await self._tried(server.name, server.resources)
        return found

    async def resource(self, name: str) -> Sequence[Attachment]:
        """The contents of `NAME:uri`. Raises GptchatError."""
        server, uri = self._server_of(name)
        return await server.resource(uri)

    async def close(self) -> None:
        """Stop all servers."""
        servers, self._servers = self._servers, {}
        await asyncio.gather(*(server.close() for server in servers.values()), *self._closing)

    def _server_of(self, name: str) -> tuple[Server, str]:
        group, _colon, own = name.partition(":")
        for server in self._wanted_servers():
            if server.name == group:
                return server, own
        raise UsageError(
            _("there is no MCP server {name}").format(name=group), hint=_("/tools lists what there is")
        )

    async def _tried(self, name: str, read: Callable[..., Any], *arguments: Any) -> list[Any]:
        """What a source gives; nothing, and a trouble, if it fails."""
        try:
            return list(await read(*arguments))
        except GptchatError as error:
            self._troubles.append(f"{error.message}; {error.hint}" if error.hint else error.message)
            return []

    async def _of_source(self, source: ToolSource) -> Sequence[Tool]:
        """The tools of a source of ours, made once until its settings change. Raises ConfigurationError."""
        known = self._sources.get(source.name)
        if known is None or known[0] != source:
            known = self._sources[source.name] = (source, self._made(source))
        made = known[1]
        return [made] if hasattr(made, "call") and not hasattr(made, "tools") else list(await made.tools())

    def _made(self, source: ToolSource) -> Any:
        match source.kind:
            case "python":
                from gptchat.tools.python_files import PythonFile

                return PythonFile(source)
            case "command":
                from gptchat.tools.commands import CommandTool

                return CommandTool(source)
            case "openapi":
                from gptchat.tools.openapi.document import OpenApi

                return OpenApi(source, self._settings.network)

    def _wanted_servers(self) -> list[Server]:
        """The servers of the settings that may be wanted; one whose settings changed is opened anew."""
        listed = {one.name: one for one in reversed(self._listed())}
        wanted = {name: one for name, one in reversed(listed.items()) if self._wants(name)}
        for name in [name for name, server in self._servers.items() if wanted.get(name) != server.settings]:
            closing = asyncio.ensure_future(self._servers.pop(name).close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        for name, settings in wanted.items():
            if name not in self._servers:
                from gptchat.tools.servers.server import Server

                self._servers[name] = Server(settings, self._settings.network, self._logs / f"mcp-{name}.log")
        return [self._servers[name] for name in wanted]

    def _listed(self) -> list[ServerSettings]:
        """All servers: ours first, then those of other programs' files."""
        servers = self._settings.mcp_servers()
        for file in self._settings.mcp_files():
            from gptchat.tools.servers.files import servers_in

            try:
                servers += servers_in(file)
            except GptchatError as error:
                self._troubles.append(error.message)
        return servers

    def _wants(self, group: str) -> bool:
        settings = self._settings
        groups = [
            BUILTIN,
            *(one.name for one in settings.tool_sources()),
            *(one.name for one in settings.mcp_servers()),
        ]
        return wants_group(settings.tools.use, group, groups)
