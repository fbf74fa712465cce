"""How large a model's window is, who says so, and what servers' refusals have taught."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from gptchat.core.limits import SMALLEST
from gptchat.core.numbers import count

DEFAULT_WINDOW = 8192
"""The careful window in tokens for a model nobody knows anything of."""

Source = Literal["settings", "learnt", "server", "catalogue", "default"]
Lookup = Callable[[str, str], int | None]
"""The window of a model, by the names of its provider and of the model; None where unknown."""


class Window(NamedTuple):
    """A window in tokens, and who says so. `default` is a guess and to be shown as one."""

    tokens: int
    source: Source


class Windows:
    """Resolves windows: the settings, a limit learnt from an error, the server's list, the catalogue, a default.

    `settings`, `server` and `catalogue` are asked each time, so they may change. `learnt` is what an earlier
    `save` was given: a JSON object of limits by `provider/model`. `save` is called when it changes.
    """

    def __init__(
        self,
        *,
        settings: Lookup | None = None,
        server: Lookup | None = None,
        catalogue: Lookup | None = None,
        learnt: Mapping[str, object] | None = None,
        save: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._catalogue = catalogue
        self._learnt = dict(_limits((learnt or {}).items()))
        self._save = save
        self._guesses: dict[str, int] = {}

    def window(self, provider: str, model: str) -> Window:
        """The window of `model` at `provider`."""
        if tokens := _ask(self._settings, provider, model):
            return Window(tokens, "settings")
        if tokens := self._learnt.get(f"{provider}/{model}"):
            return Window(tokens, "learnt")
        if tokens := _ask(self._server, provider, model):
            return Window(tokens, "server")
        if tokens := _ask(self._catalogue, provider, model):
            return Window(tokens, "catalogue")
        return Window(self._guesses.get(f"{provider}/{model}", DEFAULT_WINDOW), "default")

    def learn_limit(self, provider: str, model: str, limit: int) -> bool:
        """A server refused a request and named its `limit` in tokens. Whether that was new."""
        key = f"{provider}/{model}"
        if limit < SMALLEST or self._learnt.get(key) == limit:
            return False
        self._learnt[key] = limit
        self._keep()
        return True

    def taken(self, provider: str, model: str, tokens: int) -> None:
        """The server answered a request of `tokens`: where the window is a guess, it is at least twice that."""
        key = f"{provider}/{model}"
        self._guesses[key] = max(self._guesses.get(key, DEFAULT_WINDOW), 2 * tokens)

    def learnt(self, provider: str, model: str) -> int | None:
        """The limit that was learnt for the model, if any."""
        return self._learnt.get(f"{provider}/{model}")

    def entries(self) -> tuple[tuple[str, str, int], ...]:
        """Everything learnt, for a list: provider, model and limit in tokens."""
        found = [(*key.partition("/"), limit) for key, limit in sorted(self._learnt.items())]
        return tuple((provider, model, limit) for provider, _slash, model, limit in found)

    def forget(self, provider: str, model: str) -> bool:
        """Forget what was learnt of the model, as when its server was started anew. Whether there was anything."""
        if self._learnt.pop(f"{provider}/{model}", None) is None:
            return False
        self._keep()
        return True

    def _keep(self) -> None:
        if self._save is not None:
            self._save(dict(self._learnt))


def _ask(lookup: Lookup | None, provider: str, model: str) -> int | None:
    tokens = lookup(provider, model) if lookup is not None else None
    return tokens if tokens is not None and tokens > 0 else None


def _limits(items: Iterable[tuple[str, object]]) -> Iterable[tuple[str, int]]:
    """Those of `items` that can be limits: a damaged file of them costs what it lost, not the program."""
    for key, value in items:
        if (known := count(value)) >= SMALLEST:
            yield key, known
