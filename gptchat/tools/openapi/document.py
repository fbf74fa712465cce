"""A document of the settings: reads it once, and calls its operations with a key that goes to its server alone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import find_key
from gptchat.core.tooling import Effect, Permission, ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, GptchatError, UsageError
from gptchat.files import read_regular
from gptchat.redaction import redact
from gptchat.tools.environment import place
from gptchat.tools.openapi import reading
from gptchat.tools.text import failed, plain_text
from gptchat.values import replace
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext, reason

if TYPE_CHECKING:
    from gptchat.config.endpoints import NetworkSettings
    from gptchat.config.sources import ToolSource
    from gptchat.tools.openapi.reading import Operation, Scheme

_LARGEST = 50_000_000
"""Bytes of a document, at most; the largest public ones have about ten million."""
_SAFE = ("GET", "HEAD", "OPTIONS")


class OpenApi:
    """The operations of a document as tools. GET may run at once, others ask."""

    def __init__(self, source: ToolSource, network: NetworkSettings) -> None:
        self._source = source
        self._network = network
        self._tools: list[OperationTool] | None = None
        self.refused: Sequence[str] = ()
        """The operations that are not offered, with the reasons."""

    async def tools(self) -> Sequence[OperationTool]:
        """Its operations. Raises ConfigurationError if it cannot be read."""
        if self._tools is None:
            where = self._source.openapi
            text = await self._text(where)
            document = await to_thread(reading.parse, text, where)
            address = self._source.base_url or (where if "://" in where else "")
            found = await to_thread(reading.read, document, address)
            self.refused = found.refused
            wanted = [one for one in found.operations if self._is_wanted(one)]
            if not wanted:
                raise self._wrong(
                    ngettext(
                        "no operation of it can be offered; {n} is refused",
                        "no operation of it can be offered; {n} are refused",
                        len(found.refused),
                    ).format(n=len(found.refused))
                )
            self._tools = [OperationTool(self, one, self._spec(one, found.title)) for one in wanted]
        return self._tools

    async def call(self, operation: Operation, arguments: Mapping[str, Any]) -> ToolResult:
        """Send the request of an operation. Whatever goes wrong is a result."""
        import httpx2

        from gptchat.net.client import http_client

        try:
            address, headers, body = self._request(operation, arguments)
            headers, address = await to_thread(self._with_key, operation, headers, address)
            async with http_client(address, self._server(address), self._network) as client:
                response = await client.request(
                    operation.method, address, headers=headers, content=body, timeout=self._source.timeout
                )
                return _result(response)
        except GptchatError as error:
            return failed(error)
        except httpx2.TimeoutException:
            return failed(
                _("{name} did not answer within {seconds:g} s").format(
                    name=urlsplit(operation.server).netloc, seconds=self._source.timeout
                )
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return failed(f"{type(error).__name__}: {error}")

    async def _text(self, where: str) -> str:
        try:
            if "://" in where:
                from gptchat.net.client import http_client

                async with http_client(where, None, replace(self._network, max_reply=_LARGEST)) as client:
                    response = await client.get(where, headers={"Accept-Encoding": "identity"})
                    if response.is_error:
                        raise self._wrong(_("the server answered {status}").format(status=response.status_code))
                    return response.text
            path = place(where, self._source.folder)
            data = await to_thread(read_regular, path, _LARGEST)
            return data.decode("utf-8-sig", "replace")
        except OSError as error:
            raise self._wrong(reason(error)) from error
        except GptchatError:
            raise
        except Exception as error:
            raise self._wrong(str(error) or type(error).__name__) from error

    def _request(
        self, operation: Operation, arguments: Mapping[str, Any]
    ) -> tuple[str, dict[str, str], bytes | None]:
        """The address, headers and body of a request. Raises UsageError."""
        path, query, headers, cookies = operation.path, [], {"Accept": "application/json, */*"}, []
        left = dict(arguments)
        for one in operation.parameters:
            if one.key not in left:
                if one.required:
                    raise UsageError(_("the argument {name} is missing").format(name=one.key))
                continue
            pairs = list(reading.texts(one, left.pop(one.key)))
            match one.place:
                case "path":
                    value = quote(pairs[0][1] if pairs else "", safe="")
                    if value in ("", ".", ".."):
                        raise UsageError(_("the argument {name} does not fit a path").format(name=one.key))
                    path = path.replace(f"{{{one.name}}}", value)
                case "query":
                    query += pairs
                case "header":
                    headers[one.name] = _line(pairs[0][1] if pairs else "")
                case "cookie":
                    cookies += [f"{name}={quote(text)}" for name, text in pairs]
        body: bytes | None = None
        if operation.body:
            given: Any = left if operation.spread else left.get("body")
            if given is not None:
                headers["Content-Type"] = operation.body
                body = _encoded(given, operation.body)
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        if not operation.server:
            raise UsageError(
                _("the document names no server"), hint=_("set base_url in {table}").format(table=self._table)
            )
        address = operation.server + path + (f"?{urlencode(query)}" if query else "")
        return address, headers, body

    def _with_key(self, operation: Operation, headers: dict[str, str], address: str) -> tuple[dict[str, str], str]:
        """The request with the key of the settings, if there is one. Raises ConfigurationError."""
        source = self._source
        if not (source.key_env or source.key_command or source.key_file):
            return headers, address
        file = str(place(source.key_file, source.folder)) if source.key_file else ""
        named = ProviderSettings(
            source.name,
            "compatible",
            api_key_env=source.key_env,
            api_key_command=source.key_command,
            api_key_file=file,
        )
        key = find_key(named, Path(os.devnull), os.environ)
        if key is None:
            raise ConfigurationError(
                _("there is no key for {table}").format(table=self._table),
                hint=_("set the variable {name}").format(name=source.key_env),
            )
        schemes: Sequence[Scheme] = operation.schemes or [reading.Scheme("bearer")]
        scheme = schemes[0]
        match scheme.kind:
            case "header":
                headers[scheme.name] = key.value
            case "query":
                address += f"{'&' if '?' in address else '?'}{urlencode({scheme.name: key.value})}"
            case "cookie":
                cookie = f"{scheme.name}={key.value}"
                headers["Cookie"] = f"{headers['Cookie']}; {cookie}" if "Cookie" in headers else cookie
            case "basic":
                text = key.value if ":" in key.value else f"{key.value}:"
                headers["Authorization"] = "Basic " + base64.b64encode(text.encode()).decode()
            case _:
                headers["Authorization"] = f"Bearer {key.value}"
        return headers, address

    def _server(self, address: str) -> ProviderSettings:
        """Settings with which the client follows no redirect to another server: it would get the key."""
        return ProviderSettings(self._source.name, "compatible", base_url=address)

    def _is_wanted(self, operation: Operation) -> bool:
        only = self._source.only
        return not only or any(fnmatchcase(operation.own_name, one) for one in only)

    def _spec(self, operation: Operation, title: str) -> ToolSpec:
        safe = operation.method in _SAFE
        effect: Effect = "reads" if safe else "changes"
        permission: Permission = "allow" if safe else "ask"
        source = f"openapi {title or self._source.name}"
        return ToolSpec(
            operation.name,
            operation.description,
            operation.schema,
            source,
            self._source.name,
            effect,
            permission,
            own_name=operation.own_name,
        )

    @property
    def _table(self) -> str:
        return f"[tools.{self._source.name}]"

    def _wrong(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            _("{table}: {path} cannot be read: {why}").format(
                table=self._table, path=redact(self._source.openapi), why=plain_text(redact(why), 300)
            )
        )


class OperationTool:
    """An operation of the document."""

    def __init__(self, document: OpenApi, operation: Operation, spec: ToolSpec) -> None:
        self._document = document
        self._operation = operation
        self.spec = spec

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Send its request."""
        return await self._document.call(self._operation, arguments)


def _encoded(value: Any, mime: str) -> bytes:
    if mime == "text/plain":
        return reading.plain(value).encode()
    if mime.endswith("urlencoded"):
        pairs = value.items() if isinstance(value, Mapping) else [("body", value)]
        return urlencode([(str(key), reading.plain(one)) for key, one in pairs]).encode()
    return json.dumps(value, ensure_ascii=False).encode()


def _line(text: str) -> str:
    """A header's value. Raises UsageError for one with a line end."""
    if "\n" in text or "\r" in text or "\0" in text:
        raise UsageError(_("a header takes no line end"))
    return text.encode("latin-1", "replace").decode("latin-1")


def _result(response: Any) -> ToolResult:
    """The answer of a server: its text, behind its status if that is an error."""
    mime = response.headers.get("content-type", "").partition(";")[0].strip()
    if mime.startswith("image/"):
        data = base64.b64encode(response.content).decode()
        return ToolResult("", [{"type": "image_url", "image_url": {"url": f"data:{mime};base64,{data}"}}])
    text = plain_text(redact(response.text))
    if response.is_success:
        return ToolResult(text or _("(no output)"))
    return ToolResult(f"HTTP {response.status_code} {response.reason_phrase}\n{text}".rstrip(), failed=True)
