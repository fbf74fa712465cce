"""New tries: what is tried again, after which wait, and when a failing endpoint is left alone for a while."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.utils import formatdate

import pytest

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.events import Retrying
from gptchat.providers.compatible import CompatibleProvider
from tests.providers.asking import KEY, QUICK, ask, ask_all, closing, provider, question
from tests.support.server import CUT, Server, raw, refuse, say

PATIENT = replace(QUICK, max_retries=3)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.now += seconds


def timed(server: Server, clock: Clock) -> CompatibleProvider:
    """A provider for `server` that waits by `clock`."""
    settings = ProviderSettings("test", "compatible", base_url=server.url)
    return CompatibleProvider(settings, QUICK, KEY, sleep=clock.sleep, clock=clock)


def test_a_limit_is_waited_for_and_told(server: Server) -> None:
    """A reached rate limit is announced with its wait, and the request then goes again."""
    server.script(refuse(429, "Slow down", headers={"Retry-After": "0.02"}), say("done"))

    outcome = ask(provider(server.url, network=PATIENT))

    assert isinstance(outcome.events[0], Retrying)
    assert (outcome.retries[0].seconds, outcome.retries[0].attempt, outcome.retries[0].attempts) == (0.02, 1, 3)
    assert outcome.retries[0].error.kind == "rate_limit"
    assert outcome.text == "done"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "30"}, 0.03),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after-ms": "10", "Retry-After": "50"}, 0.01),
        ({"retry-after-ms": "inf", "Retry-After": "0.02"}, 0.02),
    ],
)
def test_ways_to_ask_for_a_wait(server: Server, headers: dict[str, str], seconds: float) -> None:
    """The server's wish is understood in milliseconds, in seconds, and as a date."""
    server.script(refuse(503, headers=headers), say("done"))

    assert ask(provider(server.url, network=PATIENT)).retries[0].seconds == pytest.approx(seconds)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_what_is_tried_again(server: Server, status: int) -> None:
    """Failures that may pass are tried again, as often as the settings allow, and then told."""
    server.default = lambda request: refuse(status, headers={"retry-after-ms": "1"})

    outcome = ask(provider(server.url, network=PATIENT))

    assert [retry.attempt for retry in outcome.retries] == [1, 2, 3]
    assert outcome.failure.status == status
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_what_is_not_tried_again(server: Server, status: int) -> None:
    """A refusal that will stay one is told at once."""
    server.default = lambda request: refuse(status)

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.failure.status == status
    assert len(server.requests) == 1


def test_pauses_grow_and_vary() -> None:
    """Without a wish of the server's the pauses double from half a second to eight, less up to a quarter."""
    from gptchat.errors import ServerError
    from gptchat.providers.faults.retries import pause

    network = NetworkSettings(max_retries=9)
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 8, 8]):
        pauses = [pause(ServerError("x"), attempt, network) or 0.0 for _try in range(20)]
        assert all(0.75 * longest <= one <= longest for one in pauses)
        assert len(set(pauses)) > 1
    assert pause(ServerError("x"), 9, network) is None


def test_too_long_a_wait_is_not_waited(server: Server) -> None:
    """A wait beyond the settings' bound ends the request with an error that tells both numbers."""
    server.script(refuse(429, headers={"Retry-After": "3600"}))

    failure = ask(provider(server.url, network=replace(PATIENT, max_retry_wait=60))).failure

    assert "3600" in failure.hint
    assert "60" in failure.hint
    assert getattr(failure, "retry_after", None) == 3600


def test_nothing_is_tried_again_once_text_has_come(server: Server) -> None:
    """A reply that breaks in the middle is not asked for again; what came stays with the person."""
    server.script(say("so ", "far", CUT))

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.text == "so far"
    assert outcome.failure.kind == "connection"
    assert len(server.requests) == 1


def test_a_break_before_any_text_is_tried_again(server: Server) -> None:
    """A connection that breaks before the first word costs the person nothing but the wait."""
    server.script(say(CUT), say(CUT), say("here"))

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.text == "here"


def test_a_stale_connection_is_no_failure(server: Server) -> None:
    """A kept connection that the server closed meanwhile is replaced without a word."""
    server.script(say("one"), raw(CUT, content_type="x"), say("two"))

    first, second = ask_all(provider(server.url, network=QUICK), question(), question())

    assert first.text == "one"
    assert (second.text, second.retries, second.error) == ("two", [], None)


def test_after_repeated_failures_tries_wait_longer_and_longer(server: Server) -> None:
    """After three failed requests in a row new ones wait, ever longer, say so, and stop when one succeeds."""
    clock = Clock()
    engine = timed(server, clock)
    server.script(*[refuse(500)] * 5, say("better"), say("good"))

    outcomes = ask_all(engine, *[question()] * 7)

    assert clock.slept == [2.0, 4.0, 8.0]
    assert [len(outcome.notices) for outcome in outcomes] == [0, 0, 0, 1, 1, 1, 0]
    assert "3 times" in outcomes[3].notices[0]
    assert outcomes[-1].text == "good"


def test_breaking_off_in_the_middle_is_a_failure_too(server: Server) -> None:
    """A server whose replies keep breaking off after some words is given time, as one that says nothing is."""
    clock = Clock()
    engine = timed(server, clock)
    server.script(*[say("so far", CUT)] * 3, say("whole"))

    outcomes = ask_all(engine, *[question()] * 4)

    assert [outcome.text for outcome in outcomes] == ["so far"] * 3 + ["whole"]
    assert [len(outcome.notices) for outcome in outcomes] == [0, 0, 0, 1]
    assert clock.slept == [2.0]


def test_refusals_do_not_open_the_breaker(server: Server) -> None:
    """A server that answers, if only with a refusal, is not made to rest."""
    server.default = lambda request: refuse(400)

    outcomes = ask_all(provider(server.url), *[question()] * 5)

    assert all(outcome.notices == [] for outcome in outcomes)


def test_stopping_while_waiting_to_retry(server: Server) -> None:
    """A person need not sit out a wait: cancelling works there too."""
    server.script(refuse(429, headers={"Retry-After": "30"}))
    engine = provider(server.url, network=PATIENT)

    async def run() -> Retrying:
        async for event in engine.stream(question()):
            if isinstance(event, Retrying):
                return event
        raise AssertionError("no retry was announced")

    assert asyncio.run(closing(engine, run())).seconds == 30
