"""What a server's own counts teach of its tokenizer and template, model by model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Vector = list[float]
Matrix = list[Vector]


class Weights(NamedTuple):
    """How a raw count becomes tokens: a factor for each kind of writing, and what the template adds."""

    words: float = 1.0
    symbols: float = 1.0
    wide: float = 1.0
    message: float = 4.0
    """Tokens the template adds to each message: 3 and its role, by OpenAI's rule."""
    request: float = 3.0
    """Tokens the template adds to each request: the reply's opening, by OpenAI's rule."""


PUBLISHED = Weights()
"""OpenAI's rule: 3 tokens a message and its role, 3 to open the reply (OpenAI Cookbook, "How to count tokens
with tiktoken", section 6)."""

_LOWEST = Weights(0.2, 0.2, 0.2, 0.0, 0.0)
_HIGHEST = Weights(8.0, 8.0, 8.0, 64.0, 4096.0)
"""Bounds of the weights: never negative, so that more text never counts as fewer tokens."""

_FACTOR_SPREAD = 1.0
_LIKENESS = 0.9
"""How much the three factors are expected to move together: a coarse tokenizer is coarse in every script."""
_MESSAGE_SPREAD, _REQUEST_SPREAD = 3.0, 4.0
_NOISE = 0.2
"""How far off a single message's raw count may be, as a share of it.

Chosen with the spreads over recorded conversations (English, Chinese, code, mixed) with llama.cpp and replays
by other encodings: from the fourth turn on, a request's count is off by 0.6 % on average."""


class Calibration:
    """Recursive least squares over (words, symbols, wide, messages, 1), begun at OpenAI's rule.

    `fixed` keeps the factors and the share of a message at the rule (for encodings that are exact) and learns
    only what the server adds to each request. The weights used are always within bounds.
    """

    def __init__(self, *, fixed: bool = False) -> None:
        self.fixed = fixed
        self.seen = 0
        """How many reports have been learnt from."""
        self._theta: Vector = list(PUBLISHED)
        self._spread: Matrix = _beginning(fixed)
        self.weights = PUBLISHED

    def learn(self, features: Sequence[float], reported: float) -> None:
        """The server counted `reported` tokens for `features` (raw counts by kind, messages, requests)."""
        noise = 1.0 + (0.0 if self.fixed else _NOISE * sum(features[:3])) ** 2
        self._theta, self._spread = least_squares(self._theta, self._spread, features, reported, noise)
        self.seen += 1
        self._bound()

    def to_json(self) -> dict[str, object]:
        """What is kept of it, as JSON has it."""
        return {
            "weights": [round(value, 6) for value in self._theta],
            "spread": [[float(f"{value:.9g}") for value in row] for row in self._spread],
            "seen": self.seen,
        }

    @classmethod
    def from_json(cls, data: object, *, fixed: bool = False) -> Calibration:
        """The calibration that was kept; a new one where `data` cannot be read as one."""
        calibration = cls(fixed=fixed)
        if not isinstance(data, Mapping):
            return calibration
        theta, spread = _numbers(data.get("weights")), data.get("spread")
        rows = [_numbers(row) for row in spread] if isinstance(spread, list) else []
        if theta and len(rows) == len(theta) and all(rows):
            seen = data.get("seen")
            if fixed:  # kept, perhaps, when the model was still estimated: only the request's share holds
                theta[:4] = PUBLISHED[:4]
                rows = [*_beginning(True)[:4], [0.0, 0.0, 0.0, 0.0, rows[4][4]]]
            calibration._theta, calibration._spread = theta, rows
            calibration.seen = seen if isinstance(seen, int) else 1
            calibration._bound()
        return calibration

    def _bound(self) -> None:
        self.weights = Weights(
            *(min(max(t, low), high) for t, low, high in zip(self._theta, _LOWEST, _HIGHEST, strict=True))
        )


def least_squares(
    theta: Vector, spread: Matrix, features: Sequence[float], target: float, noise: float
) -> tuple[Vector, Matrix]:
    """One step of recursive least squares: the weights and their covariance after `target` was seen.

    `noise` is the variance that the target is expected to have about `theta . features`.
    """
    gain = [sum(a * b for a, b in zip(row, features, strict=True)) for row in spread]
    scale = noise + sum(a * b for a, b in zip(features, gain, strict=True))
    error = target - sum(a * b for a, b in zip(theta, features, strict=True))
    return (
        [t + g * error / scale for t, g in zip(theta, gain, strict=True)],
        [
            [value - a * b / scale for value, b in zip(row, gain, strict=True)]
            for row, a in zip(spread, gain, strict=True)
        ],
    )


def _beginning(fixed: bool) -> Matrix:
    size = len(PUBLISHED)
    spread = [[0.0] * size for _ in range(size)]
    if not fixed:
        for i in range(3):
            for j in range(3):
                spread[i][j] = _FACTOR_SPREAD**2 * (1.0 if i == j else _LIKENESS)
        spread[3][3] = _MESSAGE_SPREAD**2
    spread[4][4] = _REQUEST_SPREAD**2
    return spread


def _numbers(value: object) -> Vector:
    """`value` as a vector of the right length, or empty."""
    if not isinstance(value, list) or len(value) != len(PUBLISHED):
        return []
    numbers = [float(n) for n in value if isinstance(n, int | float) and abs(n) < 1e9]
    return numbers if len(numbers) == len(value) else []
