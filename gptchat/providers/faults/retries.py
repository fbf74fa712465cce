"""When to try again: after one failure of a request, and after repeated failures of an endpoint."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import GptchatError, ProviderError
from gptchat.providers.faults.failures import may_retry
from gptchat.words import _

_SHORTEST, _LONGEST = 0.5, 8.0  # seconds between tries where the server names no time, as in the SDK

TOLERATED = 3
"""Failed requests in a row after which waiting begins; each has had its own retries already."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds; the wait doubles with every further failure."""


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row. Times are seconds of any clock that only moves forward."""

    failures: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds to wait before the next try: 0 while the endpoint is in good standing."""
        if self.failures < TOLERATED:
            return 0.0
        due = min(FIRST_WAIT * 2.0 ** min(self.failures - TOLERATED, 30), LONGEST_WAIT)
        return max(0.0, self.last + due - now)

    def failed(self, now: float) -> None:
        """A request failed in a way that is the endpoint's or the network's."""
        self.failures += 1
        self.last = now

    def succeeded(self) -> None:
        """The endpoint answered, if only with a refusal."""
        self.failures = 0


def pause(error: GptchatError, attempt: int, network: NetworkSettings) -> float | None:
    """Seconds to wait before the next try, or None where there is to be none; `attempt` counts from 0.

    The server's own wish goes first. Where it is longer than `network.max_retry_wait`, the error's hint
    says so.
    """
    if attempt >= network.max_retries or not may_retry(error):
        return None
    asked = error.retry_after if isinstance(error, ProviderError) else None
    if asked is None:
        longest = min(_SHORTEST * 2.0**attempt, _LONGEST)
        # jitter keeps many clients from coming back at once; it needs no secrecy
        return longest * (1 - 0.25 * random.random())  # noqa: S311
    if asked > network.max_retry_wait:
        error.hint = _(
            "the server asks to wait {seconds:.0f} s, longer than network.max_retry_wait ({limit:g} s)"
        ).format(seconds=asked, limit=network.max_retry_wait)
        return None
    return asked
