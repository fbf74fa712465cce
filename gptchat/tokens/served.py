"""What a server's own tokenizer told of texts, and what its template adds to them, learnt from its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from gptchat.core.messages import Message
from gptchat.tokens.calibration import PUBLISHED, Matrix, Vector, least_squares

_REMEMBERED = 50_000
_KINDS = {"system": 0, "developer": 0, "assistant": 2}
_USER = 1
_SPREADS = (8.0, 8.0, 8.0, 32.0)
"""How far a template's shares (system, user, assistant, request) may be from OpenAI's: some put a whole
system prompt of their own into a request that has none."""
_KEPT_SPREAD = 1.0
_NOISE = 0.5
"""Variance of a report: now and then a text's edge and the template's make one token of two."""
EMPTY_LINE = 1
"""Tokens of the empty line between two messages of the person that are sent as one."""
_SETTLED = 2
"""Reports after which the shares are held to be known."""
_MESSAGE_MOST, _REQUEST_MOST = 64, 4096
_SLACK, _SLACK_SHARE = 8, 0.02


class Shares(NamedTuple):
    """Whole tokens that the template adds: to a message, by its role, and to each request."""

    system: int
    user: int
    assistant: int
    request: int

    def of(self, role: str) -> int:
        """The share of a message of `role`."""
        return self[_KINDS.get(role, _USER)]


class Served:
    """The counts of one model's server. `frame` is what an earlier `to_json` gave.

    The texts' counts are of this run alone: under a local server's name another model may answer tomorrow.
    What the template adds is kept, and begun anew where it no longer fits.
    """

    def __init__(self, frame: object = None) -> None:
        self.texts: dict[str, int] = {}
        """Tokens of texts alone, as the server's tokenizer counts them."""
        self.seen = 0
        """How many reports `shares` rests on."""
        self._theta: Vector = []
        self._spread: Matrix = []
        self._begin_anew()
        if isinstance(frame, Mapping):
            kept = frame.get("weights")
            if isinstance(kept, list) and len(kept) == len(self._theta):
                numbers = [float(n) for n in kept if isinstance(n, int | float) and abs(n) <= _REQUEST_MOST]
                if len(numbers) == len(kept):
                    self._theta, self.seen = numbers, _SETTLED
                    self._spread = _diagonal([_KEPT_SPREAD] * len(numbers))

    @property
    def shares(self) -> Shares:
        """What the template adds, in whole tokens, never negative.

        Reports tell sums: a request with its first question, a question with its answer. Each of these is
        rounded but once, or a long conversation would be off by as many tokens as it has turns.
        """
        system, user, assistant, request = self._theta
        opening, turn = max(round(request + user), 0), max(round(user + assistant), 0)
        asked = min(max(round(user), 0), opening, turn)
        return Shares(max(round(system + request + user) - opening, 0), asked, turn - asked, opening - asked)

    def told(self, text: str, tokens: int) -> None:
        """The server counts `tokens` in `text`."""
        if len(self.texts) >= _REMEMBERED:
            self.texts.clear()
        self.texts[text] = tokens

    def learn(self, messages: Iterable[Message], reported: int) -> None:
        """The server counted `reported` tokens in a request of `messages`; teaches nothing of a text not told."""
        sent = [message for message in messages if message.content]
        counts = [self.texts.get(message.text) for message in sent]
        if not sent or None in counts or sent[-1].role == "assistant":
            return  # a reply that is gone on with has another frame
        # Two of the person's in a row are sent as one
        joined = sum(before.role == after.role == "user" for before, after in pairwise(sent))
        rest = reported - sum(count for count in counts if count is not None) - joined * EMPTY_LINE
        if not 0 <= rest <= _MESSAGE_MOST * len(sent) + _REQUEST_MOST:
            self.texts.clear()  # it was another tokenizer that counted them
            self._begin_anew()
            return
        features = [0.0, -float(joined), 0.0, 1.0]
        for message in sent:
            features[_KINDS.get(message.role, _USER)] += 1
        off = rest - sum(a * b for a, b in zip(self._theta, features, strict=True))
        if self.seen >= _SETTLED and abs(off) > _SLACK + _SLACK_SHARE * reported:
            self._begin_anew()  # another model or template answers under the name
        self._theta, self._spread = least_squares(self._theta, self._spread, features, rest, _NOISE)
        self.seen += 1

    def to_json(self) -> dict[str, object]:
        """What is kept of it."""
        return {"weights": [round(value, 3) for value in self._theta]}

    def _begin_anew(self) -> None:
        self.seen = 0
        self._theta = [PUBLISHED.message] * 3 + [PUBLISHED.request]
        self._spread = _diagonal(_SPREADS)


def _diagonal(spreads: Sequence[float]) -> Matrix:
    return [[spread**2 if i == j else 0.0 for j in range(len(spreads))] for i, spread in enumerate(spreads)]
