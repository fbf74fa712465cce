"""One MCP server: started or reached behind the prompt, called, restarted once when it dies, stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gptchat import __version__, words
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.config.sources import resolve
from gptchat.core.attachments import Attachment
from gptchat.core.tooling import ServerPrompt, ServerResource, ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, GptchatError, UsageError
from gptchat.net.client import http_client
from gptchat.redaction import redact
from gptchat.tools.environment import environment, place
from gptchat.tools.servers.results import attachments_of, prompt_text, result_of
from gptchat.tools.servers.stdio import ServerProcess
from gptchat.tools.text import described, failed, plain_text, schema_of, tool_name
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.sources import ServerSettings

T = TypeVar("T")
_STARTING = 60.0
"""Seconds until a server must have told what it offers; `npx` and `uvx` may load it first."""
_PAGES, _MOST = 50, 2_000
_RESTARTS = 1


class McpServer:
    """A server of the settings. `tell` takes a line for the person, such as that it was restarted."""

    def __init__(
        self, settings: ServerSettings, network: NetworkSettings, log: Path | None, tell: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self._network, self._log, self._tell = network, log, tell
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Any] | None = None
        self._process: ServerProcess | None = None
        self._closing = asyncio.Event()
        self._starts = 0
        self._tools: list[McpTool] | None = None

    def start(self) -> None:
        """Begin to open it, if it is not open; returns at once."""
        if self._task is None:
            self._starts += 1
            self._tools = None
            self._closing = asyncio.Event()
            ready = self._ready = asyncio.get_running_loop().create_future()
            ready.add_done_callback(lambda one: one.cancelled() or one.exception())  # told to whoever asks
            self._task = asyncio.create_task(self._stay_open(ready, self._closing))

    async def close(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._closing.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({self._task}, timeout=8)
            self._task.cancel()

    async def tools(self) -> Sequence[McpTool]:
        """Its tools. Raises GptchatError."""
        client = await self._client()
        if self._tools is None:
            listed = await self._listed(client, client.list_tools, "tools") if _has(client, "tools") else []
            self._tools = [McpTool(self, self._spec(one)) for one in listed if self._is_wanted(one.name)]
        return self._tools

    async def prompts(self) -> list[ServerPrompt]:
        """Its prompts. Raises GptchatError."""
        client = await self._client()
        listed = await self._listed(client, client.list_prompts, "prompts") if _has(client, "prompts") else []
        return [
            ServerPrompt(
                f"{self.settings.name}:{one.name}",
                described(one.description or one.title),
                [item.name for item in one.arguments or ()],
                [item.name for item in one.arguments or () if item.required],
            )
            for one in listed
        ]

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of one of its prompts, filled. Raises GptchatError."""
        client = await self._client()
        return prompt_text(await self._within(client.get_prompt(name, dict(arguments))))

    async def resources(self) -> list[ServerResource]:
        """The resources it lists. Raises GptchatError."""
        client = await self._client()
        listed = (
            await self._listed(client, client.list_resources, "resources") if _has(client, "resources") else []
        )
        return [
            ServerResource(
                f"{self.settings.name}:{one.uri}", described(one.title or one.name), one.mime_type or ""
            )
            for one in listed
        ]

    async def resource(self, uri: str) -> list[Attachment]:
        """The contents of a resource. Raises GptchatError."""
        client = await self._client()
        answer = await self._within(client.read_resource(uri))
        return attachments_of(f"{self.settings.name}:{uri}", answer.contents)

    async def call(self, name: str, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call a tool, once. Whatever goes wrong is a result; a call that the server's end cut is not repeated."""
        from mcp import MCPError

        try:
            client = await self._client()
            async with asyncio.timeout(self.settings.timeout) as limit:
                loop = asyncio.get_running_loop()

                async def step(done: float, total: float | None, message: str | None) -> None:
                    limit.reschedule(loop.time() + self.settings.timeout)
                    share = f"{done:g}/{total:g}" if total else f"{done:g}"
                    progress(described(f"{message} ({share})" if message else share)[:200])

                return result_of(await client.call_tool(name, dict(arguments), progress_callback=step))
        except TimeoutError:
            seconds = f"{self.settings.timeout:g}"
            return failed(_("no answer within {seconds} s").format(seconds=seconds))
        except GptchatError as error:
            return failed(error)
        except MCPError as error:
            if await self._has_ended():
                return failed(
                    _("{name} ended during the call: whether it was done is not known").format(
                        name=self.settings.name
                    )
                )
            return failed(str(error))
        except Exception as error:  # the SDK's checks of what a server returns raise many kinds
            return failed(
                _("{name} answered what cannot be read: {why}").format(name=self.settings.name, why=_line(error))
            )

    async def _has_ended(self) -> bool:
        """Whether the server is gone, which may be seen a moment after its connection closed."""
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._process.ended.wait()
            return self._process.ended.is_set()
        return self._task is None or self._task.done()

    async def _client(self) -> Any:
        """The SDK's client of the running server. Raises GptchatError for one that does not start."""
        self._look_after()
        self.start()
        assert self._ready is not None
        ready = self._ready
        await asyncio.wait({ready})
        return ready.result()

    def _look_after(self) -> None:
        """Start a server that ended once more, and say so; one that ends again, or never ran, stays as it is."""
        if self._task is None or not (self._task.done() or (self._process and self._process.ended.is_set())):
            return
        ready = self._ready
        ran = ready is not None and ready.done() and not ready.cancelled() and ready.exception() is None
        if not ran:
            return
        name = self.settings.name
        why = self._process.last_words if self._process is not None else ""
        why = f" ({described(why)})" if why else ""
        self._closing.set()
        if self._starts > _RESTARTS:
            self._ready = asyncio.get_running_loop().create_future()
            self._ready.set_exception(
                ConfigurationError(_("{name} ended again{why}").format(name=name, why=why), hint=self._hint())
            )
            self._ready.exception()
            return
        self._tell(_("{name} ended{why} and was started again").format(name=name, why=why))
        self._task = None
        self.start()

    async def _stay_open(self, ready: asyncio.Future[Any], closing: asyncio.Event) -> None:
        """Hold the connection until it is closed or ends. The SDK wants all of it in one task."""
        try:
            from mcp import Client
            from mcp_types import Implementation
        except ImportError:
            ready.set_exception(
                ConfigurationError(
                    _("MCP servers need the extra “mcp”"),
                    hint="pip install 'gptchat[mcp]'",
                )
            )
            return
        process: ServerProcess | None = None
        try:
            self.settings.check()
            async with contextlib.AsyncExitStack() as stack:
                transport = await self._transport(stack)
                process = self._process
                client = Client(
                    transport,
                    client_info=Implementation(name="gptchat", version=__version__),
                    message_handler=self._notified,
                    cache=None,
                    mode="legacy" if self.settings.command else "auto",
                )
                async with asyncio.timeout(_STARTING):
                    await stack.enter_async_context(client)
                ready.set_result(client)
                waits = [asyncio.ensure_future(closing.wait())]
                if process is not None:
                    waits.append(asyncio.ensure_future(process.ended.wait()))
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for one in waits:
                    one.cancel()
        except asyncio.CancelledError:
            if not ready.done():
                ready.cancel()
            raise
        except BaseException as error:
            if not ready.done():
                ready.set_exception(self._wrong(error, process or self._process))

    async def _transport(self, stack: contextlib.AsyncExitStack) -> Any:
        """The SDK's transport to the server. Raises ConfigurationError."""
        one = self.settings
        if one.command:
            cwd = place(one.cwd, one.folder) if one.cwd else None
            command = str(place(one.command, one.folder)) if one.command.startswith((".", "~")) else one.command
            self._process = ServerProcess([command, *one.args], environment(one.env), cwd, self._log)
            return self._process.streams()
        import os

        from mcp.client.streamable_http import streamable_http_client

        headers = {name: resolve(value, os.environ.get) for name, value in one.headers.items()}
        client = http_client(one.url, ProviderSettings(name=f"mcp.{one.name}", kind="compatible"), self._network)
        client.headers.update(headers)
        await stack.enter_async_context(client)
        return streamable_http_client(one.url, http_client=client)

    async def _notified(self, message: Any) -> None:
        """The server says that its tools are others now."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._tools = None

    async def _listed(self, client: Any, ask: Callable[..., Awaitable[Any]], field: str) -> list[Any]:
        """All pages of a list, up to a bound."""
        found: list[Any] = []
        cursor = None
        for _page in range(_PAGES):
            answer = await self._within(ask(cursor=cursor))
            found += getattr(answer, field)
            if not (cursor := answer.next_cursor) or len(found) > _MOST:
                break
        return found[:_MOST]

    async def _within(self, asked: Awaitable[T]) -> T:
        """The answer to a request. Raises UsageError."""
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await asked
        except TimeoutError:
            raise UsageError(
                _("no answer within {seconds} s").format(seconds=f"{self.settings.timeout:g}")
            ) from None
        except Exception as error:
            raise UsageError(_("{name}: {reason}").format(name=self.settings.name, reason=_line(error))) from None

    def _spec(self, tool: Any) -> ToolSpec:
        one = self.settings
        # What a server says of its own tools (that they only read) does not count: each call asks.
        return ToolSpec(
            tool_name(tool.name),
            described(tool.description or tool.title),
            schema_of(tool.input_schema),
            f"mcp {one.name}",
            one.name,
            own_name=tool.name,
        )

    def _is_wanted(self, name: str) -> bool:
        return not self.settings.only or any(fnmatchcase(name, one) for one in self.settings.only)

    def _wrong(self, error: BaseException, process: ServerProcess | None) -> ConfigurationError:
        """Why it does not start, with the last line that it complained."""
        while isinstance(error, BaseExceptionGroup) and error.exceptions:
            error = error.exceptions[0]
        if isinstance(error, ConfigurationError):
            return error
        if isinstance(error, TimeoutError):
            why = _("no answer within {seconds} s").format(seconds=f"{_STARTING:g}")
        else:
            missing = isinstance(error, FileNotFoundError)
            why = words.reason(error) if isinstance(error, OSError) else _line(error)
            why = _("there is no program {name}").format(name=self.settings.command) if missing else why
        if process is not None and process.last_words:
            why = f"{why}: {described(process.last_words)}"
        name = self.settings.name
        return ConfigurationError(
            _("the MCP server {name} does not start: {why}").format(name=name, why=why), hint=self._hint()
        )

    def _hint(self) -> str:
        where = self.settings.origin or f"[mcp.{self.settings.name}]"
        if self._log is not None and self._log.exists():
            return _("see {place}; its messages are in {log}").format(place=where, log=self._log)
        return _("see {place}").format(place=where)


class McpTool:
    """A tool of a server."""

    def __init__(self, server: McpServer, spec: ToolSpec) -> None:
        self._server = server
        self.spec = spec

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it. Cancelling tells the server."""
        return await self._server.call(self.spec.own_name, arguments, progress)


def _has(client: Any, ability: str) -> bool:
    return getattr(client.server_capabilities, ability, None) is not None


def _line(error: BaseException) -> str:
    lines = plain_text(redact(str(error)), 2_000).strip().splitlines()
    return lines[0][:500] if lines else type(error).__name__
