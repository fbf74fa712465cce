"""One MCP server, over stdio or streamable HTTP: opened in a task of its own, and restarted once if it dies."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from gptchat.config.sources import resolve
from gptchat.core.attachments import Attachment
from gptchat.core.tooling import ServerPrompt, ServerResource, ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, ConnectionFailedError, GptchatError, UsageError
from gptchat.files import make_folder, open_private
from gptchat.tools.environment import environment, place
from gptchat.tools.servers import results
from gptchat.tools.servers.transports import Closing
from gptchat.tools.text import described, failed, plain_text, schema_of, tool_name
from gptchat.words import _

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.config.endpoints import NetworkSettings
    from gptchat.config.sources import ServerSettings
    from gptchat.core.tooling import Effect

_OPENING = 30.0
"""Seconds in which a server must have opened: many are downloaded at their first start."""
_CLOSING = 5.0
_T = TypeVar("_T")


class Server:
    """A server of the settings. `log` is the file for what a started one writes on standard error.

    Calls that fail because the server died are not repeated: they may have had an effect.
    """

    def __init__(self, settings: ServerSettings, network: NetworkSettings, log: Path) -> None:
        self.settings = settings
        self._network = network
        self._log = log
        self._client: Any = None
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._leave = asyncio.Event()
        self._restarts = 0
        self._tools: list[ServerTool] | None = None
        self.troubles: list[str] = []

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.settings.name

    def start(self) -> None:
        """Begin to open it; returns at once."""
        if self._task is None:
            self._leave = asyncio.Event()
            ready = self._ready = asyncio.get_running_loop().create_future()
            ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever waits raises it
            self._task = asyncio.create_task(self._serve(ready))

    async def tools(self) -> Sequence[ServerTool]:
        """Its tools; waits until it is open. Raises GptchatError if it cannot be opened."""
        if self._tools is None:
            client = await self._opened()
            found, cursor = [], None
            while True:
                page = await self._answered(client.list_tools(cursor=cursor))
                found += page.tools
                cursor = page.next_cursor
                if not cursor or len(found) > 1000:
                    break
            self._tools = [ServerTool(self, self._spec(tool)) for tool in found if self._is_wanted(tool.name)]
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call a tool. Whatever goes wrong is a result."""
        heard = asyncio.Event()

        async def tell(done: float, total: float | None, message: str | None) -> None:
            heard.set()
            share = f"{done / total:.0%}" if total else f"{done:g}"
            progress(f"{share} {plain_text(message or '', 200)}".strip())

        try:
            client = await self._opened()
            work = client.call_tool(name, dict(arguments), progress_callback=tell)
            return results.result_of(await self._patiently(work, heard))
        except GptchatError as error:
            return failed(error)

    async def prompts(self) -> list[ServerPrompt]:
        """Its prompts; none from a server without them. Raises GptchatError."""
        client = await self._opened()
        if client.server_capabilities.prompts is None:
            return []
        page = await self._answered(client.list_prompts())
        return [
            ServerPrompt(
                f"{self.name}:{prompt.name}",
                described(prompt.description),
                [one.name for one in prompt.arguments or ()],
                [one.name for one in prompt.arguments or () if one.required],
            )
            for prompt in page.prompts
        ]

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of a prompt, filled. Raises GptchatError."""
        client = await self._opened()
        got = await self._answered(client.get_prompt(name, dict(arguments)))
        texts = [results.text_of(message.content) for message in got.messages]
        return plain_text("\n\n".join(text for text in texts if text))

    async def resources(self) -> list[ServerResource]:
        """What it lists to attach; none from a server without resources. Raises GptchatError."""
        client = await self._opened()
        if client.server_capabilities.resources is None:
            return []
        page = await self._answered(client.list_resources())
        return [
            ServerResource(f"{self.name}:{one.uri}", described(one.title or one.name), one.mime_type or "")
            for one in page.resources
        ]

    async def resource(self, uri: str) -> list[Attachment]:
        """The contents of a resource. Raises GptchatError."""
        client = await self._opened()
        got = await self._answered(client.read_resource(uri))
        return results.attachments_of(f"{self.name}:{uri}", got.contents)

    async def close(self) -> None:
        """Stop it, or leave it alone if others run it."""
        task, self._task = self._task, None
        if task is None:
            return
        self._leave.set()
        done, _pending = await asyncio.wait([task], timeout=_CLOSING)
        if not done:
            task.cancel()
            await asyncio.wait([task], timeout=_CLOSING)
        if task.done() and not task.cancelled():
            task.exception()  # nobody waits for it any more

    async def _serve(self, ready: asyncio.Future[None]) -> None:
        """Hold the connection open until `close`; in one task, as the SDK demands."""
        try:
            from mcp import Client
        except ImportError:
            ready.set_exception(
                ConfigurationError(
                    _("MCP servers need the extra mcp, which is not installed"),
                    hint=_("install it: pip install 'gptchat[mcp]'"),
                )
            )
            return
        try:
            async with (
                asyncio.timeout(_OPENING) as opening,
                self._transport() as transport,
                Client(transport, message_handler=self._heard, cache=None) as client,
            ):
                opening.reschedule(None)
                self._client = client
                ready.set_result(None)
                await self._leave.wait()
        except BaseException as error:
            self._client = None
            if ready.done():
                return  # it was closed, or died: whoever calls it finds out
            if isinstance(error, GptchatError):
                ready.set_exception(error)
            elif isinstance(error, asyncio.CancelledError):
                ready.cancel()
            else:
                ready.set_exception(self._unopened(error))
        finally:
            self._client = None

    def _transport(self) -> Any:
        settings = self.settings
        settings.check()
        if settings.url:
            from mcp.client.streamable_http import streamable_http_client

            from gptchat.net.client import http_client

            http = http_client(settings.url, None, self._network)
            for name, value in settings.headers.items():
                http.headers[name] = resolve(value, os.environ.get)
            return Closing(http, streamable_http_client(settings.url, http_client=http))
        from mcp import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=settings.command,
            args=list(settings.args),
            env=environment(settings.env),
            cwd=place(settings.cwd, settings.folder) if settings.cwd else None,
            encoding_error_handler="replace",
        )
        make_folder(self._log.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        log = os.fdopen(open_private(self._log, flags), "w", encoding="utf-8", errors="replace")
        return Closing(log, stdio_client(parameters, errlog=log))

    async def _heard(self, message: Any) -> None:
        """Note that the list of tools has changed; it is asked for again."""
        if "ToolListChanged" in type(getattr(message, "root", message)).__name__:
            self._tools = None

    async def _opened(self) -> Any:
        """The connection, once it is there. A server that died is started again, once. Raises GptchatError."""
        if self._task is not None and self._task.done() and self._client is None and self._was_open():
            if self._restarts:
                raise ConnectionFailedError(
                    _("the MCP server {name} ended again").format(name=self.name), hint=self._look()
                )
            self._restarts += 1
            self._task, self._tools = None, None
            self.troubles.append(
                _("the MCP server {name} ended and was started again; {hint}").format(
                    name=self.name, hint=self._look()
                )
            )
        self.start()
        assert self._ready is not None
        await asyncio.shield(self._ready)
        if self._client is None:
            return await self._opened()
        return self._client

    def _was_open(self) -> bool:
        ready = self._ready
        return ready is not None and ready.done() and not ready.cancelled() and ready.exception() is None

    async def _answered(self, work: Awaitable[_T]) -> _T:
        """The answer to a request. Raises GptchatError."""
        return await self._patiently(work, asyncio.Event())

    async def _patiently(self, work: Awaitable[_T], heard: asyncio.Event) -> _T:
        """The result of `work`, which may take `timeout` without a sign of life (`heard`). Raises GptchatError."""
        task = asyncio.ensure_future(work)
        serving = self._task
        assert serving is not None
        try:
            while True:
                heard.clear()
                await asyncio.wait(
                    [task, serving], timeout=self.settings.timeout, return_when=asyncio.FIRST_COMPLETED
                )
                if task.done():
                    return task.result()
                if serving.done():
                    raise self._died()
                if not heard.is_set():
                    raise UsageError(
                        _("{name} did not answer within {seconds:g} s").format(
                            name=self.name, seconds=self.settings.timeout
                        )
                    )
        except GptchatError:
            raise
        except Exception as error:
            if _has_ended(error):
                self._client = None
                self._leave.set()
                await asyncio.wait([serving], timeout=_CLOSING)
                raise self._died() from error
            raise UsageError(plain_text(str(error), 2_000) or type(error).__name__) from error
        finally:
            task.cancel()  # the SDK tells the server

    def _died(self) -> GptchatError:
        return ConnectionFailedError(_("the MCP server {name} ended").format(name=self.name), hint=self._look())

    def _unopened(self, error: BaseException) -> GptchatError:
        while isinstance(error, BaseExceptionGroup) and error.exceptions:
            error = error.exceptions[0]
        if isinstance(error, FileNotFoundError):
            why = _("there is no program {name}").format(name=self.settings.command)
        elif isinstance(error, TimeoutError):
            why = _("it did not answer within {seconds:g} s").format(seconds=_OPENING)
        else:
            why = plain_text(str(error), 300) or type(error).__name__
        return ConnectionFailedError(
            _("the MCP server {name} could not be opened: {why}").format(name=self.name, why=why),
            hint=self._look(),
        )

    def _look(self) -> str:
        if self.settings.url:
            return _("is it running at {address}?").format(address=self.settings.url.partition("?")[0])
        return _("what it said is in {file}").format(file=self._log)

    def _is_wanted(self, name: str) -> bool:
        return not self.settings.only or any(fnmatchcase(name, one) for one in self.settings.only)

    def _spec(self, tool: Any) -> ToolSpec:
        """The tool as we see it. What a server says of itself (`readOnlyHint`) is told, and decides nothing."""
        reads = getattr(tool.annotations, "read_only_hint", None) is True
        effect: Effect = "reads" if reads else "runs"
        parameters = schema_of(tool.input_schema)
        text = described(tool.description or tool.title)
        return ToolSpec(
            tool_name(tool.name), text, parameters, f"mcp {self.name}", self.name, effect, own_name=tool.name
        )


class ServerTool:
    """A tool of a server."""

    def __init__(self, server: Server, spec: ToolSpec) -> None:
        self._server = server
        self.spec = spec

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it. Cancelling tells the server."""
        return await self._server.call(self.spec.own_name, arguments, progress)


def _has_ended(error: Exception) -> bool:
    """Whether a request failed because the connection to the server is closed."""
    from mcp.types import CONNECTION_CLOSED

    if type(error).__name__ in ("ClosedResourceError", "BrokenResourceError", "EndOfStream"):
        return True
    return getattr(error, "code", None) == CONNECTION_CLOSED
