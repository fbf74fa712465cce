"""Parses error bodies and retry delays in the formats of different servers."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from gptchat.values import dataclass


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


def read(body: Any) -> ErrorObject:
    """Parse an error body: OpenAI's format, nested or not, FastAPI's `detail`, a plain string, or a web page."""
    if isinstance(body, (bytes, bytearray)):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return _in_stream(body) or _page(body)
        return read(parsed) if isinstance(parsed, (dict, list)) else ErrorObject(str(parsed))
    if isinstance(body, list):  # Gemini wraps its error in a list; FastAPI's detail is one
        return _detail(body)
    if not isinstance(body, dict):
        return ErrorObject("" if body is None else str(body))
    inner = _inner(body)
    if inner is not None:
        return inner
    message = _first(body, *_MESSAGES)
    for key in ("detail", "message"):  # Mistral nests FastAPI's `detail` in its message
        if not message and isinstance(body.get(key), (list, dict)):
            return read(body[key])
    code, kind = (
        _named(body, "code", "error_code", "errorCode", "Code", "err_code"),
        _named(body, "type", "status"),
    )
    inside = body.get("innererror")  # Azure has the specific code one level down
    if isinstance(inside, dict) and isinstance(inside.get("code"), str):
        code = inside["code"] if code in (None, "") else code
    upstream = _upstream(body)
    if upstream.message and upstream.message not in message:
        message = f"{message}: {upstream.message}" if message else upstream.message
    return ErrorObject(
        message=message,
        code="" if code is None else str(code).lower(),
        type="" if kind is None else str(kind).lower(),
        param=body["param"] if isinstance(body.get("param"), str) else upstream.param,
        status=_status(code) or _status(body.get("status")),
        limit=body["n_ctx"] if isinstance(body.get("n_ctx"), int) else None,
        requested=body["n_prompt_tokens"] if isinstance(body.get("n_prompt_tokens"), int) else None,
        filtered=_found(body),
    )


_MESSAGES = (
    *("message", "msg", "error_description", "error_message", "error_msg", "errmsg", "err_msg", "errorMessage"),
    *("Message", "faultstring", "detail", "title", "reason", "description", "error"),
)
"""Where servers put the sentence, the likeliest first; `title` is RFC 9457's."""
_VENDORS = {"base_resp": ("minimax", "status_code", "status_msg"), "header": ("spark", "code", "message")}
"""Envelopes of vendors with codes of their own: the name of the codes, and the fields of code and sentence."""


def _inner(body: Mapping[str, Any]) -> ErrorObject | None:
    """The error inside an envelope; None if the body is the error itself."""
    for field, (vendor, code, message) in _VENDORS.items():
        told = body.get(field)
        if isinstance(told, dict) and isinstance(told.get(code), int) and told[code] != 0:
            return ErrorObject(_first(told, message), code=f"{vendor}:{told[code]}")
    if isinstance(number := body.get("error_code"), int) and isinstance(body.get("error_msg"), str):
        return ErrorObject(body["error_msg"], code=f"qianfan:{number}")
    for field in ("error", "errors", "fault"):
        inner = body.get(field)
        if isinstance(inner, (dict, list)) and inner:
            said = read(inner)
            if said.message or not _first(body, *_MESSAGES):
                return said
    return None


def _named(body: Mapping[str, Any], *names: str) -> Any:
    return next((body[name] for name in names if body.get(name) not in (None, "")), None)


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


def _upstream(body: Mapping[str, Any]) -> ErrorObject:
    """The error of the server behind OpenRouter, from `metadata.raw`; OpenRouter's own message is generic."""
    metadata = body.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return read(raw) if raw else ErrorObject()


def _first(body: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _status(code: Any) -> int | None:
    try:
        number = int(code)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 400 <= number < 600 else None


def _detail(items: list[Any]) -> ErrorObject:
    """The first error in a list, in pydantic's format (`{"loc": ["body", "n"], "msg": ...}`) or any other."""
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("loc"), list) and item["loc"]:
            place = ".".join(str(part) for part in item["loc"] if part != "body")
            return ErrorObject(
                f"{place}: {item.get('msg', '')}", type=str(item.get("type", "")).lower(), param=place
            )
        said = read(item)
        if said.message:
            return said
    return ErrorObject()


def _in_stream(text: str) -> ErrorObject | None:
    """The error in a body that is an event stream; None if it is none, or has no error."""
    if not re.match(r"\s*(?:event|data|id|retry|:)[: ]", text):
        return None
    for data in re.findall(r"(?m)^data: ?(.+)$", text[:100_000]):
        said = read(data.strip())
        if said.message and not said.page:
            return said
    return None


def _page(text: str) -> ErrorObject:
    """The error for a body that is not JSON: the title of a web page, or the text itself."""
    if text.lstrip()[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:20_000], re.IGNORECASE | re.DOTALL)
        return ErrorObject(" ".join(title[1].split()) if title else "", page=True)
    return ErrorObject(text)


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


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `Retry-After` in seconds or as a date; None without either.

    `headers` must accept lower-case names. `now` (seconds since 1970, default: the clock) is compared with a
    date.
    """
    value = headers.get("retry-after", "")
    for text, unit in ((headers.get("retry-after-ms", ""), 0.001), (value, 1.0)):
        try:
            seconds = float(text) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):  # `float` also accepts `inf` and `nan`
            return max(0.0, seconds)
    try:
        then = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


_AGAIN = re.compile(
    r"(?:try again|retry) (?:in|after) (?=\d)(?:(?P<h>\d{1,9}) ?h(?:ours?)?)?"
    r" ?(?:(?P<m>\d{1,9}) ?m(?:in(?:utes?)?)?(?![a-z]))?"
    r" ?(?:(?P<n>\d{1,9}(?:\.\d+)?) ?(?P<unit>ms|milliseconds?|s(?:ec(?:ond)?s?)?)\b)?",
    re.IGNORECASE,
)


def wait_in_words(message: str) -> float | None:
    """Seconds to wait, from an error message ("Please retry in 32.1s", "try again in 7m12s"); None without any."""
    found = _AGAIN.search(message)
    if not found or not (found["h"] or found["m"] or found["n"]):
        return None
    last = float(found["n"] or 0) * (0.001 if (found["unit"] or "").lower().startswith("m") else 1)
    return int(found["h"] or 0) * 3600.0 + int(found["m"] or 0) * 60.0 + last
