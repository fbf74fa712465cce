"""Decides why a server refused: by the status, then codes and types, then the words of its message."""

from __future__ import annotations

import re
from typing import NamedTuple

from gptchat.providers.faults.codes import cause_of, status_of, words_in
from gptchat.providers.faults.dialects import ErrorObject
from gptchat.providers.faults.wording import states


class Cause(NamedTuple):
    """Why a request was refused.

    `name` is one of `key`, `permission`, `region`, `credit`, `plan`, `rate`, `heavy` (one request exceeds the
    limit of a minute), `window`, `filter`, `model`, `path`, `large`, `memory`, `busy`, `timeout`, `server`,
    `proxy`, `request` or `unknown`. `sure` is False if only single words of the message say so.
    """

    name: str
    sure: bool = True


_ORDER = (
    "credit", "plan", "window", "filter", "region", "model", "permission", "key", "rate", "busy",
    "large", "timeout", "server",
)  # fmt: skip
"""The more specific first: servers put a specific code beside a general type."""

_BY_WORDS = {
    400: ("credit", "window", "filter", "region", "permission", "key", "model", "rate", "memory", "large", "busy"),
    401: ("credit", "permission", "region", "filter"),
    402: (),
    403: ("window", "credit", "filter", "region", "permission", "key", "model", "rate"),
    404: ("permission", "region", "model"),
    405: (),
    408: (),
    410: ("model",),
    412: ("credit", "permission"),
    413: ("window",),
    422: ("credit", "window", "filter", "region", "permission", "key", "model", "large"),
    429: ("busy",),
    451: ("region",),
    498: ("filter", "rate", "key"),
    500: ("credit", "window", "filter", "memory", "key", "model"),
    503: ("model", "memory", "large", "busy"),
}
"""What the words of a message may say beside the status, in the order in which it is looked for."""
_FALLBACK = {
    401: "key",
    402: "credit",
    403: "permission",
    404: "path",
    405: "path",
    407: "proxy",
    408: "timeout",
    409: "server",
    410: "model",
    412: "permission",
    413: "large",
    425: "busy",
    429: "rate",
    451: "filter",
    498: "key",
    499: "timeout",
}
"""What a status means whose message says nothing else."""
_QUOTED = re.compile(
    r"(?:Internal[A-Z]\w+|\b[A-Z][a-z]+[A-Z]\w+)(?:\.[A-Z]\w+)*|\[\d{4,5}\]|\((?:1002|1004|1008|1026|2013|2049)\)$"
)
"""Codes that stand in a message: `<400> InternalError.Algo.DataInspectionFailed: ...`, `[1113][...]`."""
_HEAVY = re.compile(
    r"\blimit[: ]+(?P<limit>[\d,]+)[\s\S]{0,40}?\brequested[: ]+(?P<requested>[\d,]+)", re.IGNORECASE
)
_OWN_FAULT = re.compile(r"does not support|that support|not enabled for this model", re.IGNORECASE)


def cause_in(status: int | None, said: ErrorObject, message: str, wait: float | None) -> Cause:
    """Why the server refused.

    `message` is its text without the model's name, `wait` the delay in seconds that it asks for.
    """
    codes = (*said.codes, *_quoted(message))
    named = {cause_of(one) for one in codes} - {"", "server" if status is not None and status < 500 else ""}
    found = sorted(_ORDER.index(cause) for cause in named if cause in _ORDER)
    text = " ".join((message, *(words_in(one) for one in said.codes if not one.isdigit() and not status_of(one))))
    if found:
        cause = _ORDER[found[0]]
        if cause == "credit" and "insufficient_quota" in codes and (wait is not None or "#token-limit" in message):
            return Cause("rate")  # DashScope: the tokens of a minute
        return _coded(status, cause, message, wait)
    if status == 429:
        return _too_much(text, wait)
    if status == 404 and _OWN_FAULT.search(message):
        return Cause("request")
    family = status if status in _BY_WORDS else 400 if status is None or status < 500 else 500
    if status is not None and status < 400:
        family = 400
    plausible = _BY_WORDS[family]
    strength = {cause: states(cause, text) for cause in plausible}
    if status in (None, 200):
        strength.update(busy=states("busy", text), timeout=states("timeout", text))
    for wanted in (2, 1):
        for cause, how in strength.items():
            if how == wanted and not (cause == "model" and re.search(_OWN_FAULT, message)):
                return Cause("rate" if cause == "credit" and wait is not None else cause, wanted == 2)
    if status is None or status < 400:
        return Cause("unknown", sure=False)
    return Cause(_FALLBACK.get(status, "server" if status >= 500 else "request"))


def _quoted(message: str) -> list[str]:
    found = [match.group().strip("[]()") for match in _QUOTED.finditer(message[:2000])]
    return [
        f"base_resp:{one}" if one.isdigit() and one in ("1002", "1004", "1008", "1026", "2013", "2049") else one
        for one in found[:8]
    ]


def _coded(status: int | None, cause: str, message: str, wait: float | None) -> Cause:
    """The cause that a code states, corrected where servers are known to use it for another."""
    if cause == "rate":
        much = _too_much(message, wait) if status in (None, 200, 429) else Cause("rate")
        return Cause("rate") if much.name == "busy" else much
    if cause == "key" and status == 403 and states("permission", message) == 2:
        return Cause("permission")
    if cause == "key" and status == 401 and states("permission", message) == 2 and states("key", message) == 0:
        return Cause("permission")
    if cause == "permission" and states("credit", message) == 2:
        return Cause("credit")
    if cause == "busy" and states("window", message) == 2:
        return Cause("window")
    if cause == "server":
        told = next(
            (one for one in ("credit", "window", "filter", "memory") if states(one, message) == 2), "server"
        )
        return Cause(told)
    if cause == "permission" and states("region", message) == 2:
        return Cause("region")
    return Cause(cause)


def _too_much(text: str, wait: float | None) -> Cause:
    """What a 429 means: the rate, the credit, or a server with too much to do."""
    if found := _HEAVY.search(text):
        limit, requested = (int(found[name].replace(",", "") or 0) for name in ("limit", "requested"))
        if requested > limit and "used" not in found.group().lower():
            return Cause("heavy")
    rate, credit = states("rate", text), states("credit", text)
    if credit == 2 and not rate and wait is None:
        return Cause("credit")
    if not rate and wait is None and states("busy", text) == 2:
        return Cause("busy")
    return Cause("rate")
