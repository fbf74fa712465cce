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
        self._written: dict[str, float] = {}
        """Tokens of replies as they were written, until a request that holds them tells their share as well."""

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
            self._written.clear()
        fresh = [i for i, text in enumerate(texts) if text not in self.known or text in self._written]
        fresh = fresh or [len(texts) - 1]  # said before: what is off is most likely what was added last
        new = set(fresh)
        rest = reported - self.weights.request - sum(self.known[t] for i, t in enumerate(texts) if i not in new)
        if len(fresh) < len(texts) and self._plausible(rest, sum(self._share(texts[i], parts[i]) for i in fresh)):
            self.calibration.learn(self._features(texts, parts, fresh, 0), rest - self._told(texts, fresh))
        else:  # the first request of a conversation, or the server counts otherwise than before
            for text in texts:
                self._written.pop(text, None)
            fresh = list(range(len(texts)))
            self.calibration.learn(self._features(texts, parts, fresh, 1), reported)
            rest = reported - self.weights.request
        self._note([texts[i] for i in fresh], [self._share(texts[i], parts[i]) for i in fresh], rest)

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
        if written > 0 and self._plausible(written + 8, self._weigh(parts) + 8):
            self._written[message.text] = written
            self.known[message.text] = round(written + self.weights.message)

    def _features(
        self, texts: Sequence[str], parts: Sequence[Parts], fresh: Sequence[int], requests: int
    ) -> tuple[float, ...]:
        """What the calibration learns from: the raw counts of all but what is told, messages and requests."""
        guessed = together([parts[i] for i in fresh if texts[i] not in self._written])
        return (*map(float, guessed), float(len(fresh)), float(requests))

    def _told(self, texts: Sequence[str], fresh: Sequence[int]) -> float:
        return sum(self._written.get(texts[i], 0.0) for i in fresh)

    def _note(self, texts: Sequence[str], shares: Sequence[float], rest: float) -> None:
        """Divide the `rest` tokens that the server counted among `texts`: as they were written, or by `shares`."""
        written = sum(share for text, share in zip(texts, shares, strict=True) if text in self._written)
        others = sum(shares) - written
        factor = min(max((rest - written) / max(others, 1.0), 1 / _PLAUSIBLE), _PLAUSIBLE)
        reached = 0.0
        for text, share in zip(texts, shares, strict=True):
            trusted = self._written.pop(text, None) is not None
            begun, reached = round(reached), reached + (share if trusted else share * factor)
            self.known[text] = round(reached) - begun

    def _share(self, text: str, parts: Parts) -> float:
        """The tokens of a message of this text, as well as is known before the server counts it in a request."""
        return self._written.get(text, self._weigh(parts)) + self.weights.message

    @staticmethod
    def _plausible(told: float, expected: float) -> bool:
        return expected / _PLAUSIBLE <= told <= expected * _PLAUSIBLE

    def _weigh(self, parts: Parts) -> float:
        words, symbols, wide = self.weights[:3]
        return parts.words * words + parts.symbols * symbols + parts.wide * wide
