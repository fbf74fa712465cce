"""The limits of a route: the model's window, and what of it is kept free for the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.context import Limits
from gptchat.core.ports import ModelFacts, counted_as
from gptchat.errors import ContextLengthError

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.tokens.counter import Counter
    from gptchat.tokens.windows import Windows

_RESERVE = 4096
"""Maximum tokens reserved for the reply if its length is not set; at most a quarter of the window."""

_DOUBT = 0.03
"""Share of the window kept free if tokens are estimated: the largest error seen in single requests."""


class RouteLimits:
    """Resolves settings and windows to the limits of requests."""

    def __init__(self, settings: Settings, windows: Windows, counter: Counter) -> None:
        self._settings = settings
        self._windows = windows
        self._counter = counter

    def of(
        self,
        provider: str,
        model: str,
        facts: ModelFacts,
        *,
        at_most: int | None = None,
    ) -> Limits:
        """The limits of requests to `model` at `provider`; `at_most` is what the server said last."""
        settings, parameters = self._settings, self._settings.parameters()
        window, source = self._windows.window(provider, model)
        window = min(window, at_most or window)
        reserve = settings.context.reserve or parameters.get("max_tokens") or 0
        if not reserve:
            reserve = min(facts.max_output or _RESERVE, _RESERVE, window // 4)
        if facts.max_input and source in ("catalogue", "server"):
            reserve = max(reserve, window - facts.max_input)  # a limit of its own
        if not self._counter.exact(counted_as(provider, model)):
            reserve += window * _DOUBT
        return Limits(
            window,
            min(int(reserve), window),
            settings.context.max_tokens,
            settings.context.max_turns,
            guessed=source == "default" and at_most is None,
        )

    def learn(self, provider: str, model: str, facts: ModelFacts, error: ContextLengthError) -> Limits | None:
        """The limits for planning again; None if the server told no limit.

        They are returned even if nothing new was learned: the settings may override the known limit, or our count
        was too small.
        """
        if not error.limit:
            return None
        self._windows.learn_limit(provider, model, error.limit)
        return self.of(provider, model, facts, at_most=error.limit)
