"""The body of a request: in the vendor's dialect, with the server's lessons, and encodable as UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.core.messages import Request
from gptchat.providers.faults.lessons import apply
from gptchat.providers.faults.quirks import Lesson
from gptchat.providers.faults.sizes import within
from gptchat.providers.wire.common import Payload, Wire
from gptchat.providers.wire.returned import AS_IT_CAME, given_back
from gptchat.values import replace
from gptchat.vendors import Vendor
from gptchat.vendors.thinking import Fitted, asked_for, dialect_of, fitted, refuses
from gptchat.words import _, ngettext


def vendor_of(settings: ProviderSettings, address: str) -> Vendor | None:
    """The vendor whose dialect the server at `address` speaks, or None.

    The address decides, which OPENAI_BASE_URL may set; else the kind, or the name in the settings, as for a server
    on this machine.
    """
    return vendors.at(address) or vendors.get(settings.name if settings.kind == "compatible" else settings.kind)


def payload_of(
    request: Request, wire: Wire, settings: ProviderSettings, address: str, lessons: tuple[Lesson, ...]
) -> Payload:
    """What is sent for `request` over `wire` to the server at `address`, as its vendor takes it."""
    vendor = vendor_of(settings, address)
    by = vendor.name if vendor is not None else urlsplit(address).netloc.rpartition("@")[2]
    dialect = dialect_of(vendor, request.model)
    fit = fitted(request.parameters, request.model, vendor, wire.name)
    off = asked_for(request.parameters) == "off" and not fit.always
    back = _back(dialect, {**fit.parameters, **settings.extra_body})
    messages = given_back(request.messages, back, by, request.model, thinks=not off)
    payload = wire.payload(replace(request, messages=messages, parameters=fit.parameters))
    if refuses(vendor, request.model, "stream_options"):
        payload.body.pop("stream_options", None)
    if wire.name == "responses":
        _fit_responses(payload.body, settings.extra_body, dialect)
    body = clean(apply({**payload.body, **settings.extra_body}, lessons))
    assert isinstance(body, dict)
    body, pictures = within(body, lessons)
    ignored = [
        _("the {api} API has no {name}; it is left out").format(api=wire.name, name=name)
        for name in payload.ignored
    ]
    if pictures:
        words = ngettext(
            "{n} earlier picture is left out: the server takes no request of that size",
            "{n} earlier pictures are left out: the server takes no request of that size",
            pictures,
        )
        ignored.append(words.format(n=pictures))
    origin = {"by": by, "model": request.model}
    if back.get("when") and back.get("text") not in (None, AS_IT_CAME):
        origin["field"] = back["text"]  # kept with every reply: a later one may call tools
    return Payload(body, payload.ignored, (*ignored, *_notes(fit, request.model)), origin)


def _back(dialect: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The dialect's `send_back`; where `body` asks for reasoning to be preserved, it goes with every message."""
    back: Mapping[str, Any] = dialect.get("send_back") or {}
    asked = back.get("preserved_by")
    if isinstance(asked, Mapping) and _holds(body, asked):
        return {**back, "when": "thinking"}
    return back


def _holds(body: Any, asked: Any) -> bool:
    if isinstance(asked, Mapping):
        return isinstance(body, Mapping) and all(_holds(body.get(key), value) for key, value in asked.items())
    return bool(body == asked)


def _fit_responses(body: dict[str, Any], extra: Mapping[str, Any], dialect: Mapping[str, Any]) -> None:
    """Leave out what a model that does not think refuses, and encrypted reasoning where it is not to be had."""
    if dialect.get("never"):
        body.pop("reasoning", None)
    stored = extra.get("store", body.get("store")) is not False
    if dialect.get("never") or stored or not dialect.get("encrypted"):
        body.pop("include", None)


def _notes(fit: Fitted, model: str) -> list[str]:
    notes = [
        _("{name} is not taken by {model} and is left out").format(name=name, model=model) for name in fit.dropped
    ]
    if fit.always:
        notes.append(_("{model} always thinks; it is asked for as little as it can").format(model=model))
    return notes


def clean(value: Any) -> Any:
    """A copy of the JSON `value` with encodable strings: surrogate pairs are joined, lone ones become U+FFFD."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value
