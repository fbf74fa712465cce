"""What one model's reports of usage teach: what its template adds, and how its vocabulary counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gptchat.core.messages import Message
from gptchat.tokens.estimate import Parts, together
from gptchat.tokens.tools import call_text

_MESSAGE, _REQUEST = 4.0, 3.0
"""What OpenAI's format adds to a message (3 tokens and its role) and to a request (the opening of the reply):
OpenAI Cookbook, "How to count tokens with tiktoken", section 6."""
_MOST_MESSAGE, LARGEST_REQUEST = 64.0, 4096.0
"""Templates add no more: some put a whole system prompt of their own into a request that has none."""
_MOST_FACTOR = 8.0
_SPREADS = (60.0, 6.0, 0.37, 0.37, 0.44)
"""How far off each weight may be at first (one standard deviation): the tokens that the template adds to a request
and to a message, the factors of words, symbols and wide characters."""
_ALIKE = 0.3
"""How much of the factors' is common to them (one standard deviation)."""
_DRIFTS = (0.0, 0.1, 0.008, 0.008, 0.008)
"""How far each weight may move from one report to the next, so that the factors follow the conversation."""
_PIECE, _GRAIN, _ROUNDING = 0.08, 0.6, 10.0
"""How far off the estimate of a text of `n` tokens is though all weights are right: `n` times the first, as texts
differ, and the square root of `n` times the second, as words do (measured on English, Chinese and code). The third
is a variance in tokens squared: marks at the end of a reply, phrases that all short replies begin with."""
_SURPRISE = 3.2
"""Standard deviations beyond which a report tells of something else than what was learnt: it is doubted."""
_SPLIT = 2.5
"""What part of such a surprise in a first request may be each message's (one standard deviation: 1 by this)."""
_PLAUSIBLE, _SLACK = 4.0, 8.0
"""A count more than this many times off (and these tokens) comes from another tokenizer or template."""
_REMEMBERED = 50_000
_OPENING = ("system", "developer")
_LEAST = (0.0, 0.0, *(1 / _MOST_FACTOR,) * 3)
_MOST = (LARGEST_REQUEST, _MOST_MESSAGE, *(_MOST_FACTOR,) * 3)


class Learning:
    """Corrects raw counts by what the server reports. `kept` is what an earlier `to_json` gave.

    A conversation sends its history again and again, so what each report adds to the one before is the tokens
    of the new messages alone. They are noted by text, and the next request is wrong at most by what is new in
    it. A new text is its raw count times a factor by kind of writing, plus the share of a message.

    The weights (what the template adds to a request and to a message, and three factors) are estimated together
    by a Kalman filter: a report moves each by how far off it may still be, so a short first message tells of the
    template, a long one of the factors, and a later report of one corrects the other, too. Replies teach the
    factors alone: no template is in them. Of a `published` format all but the constant is known.
    """

    def __init__(self, kept: object = None, *, published: bool = False) -> None:
        self._published = published
        self._begin()
        if isinstance(kept, Mapping):
            self._restore(kept)

    def _begin(self) -> None:
        self._weights = [_REQUEST, _MESSAGE, 1.0, 1.0, 1.0]
        self._doubts = _covariance([spread**2 for spread in _SPREADS])
        """The covariance of the weights."""
        self.known: dict[str, int] = {}
        """Tokens of messages that were reported, their share of the template included, by their text."""
        self.told: dict[str, int] = {}
        """Tokens of texts alone, as the server's tokenizer counts them; true for this run."""
        self._written: dict[str, float] = {}
        """Tokens of replies as they were written, until a request that holds them tells their share as well."""
        self._first: tuple[float, Parts, int] = 0.0, Parts(0, 0, 0), 0
        """Of the first request of a conversation: the tokens reported for its template and the texts that were
        guessed, the raw counts of these, and how many messages it had."""
        self._seen = False

    @property
    def request(self) -> float:
        """Tokens that the template adds to each request."""
        return self._weights[0]

    @property
    def message(self) -> float:
        """Tokens that the template adds to each message."""
        return self._weights[1]

    @property
    def factors(self) -> tuple[float, float, float]:
        """What raw counts of words, symbols and wide characters are multiplied by."""
        words, symbols, wide = self._weights[2:]
        return words, symbols, wide

    def whole(self, counted: int, reported: int) -> None:
        """The server counted `reported` tokens in a request where `counted` is right but for its constant."""
        self._weights[0] = min(max(self.request + reported - counted, 0.0), LARGEST_REQUEST)

    def share(self, role: str) -> int:
        """What the template adds to a message whose text the server's tokenizer counted: a turn's sum is exact."""
        turn = round(2 * self.message)
        user = turn // 2
        opening, guessed, messages = self._first
        if messages:  # the first request has no assistant's: it bounds the others'
            user = max(min(user, round(opening - self._weigh(guessed)) // messages), 0)
        return turn - user if role == "assistant" else user

    def report(self, messages: Sequence[Message], parts: Sequence[Parts], reported: int) -> None:
        """The server counted `reported` tokens in a request of `messages`, of which `parts` are raw counts."""
        texts = [message.text + call_text(message.extra) for message in messages]
        if len(self.known) > _REMEMBERED:
            self.known.clear()
            self._written.clear()
        fresh = [i for i, text in enumerate(texts) if text not in self.known or text in self._written]
        fresh = fresh or [len(texts) - 1]  # said before: what is off is most likely what was added last
        if all(messages[i].role in _OPENING for i in set(range(len(texts))).difference(fresh)):
            fresh = list(range(len(texts)))  # a new conversation under the same prompt
        first, old = len(fresh) == len(texts), sorted(set(range(len(texts))).difference(fresh))
        shares = [
            self.share(message.role) if text in self.told else self.message
            for message, text in zip(messages, texts, strict=True)
        ]
        rest = reported - self.request - sum(self._known(texts[i], shares[i]) for i in old)
        off = rest - sum(self._text(texts[i], parts[i]) + shares[i] for i in fresh)
        alone = sum(self.told.get(text, 0) for text in texts)
        longer = 0 < off < (math.inf if first else _MOST_MESSAGE * len(fresh))  # by what the template adds
        if alone > reported + len(texts) or not (longer or _plausible(rest, rest - off)):
            if self._seen:
                self._begin()  # another model answers under the name
                self.report(messages, parts, reported)
            return  # it reports something else than the prompt
        self._seen = True
        guesses = [parts[i] for i in fresh if not self._certain(texts[i])]
        guessed, before = together(guesses), self.request
        if first:
            self._first = before + off + self._weigh(guessed) + sum(shares), guessed, len(fresh)
        if all(text in self.told for text in texts):
            self._fit_template(0.0 if first else off, max(len(texts) - self._first[2], len(fresh)))
        else:
            noise = self._noise(guesses)
            if first:
                self._widen_template(off, guessed, noise, len(fresh))
            self._correct((float(first), float(len(fresh)), *guessed), off, noise)
        moved = self.request - before
        unnoted = self._note([texts[i] for i in fresh], [parts[i] for i in fresh], rest - moved)
        self._weights[0] += min(max(unnoted, -abs(moved)), abs(moved))  # the sum stays what was reported
        self._weights = _bounded(self._weights)

    def _fit_template(self, off: float, messages: int) -> None:
        """What the template adds where the server's tokenizer has counted all texts: nothing else can be `off`.

        Earlier messages have the share as well, except for those of the first request, whose sum is known.
        """
        opening, guessed, first = self._first
        request, message, *factors = self._weights
        self._weights = _bounded([request, message + off / messages, *factors])
        self._weights[0] = opening - self._weigh(guessed) - self.share("user") * first
        self._weights = _bounded(self._weights)

    def tell(self, text: str, tokens: int) -> None:
        """The server's own tokenizer counts `tokens` in `text`."""
        if len(self.told) >= _REMEMBERED:
            self.told.clear()
        self.told[text] = tokens
        self._seen = True

    def reply(self, message: Message, parts: Parts, reasoning: Parts) -> None:
        """Note what the server itself counted of a reply. Reasoning that it counted in has its share taken off."""
        usage, text = message.usage, message.text
        if usage is None or usage.estimated or not text or text in self.known or text in self.told:
            return
        written = float(usage.completion_tokens - usage.reasoning_tokens)
        mixed = bool(reasoning.total and not usage.reasoning_tokens)
        if mixed:
            written *= parts.total / max(parts.total + reasoning.total, 1)
        if message.finish_reason == "stop":
            written -= 1  # the end mark, which the share of the format holds
        if written > 0 and _plausible(written, self._weigh(parts)):
            self._written[text] = written
            self.known[text] = round(written + self.message)
            if not mixed:
                self._correct((0.0, 0.0, *parts), written - self._weigh(parts), self._noise([parts]))

    def to_json(self) -> dict[str, object]:
        """What is kept of it."""
        return {
            "values": [round(value, 4) for value in self._weights],
            "variances": [round(self._doubts[i][i], 6) for i in range(len(self._weights))],
        }

    def _restore(self, kept: Mapping[object, object]) -> None:
        """Take over what was kept; a damaged file, or one of an older program, is left out."""
        values, variances = _numbers(kept.get("values")), _numbers(kept.get("variances"))
        if not values or not variances:
            return
        self._seen = True
        if self._published:
            self._weights[0] = min(values[0], LARGEST_REQUEST)
            return
        self._weights = _bounded(values)
        self._doubts = _covariance(
            [
                min(one + drift**2, spread**2)
                for one, drift, spread in zip(variances, _DRIFTS, _SPREADS, strict=True)
            ]
        )

    def _widen_template(self, off: float, guessed: Parts, noise: float, messages: int) -> None:
        """Doubt what the template adds if a first request is `off` by what its texts cannot explain.

        A request may have a constant of any size; what no message can have alone is not doubted of messages.
        """
        if off > _MOST_FACTOR * max(guessed.total, 1):
            self._doubts[0][0] += off**2
        texts = _along(self._doubts, (0.0, 0.0, *guessed)) + noise
        if _SURPRISE * texts**0.5 < off < _MOST_MESSAGE * messages:
            self._doubts[1][1] += (off / messages / _SPLIT) ** 2

    def _correct(self, by: Sequence[float], off: float, noise: float) -> None:
        """What `by` times the weights should have given was `off` by so many tokens, give or take √`noise`.

        One step of a Kalman filter whose weights drift. A surprise widens what may be off with all of them.
        """
        doubts = self._doubts
        for i, drift in enumerate(_DRIFTS):
            doubts[i][i] += drift**2
        own = _along(doubts, by)
        if own <= 0:
            return
        wider = max(off**2 / _SURPRISE**2 - noise, own) / own
        total = own * wider + noise
        spread = [one * wider for one in _times(doubts, by)]
        self._doubts = [
            [one * wider - a * b / total for one, b in zip(row, spread, strict=True)]
            for row, a in zip(doubts, spread, strict=True)
        ]
        moved = [weight + one * off / total for weight, one in zip(self._weights, spread, strict=True)]
        self._weights = _bounded(moved)

    def _noise(self, texts: Sequence[Parts]) -> float:
        """The variance of the tokens of `texts` around what the weights give, in tokens squared."""
        counts = [max(text.total, self._weigh(text)) for text in texts]
        return _ROUNDING + sum((_PIECE * tokens) ** 2 + _GRAIN**2 * tokens for tokens in counts)

    def _note(self, texts: Sequence[str], parts: Sequence[Parts], rest: float) -> float:
        """Divide the `rest` tokens that the server counted among `texts`: certain ones keep what they have.

        Returns what cannot be theirs.
        """
        shares = [self._text(text, raw) + self.message for text, raw in zip(texts, parts, strict=True)]
        certain = [self._certain(text) for text in texts]
        settled = sum(share for share, sure in zip(shares, certain, strict=True) if sure)
        if settled == sum(shares):
            settled, certain = 0.0, [False] * len(texts)
        factor = min(max((rest - settled) / max(sum(shares) - settled, 1.0), 1 / _PLAUSIBLE), _PLAUSIBLE)
        reached = 0.0
        for text, share, sure in zip(texts, shares, certain, strict=True):
            begun, reached = round(reached), reached + (share if sure else share * factor)
            self.known[text] = round(reached) - begun
            self._written.pop(text, None)
        return rest - reached

    def _certain(self, text: str) -> bool:
        return text in self.told or text in self._written

    def _known(self, text: str, share: float) -> float:
        return self.told[text] + share if text in self.told else self.known[text]

    def _text(self, text: str, parts: Parts) -> float:
        """The tokens of a text alone, as well as is known before the server counts it in a request."""
        return self.told.get(text, self._written.get(text, self._weigh(parts)))

    def _weigh(self, parts: Parts) -> float:
        return sum(raw * factor for raw, factor in zip(parts, self.factors, strict=True))


def _times(matrix: Sequence[Sequence[float]], by: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, by, strict=True)) for row in matrix]


def _along(matrix: Sequence[Sequence[float]], by: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(_times(matrix, by), by, strict=True))


def _covariance(variances: Sequence[float]) -> list[list[float]]:
    """Doubts of the variances given; what makes a vocabulary larger or smaller moves all factors alike."""
    size = range(len(variances))
    shared = min(_ALIKE**2, *(one / 2 for one in variances[2:]))
    return [[variances[i] if i == j else shared * (i > 1 < j) for j in size] for i in size]


def _bounded(weights: Sequence[float]) -> list[float]:
    return [min(max(one, least), most) for one, least, most in zip(weights, _LEAST, _MOST, strict=True)]


def _plausible(told: float, expected: float) -> bool:
    return (expected + _SLACK) / _PLAUSIBLE <= told + _SLACK <= (expected + _SLACK) * _PLAUSIBLE


def _numbers(value: object) -> list[float]:
    """`value` as one number for each weight, none of them negative, or empty."""
    if not isinstance(value, list) or len(value) != len(_SPREADS):
        return []
    return [float(n) for n in value] if all(isinstance(n, int | float) and 0 <= n < 1e7 for n in value) else []
