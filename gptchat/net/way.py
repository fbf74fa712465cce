"""The way to a server: what a failure on it names, and what is told of each step that succeeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gptchat.net.proxy import Proxy
from gptchat.values import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A step that succeeded: a name was resolved, a proxy opened the way, or TLS was agreed on.

    `host` is the host that the step is about.
    """

    kind: Literal["name", "proxy", "tls"]
    host: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a server. `where` is its address for messages, without secrets; `seconds` the time to connect."""

    where: str
    proxy: Proxy | None
    seconds: float
    watch: Callable[[Step], None] | None = None

    def passed(self, step: Step) -> None:
        """Tell `watch` of a step that succeeded."""
        if self.watch is not None:
            self.watch(step)
