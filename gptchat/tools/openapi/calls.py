"""Calling operations: to the document's own server, with the key of the settings, and with limits."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from gptchat import __version__, redaction, words
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import find_key
from gptchat.core.tooling import ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, GptchatError
from gptchat.net.client import http_client
from gptchat.net.private_hosts import is_private, private_address
from gptchat.tools.openapi.document import Document, read_document
from gptchat.tools.openapi.operations import Operation, Prepared, operations_of, prepare
from gptchat.tools.pictures import picture_part
from gptchat.tools.text import MOST_TEXT, described, failed, plain_text, schema_of, tool_name
from gptchat.waiting import leavable
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

    from gptchat.config.settings import Settings
    from gptchat.config.sources import ToolSource

_MOST = 8_000_000
"""Bytes of an answer that are read: a picture may have them; of a text only its ends are told."""


class ApiDocument:
    """A document of the settings and its server."""

    def __init__(self, source: ToolSource, settings: Settings, data_dir: Path) -> None:
        self._source, self._settings, self._data_dir = source, settings, data_dir
        self._tools: list[ApiTool] | None = None
        self._server = ""
        self._trusted = True
        self._bearer = False
        """Whether the document says nothing of security: the key is then a bearer's."""
        self.notes: list[str] = []
        """What the person is told once: parts that are refused, a key that is not sent."""

    async def tools(self) -> Sequence[ApiTool]:
        """Its operations. Raises GptchatError for a document that cannot be used."""
        if self._tools is None:
            self._tools = await leavable(self._read)
        return self._tools

    def _read(self) -> list[ApiTool]:
        document = read_document(self._source.openapi, self._source.folder, self._settings.network)
        self._server = (self._source.base_url or document.server()).rstrip("/")
        if not self._server:
            raise ConfigurationError(
                _("{table}: its document names no server").format(table=f"[tools.{self._source.name}]"),
                hint=_("set base_url to the server's address"),
            )
        self._judge_server(document)
        self._bearer = not document.known_schemes
        operations, refused = operations_of(document)
        wanted = [one for one in operations if self._is_wanted(one)]
        if refused:
            more = _(" and {count} more").format(count=len(refused) - 3) if len(refused) > 3 else ""
            self.notes.append(
                _("{name}: not offered: {parts}").format(
                    name=self._source.name, parts=described("; ".join(refused[:3])) + more
                )
            )
        return [ApiTool(self, one, self._spec(one)) for one in wanted]

    def _judge_server(self, document: Document) -> None:
        """Whether the server may have the key, and be called at all. Raises ConfigurationError.

        A document from the web that names another host could send the key there; one inside must be named by
        the person.
        """
        host, home = urlsplit(self._server).hostname or "", urlsplit(document.address).hostname or ""
        if self._source.base_url or not document.address or host == home:
            return
        if private := private_address(host):
            raise ConfigurationError(
                _("{name}: its document leads to {address}, which is in a private network ({private})").format(
                    name=self._source.name, address=redaction.redact(self._server), private=private
                ),
                hint=_("set base_url to that address if you mean it"),
            )
        self._trusted = False
        if self._source.key_env or self._source.key_command or self._source.key_file:
            self.notes.append(
                _("{name}: the key is not sent to {host}, which only the document names; set base_url").format(
                    name=self._source.name, host=host
                )
            )

    def _is_wanted(self, one: Operation) -> bool:
        return not self._source.only or any(
            fnmatchcase(name, pattern) for name in (one.name, tool_name(one.name)) for pattern in self._source.only
        )

    def _spec(self, one: Operation) -> ToolSpec:
        reads = one.method == "GET"
        return ToolSpec(
            tool_name(one.name),
            described(one.description),
            schema_of(one.schema),
            f"openapi {self._source.name}",
            self._source.name,
            "reads" if reads else "changes",
            "allow" if reads else "ask",
            own_name=one.name,
        )

    async def call(self, operation: Operation, arguments: Mapping[str, Any]) -> ToolResult:
        """Send the request and tell the answer; 400 and above is a failure whose body is told."""
        import httpx2

        try:
            request = prepare(operation, arguments)
            async with asyncio.timeout(self._source.timeout):
                return await self._sent(operation, request)
        except TimeoutError:
            return failed(_("no answer within {seconds} s").format(seconds=f"{self._source.timeout:g}"))
        except GptchatError as error:
            return failed(error)
        except (OSError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            reason = words.reason(error) if isinstance(error, OSError) else str(error) or type(error).__name__
            return failed(_("{address} cannot be reached: {why}").format(address=self._server, why=reason))

    async def _sent(self, operation: Operation, request: Prepared) -> ToolResult:
        server = operation.server or self._server
        home = _origin(server) == _origin(self._server)
        headers = {"User-Agent": f"gptchat/{__version__}", "Accept": "application/json, text/*;q=0.9, */*;q=0.5"}
        headers |= request.headers
        target = server + request.target
        if home and self._trusted and (key := await leavable(self._key)):
            headers, target = _with_key(operation, key, headers, target)
            if self._bearer:
                headers["Authorization"] = f"Bearer {key}"
        settings = ProviderSettings(name=f"tools.{self._source.name}", kind="compatible")
        async with http_client(target, settings, self._settings.network) as client:
            sending = client.build_request(
                operation.method, target, headers=headers, content=request.content or None
            )
            response = await client.send(sending, stream=True)
            try:
                self._keep_out(response, home)
                return await _told(response)
            finally:
                await response.aclose()

    def _keep_out(self, response: httpx2.Response, home: bool) -> None:
        """Refuse an answer from a private network of a host that only the document names."""
        if home and self._trusted:
            return
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if peer and is_private(str(peer[0])):
            raise ConfigurationError(_("its server is in a private network ({private})").format(private=peer[0]))

    def _key(self) -> str:
        """The key of the settings; empty if they name none. Blocks. Raises ConfigurationError."""
        one = self._source
        if not (one.key_env or one.key_command or one.key_file):
            return ""
        named = ProviderSettings(
            name=f"tools.{one.name}",
            kind="compatible",
            api_key_env=one.key_env,
            api_key_command=one.key_command,
            api_key_file=str(Path(one.folder) / Path(one.key_file).expanduser()) if one.key_file else "",
        )
        found = find_key(named, self._data_dir, os.environ)
        if found is None:
            raise ConfigurationError(_("no key for {provider}").format(provider=one.name))
        return found.value


class ApiTool:
    """An operation."""

    def __init__(self, api: ApiDocument, operation: Operation, spec: ToolSpec) -> None:
        self._api, self._operation = api, operation
        self.spec = spec

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it. Cancelling closes the connection."""
        return await self._api.call(self._operation, arguments)


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _with_key(operation: Operation, key: str, headers: dict[str, str], target: str) -> tuple[dict[str, str], str]:
    """The request with the key where the operation's security wants it."""
    if operation.security and not all(operation.security):
        return headers, target  # anybody is let in
    for scheme in operation.security[0] if operation.security else ():
        kind, where, name = (str(scheme.get(part, "")) for part in ("type", "in", "name"))
        if kind == "apiKey" and name:
            if where == "query":
                target += ("&" if "?" in target else "?") + f"{quote(name, safe='')}={quote(key, safe='')}"
            elif where == "cookie":
                headers["Cookie"] = "; ".join(
                    filter(None, (headers.get("Cookie"), f"{name}={quote(key, safe='')}"))
                )
            else:
                headers[name] = key
        elif kind == "http" and str(scheme.get("scheme", "")).lower() == "basic":
            login = base64.b64encode((key if ":" in key else f"{key}:").encode()).decode()
            redaction.register(login)
            headers["Authorization"] = f"Basic {login}"
        elif kind in ("http", "oauth2", "openIdConnect"):
            headers["Authorization"] = f"Bearer {key}"
    return headers, target


async def _told(response: httpx2.Response) -> ToolResult:
    """The answer as a result; one that is no text is told by its size and type, but for pictures."""
    data, cut = bytearray(), False
    async for piece in response.aiter_raw():
        data += piece
        if len(data) > _MOST:
            cut = True
            break
    status = f"{response.status_code} {redaction.redact(response.reason_phrase)}".strip()
    mime = response.headers.get("content-type", "").split(";")[0].strip().lower()
    wrong = response.status_code >= 400
    if not wrong and not cut and (part := picture_part(bytes(data))):
        return ToolResult(_("a picture"), [part])
    textual = not mime or mime.startswith("text/") or any(one in mime for one in ("json", "xml", "yaml", "form"))
    if not textual and (b"\0" in data[:1000] or not _is_utf8(bytes(data[:1000]))):
        text = _("[{count} bytes of {type}, not shown]").format(count=f"{len(data):,}", type=described(mime)[:80])
    else:
        text = plain_text(data.decode(response.charset_encoding or "utf-8", "replace"), MOST_TEXT)
    if cut:
        text += "\n" + _("[cut: the answer is larger than {size}]").format(size="8 MB")
    if wrong:
        return failed(f"{status}\n{text}".strip())
    return ToolResult(text or status)


def _is_utf8(data: bytes) -> bool:
    try:
        data[: max(len(data) - 4, 0)].decode()
    except UnicodeDecodeError:
        return False
    return True
