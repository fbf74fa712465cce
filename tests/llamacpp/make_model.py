"""Write a tiny GGUF language model with the standard library alone: a chain of bigrams.

The embedding is the identity, attention and feed-forward are zero, and the output matrix holds
log P(next | current), counted over the few sentences below. llama.cpp runs it as an ordinary `llama`
model, so tokenising, templating, sampling, streaming and usage are the real engine's; the text is
readable gibberish (English, Chinese, an emoji split over four tokens, Markdown, <think> blocks).

Usage: make_model.py OUT [WINDOW]. A large FF in the environment (32768) makes it slow on purpose.
"""

from __future__ import annotations

import math
import os
import re
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

SPECIAL = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "<|plan|>")
CONTROL = ("<|im_start|>", "<|im_end|>", "<|plan|>")
ANSWERS = (
    "Hello there, how can I help you today?",
    "The small server answers with short words and a smile 🎉 every time.",
    "Here is a list:\n- one apple\n- two pears\n- three plums\n",
    "Some code:\n```python\nprint(42)\n```\nThat is all.",
    "你好，世界。这是一个小模型。",
    "Streaming text arrives one piece at a time, so please be patient.",
    "| name | value |\n|---|---|\n| a | 1 |\n| b | 2 |\n",
)
# no token of a thought occurs in an answer, so a thought always ends in </think>
THOUGHTS = ("Hmm okay they wrote something new maybe reply briefly", "Hmm okay maybe they wrote something nice")
CALLS = (
    '{"name": "get_weather", "arguments": {"city": "Paris"}}',
    '{"name": "get_weather", "arguments": {"city": "Oslo", "unit": "celsius"}}',
)
# close enough to the gpt-2 pre-tokenizer for the sentences above
_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+(?!\S)|\s+")
_HEADS, _ALIGNMENT = 32, 32


def _byte_letters() -> dict[int, str]:
    """The letter that stands for each byte in a byte-level BPE vocabulary (GPT-2's)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    for number, byte in enumerate(byte for byte in range(256) if byte not in letters):
        letters[byte] = chr(256 + number)
    return letters


_LETTERS = _byte_letters()


def _encoded(text: str) -> str:
    return "".join(_LETTERS[byte] for byte in text.encode())


class Vocabulary:
    """Tokens and merges learnt from the sentences, padded to a multiple of 64 tokens."""

    def __init__(self) -> None:
        self.tokens = [*SPECIAL, *(_LETTERS[byte] for byte in range(256))]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.merges: list[tuple[str, str]] = []
        for text in (*ANSWERS, *THOUGHTS, *CALLS):
            for word in _WORDS.findall(text):
                self._learn_word(word)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        while len(self.tokens) % 64:
            self.tokens.append(f"<unused{len(self.tokens)}>")

    def _learn_word(self, word: str) -> None:
        if "🎉" in word:  # the emoji stays four tokens, so that a character is split between deltas
            return
        if re.search(r"[a-zA-Z]", word):
            self._learn(_encoded(word))
        elif re.search(r"[\u3000-\u9fff\uff00-\uffef]", word):
            for character in word.strip():
                self._learn(_encoded(character))

    def _learn(self, word: str) -> None:
        left = word[0]
        for letter in word[1:]:
            if (left, letter) not in self.merges:
                self.merges.append((left, letter))
            left += letter
            if left not in self.ids:
                self.ids[left] = len(self.tokens)
                self.tokens.append(left)

    def tokenise(self, text: str) -> list[int]:
        """The ids of `text`, special tokens included."""
        numbers: list[int] = []
        for piece in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if piece in SPECIAL:
                numbers.append(self.ids[piece])
            else:
                for word in _WORDS.findall(piece):
                    numbers += [self.ids[part] for part in self._merge(_encoded(word))]
        return numbers

    def _merge(self, word: str) -> list[str]:
        parts = list(word)
        while len(parts) > 1:
            worst = len(self.ranks)
            rank, place = min(
                (self.ranks.get((a, b), worst), number) for number, (a, b) in enumerate(pairwise(parts))
            )
            if rank == worst:
                break
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts

    def kind(self, token: str) -> int:
        """The type of a token in GGUF: control, user defined, unused or normal."""
        if token in CONTROL:
            return 3
        if token in SPECIAL:
            return 4
        return 5 if token.startswith("<unused") else 1


def _weights(vocabulary: Vocabulary) -> array[float]:
    """log P(next | current), `next` by rows."""
    size = len(vocabulary.tokens)
    counts: list[dict[int, float]] = [{} for _token in range(size)]

    def feed(sequence: Sequence[int], weight: float = 1.0) -> None:
        for current, following in pairwise(sequence):
            counts[current][following] = counts[current].get(following, 0.0) + weight

    special = {token: vocabulary.ids[token] for token in SPECIAL}
    newline, end = vocabulary.tokenise("\n")[0], special["<|im_end|>"]
    for answer in ANSWERS:
        tokens = vocabulary.tokenise(answer)
        feed([newline, *tokens], 3.0)
        feed([special["</think>"], *tokens])
        feed([*tokens[-1:], end], 1.5)
        feed([*tokens, end])
        feed([special["<|plan|>"], *tokens[:1]])
    for thought in THOUGHTS:
        feed([special["<think>"], *vocabulary.tokenise(thought), special["</think>"]], 2.0)
    for call in CALLS:
        feed([special["<tool_call>"], *vocabulary.tokenise(f"\n{call}\n"), special["</tool_call>"], end])
    feed([special["<|plan|>"], special["<tool_call>"]], 100.0)
    for token in {token for answer in ANSWERS for token in vocabulary.tokenise(answer)}:
        feed([token, end], 0.01 * sum(counts[token].values()))
    weights = array("f", bytes(4 * size * size))
    for current, following in enumerate(counts):
        total = sum(following.values()) + 1e-6 * size
        low = math.log(1e-6 / total)
        for number in range(size):
            weights[number * size + current] = low
        for number, count in following.items():
            weights[number * size + current] = math.log((count + 1e-6) / total)
    return weights


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _value(value: bool | int | float | str | Sequence[str] | Sequence[int]) -> bytes:
    """A metadata value with its type number, as GGUF 3 has it."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(one)) for one in value)
    return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)


def _tensors(
    vocabulary: Vocabulary, feed_forward: int
) -> Iterable[tuple[str, tuple[int, ...], array[float] | None]]:
    """Name, shape and numbers of each tensor; None stands for zeros."""
    size = len(vocabulary.tokens)
    identity = array("f", bytes(4 * size * size))
    for number in range(size):
        identity[number * size + number] = 1.0
    ones = array("f", [1.0] * size)
    yield "token_embd.weight", (size, size), identity
    yield "output_norm.weight", (size,), array("f", [1 / math.sqrt(size)] * size)
    yield "output.weight", (size, size), _weights(vocabulary)
    yield "blk.0.attn_norm.weight", (size,), ones
    yield "blk.0.ffn_norm.weight", (size,), ones
    for name in ("attn_q", "attn_k", "attn_v"):
        yield f"blk.0.{name}.weight", (_HEADS, size), None
    yield "blk.0.attn_output.weight", (size, _HEADS), None
    yield "blk.0.ffn_gate.weight", (feed_forward, size), None
    yield "blk.0.ffn_up.weight", (feed_forward, size), None
    yield "blk.0.ffn_down.weight", (size, feed_forward), None


def write_model(path: Path, window: int = 2048, feed_forward: int = 32) -> None:
    """Write the model to `path`; `window` is its context in tokens."""
    vocabulary = Vocabulary()
    metadata: dict[str, bool | int | float | str | Sequence[str] | Sequence[int]] = {
        "general.architecture": "llama",
        "general.name": "tiny-bigram",
        "llama.context_length": window,
        "llama.embedding_length": len(vocabulary.tokens),
        "llama.block_count": 1,
        "llama.feed_forward_length": feed_forward,
        "llama.attention.head_count": 1,
        "llama.attention.head_count_kv": 1,
        "llama.attention.key_length": _HEADS,
        "llama.attention.value_length": _HEADS,
        "llama.rope.dimension_count": _HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.vocab_size": len(vocabulary.tokens),
        "general.file_type": 0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocabulary.tokens,
        "tokenizer.ggml.token_type": [vocabulary.kind(token) for token in vocabulary.tokens],
        "tokenizer.ggml.merges": [f"{left} {right}" for left, right in vocabulary.merges],
        "tokenizer.ggml.eos_token_id": vocabulary.ids["<|im_end|>"],
        "tokenizer.ggml.bos_token_id": vocabulary.ids["<|im_start|>"],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": Path(__file__).with_name("template.jinja").read_text(encoding="utf-8"),
    }
    tensors = list(_tensors(vocabulary, feed_forward))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_text(name) + _value(value) for name, value in metadata.items())
    offset = 0
    for name, shape, _numbers in tensors:
        size = 4 * math.prod(shape)
        head += _text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", 0, offset)
        offset += size + -size % _ALIGNMENT
    with path.open("wb") as file:
        file.write(head + bytes(-len(head) % _ALIGNMENT))
        for _name, shape, numbers in tensors:
            size = 4 * math.prod(shape)
            if numbers is not None and sys.byteorder != "little":
                numbers.byteswap()
            file.write((numbers.tobytes() if numbers is not None else bytes(size)) + bytes(-size % _ALIGNMENT))


if __name__ == "__main__":
    write_model(
        Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2048, int(os.environ.get("FF", "32"))
    )
