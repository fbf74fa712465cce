"""Which encoding a model counts by, told from its name."""

from __future__ import annotations

import re

ESTIMATE = "estimate"
"""The name under which estimated counts are cached: for models whose tokenizer is not ours to have."""

ENCODINGS = ("cl100k_base", "o200k_base")

# After tiktoken/model.py, and for the names that are newer than it: every OpenAI model since gpt-4o has used
# o200k_base. gpt-oss is o200k_harmony: the same ranks, with other special tokens.
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
    """`model` without a provider's prefix (`openai/gpt-4o`) or a fine-tune's dress (`ft:gpt-4o:acme::abc`)."""
    name = model.strip().lower().rpartition("/")[2]
    return name[3:].partition(":")[0] if name.startswith("ft:") else name


def encoding_for(model: str) -> str:
    """The encoding of an OpenAI model, by its name in any of its dresses; `estimate` for every other."""
    name = bare(model)
    return next((encoding for rule, encoding in _RULES if rule.match(name)), ESTIMATE)


def counts_as_published(model: str) -> bool:
    """Whether OpenAI's published rule for a message's share of the format holds for this model.

    Open weights (gpt-oss) have an OpenAI encoding, but the server's own template around each message.
    """
    return encoding_for(model) != ESTIMATE and not _OPEN_WEIGHTS.match(bare(model))
