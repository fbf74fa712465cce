"""What a person is told in passing: sentences from the layers below, each said once in a run by the front end."""

from __future__ import annotations

_told: set[str] = set()
_waiting: list[str] = []


def tell(sentence: str) -> None:
    """Say `sentence`, which is in the user's language, at the next opportunity; a repetition is dropped."""
    if sentence not in _told:
        _told.add(sentence)
        _waiting.append(sentence)


def take() -> list[str]:
    """The sentences that were not shown yet, oldest first; the caller shows them."""
    taken = _waiting.copy()
    del _waiting[: len(taken)]
    return taken


def forget() -> None:
    """Forget what was told, so that it is told again."""
    _told.clear()
    _waiting.clear()
