"""What all tests share: no secret that one of them made up is masked in another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gptchat import redaction


@pytest.fixture(scope="module", autouse=True)
def _forget_secrets() -> Iterator[None]:
    """Forget the keys that a module's tests have made known: made-up ones may be words that others print."""
    before = set(redaction._known)
    yield
    redaction._known.intersection_update(before)
