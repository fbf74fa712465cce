"""Request bodies and answers of the tokenizer endpoints that local servers offer beside OpenAI's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gptchat.errors import ProtocolError
from gptchat.words import _


def _llamacpp(text: str, model: str) -> dict[str, Any]:
    """The body for llama.cpp's `/tokenize` (see its server README). Only its router uses `model`."""
    return {"model": model, "content": text, "add_special": False}


def _vllm(text: str, model: str) -> dict[str, Any]:
    """The body for vLLM's `/tokenize`, a `TokenizeCompletionRequest`."""
    return {"model": model, "prompt": text, "add_special_tokens": False}


BODIES: dict[str, Callable[[str, str], dict[str, Any]]] = {"llamacpp": _llamacpp, "vllm": _vllm}
"""Functions from (text, model) to the request body, by the server's `owned_by` in its list of models.

Both endpoints are at the root of the server, not below `/v1`. They parse special tokens in a text, as the
servers do in a chat.
"""


def tokens_in(answer: Any) -> int:
    """The number of tokens in the answer to `/tokenize`. Raises ProtocolError if the answer has none."""
    if isinstance(answer, dict):
        count, tokens = answer.get("count"), answer.get("tokens")
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            return count
        if isinstance(tokens, list):
            return len(tokens)
    raise ProtocolError(_("the server's tokenizer answered with something that is no list of tokens"))
