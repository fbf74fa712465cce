"""The tokenizers that local servers offer beside OpenAI's API: what they are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gptchat.errors import ProtocolError
from gptchat.words import _


def _llamacpp(text: str, model: str) -> dict[str, Any]:
    """llama.cpp's `/tokenize` (its server's README); `model` is for its router, a single server ignores it."""
    return {"model": model, "content": text, "add_special": False}


def _vllm(text: str, model: str) -> dict[str, Any]:
    """vLLM's `/tokenize`, a `TokenizeCompletionRequest`."""
    return {"model": model, "prompt": text, "add_special_tokens": False}


BODIES: dict[str, Callable[[str, str], dict[str, Any]]] = {"llamacpp": _llamacpp, "vllm": _vllm}
"""The body that asks for the tokens of a text, by what the server writes as `owned_by` in its list of models.

Both tokenizers stand at the root of the server, not below `/v1`, and read special tokens in a text as such,
as they do in a chat.
"""


def tokens_in(answer: Any) -> int:
    """How many tokens the answer to `/tokenize` counts. Raises `ProtocolError` where it counts none."""
    if isinstance(answer, dict):
        count, tokens = answer.get("count"), answer.get("tokens")
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            return count
        if isinstance(tokens, list):
            return len(tokens)
    raise ProtocolError(_("the server's tokenizer answered with something that is no list of tokens"))
