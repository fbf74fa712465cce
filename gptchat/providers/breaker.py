"""A circuit breaker: after repeated failures of an endpoint, new tries wait a growing while."""

from __future__ import annotations

from dataclasses import dataclass

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
