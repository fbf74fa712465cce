"""Finds the error in what a server sent: one reader for all envelopes, streamed or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """A server's error, from any format. `code` and `type` are in lower case; `limit` and `requested` in tokens.

    Fields that the body lacks are empty or None.
    """

    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""
    status: int | None = None
    limit: int | None = None
    requested: int | None = None
    page: bool = False
    """Whether the body was a web page; `message` is its title."""
    filtered: tuple[str, ...] = ()
    """What a content filter found: Azure's categories or OpenRouter's reasons."""
    reasons: tuple[str, ...] = ()
    """Further codes: of Google's `details`, of the envelope around the error and of errors inside it."""
    wait: float | None = None
    """Seconds to wait, from Google's `RetryInfo`."""

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes and types, the most telling first."""
        return tuple(dict.fromkeys(filter(None, (self.code, self.type, *self.reasons))))


_MESSAGES = (
    "message", "msg", "error_description", "error_message", "error_msg", "errorMessage", "errorMsg", "err_msg",
    "status_msg", "Message", "detail", "details", "description", "error", "reason", "title", "fault",
    "faultstring",
)  # fmt: skip
"""Fields that hold the words of an error, the most telling first."""
_CODES = ("code", "error_code", "errorCode", "err_code", "errcode", "status_code", "Code", "http_code")
_TYPES = ("type", "error_type", "errorType", "__type", "status", "object")
_INSIDE = (
    "error", "errors", "base_resp", "BaseResp", "header", "Error", "response", "output", "fault", "exception",
    "detail", "message", "violations",
)  # fmt: skip
"""Fields that may hold the error itself, or a list of errors."""
_DEEPEST = 6
_LONGEST = 200_000  # characters of a body that are looked at


def read(body: Any, depth: int = 0) -> ErrorObject:
    """The error in a body: of any JSON envelope, a list, an event stream, text, XML, or a web page."""
    if isinstance(body, (bytes, bytearray)):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        return _in_text(body[:_LONGEST], depth)
    if not isinstance(body, (list, dict)):
        return ErrorObject("" if body is None else str(body))
    said = _in_list(body, depth) if isinstance(body, list) else _in_object(body, depth)
    if depth or said.message or said.filtered or not body:
        return said
    # Nothing in it is known: shown as it is
    return replace(said, message=re.sub(r"\\u00[01]\w", "", json.dumps(body, ensure_ascii=False)))


def _in_object(body: Mapping[str, Any], depth: int) -> ErrorObject:
    code, kind = _field(body, _CODES), _field(body, _TYPES)
    if body.get("type") == "base_resp":  # numbers that mean other things elsewhere
        code, kind = f"base_resp:{code}", ""
    elif type(body.get("error_code")) is int and body["error_code"] < 1000:
        code = f"error_code:{code}"
    message = _words(body)
    own = ErrorObject(
        message=message,
        code=code.lower(),
        type="" if kind.lower() in ("error", "failure", "failed", code.lower()) else kind.lower(),
        param=body["param"] if isinstance(body.get("param"), str) else "",
        status=next(filter(None, (_status(body.get(key)) for key in (*_CODES, "status", "statusCode"))), None),
        limit=_count(body, "n_ctx"),
        requested=_count(body, "n_prompt_tokens"),
        filtered=_found(body),
        reasons=tuple(_reasons(body)),
        wait=_delay(body),
    )
    place = body.get("loc")
    if isinstance(place, (list, str)) and place:  # pydantic: where the body is wrong
        return _placed(place, message or str(body.get("msg", "")), own.type)
    if depth >= _DEEPEST:
        return own
    for key in _INSIDE:
        inner = body.get(key)
        if isinstance(inner, (dict, list)) and inner:
            if key == "base_resp" and isinstance(inner, dict):  # MiniMax
                inner = {**inner, "type": key}
            said = read(inner, depth + 1)
            if said.message or said.codes:
                own = _joined(said, own)
                break
    else:
        if (message and message.lstrip()[:1] in ("{", "[")) or "{" in message:
            own = _joined(_in_message(message, depth + 1), own)
    upstream = _upstream(body, depth + 1)
    if upstream is not None:  # OpenRouter's own message is generic
        own = _joined(upstream, own)
        if upstream.message not in message:
            own = replace(own, message=f"{message}: {upstream.message}" if message else upstream.message)
    return own


def _joined(inner: ErrorObject, outer: ErrorObject) -> ErrorObject:
    """`inner` with what only the envelope around it says. Codes of `outer` are kept as further reasons."""
    codes = (*inner.reasons, *(one for one in outer.codes if one not in (inner.code, inner.type)))
    return replace(
        inner,
        message=inner.message or outer.message,
        code=inner.code or outer.code,
        type=inner.type or outer.type,
        param=inner.param or outer.param,
        status=inner.status or outer.status,
        limit=inner.limit or outer.limit,
        requested=inner.requested or outer.requested,
        filtered=inner.filtered or outer.filtered,
        reasons=tuple(dict.fromkeys(codes)),
        wait=inner.wait if inner.wait is not None else outer.wait,
    )


def _field(body: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The first of the fields `keys` that is a word or a number."""
    for key in keys:
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            return value.rpartition("#")[2].strip()  # AWS: `com.amazon.coral#ThrottlingException`
        if type(value) is int and value:
            return str(value)
    return ""


def _words(body: Mapping[str, Any]) -> str:
    for key in _MESSAGES:
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            if key == "error" and (more := body.get("reason")) and isinstance(more, str):
                return f"{value}: {more}"
            return value
    return ""


def _count(body: Mapping[str, Any], key: str) -> int | None:
    return body[key] if type(body.get(key)) is int else None


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    inside = body.get("innererror")  # Azure has the specific code one level down
    if isinstance(inside, dict) and isinstance(inside.get("code"), str):
        yield inside["code"].lower()
    details = body.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and isinstance(one.get("reason"), str):
            yield one["reason"].lower()
    if isinstance(body.get("reason"), str) and " " not in body["reason"]:
        yield body["reason"].lower()
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("error_type"), str):
        yield metadata["error_type"].lower()
    if isinstance(body.get("status"), str) and body.get("type"):
        yield body["status"].lower()


def _delay(body: Mapping[str, Any]) -> float | None:
    details = body.get("details")
    for one in details if isinstance(details, list) else ():
        delay = one.get("retryDelay") if isinstance(one, dict) else None
        if isinstance(delay, str) and re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?s", delay):
            return float(delay[:-1])
    return None


def _upstream(body: Mapping[str, Any], depth: int) -> ErrorObject | None:
    """The error of the server behind OpenRouter, from `metadata.raw`."""
    metadata = body.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    said = read(raw, depth) if raw else None
    return said if said and said.message else None


def _in_list(items: list[Any], depth: int) -> ErrorObject:
    """The first error in a list (Gemini, FastAPI, Cloudflare)."""
    for item in items[:50]:
        said = read(item, depth + 1) if depth < _DEEPEST else ErrorObject()
        if said.message or said.codes:
            return said
    return ErrorObject()


def _placed(place: Any, message: str, kind: str) -> ErrorObject:
    """An error of pydantic; its place is a list, or is joined by arrows."""
    parts = place if isinstance(place, list) else place.split(" -> ")
    name = ".".join(str(part) for part in parts if part != "body")
    return ErrorObject(f"{name}: {message}" if name else message, type=kind, param=name)


_JSON_AHEAD = re.compile(r"[{\[]")
_PYTHON = re.compile(
    r"'loc': [\[(](?P<place>[^\])]{0,300})[\])][\s\S]{0,80}?'msg': (?P<mark>['\"])(?P<msg>.*?)(?P=mark)"
)
_GRPC = re.compile(r"\brpc error: code = (?P<code>\w+) desc = (?P<desc>[\s\S]*)")


def _in_message(message: str, depth: int) -> ErrorObject:
    """The error that a relay quotes in its message, as JSON or in Python's notation; without words if none."""
    if found := _PYTHON.search(message):
        said = _placed(re.findall(r"['\"]?([\w.-]+)['\"]?", found["place"]), found["msg"], "")
        return said if said.param else replace(said, message=message)
    for start in [match.start() for match in _JSON_AHEAD.finditer(message)][:5]:
        try:
            value, _end = json.JSONDecoder().raw_decode(message, start)
        except (ValueError, RecursionError):
            continue
        said = read(value, depth) if isinstance(value, (dict, list)) and value else ErrorObject()
        if said.message:
            # What stands around it often says the same in other words, and is of use where it does not
            return said if not message[:start].strip() else replace(said, message=message)
    return ErrorObject()


def _in_text(text: str, depth: int) -> ErrorObject:
    plain = text.strip().removeprefix("\ufeff")
    if plain[:1] in ("{", "[", '"'):
        try:
            value, _end = json.JSONDecoder().raw_decode(plain)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, str):
            return ErrorObject(value) if depth else _in_text(value, depth + 1)
        if value is not None:
            return read(value, depth)
    if plain[:1] == "<":
        return _page(plain)
    if re.match(r"(?:data|event|id|retry)\s*:|:", plain):
        for line in plain.splitlines():
            name, _colon, data = line.partition(":")
            if name.strip() in ("data", "error") and data.strip() not in ("", "[DONE]"):
                said = _in_text(data, depth + 1) if depth < _DEEPEST else ErrorObject(data.strip())
                if said.message or said.codes:
                    return said
    if found := _GRPC.search(plain):
        return ErrorObject(found["desc"].strip(), code=found["code"].lower())
    if depth < _DEEPEST and (said := _in_message(plain, depth + 1)).message:
        return replace(said, message=plain) if said.message in plain else said
    return ErrorObject(text)


def _page(text: str) -> ErrorObject:
    """The error in XML (of AWS, Azure's gateway, Spring), or the title of a web page."""
    head = text[:20_000]
    if not re.search(r"<(?:!doctype )?html|<head|<body|<title", head, re.IGNORECASE):
        values = {name.lower(): " ".join(value.split()) for name, value in _ELEMENT.findall(head)}
        message = next(
            (values[one] for one in ("message", "error", "description", "detail", "reason") if values.get(one)), ""
        )
        code = values.get("code") or values.get("statuscode") or values.get("status") or ""
        return ErrorObject(
            message or " ".join(re.sub(r"<[^>]*>", " ", head).split()), code.lower(), status=_status(code)
        )
    title = re.search(r"<title[^>]*>(.*?)</title>", head, re.IGNORECASE | re.DOTALL)
    top = re.search(r"<h1[^>]*>(.*?)</h1>", head, re.IGNORECASE | re.DOTALL)
    shown = title or top
    said = " ".join(re.sub(r"<[^>]*>", " ", shown[1]).split()) if shown else ""
    return ErrorObject(said, page=True)


_ELEMENT = re.compile(r"<(?:\w+:)?(\w{1,40})(?:\s[^<>]{0,200})?>\s*([^<>]{1,2000}?)\s*</")

_FINE = frozenset(("", "0", "200", "ok", "success", "succeeded", "none"))


def error_in(value: Mapping[str, Any]) -> Any:
    """The error in the JSON object `value` of a reply, to be given to `read`; None if it is a part of a reply."""
    for name in ("error", "errors"):
        if value.get(name):
            return value
    if value.get("object") == "error" or value.get("type") == "error" or value.get("success") is False:
        return value
    base = value.get("base_resp")  # MiniMax, together with choices that are null
    if isinstance(base, dict) and _field(base, ("status_code",)) not in _FINE and not value.get("choices"):
        return value
    header = value.get("header")  # iFlytek
    if isinstance(header, dict) and _field(header, ("code",)) not in _FINE:
        return value
    if not any(value.get(name) for name in ("choices", "output", "data", "usage", "id", "candidates", "content")):
        told = _field(value, _CODES).lower() not in _FINE
        if told and _words(value):
            return value
    if "choices" not in value and "output" not in value:  # SiliconFlow and gateways: only a code and a message
        said = (value.get(name) for name in ("message", "msg", "detail", "error_msg", "error_message", "Message"))
        if any(isinstance(one, str) and one for one in said):
            return value
        return value if value.get("fault") or isinstance(value.get("detail"), list) else None
    return None


def categories(results: Any) -> tuple[str, ...]:
    """The categories that Azure's content filter blocked, with their severity if Azure names it."""
    return tuple(
        f"{category} ({verdict['severity']})" if isinstance(verdict.get("severity"), str) else str(category)
        for category, verdict in (results.items() if isinstance(results, dict) else ())
        if isinstance(verdict, dict) and verdict.get("filtered") is True
    )


def _found(body: Mapping[str, Any]) -> tuple[str, ...]:
    inside, metadata = body.get("innererror"), body.get("metadata")
    if isinstance(inside, dict):
        return categories(inside.get("content_filter_result") or inside.get("content_filter_results"))
    reasons = metadata.get("reasons") if isinstance(metadata, dict) else None
    return tuple(one for one in reasons if isinstance(one, str)) if isinstance(reasons, list) else ()


def _status(code: Any) -> int | None:
    try:
        number = int(code)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 400 <= number < 600 else None


def without_name(text: str, model: str) -> str:
    """`text` with `…` in place of the name `model`: servers repeat it, and its words decide nothing.

    A name that is a plain word (`default`) may also be an ordinary word of the sentence, and is replaced only in
    quotes.
    """
    if not model:
        return text
    name = re.escape(model)
    bare = "" if model.isalpha() else rf"|(?<![\w./-]){name}(?![\w/-]|\.\w)"
    return re.sub(rf"""(?<=[`'"‘“]){name}(?=[`'"’”]){bare}""", "…", text)
