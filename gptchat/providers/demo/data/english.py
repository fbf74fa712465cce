"""The demo's English script: exchange of pronouns, memory rules, and texts about the program."""

from __future__ import annotations

import re

from gptchat.providers.demo.data.english_rules import KEYWORDS
from gptchat.providers.demo.eliza import Rule, Script

_TURNED = {
    "i am": "you are",
    "i'm": "you are",
    "i was": "you were",
    "i've": "you have",
    "i'll": "you will",
    "i'd": "you would",
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am i": "are you",
    "you are": "I am",
    "you're": "I am",
    "you were": "I was",
    "you've": "I have",
    "you'll": "I will",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "are you": "am I",
}
_OBJECT_AFTER = re.compile(
    r"\b(to|for|with|of|about|at|from|by|than|on|like|love|hate|tell|told|help|see|let|make|made|want|need|give|ask"
    r"|show|trust|know|believe|understand|meet|miss)$",
    re.IGNORECASE,
)
"""Words after which "you" becomes "me" and not "I"."""
_PHRASES = re.compile(r"\b(" + "|".join(sorted([*_TURNED, "you"], key=len, reverse=True)) + r")\b", re.IGNORECASE)


def reflect(fragment: str) -> str:
    """`fragment` with pronouns exchanged: "my work for you" becomes "your work for me"."""

    def turn(match: re.Match[str]) -> str:
        phrase = match[1].lower()
        if phrase != "you":
            return _TURNED[phrase]
        before, after = fragment[: match.start()].rstrip(), fragment[match.end() :].split()
        as_object = not after or after[0].lower() == "to" or _OBJECT_AFTER.search(before)
        return "me" if as_object else "I"

    return _PHRASES.sub(turn, fragment)


SCRIPT = Script(
    keywords=KEYWORDS,
    memory=(
        Rule(
            "* my +",
            (
                "Earlier you said that your {2}. Let us go back to it.",
                "Does that have to do with the fact that your {2}?",
                "But your {2}, you said.",
            ),
        ),
    ),
    otherwise=(
        "Please go on.",
        "What does that suggest to you?",
        "I am not sure I follow. Say it in other words?",
        "And how do you feel about that?",
        "Tell me a little more.",
        "What makes you bring that up?",
    ),
    reflect=reflect,
    spaced=True,
    introduction=(
        "Before anything else: I am **gptchat's offline demo**, not a language model. I understand nothing; "
        "I turn your own words around by a few dozen rules, in the manner of ELIZA (1966). Nothing leaves this "
        "machine.\n\n"
        "- type `show me` for a tour of everything this terminal can draw\n"
        "- type `/connect` to connect a real model, `/help` for all commands\n\n"
    ),
    about=(
        (
            "I am the offline demo of gptchat: a few dozen rules in the manner of Joseph Weizenbaum's ELIZA "
            "(1966). There is no model behind me, I understand nothing, and nothing you type leaves this machine. "
            "`/connect` connects a real model, `show me` draws a tour of Markdown, `/help` lists the commands."
        ),
        (
            "Still the demo, still no model: I match patterns and hand your words back. What you see around me "
            "is real, though: the session is saved, tokens are counted (my window is only 4,096, so that you can "
            "watch old turns being left out), and `/undo`, `/retry` and `/export` all work. For answers, use "
            "`/connect`."
        ),
    ),
    asks_about=(
        r"\b(what|which) (ai |language )?model\b|\b(who|what) (are|r) (you|u)\b"
        r"|\bhow do(es)? (you|this) work\b"
        r"|\bare you (a |an |the |really |even )*(real|human|person|ai|bot|robot|chat ?gpt|gpt)\b"
        r"|\bare you (a |an |the )?(model|demo|alive|eliza|program|machine)\b|\beliza\b|\bapi key\b"
        r"|\bwhat can (you|i) do\b|\bdo you understand\b|\bconnect\b.*\bmodel\b|\bthis (a )?demo\b"
        r"|^\W*(help|demo|about)\W*$|\b(introduce|describe|explain) yourself\b|\byour name\b"
    ),
    asks_tour=r"^\W*(please |can you |could you |now )*show me\b|^\W*(the )?tour\W*$",
    long_text=(
        "That is a long text: about {tokens} tokens by my estimate. A real model would read it; I am the demo "
        "and work on short sentences only. `/connect` connects one that can."
    ),
    picture="There is an image in that message. I am the demo and see nothing; a model with vision would.",
    tour="tour_english.md",
)
