"""What one model's server has taught: weights for texts to come, and the tokens of texts it has counted."""

from __future__ import annotations

from collections.abc import Sequence

from gptchat.core.messages import Message
from gptchat.tokens.calibration import Calibration, Weights
from gptchat.tokens.estimate import Parts, together

_REMEMBERED = 50_000
_PLAUSIBLE = 4.0
"""How many times off a text's own count may be before it is not believed."""


class Experience:
    """Learns from the usage of requests and replies.

    A conversation sends its history again and again, so what each report adds to the one before is the tokens
    of the new messages alone. They are noted by text, and the whole of a next request is then wrong at most
    by what is new in it.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.known: dict[str, int] = {}
        """Tokens of messages, their share of the format included, by their text."""

    @property
    def weights(self) -> Weights:
        """How raw counts become tokens for this model."""
        return self.calibration.weights

    def whole(self, counted: int, reported: int) -> None:
        """`reported` tokens where `counted` were counted with these weights, nothing else being known."""
        content = max(counted - self.weights.message - self.weights.request, 1.0) / self.weights.words
        self.calibration.learn((content, 0.0, 0.0, 1.0, 1.0), reported)

    def exact(self, counted: int, reported: int) -> None:
        """For exact counts: what the server adds to a request beyond `counted`, its share included."""
        self.calibration.learn((counted - self.weights.request, 0.0, 0.0, 0.0, 1.0), reported)

    def request(self, texts: Sequence[str], parts: Sequence[Parts], reported: int) -> None:
        """The server counted `reported` tokens in a request of these texts, of which `parts` are raw counts."""
        if len(self.known) > _REMEMBERED:
            self.known.clear()
        before = [self.known.get(text) for text in texts]
        told = sum(tokens for tokens in before if tokens is not None)
        fresh = [i for i, tokens in enumerate(before) if tokens is None]
        rest = reported - told - self.weights.request
        follows = len(fresh) < len(texts)
        if follows and (rest <= 0 or not fresh):
            if not fresh and abs(rest) <= 0.01 * reported:
                return  # the same request again
            follows = False  # the server counts otherwise than before
        if not follows:
            fresh, rest = list(range(len(texts))), float(reported)
        whole = together([parts[i] for i in fresh])
        self.calibration.learn((*map(float, whole), float(len(fresh)), 0.0 if follows else 1.0), rest)

        shares = [self._weigh(parts[i]) + self.weights.message for i in fresh]
        rest -= 0.0 if follows else self.weights.request
        factor = min(max(rest / max(sum(shares), 1.0), 1 / _PLAUSIBLE), _PLAUSIBLE)
        reached = 0.0
        for i, share in zip(fresh, shares, strict=True):
            begun, reached = round(reached), reached + share * factor
            self.known[texts[i]] = round(reached) - begun

    def reply(self, message: Message, parts: Parts, reasoning: Parts) -> None:
        """Note what the server itself counted of a reply. Reasoning that it counted in has its share taken off."""
        usage = message.usage
        if usage is None or usage.estimated or not message.text:
            return
        written = float(usage.completion_tokens - usage.reasoning_tokens)
        if not usage.reasoning_tokens:
            written *= parts.total / max(parts.total + reasoning.total, 1)
        if message.finish_reason == "stop":
            written -= 1  # the end mark, which the share of the format holds
        likely = self._weigh(parts)
        if written > 0 and 1 / _PLAUSIBLE <= (written + 8) / (likely + 8) <= _PLAUSIBLE:
            self.known[message.text] = round(written + self.weights.message)

    def _weigh(self, parts: Parts) -> float:
        words, symbols, wide = self.weights[:3]
        return parts.words * words + parts.symbols * symbols + parts.wide * wide
