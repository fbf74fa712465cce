"""What all tests share: translations as they stand in the checkout, and no secret of one is masked in another."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat import notices, redaction
from hatch_build import compile_translations
from tests.support.measured import take_measuring

take_measuring()

# Programs that tests start hear the signals that tests send, also where the run was begun in the background.
for _name in ("SIGINT", "SIGHUP"):
    if (_number := getattr(signal, _name, None)) and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _translations() -> None:
    """Compile the translations, which may have changed since the installation."""
    compile_translations(Path(__file__).parents[1])


@pytest.fixture(scope="session", autouse=True)
def _unmeasured() -> None:
    """Measure no program unless its test says so: in a worker, measuring begins after this file was read."""
    take_measuring()


@pytest.fixture(scope="module", autouse=True)
def _forget_secrets() -> Iterator[None]:
    """Forget the keys that a module's tests have made known: made-up ones may be words that others print."""
    before = set(redaction._known)
    yield
    redaction._known.intersection_update(before)


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    """Forget what other tests of the same process were to be told."""
    notices.forget()
