"""A request as it is sent, for the programs that send it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CALLS = {"/chat/completions": "chat.completions", "/responses": "responses", "/completions": "completions"}
"""The Python SDK's method for each path below the base address."""


class ShownRequest(NamedTuple):
    """A request as it is sent. `variable` holds its key; it is empty if no key is sent."""

    url: str
    variable: str
    body: dict[str, Any]
    key_header: str
    """The header that carries the key, up to the key itself (`Abilities.key_header`)."""
    headers: Mapping[str, str] = {}
    """Further headers, by name."""
    notes: Sequence[str] = ()
    """What a person should know before the program runs."""


class Destination(NamedTuple):
    """Where a request goes, as an SDK wants to know it."""

    call: str
    """What is called: `chat.completions`, `responses` or `completions`."""
    base: str
    """The base address; with `version` the address of the Azure resource."""
    version: str
    """The version of Azure's classic API; empty elsewhere."""
    deployment: str
    """The deployment of Azure's classic API; empty elsewhere."""
    query: Mapping[str, str]
    """Further parameters of the address."""


def place(url: str) -> Destination:
    """The parts of `url`."""
    path = next(path for path in CALLS if url.split("?")[0].endswith(path))
    base, query = url.split("?")[0].removesuffix(path), dict(parse_qsl(urlsplit(url).query))
    endpoint, deployments, deployment = base.partition("/openai/deployments/")
    if not deployments:
        return Destination(CALLS[path], base, "", "", query)
    return Destination(CALLS[path], endpoint, query.pop("api-version", ""), unquote(deployment), query)
