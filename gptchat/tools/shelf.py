"""The shelf of all tools: opens what the settings name when tools are wanted, and gives each tool its own name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gptchat.config.sources import RESERVED
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
    from gptchat.tools.servers.server import McpServer


class _Source(Protocol):
    async def tools(self) -> Sequence[Tool]: ...


class _Single:
    """A source of one tool."""

    def __init__(self, tool: Tool) -> None:
        self._tools = (tool,)

    async def tools(self) -> Sequence[Tool]:
        """It."""
        return self._tools


class ToolShelf:
    """Implements `core.tooling.ToolBox` under the settings of the moment.

    `own` is what belongs to gptchat itself, which no tool reads; `logs` is the folder, in the data folder, of what
    servers write on their standard error. Nothing is opened or imported before `start` or the first question, and
    only the sources that `tools.use` may mean.
    """

    def __init__(self, settings: Settings, own: Sequence[Path], logs: Path) -> None:
        self._settings, self._own, self._logs = settings, own, logs
        self._sources: dict[tuple[str, object], _Source] = {}
        self._servers: dict[str, McpServer] = {}
        self._troubles: list[str] = []
        self._told: set[str] = set()
        self._closing: set[asyncio.Future[None]] = set()

    def start(self) -> None:
        """Begin to start the servers; returns at once."""
        for server in self._wanted_servers():
            server.start()

    async def tools(self) -> Sequence[Tool]:
        """The tools that are ready. A source that fails is missing, and `troubles` says why, once."""
        self.start()
        groups = self._groups()
        wanted = [group for group in groups if wants_group(self._settings.tools.use, group, list(groups))]
        lists = await asyncio.gather(*(self._tools_of(group, groups[group]) for group in wanted))
        found = [tool for tools in lists for tool in tools]
        names = unique_names((tool.spec.group, tool.spec.own_name or tool.spec.name) for tool in found)
        return [
            tool if tool.spec.name == name else _Renamed(tool, name)
            for tool, name in zip(found, names, strict=True)
        ]

    def troubles(self) -> Sequence[str]:
        """What went wrong since the last call, in lines."""
        lines, self._troubles = self._troubles, []
        return lines

    async def prompts(self) -> Sequence[ServerPrompt]:
        """The prompts of the servers."""
        return await self._of_servers(lambda server: server.prompts())

    async def resources(self) -> Sequence[ServerResource]:
        """The resources of the servers."""
        return await self._of_servers(lambda server: server.resources())

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of the prompt `SERVER:PROMPT`. Raises GptchatError."""
        server, own = self._named(name)
        return await server.prompt(own, arguments)

    async def resource(self, name: str) -> Sequence[Attachment]:
        """The contents of the resource `SERVER:uri`. Raises GptchatError."""
        server, uri = self._named(name)
        return await server.resource(uri)

    async def close(self) -> None:
        """Stop all servers, at once."""
        servers, self._servers = self._servers, {}
        await asyncio.gather(*(server.close() for server in servers.values()), *self._closing)

    def _groups(self) -> dict[str, Callable[[], _Source]]:
        """Every source by its name, in the order of the settings, and how it is opened."""
        groups: dict[str, Callable[[], _Source]] = {}
        for one in self._settings.tool_sources():
            groups[one.name] = partial(self._source, one)
        for server in self._known_servers():
            groups.setdefault(server.name, partial(self._server, server))
        groups[BUILTIN] = self._builtin
        return groups

    def _known_servers(self) -> list[ServerSettings]:
        """The servers of the settings, then those of other programs' files whose names are free."""
        servers = {one.name: one for one in self._settings.mcp_servers()}
        if files := self._settings.mcp_files():
            from gptchat.tools.servers.files import read_servers

            for file in files:
                try:
                    for one in read_servers(file):
                        servers.setdefault(one.name, one)
                except GptchatError as error:
                    self._complain(error)
        taken = {one.name for one in self._settings.tool_sources()} | RESERVED
        return [one for one in servers.values() if one.name not in taken]

    def _wanted_servers(self) -> list[McpServer]:
        use = self._settings.tools.use
        known = self._known_servers()
        groups = [BUILTIN, *(one.name for one in self._settings.tool_sources()), *(one.name for one in known)]
        wanted = [one for one in known if wants_group(use, one.name, groups)]
        for name in self._servers.keys() - {one.name for one in wanted}:
            self._retire(self._servers.pop(name))
        return [self._server(one) for one in wanted]

    async def _tools_of(self, group: str, source: Callable[[], _Source]) -> Sequence[Tool]:
        try:
            opened = source()
            found = await opened.tools()
        except GptchatError as error:
            self._complain(error, group)
            return ()
        for note in getattr(opened, "notes", ()):
            self._say(note)
        return found

    def _source(self, one: ToolSource) -> _Source:
        """The source of a table, opened once as long as the table says the same. Raises ConfigurationError."""
        says = (one.name, repr(one))
        if says not in self._sources:
            kind = one.kind
            if kind == "python":
                from gptchat.tools.python_files import PythonFile

                self._sources[says] = PythonFile(one)
            elif kind == "command":
                from gptchat.tools.commands import CommandTool

                self._sources[says] = _Single(CommandTool(one))
            else:
                from gptchat.tools.openapi.calls import ApiDocument

                self._sources[says] = ApiDocument(one, self._settings, self._logs.parent)
        return self._sources[says]

    def _server(self, one: ServerSettings) -> McpServer:
        known = self._servers.get(one.name)
        if known is None or known.settings != one:
            if known is not None:
                self._retire(self._servers.pop(one.name))
            from gptchat.tools.servers.server import McpServer

            log = self._logs / f"mcp-{_file_name(one.name)}.log"
            self._servers[one.name] = McpServer(one, self._settings.network, log, self._say_always)
        return self._servers[one.name]

    def _retire(self, server: McpServer) -> None:
        """Stop a server whose settings changed, or that is not wanted any more; returns at once."""
        closing = asyncio.ensure_future(server.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _builtin(self) -> _Source:
        from gptchat.tools.builtin import Builtin

        return Builtin(self._settings, self._own)

    def _named(self, name: str) -> tuple[McpServer, str]:
        """The server that `SERVER:REST` names, and the rest. Raises UsageError."""
        for one in sorted(self._known_servers(), key=lambda one: -len(one.name)):
            if name.startswith(f"{one.name}:"):
                return self._server(one), name[len(one.name) + 1 :]
        raise UsageError(
            _("there is no server {name}").format(name=name.partition(":")[0]),
            hint=_("/tools lists what there is"),
        )

    async def _of_servers(self, ask: Callable[[McpServer], Any]) -> list[Any]:
        """What each wanted server answers, one after the other; one that fails is complained about."""
        found: list[Any] = []
        for server in self._wanted_servers():
            try:
                found += await ask(server)
            except GptchatError as error:
                self._complain(error, server.settings.name)
        return found

    def _complain(self, error: GptchatError, group: str = "") -> None:
        text = f"{error.message} · {error.hint}" if error.hint else error.message
        self._say(text if not group or group in text else f"{group}: {text}")

    def _say(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._troubles.append(line)

    def _say_always(self, line: str) -> None:
        self._troubles.append(line)


class _Renamed:
    """A tool under another name, since two have the same."""

    def __init__(self, tool: Tool, name: str) -> None:
        self._tool = tool
        own = tool.spec.own_name or tool.spec.name
        self.spec: ToolSpec = replace(tool.spec, name=name, own_name=own)

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it."""
        return await self._tool.call(arguments, progress)


def _file_name(name: str) -> str:
    return "".join(one if one.isalnum() and one.isascii() else "_" for one in name)[:60] or "server"
