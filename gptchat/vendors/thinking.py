"""Translates `thinking` and `effort` into what a vendor's models take, and leaves out what they refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from gptchat.values import dataclass
from gptchat.vendors import Vendor

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The values of the setting `effort`, from least to most."""

_UNKNOWN: Mapping[str, Any] = {
    # Servers without an entry are mostly llama.cpp, vLLM or SGLang, which hand this to the model's template
    "on": {"chat_template_kwargs": {"enable_thinking": True}},
    "off": {"chat_template_kwargs": {"enable_thinking": False}},
    "send_back": {
        "when": "tool calls",
        "text": "as it came",
        "fields": ["reasoning_details", "thinking_blocks", "extra_content"],
    },
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Parameters as a model takes them."""

    parameters: Json
    """For the body of a chat request, or with `effort` for the other wires."""
    effort: str = ""
    """The effort that is sent, by the vendor's name for it; empty for the model's own."""
    always: bool = False
    """Whether the model was asked not to think, and cannot but think."""
    dropped: tuple[str, ...] = ()
    """The settings that are left out, because the model refuses them."""


def fitted(parameters: Mapping[str, Any], model: str, vendor: Vendor | None, wire: str) -> Fitted:
    """`parameters` for `model` of `vendor` over the wire API `wire`; `vendor` None is a server that is not known.

    `thinking` and `effort` are read from `parameters`; what is sent for them is where the vendor looks for it.
    An effort that the model does not have becomes the nearest one. `effort = "none"` is `thinking = "off"`.
    """
    asked = {key: value for key, value in parameters.items() if key not in ("thinking", "effort")}
    thinking, effort = str(parameters.get("thinking", "auto")), str(parameters.get("effort") or "")
    if wire == "completions":  # it has neither
        return Fitted(dict(parameters))
    dialect = dialect_of(vendor, model)
    if dialect.get("never"):  # it does not think: nothing need be sent, and only a wish for it is told
        wished = [
            name for name in ("thinking", "effort") if parameters.get(name) not in (None, "auto", "off", "none")
        ]
        kept, dropped = _kept(asked, vendor, model, thinks=False)
        return Fitted(kept, dropped=(*wished, *dropped))
    efforts: Sequence[str] | None = dialect.get("efforts")
    if effort == "none" and efforts is not None and "none" not in efforts:
        thinking, effort = "off", ""
    body: Json = {}
    left_out: list[str] = []
    always = False
    if thinking == "off":
        switch = dialect.get("off")
        if switch is not None and wire == "chat":
            body, effort = dict(switch), ""
        elif "none" in efforts if efforts is not None else switch is not None or "off" not in dialect:
            effort = "none"
        else:  # the least that it can
            always, effort = True, next(iter(efforts or ()), "")
    elif thinking == "on":
        effort = "" if effort == "none" else effort
        if wire == "chat":
            body = dict(dialect.get("on") or {})
        if not body and not effort and dialect.get("default") != "on":
            effort = "medium"
    if effort and efforts is not None:
        nearest = _nearest(effort, efforts, dialect.get("renamed") or {})
        if not nearest and "effort" in parameters:
            left_out.append("effort")
        effort = nearest
    off = not always and (thinking == "off" or effort == "none")
    thinks = thinking == "on" or effort not in ("", "none")
    kept, dropped = _kept(asked, vendor, model, thinks=thinks, off=off)
    if effort:
        body = _merged(body, _placed(dialect.get("effort") or "reasoning_effort", effort, wire))
    return Fitted(_merged(kept, body), effort, always, (*left_out, *dropped))


def refuses(vendor: Vendor | None, model: str, name: str) -> bool:
    """Whether `model` of `vendor` refuses the field `name`, thinking or not."""
    fits = vendor.fits if vendor is not None else ()
    return any(
        name in fit.get("drop", ()) and not fit.get("thinking") and matches(model, fit["match"]) for fit in fits
    )


def asked_for(parameters: Mapping[str, Any]) -> str:
    """How much thinking `parameters` ask for: `off`, `on`, an effort, or nothing where the model decides."""
    thinking, effort = str(parameters.get("thinking", "")), str(parameters.get("effort") or "")
    if thinking == "off" or effort == "none":
        return "off"
    return effort or thinking.removeprefix("auto")


def dialect_of(vendor: Vendor | None, model: str) -> Mapping[str, Any]:
    """How `model` is asked to think: the vendor's way, with what differs for this model."""
    if vendor is None:
        return _UNKNOWN
    models: Sequence[Mapping[str, Any]] = vendor.thinking.get("models", ())
    own = next((one for one in models if matches(model, one["match"])), {})
    return {**vendor.thinking, **own}


def matches(model: str, pattern: str) -> bool:
    """Whether `model`, with or without a path before its name, fits one of the patterns that `|` separates."""
    names = {model.lower(), model.lower().rpartition("/")[2]}
    return any(fnmatchcase(name, one) for name in names for one in pattern.lower().split("|"))


def _nearest(effort: str, efforts: Sequence[str], renamed: Mapping[str, str]) -> str:
    """The one of `efforts` that stands for `effort`; empty if there is none at all."""
    if effort in efforts:
        return effort
    if effort in renamed:
        return renamed[effort]
    place = EFFORTS.index(effort) if effort in EFFORTS else EFFORTS.index("medium")
    known = [one for one in efforts if one in EFFORTS and one != "none"]
    return min(known, key=lambda one: abs(EFFORTS.index(one) - place), default="")


def _kept(
    asked: Json, vendor: Vendor | None, model: str, *, thinks: bool, off: bool = False
) -> tuple[Json, list[str]]:
    """What `model` takes of `asked`, by its names for it, and the names of what it refuses."""
    drop: set[str] = set()
    rename: dict[str, str] = {}
    for fit in vendor.fits if vendor is not None else ():
        if not matches(model, fit["match"]):
            continue
        if fit.get("thinking") == "default":  # it thinks unless it is asked not to; 1 is what it then takes itself
            drop.update(name for name in fit.get("drop", ()) if not off and asked.get(name) != 1)
        elif thinks or not fit.get("thinking"):
            drop.update(fit.get("drop", ()))
            rename.update(fit.get("rename", {}))
    kept = {rename.get(key, key): value for key, value in asked.items() if key not in drop}
    return kept, [key for key in asked if key in drop]


def _placed(place: str, effort: str, wire: str) -> Json:
    """`effort` at the dotted `place` of a body; other wires than chat have a place of their own."""
    if wire != "chat":
        return {"effort": effort}
    value: Any = effort
    for key in reversed(place.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    """Both objects in one; where both have an object, these are merged, too."""
    result = dict(one)
    for key, value in other.items():
        held = result.get(key)
        result[key] = _merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return result
