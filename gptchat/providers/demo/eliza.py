"""The algorithm of ELIZA (Weizenbaum, CACM 9(1), 1966): ranked keywords, decomposition, reassembly, memory.

All texts come from a script in one language. The state (the next reassembly rule, the memory) depends only on
the messages so far, so that the same conversation always gets the same answer.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import cache

from gptchat.values import dataclass

_LONGEST_CLAUSE = 400  # characters; the rules are not written for longer sentences


@dataclass(frozen=True, slots=True)
class Rule:
    """A decomposition pattern and its replies (reassembly rules), which are used in turn.

    In `pattern`, `*` matches any words, `+` at least one, `[a|b]` either word, and each is a group. In the
    replies, `{1}` and `{2}` are the first and second group with pronouns exchanged ("my" becomes "your").
    """

    pattern: str
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """Words, separated by `|`, that trigger `rules`. The keyword of the highest `rank` in a sentence wins."""

    words: str
    rank: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The rules and texts of one language."""

    keywords: tuple[Keyword, ...]
    memory: tuple[Rule, ...]
    """Rules whose replies are stored, for later messages without a keyword."""
    otherwise: tuple[str, ...]
    """Replies for messages without a keyword when the memory is empty."""
    reflect: Callable[[str], str]
    """Exchanges the pronouns in a fragment ("my" becomes "your")."""
    spaced: bool
    """Whether words are separated by spaces."""
    introduction: str
    about: tuple[str, ...]
    asks_about: str
    """A regular expression for questions about the program, which `about` answers."""
    asks_tour: str
    long_text: str
    """The reply to a text that is too long for the rules; `{tokens}` is its size."""
    picture: str
    tour: str
    """The file name of the Markdown tour."""


class Eliza:
    """One conversation with one script. Every message must be passed to `answer`, in order."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._used: Counter[str] = Counter()
        self._memories: deque[str] = deque()

    def answer(self, text: str) -> str:
        """The reply to the message `text`."""
        for clause in _clauses(text):
            keywords = self._keywords_in(clause)
            if keywords:
                self._remember(clause)
            for keyword in keywords:
                for rule in keyword.rules:
                    reply = self._apply(rule, clause, keyword.words + rule.pattern)
                    if reply is not None:
                        return reply
        if self._memories:
            return self._memories.popleft()
        return self.rotate("otherwise", self._script.otherwise)

    def rotate(self, name: str, choices: Sequence[str]) -> str:
        """The next of `choices`, in turn; `name` identifies the counter."""
        chosen = choices[self._used[name] % len(choices)]
        self._used[name] += 1
        return chosen

    def _keywords_in(self, clause: str) -> list[Keyword]:
        found = [k for k in self._script.keywords if _word_pattern(k.words, self._script.spaced).search(clause)]
        return sorted(found, key=lambda keyword: -keyword.rank)

    def _remember(self, clause: str) -> None:
        for rule in self._script.memory:
            memory = self._apply(rule, clause, "memory" + rule.pattern)
            if memory is not None and memory not in self._memories:
                self._memories.append(memory)
                return

    def _apply(self, rule: Rule, clause: str, name: str) -> str | None:
        match = _compile(rule.pattern, self._script.spaced).fullmatch(clause)
        if match is None:
            return None
        reply = self.rotate(name, rule.replies)
        for number, group in enumerate(match.groups(), 1):
            reply = reply.replace(f"{{{number}}}", self._script.reflect(group.strip()))
        return reply


def _clauses(text: str) -> list[str]:
    """Split `text` at punctuation, as ELIZA does; the first clause with a keyword is answered."""
    plain = text.replace("’", "'")
    clauses = (" ".join(piece.split()) for piece in re.split(r"[.,;:!?\n，。；：！？、…()（）\"“”]+", plain))
    return [clause for clause in clauses if 0 < len(clause) <= _LONGEST_CLAUSE]


@cache
def _word_pattern(words: str, spaced: bool) -> re.Pattern[str]:
    choices = "|".join(re.escape(word) for word in words.split("|"))
    return re.compile(rf"\b(?:{choices})\b" if spaced else choices, re.IGNORECASE)


@cache
def _compile(pattern: str, spaced: bool) -> re.Pattern[str]:
    """The regular expression for a pattern such as `* i [need|want] +`, with a group for each placeholder."""
    pieces = []
    for piece in re.findall(r"\*|\+|\[[^\]]*\]|[^*+\[\]]+", pattern):
        if piece in "*+":
            pieces.append("(.*?)" if piece == "*" else "(.+?)")
        elif piece.startswith("["):
            choices = "|".join(re.escape(choice) for choice in piece[1:-1].split("|"))
            pieces.append(rf"\b(?:{choices})\b" if spaced else f"(?:{choices})")
        elif piece.strip():
            words = re.escape(piece.strip()).replace(r"\ ", r"\s+")
            pieces.append(rf"\b{words}\b" if spaced else words)
    return re.compile((r"\s*" if spaced else "").join(pieces), re.IGNORECASE)
