"""The body of a request: in the vendor's dialect, with the server's lessons, and encodable as UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.core.messages import Request
from gptchat.providers.faults.lessons import apply
from gptchat.providers.faults.quirks import Lesson
from gptchat.providers.faults.sizes import within
from gptchat.providers.wire.common import Payload, Wire
from gptchat.values import replace
from gptchat.vendors import Vendor
from gptchat.vendors.thinking import Fitted, fitted
from gptchat.words import _, ngettext


def vendor_of(settings: ProviderSettings, address: str) -> Vendor | None:
    """The vendor whose dialect the server at `address` speaks, or None.

    The address decides, which OPENAI_BASE_URL may set; else the kind, or the name in the settings, as for a server
    on this machine.
    """
    return vendors.at(address) or vendors.get(settings.name if settings.kind == "compatible" else settings.kind)


def payload_of(
    request: Request, wire: Wire, vendor: Vendor | None, extra: Mapping[str, Any], lessons: tuple[Lesson, ...]
) -> Payload:
    """What is sent for `request` over `wire`: as `vendor` takes it, with the user's `extra` fields."""
    fit = fitted(request.parameters, request.model, vendor, wire.name)
    payload = wire.payload(replace(request, parameters=fit.parameters))
    body = clean(apply({**payload.body, **extra}, lessons))
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
    return Payload(body, payload.ignored, (*ignored, *_notes(fit, request.model)))


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
