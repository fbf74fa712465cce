"""Operations of a document as calls: arguments from parameters and bodies, and back into requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote, urlencode

from gptchat.errors import UsageError
from gptchat.tools.openapi.document import Document
from gptchat.values import dataclass, field
from gptchat.words import _

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json(?:;.*)?$", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"
Body = Literal["", "json", "form", "text"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: `argument` is its name for the model, which differs where a path and a query share one."""

    argument: str
    name: str
    place: str
    """`path`, `query`, `header` or `cookie`."""
    style: str
    explode: bool
    as_json: bool
    required: bool
    raw: bool
    """Whether reserved characters stay as they are in a query (allowReserved)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that can be called."""

    name: str
    method: str
    path: str
    description: str
    schema: Mapping[str, Any]
    parameters: Sequence[Parameter]
    body: Body
    body_type: str
    body_argument: str
    """The argument that is the whole body; empty if its fields are arguments, which are `body_fields`."""
    body_fields: Sequence[str]
    body_required: bool
    server: str
    """A server of its own; empty for the document's."""
    security: Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request: the path with its query, headers and body."""

    target: str
    headers: Mapping[str, str]
    content: bytes = field(default=b"", repr=False)


def operations_of(document: Document) -> tuple[list[Operation], list[str]]:
    """The operations that can be called, and a line for each part that is refused: what, and why."""
    found, refused = [], []
    for path, method, item, operation in document.operations():
        if method in ("head", "options", "trace"):
            refused.append(f"{method.upper()} {path}: {_('only GET, POST, PUT, PATCH and DELETE are called')}")
            continue
        try:
            found.append(_operation(document, path, method, item, operation))
        except UsageError as error:
            refused.append(f"{method.upper()} {path}: {error.message}")
    return found, refused


def _operation(
    document: Document, path: str, method: str, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Operation:
    """Raises UsageError for an operation that cannot be called."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    parameters = []
    for about in _parameters(document, item, operation):
        one, schema = _parameter(document, about, properties)
        if one.place == "header" and one.name.lower() in ("accept", "content-type", "authorization"):
            continue  # as OpenAPI says
        properties[one.argument] = schema
        if one.required:
            required.append(one.argument)
        parameters.append(one)
    if missing := {*re.findall(r"\{([^}]+)\}", path)} - {one.name for one in parameters if one.place == "path"}:
        raise UsageError(_("its path has no parameter {name}").format(name=sorted(missing)[0]))
    body, body_type, body_schema, body_required = _body(document, method, operation)
    argument, fields = "", list(_fields(body, body_schema, properties))
    if fields:
        properties |= body_schema["properties"]
        required += [one for one in fields if body_required and one in body_schema.get("required", ())]
    elif body:
        argument = "body" if "body" not in properties else "request_body"
        properties[argument] = body_schema
        if body_required:
            required.append(argument)
    texts = [str(operation.get(key) or "").strip() for key in ("summary", "description")]
    if operation.get("deprecated") is True:
        texts.append("Deprecated.")
    name = str(operation.get("operationId") or f"{method}_{path}")
    return Operation(
        name,
        method.upper(),
        path,
        "\n".join(text for text in dict.fromkeys(texts) if text) or f"{method.upper()} {path}",
        {"type": "object", "properties": properties, "required": required},
        parameters,
        body,
        body_type,
        argument,
        fields,
        body_required,
        document.server(operation) or document.server(item),
        document.schemes(operation),
    )


def _parameters(
    document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The parameters of the path and of the operation, which goes before."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for where in (item, operation):
        listed = where.get("parameters")
        for one in listed if isinstance(listed, list) else ():
            about = document.resolved(one)
            if about.get("in") in ("path", "query", "header", "cookie") and about.get("name"):
                found[about["in"], str(about["name"])] = about
    return list(found.values())


def _parameter(
    document: Document, about: Mapping[str, Any], taken: Mapping[str, Any]
) -> tuple[Parameter, dict[str, Any]]:
    place, name = str(about["in"]), str(about["name"])
    style = str(about.get("style") or ("form" if place in ("query", "cookie") else "simple"))
    explode = about.get("explode")
    content = document.resolved(about.get("content"))
    schema = document.schema(next(iter(content.values())).get("schema") if content else about.get("schema"))
    if description := about.get("description"):
        schema["description"] = str(description)
    argument = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:64]
    if argument in taken:
        argument = f"{place}_{argument}"[:64]
    one = Parameter(
        argument,
        name,
        place,
        style,
        style == "form" if explode is None else explode is True,
        bool(content),
        place == "path" or about.get("required") is True,
        about.get("allowReserved") is True,
    )
    return one, schema


def _body(document: Document, method: str, operation: Mapping[str, Any]) -> tuple[Body, str, dict[str, Any], bool]:
    """How the body is sent, its media type, its schema, and whether there must be one. Raises UsageError."""
    about = document.resolved(operation.get("requestBody"))
    content = document.resolved(about.get("content"))
    needed = about.get("required") is True
    ways: tuple[tuple[Body, Any], ...] = (
        ("json", _JSON.match),
        ("form", lambda one: one.split(";")[0].strip() == _FORM),
        ("text", lambda one: one.startswith("text/")),
    )
    for body, fits in ways:
        for media in content:
            if fits(str(media)):
                schema = document.schema(document.resolved(content[media]).get("schema"))
                return body, str(media), {"type": "string", **schema} if body == "text" else schema, needed
    if content and "*/*" in content:
        return "json", "application/json", document.schema(document.resolved(content["*/*"]).get("schema")), needed
    if content and (needed or method != "get"):
        raise UsageError(
            _("bodies of type {type} are not sent").format(type=_(", ").join(map(str, content))[:200])
        )
    return "", "", {}, False


def _fields(body: Body, schema: Mapping[str, Any], taken: Mapping[str, Any]) -> Iterable[str]:
    """The fields of a body that can be arguments of their own: those of a plain object, if no name is taken."""
    fields = schema.get("properties")
    if body not in ("json", "form") or not isinstance(fields, dict) or fields.keys() & taken.keys():
        return ()
    return () if schema.keys() & {"oneOf", "anyOf", "allOf", "additionalProperties"} else fields


def prepare(operation: Operation, arguments: Mapping[str, Any]) -> Prepared:
    """The request of a call. Raises UsageError for an argument that is missing or does not belong to it."""
    known = {one.argument for one in operation.parameters} | {operation.body_argument, *operation.body_fields}
    if unknown := [name for name in arguments if name not in known]:
        raise UsageError(_("there is no argument {name}").format(name=str(unknown[0])[:80]))
    path, query = operation.path, []
    headers: dict[str, str] = {}
    cookies = []
    for one in operation.parameters:
        value = arguments.get(one.argument)
        if value is None:
            if one.required:
                raise UsageError(_("the argument {name} is missing").format(name=one.argument))
            continue
        if one.place == "path":
            text = _in_path(one, value)
            if text in ("", ".", ".."):
                raise UsageError(_("the argument {name} cannot be empty or a dot").format(name=one.argument))
            path = path.replace(f"{{{one.name}}}", text)
        elif one.place == "query":
            query += _in_query(one, value)
        else:
            text = _joined(one, value, ",", encode=False)
            if re.search(r"[\x00-\x1f\x7f]", text):
                raise UsageError(_("the argument {name} holds a line break").format(name=one.argument))
            if one.place == "header":
                headers[one.name] = text
            else:
                cookies.append(f"{one.name}={quote(text, safe='')}")
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    content = b""
    if operation.body:
        body = arguments.get(operation.body_argument)
        if operation.body_fields:
            body = {key: arguments[key] for key in operation.body_fields if key in arguments}
            body = body if body or operation.body_required else None
        if body is None and operation.body_required:
            raise UsageError(_("the argument {name} is missing").format(name=operation.body_argument))
        if body is not None:
            content = _content(operation.body, body)
            headers["Content-Type"] = operation.body_type.split(";")[0].strip()
    return Prepared(path + ("?" + "&".join(query) if query else ""), headers, content)


def _content(body: Body, value: Any) -> bytes:
    if body == "form" and isinstance(value, Mapping):
        pairs = [(key, item) for key, one in value.items() for item in (one if isinstance(one, list) else [one])]
        return urlencode([(str(key), _plain(item)) for key, item in pairs]).encode()
    if body == "text" and isinstance(value, str):
        return value.encode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _plain(value: Any) -> str:
    """A value as it stands in an address: text unchanged, true and false in lower case, others as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _encoded(value: Any, *, raw: bool = False) -> str:
    return quote(_plain(value), safe="/:?@!$'()*,;" if raw else "", errors="replace")


def _joined(one: Parameter, value: Any, separator: str, *, encode: bool = True) -> str:
    """A value in one text: lists by `separator`, tables as `key,value` or `key=value` if exploded."""
    put = _encoded if encode else _plain
    if one.as_json:
        return put(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        inner = "=" if one.explode else ","
        return separator.join(f"{put(key)}{inner}{put(item)}" for key, item in value.items())
    return separator.join(put(item) for item in value) if isinstance(value, list) else put(value)


def _in_path(one: Parameter, value: Any) -> str:
    name = _encoded(one.name)
    if one.style == "label":
        return "." + _joined(one, value, "." if one.explode else ",")
    if one.style == "matrix":
        if one.explode and isinstance(value, list):
            return "".join(f";{name}={_encoded(item)}" for item in value)
        if one.explode and isinstance(value, Mapping):
            return "".join(f";{_encoded(key)}={_encoded(item)}" for key, item in value.items())
        return f";{name}={_joined(one, value, ',')}"
    return _joined(one, value, ",")


def _in_query(one: Parameter, value: Any) -> list[str]:
    """`name=value` pairs."""
    name = _encoded(one.name)

    def put(item: Any) -> str:
        return _encoded(item, raw=one.raw)

    if one.as_json:
        return [f"{name}={put(json.dumps(value, ensure_ascii=False))}"]
    if isinstance(value, Mapping):
        if one.style == "deepObject":
            return [f"{name}%5B{_encoded(key)}%5D={put(item)}" for key, item in value.items()]
        if one.explode:
            return [f"{_encoded(key)}={put(item)}" for key, item in value.items()]
        return [f"{name}={','.join(f'{put(key)},{put(item)}' for key, item in value.items())}"]
    if isinstance(value, list):
        if one.explode:
            return [f"{name}={put(item)}" for item in value]
        separator = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(one.style, ",")
        return [f"{name}={separator.join(put(item) for item in value)}"]
    return [f"{name}={put(value)}"]
