"""The encoding of a model, from its name."""

from __future__ import annotations

import re

ESTIMATE = "estimate"
"""Encoding name under which estimated counts are cached, for models without a bundled tokenizer."""

ENCODINGS = ("cl100k_base", "o200k_base")

# From tiktoken/model.py. Newer names: every OpenAI model since gpt-4o has used o200k_base. gpt-oss uses
# o200k_harmony, which has the same ranks and different special tokens.
_RULES = (
    (
        re.compile(
            r"(gpt-(4o|4\.1|4\.5|[5-9]|[12]\d|oss)|chatgpt-4o|chat-latest|o\d(-|$)|codex-|computer-use-|daybreak-)"
        ),
        "o200k_base",
    ),
    (re.compile(r"(gpt-4|gpt-3\.?5|davinci-002|babbage-002|text-embedding-)"), "cl100k_base"),
)
_OPEN_WEIGHTS = re.compile(r"gpt-oss")


def bare(model: str) -> str:
    """`model` in lower case, without a path (`openai/gpt-4o`) or fine-tuning affixes (`ft:gpt-4o:acme::abc`)."""
    name = model.strip().lower().rpartition("/")[2]
    return name[3:].partition(":")[0] if name.startswith("ft:") else name


def encoding_for(model: str) -> str:
    """The encoding of an OpenAI model, in any spelling that `bare` accepts; `estimate` for all others."""
    name = bare(model)
    return next((encoding for rule, encoding in _RULES if rule.match(name)), ESTIMATE)


def counts_as_published(model: str) -> bool:
    """Whether OpenAI's published rule for the formatting tokens of a message holds for this model.

    Open-weight models (gpt-oss) use an OpenAI encoding, but the chat template of the server.
    """
    return encoding_for(model) != ESTIMATE and not _OPEN_WEIGHTS.match(bare(model))
