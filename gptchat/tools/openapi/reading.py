"""Reads an OpenAPI 3 document: its operations with references resolved, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from gptchat.errors import ConfigurationError
from gptchat.tools.text import described, schema_of, tool_name
from gptchat.values import dataclass, field
from gptchat.words import _

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_DEPTH = 12
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json(?:;.*)?\Z", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation. `place` is path, query, header or cookie; `key` its name as an argument."""

    key: str
    name: str
    place: str
    style: str
    explode: bool
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a key goes with a request: in a header, the query or a cookie, or as HTTP bearer or basic."""

    kind: str
    """`header`, `query`, `cookie`, `bearer` or `basic`."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as a tool. `body` is the media type of its request body, empty if it takes none."""

    name: str
    own_name: str
    method: str
    path: str
    description: str
    parameters: Sequence[Parameter]
    body: str
    spread: bool
    """Whether the properties of the body are arguments themselves; else the body is the argument `body`."""
    schema: Mapping[str, Any]
    schemes: Sequence[Scheme]
    server: str


@dataclass(slots=True)
class Read:
    """What a document offers, and the parts that are refused, with their reasons."""

    title: str
    operations: list[Operation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def parse(text: str, name: str) -> Mapping[str, Any]:
    """The document in JSON or YAML. Raises ConfigurationError if it is none of version 3."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = _yaml(text, name)
    version = document.get("openapi") if isinstance(document, Mapping) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise ConfigurationError(
            _("{name} is no OpenAPI 3 document").format(name=name),
            hint=_("an address often ends in /openapi.json; Swagger 2 documents need to be converted"),
        )
    return document  # type: ignore[no-any-return]  # it is a mapping, as its version was found


def _yaml(text: str, name: str) -> Any:
    if not re.search(r"(?m)^\s*[\"']?openapi[\"']?\s*:", text):
        return None
    try:
        import yaml
    except ImportError:
        raise ConfigurationError(
            _("{name} is YAML, which needs PyYAML").format(name=name),
            hint=_("install it: pip install pyyaml; a document in JSON needs nothing"),
        ) from None
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(text, Loader=loader)  # noqa: S506 - both are the safe one
    except (yaml.YAMLError, RecursionError):
        return None


def read(document: Mapping[str, Any], address: str) -> Read:
    """The operations of a document that was read from `address`."""
    found = Read(described(_mapping(document.get("info")).get("title")))
    resolver = _Resolver(document)
    for path, item in _mapping(document.get("paths")).items():
        try:
            entry = _mapping(resolver.resolved(item))
        except _Refused as refused:
            found.refused.append(f"{path}: {refused}")
            continue
        for method in _METHODS:
            operation = entry.get(method)
            if not isinstance(operation, Mapping):
                continue
            try:
                found.operations.append(_operation(resolver, str(path), method, entry, operation, address))
            except _Refused as refused:
                found.refused.append(f"{method.upper()} {path}: {refused}")
    return found


class _Refused(Exception):
    """The operation cannot be called; the text says why."""


def _operation(
    resolver: _Resolver,
    path: str,
    method: str,
    entry: Mapping[str, Any],
    operation: Mapping[str, Any],
    address: str,
) -> Operation:
    listed = [*_list(entry.get("parameters")), *_list(operation.get("parameters"))]
    own: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in map(resolver.resolved, listed):
        parameter = _mapping(one)
        own[str(parameter.get("in")), str(parameter.get("name"))] = parameter
    keys = [name for _place, name in own]
    parameters = [
        _parameter(resolver, parameter, f"{name}_{place}" if keys.count(name) > 1 else name)
        for (place, name), parameter in own.items()
        if place in ("path", "query", "header", "cookie") and name.lower() not in ("authorization", "content-type")
    ]
    properties: dict[str, Any] = {
        one.key: {**one.schema, **_described(own[one.place, one.name])} for one in parameters
    }
    required = [one.key for one in parameters if one.required]
    body, spread = "", False
    if (wanted := operation.get("requestBody")) is not None:
        given = _mapping(resolver.resolved(wanted))
        body, schema = _body(resolver, given)
        inner = _mapping(schema.get("properties"))
        spread = bool(inner) and not (inner.keys() & properties.keys()) and not schema.get("additionalProperties")
        if spread:
            properties |= inner
            required += [str(one) for one in _list(schema.get("required")) if one in inner]
        else:
            properties["body"] = schema
            required += ["body"] if given.get("required") else []
    name = operation.get("operationId")
    own_name = name if isinstance(name, str) and name else f"{method} {path}"
    texts = [operation.get("summary"), operation.get("description")]
    text = described("\n".join(one for one in texts if isinstance(one, str)) or f"{method.upper()} {path}")
    return Operation(
        tool_name(own_name),
        own_name,
        method.upper(),
        path,
        text,
        parameters,
        body,
        spread,
        schema_of({"type": "object", "properties": properties, "required": list(dict.fromkeys(required))}),
        _schemes(resolver, operation),
        _server(resolver, entry, operation, address),
    )


def _parameter(resolver: _Resolver, given: Mapping[str, Any], key: str) -> Parameter:
    place = str(given.get("in"))
    style = given.get("style")
    if not isinstance(style, str):
        style = "form" if place in ("query", "cookie") else "simple"
    explode = given.get("explode")
    content = _mapping(given.get("content"))
    schema = resolver.schema(given.get("schema", {}))
    if content:
        style, schema = "json", resolver.schema(_mapping(next(iter(content.values()))).get("schema", {}))
    return Parameter(
        key,
        str(given.get("name")),
        place,
        style,
        explode if isinstance(explode, bool) else style == "form",
        _mapping(schema),
        given.get("required") is True or place == "path",
    )


def _described(parameter: Mapping[str, Any]) -> dict[str, str]:
    text = parameter.get("description")
    return {"description": text} if isinstance(text, str) and text else {}


def _body(resolver: _Resolver, given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The media type in which a body is sent, and its schema."""
    content = _mapping(given.get("content"))
    for mime, media in content.items():
        if _JSON.match(mime) or mime == "*/*":
            return ("application/json" if mime == "*/*" else mime), _mapping(
                resolver.schema(_mapping(media).get("schema", {}))
            )
    for mime in (_FORM, "text/plain"):
        if mime in content:
            return mime, _mapping(resolver.schema(_mapping(content[mime]).get("schema", {})))
    if not content:
        return "", {}
    raise _Refused(_("its body is {mime}").format(mime=described(next(iter(content)))[:80]))


def _schemes(resolver: _Resolver, operation: Mapping[str, Any]) -> list[Scheme]:
    """The ways in which a key may go with the request, those that are asked for first."""
    known = _mapping(_mapping(resolver.document.get("components")).get("securitySchemes"))
    wanted = operation.get("security", resolver.document.get("security"))
    names = [name for one in _list(wanted) for name in _mapping(one)]
    if wanted is None:
        return []
    found = []
    for name in names:
        scheme = _mapping(resolver.resolved(known.get(name, {})))
        kind, place = scheme.get("type"), scheme.get("in")
        if kind == "apiKey" and place in ("header", "query", "cookie"):
            found.append(Scheme(str(place), str(scheme.get("name", ""))))
        elif kind == "http" and str(scheme.get("scheme", "")).lower() in ("bearer", "basic"):
            found.append(Scheme(str(scheme["scheme"]).lower()))
        elif kind in ("oauth2", "openIdConnect"):
            found.append(Scheme("bearer"))
    return found


def _server(resolver: _Resolver, entry: Mapping[str, Any], operation: Mapping[str, Any], address: str) -> str:
    """The base address of an operation, with the default values of its variables; relative to the document's."""
    for holder in (operation, entry, resolver.document):
        for server in _list(holder.get("servers")):
            given = _mapping(server)
            url = str(given.get("url", ""))
            for name, variable in _mapping(given.get("variables")).items():
                url = url.replace(f"{{{name}}}", str(_mapping(variable).get("default", "")))
            url = urljoin(address, url) if urlsplit(address).scheme in ("http", "https") else url
            if urlsplit(url).scheme in ("http", "https"):
                return url.rstrip("/")
    if urlsplit(address).scheme in ("http", "https"):
        return urljoin(address, "/").rstrip("/")
    return ""


class _Resolver:
    """Follows references within the document; one that leads to itself becomes any value."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def resolved(self, value: object) -> object:
        """The value that a reference stands for; other values as they are. Raises _Refused."""
        seen: list[str] = []
        while isinstance(value, Mapping) and isinstance(there := value.get("$ref"), str):
            if there in seen or len(seen) > _DEPTH:
                return {}
            seen.append(there)
            value = self._at(there)
        return value

    def schema(self, value: object, inside: tuple[str, ...] = ()) -> object:
        """A schema with its references put in."""
        while isinstance(value, Mapping) and isinstance(there := value.get("$ref"), str):
            if there in inside or len(inside) > _DEPTH:
                return {"type": "object"}
            inside = (*inside, there)
            value = self._at(there)
        if isinstance(value, Mapping):
            return {str(key): self.schema(one, inside) for key, one in value.items() if key not in _UNSENT}
        return [self.schema(one, inside) for one in value] if isinstance(value, list) else value

    def _at(self, there: str) -> object:
        if not there.startswith("#/"):
            raise _Refused(_("it refers to another document: {name}").format(name=described(there)[:200]))
        value: object = self.document
        for word in there[2:].split("/"):
            word = word.replace("~1", "/").replace("~0", "~")
            value = value.get(word) if isinstance(value, Mapping) else None
        if value is None:
            raise _Refused(_("there is no {name} in it").format(name=described(there)[:200]))
        return value


_UNSENT = frozenset(("example", "examples", "xml", "externalDocs", "discriminator", "readOnly", "writeOnly"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def texts(parameter: Parameter, value: object) -> Iterator[tuple[str, str]]:
    """The (name, text) pairs of an argument, by the parameter's style (OpenAPI 3.1, "Style Values")."""
    name, style, explode = parameter.name, parameter.style, parameter.explode
    if style == "json":
        yield name, json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Mapping):
        pairs = [(str(key), plain(one)) for key, one in value.items()]
        if style == "deepObject":
            yield from ((f"{name}[{key}]", one) for key, one in pairs)
        elif style == "form" and explode:
            yield from pairs
        else:
            joined = (
                [f"{key}={one}" for key, one in pairs] if explode else [word for pair in pairs for word in pair]
            )
            yield name, ",".join(joined)
    elif isinstance(value, list | tuple):
        words = [plain(one) for one in value]
        separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
        if explode and parameter.place in ("query", "cookie"):
            yield from ((name, word) for word in words)
        else:
            yield name, separator.join(words)
    else:
        yield name, plain(value)


def plain(value: object) -> str:
    """A value as a text in an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
