"""Decides when to retry a failed request, and how long to wait for an endpoint that fails repeatedly."""

from __future__ import annotations

import random

from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import GptchatError, ProviderError
from gptchat.providers.faults.failures import may_retry
from gptchat.values import dataclass
from gptchat.words import _

_SHORTEST, _LONGEST = 0.5, 8.0  # seconds between attempts if the server names no delay, as in the SDK

TOLERATED = 3
"""Consecutive failed requests, each after its own retries, before the breaker delays further requests."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds; the delay doubles with every further failure."""


@dataclass(slots=True)
class Breaker:
    """Counts consecutive failures of an endpoint. Times are seconds of a monotonic clock."""

    failures: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds to wait before the next request; 0 after fewer than `TOLERATED` failures."""
        if self.failures < TOLERATED:
            return 0.0
        due = min(FIRST_WAIT * 2.0 ** min(self.failures - TOLERATED, 30), LONGEST_WAIT)
        return max(0.0, self.last + due - now)

    def failed(self, now: float) -> None:
        """Note that a request failed because of the endpoint or the network."""
        self.failures += 1
        self.last = now

    def succeeded(self) -> None:
        """Note that the endpoint answered, even if it refused the request."""
        self.failures = 0


def pause(error: GptchatError, attempt: int, network: NetworkSettings) -> float | None:
    """Seconds to wait before the next attempt, or None if there should be none; `attempt` counts from 0.

    A delay that the server asks for takes precedence. If it is longer than `network.max_retry_wait`, the
    result is None and the hint of `error` is replaced to say so.
    """
    if attempt >= network.max_retries or not may_retry(error):
        return None
    asked = error.retry_after if isinstance(error, ProviderError) else None
    if asked is None:
        longest = min(_SHORTEST * 2.0**attempt, _LONGEST)
        # Jitter, so that many clients do not retry at the same time; it needs no secure random source
        return longest * (1 - 0.25 * random.random())  # noqa: S311
    if asked > network.max_retry_wait:
        error.hint = _(
            "the server asks to wait {seconds:.0f} s, longer than network.max_retry_wait ({limit:g} s)"
        ).format(seconds=asked, limit=network.max_retry_wait)
        return None
    return asked
