"""What one model's reports of usage teach: what its template adds, and how its vocabulary counts."""

from __future__ import annotations

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
_MESSAGE_SPREAD, _REQUEST_SPREAD = 1.5, 40.0
"""How far the template's shares may be from OpenAI's, in tokens (one standard deviation)."""
_DOUBT = 0.125
"""How far off a raw count may be, as a share of it (one standard deviation)."""
_PRIOR = 20.0
"""Tokens of evidence that it takes to move a factor half way, from 1 or, for one kind, from that of all texts."""
_FADING = 4_000.0
"""Tokens of evidence that are kept: older ones lose weight, so that the factors follow the conversation."""
_PLAUSIBLE, _SLACK = 4.0, 8.0
"""A count more than this many times off (and these tokens) comes from another tokenizer or template."""
_REMEMBERED = 50_000
_OPENING = ("system", "developer")


class Learning:
    """Corrects raw counts by what the server reports. `kept` is what an earlier `to_json` gave.

    A conversation sends its history again and again, so what each report adds to the one before is the tokens
    of the new messages alone. They are noted by text, and the next request is wrong at most by what is new in
    it. A new text is its raw count times a factor by kind of writing, plus the share of a message.

    What is off in the first request of a conversation is the template's constant; in later ones, the share of
    a message. The longer the new texts are, the more of it is the factors' instead. Replies teach the factors
    at once: no template is in them. Of a `published` format all but the constant is known.
    """

    def __init__(self, kept: object = None, *, published: bool = False) -> None:
        self._published = published
        self._begin()
        if isinstance(kept, Mapping):
            self._restore(kept)

    def _begin(self) -> None:
        self.message = _MESSAGE
        """Tokens that the template adds to each message."""
        self.request = _REQUEST
        """Tokens that the template adds to each request."""
        self.known: dict[str, int] = {}
        """Tokens of messages that were reported, their share of the template included, by their text."""
        self.told: dict[str, int] = {}
        """Tokens of texts alone, as the server's tokenizer counts them; true for this run."""
        self._written: dict[str, float] = {}
        """Tokens of replies as they were written, until a request that holds them tells their share as well."""
        self._raw = [0.0, 0.0, 0.0]
        """The evidence by kind of writing: raw counts of texts, whose tokens turned out to be `_true`."""
        self._true = [0.0, 0.0, 0.0]
        self._first: tuple[float, float, Parts, int] = self.request, self.request, Parts(0, 0, 0), 0
        """Of the first request of a conversation: the constant before it, the tokens reported for its template
        and the texts that were guessed, the raw counts of these, and how many messages it had."""
        self._seen = False

    @property
    def factors(self) -> tuple[float, float, float]:
        """What raw counts of words, symbols and wide characters are multiplied by."""
        overall = (_PRIOR + sum(self._true)) / (_PRIOR + sum(self._raw))
        words, symbols, wide = (
            min(max((_PRIOR * overall + true) / (_PRIOR + raw), 1 / _MOST_FACTOR), _MOST_FACTOR)
            for true, raw in zip(self._true, self._raw, strict=True)
        )
        return words, symbols, wide

    def whole(self, counted: int, reported: int) -> None:
        """The server counted `reported` tokens in a request where `counted` is right but for its constant."""
        self.request = min(max(self.request + reported - counted, 0.0), LARGEST_REQUEST)

    def share(self, role: str) -> int:
        """What the template adds to a message whose text the server's tokenizer counted: a turn's sum is exact."""
        turn = round(2 * self.message)
        user = turn // 2
        _before, opening, guessed, messages = self._first
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
        told = sum(text in self.told for text in texts)
        rest = reported - self.request - sum(self._known(texts[i], shares[i]) for i in old)
        off = rest - sum(self._text(texts[i], parts[i]) + shares[i] for i in fresh)
        alone = sum(self.told.get(text, 0) for text in texts)
        longer = first and off > 0  # by a constant of any size
        if alone > reported + len(texts) or not (longer or _plausible(rest, rest - off)):
            if self._seen:
                self._begin()  # another model answers under the name
                self.report(messages, parts, reported)
            return  # it reports something else than the prompt
        self._seen = True
        guessed = together([parts[i] for i in fresh if not self._certain(texts[i])])
        expected, before = self._weigh(guessed), self.request
        if first:
            unsure = before + off + expected + sum(shares)
            self._first = before, unsure, guessed, len(fresh)
            trust = 1 - self._settle()  # what the constant takes says nothing of the texts
            self._teach(guessed, expected + off - self.request + before, trust)
        else:
            share = self.message
            # of what the tokenizer counted, earlier messages have the share as well
            sharing = max(told - self._first[3], len(fresh)) if told == len(texts) else len(fresh)
            self.message += off / sharing * _certainty(expected, _MESSAGE_SPREAD * len(fresh))
            self.message = min(max(self.message, 0.0), _MOST_MESSAGE)
            self._teach(guessed, expected + off - (self.message - share) * len(fresh))
            self._settle()
        self._note([texts[i] for i in fresh], [parts[i] for i in fresh], rest - self.request + before)

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
                self._teach(parts, written)

    def to_json(self) -> dict[str, object]:
        """What is kept of it."""
        return {
            "raw": [round(tokens, 1) for tokens in self._raw],
            "true": [round(tokens, 1) for tokens in self._true],
            "message": round(self.message, 3),
            "request": round(self.request, 3),
        }

    def _restore(self, kept: Mapping[object, object]) -> None:
        """Take over what was kept; a damaged file, or one of an older program, is left out."""
        raw, true = _numbers(kept.get("raw")), _numbers(kept.get("true"))
        shares = _numbers([0, kept.get("message"), kept.get("request")])
        if raw and true and shares:
            self._seen, self.request = True, min(shares[2], LARGEST_REQUEST)
            self._first = self.request, self.request, Parts(0, 0, 0), 0
            if not self._published:
                self._raw, self._true, self.message = raw, true, min(shares[1], _MOST_MESSAGE)

    def _settle(self) -> float:
        """Take for the constant what the first request had beyond what is counted now. Returns its weight."""
        before, reported, guessed, messages = self._first
        counted = self._weigh(guessed)
        weight = _certainty(counted, _REQUEST_SPREAD)
        share = self.share("user") if self.told else self.message
        request = before + (reported - counted - share * messages - before) * weight
        self.request = min(max(request, 0.0), LARGEST_REQUEST)
        return weight

    def _teach(self, parts: Parts, tokens: float, weight: float = 1.0) -> None:
        """Texts of the raw counts `parts` turned out to be `tokens`; `weight` is the trust in it, up to 1."""
        expected = self._weigh(parts)
        ratio = min(max(tokens / max(expected, 1.0), 1 / _PLAUSIBLE), _PLAUSIBLE)
        fading = min(_FADING / max(sum(self._raw) + expected, 1.0), 1.0)
        for kind, (raw, factor) in enumerate(zip(parts, self.factors, strict=True)):
            self._raw[kind] = (self._raw[kind] + raw * weight) * fading
            self._true[kind] = (self._true[kind] + raw * weight * factor * ratio) * fading

    def _note(self, texts: Sequence[str], parts: Sequence[Parts], rest: float) -> None:
        """Divide the `rest` tokens that the server counted among `texts`: certain ones keep what they have."""
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

    def _certain(self, text: str) -> bool:
        return text in self.told or text in self._written

    def _known(self, text: str, share: float) -> float:
        return self.told[text] + share if text in self.told else self.known[text]

    def _text(self, text: str, parts: Parts) -> float:
        """The tokens of a text alone, as well as is known before the server counts it in a request."""
        return self.told.get(text, self._written.get(text, self._weigh(parts)))

    def _weigh(self, parts: Parts) -> float:
        return sum(raw * factor for raw, factor in zip(parts, self.factors, strict=True))


def _certainty(guessed: float, spread: float) -> float:
    """How much of what is off in a request is its template's, whose shares vary by `spread`."""
    return 1 / (1 + (_DOUBT * guessed / spread) ** 2)


def _plausible(told: float, expected: float) -> bool:
    return (expected + _SLACK) / _PLAUSIBLE <= told + _SLACK <= (expected + _SLACK) * _PLAUSIBLE


def _numbers(value: object) -> list[float]:
    """`value` as three numbers that are not negative, or empty."""
    if not isinstance(value, list) or len(value) != 3:
        return []
    return [float(n) for n in value] if all(isinstance(n, int | float) and 0 <= n < 1e6 for n in value) else []
