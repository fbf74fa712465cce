"""Vectors from `/embeddings`, as OpenAI, Azure, llama.cpp, Ollama, vLLM and others serve them."""

from __future__ import annotations

import binascii
import re
import sys
from array import array
from base64 import b64decode
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from gptchat.core.messages import Embedded
from gptchat.errors import BadRequestError, ContextLengthError, ProtocolError, ServerError
from gptchat.providers.payloads import clean
from gptchat.providers.wire.common import usage_of
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Awaitable

_TOO_LONG = re.compile(
    r"too (?:large|long)|(?:context|input|sequence|maximum|token)\s.*(?:length|limit)", re.IGNORECASE
)
"""How servers say that a text is longer than the model takes."""
_WIDEST = 65_536
"""Components; the widest models have some 4,000."""


class Caller(Protocol):
    """What `embed` needs of a provider."""

    @property
    def name(self) -> str:
        """Its name in the settings."""

    def call(self, method: str, path: str, body: dict[str, Any] | None) -> Awaitable[Any]:
        """The JSON answer to a request below the base URL. Raises GptchatError."""


async def embed(caller: Caller, texts: Sequence[str], model: str) -> Embedded:
    """A vector of `model` for each of `texts`, none of which is empty, in one request.

    Raises GptchatError; ContextLengthError where a text is too long for the model.
    """
    try:
        answer = await caller.call("post", "/embeddings", {"model": model, "input": clean(list(texts))})
    except (BadRequestError, ServerError) as error:
        if _TOO_LONG.search(error.said.text):  # llama.cpp: by a status of 500
            raise ContextLengthError(error.message, hint=error.hint, status=error.status) from error
        raise
    return embedded_in(answer, len(texts), caller.name)


def embedded_in(answer: Any, count: int, who: str) -> Embedded:
    """The `count` vectors in an answer of `/embeddings`, in the order of the texts. Raises ProtocolError."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != count:
        raise _unreadable(who)
    vectors: dict[int, Sequence[float]] = {}
    for place, item in enumerate(items):
        told = item.get("index") if isinstance(item, dict) else None
        vector = _vector(item.get("embedding")) if isinstance(item, dict) else None
        if vector is None:
            raise _unreadable(who)
        vectors[told if type(told) is int else place] = vector
    if vectors.keys() != set(range(count)) or len({len(vector) for vector in vectors.values()}) != 1:
        raise _unreadable(who)
    model = answer.get("model")
    return Embedded(
        [vectors[place] for place in range(count)],
        usage_of(answer.get("usage")),
        model if isinstance(model, str) else "",
    )


def _vector(value: Any) -> Sequence[float] | None:
    """The components of a vector: numbers, or little-endian 32-bit floats in base64; None if it is neither."""
    if isinstance(value, str):
        try:
            vector = array("f", b64decode(value, validate=True))
        except (ValueError, binascii.Error):
            return None
        if sys.byteorder == "big":
            vector.byteswap()
        value = vector.tolist()
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # llama.cpp without /v1
    if not isinstance(value, list) or not 0 < len(value) <= _WIDEST:
        return None
    if not all(type(one) in (int, float) and abs(one) < 1e30 and isfinite(one) for one in value):
        return None
    return value if any(value) else None


def _unreadable(who: str) -> ProtocolError:
    return ProtocolError(
        _("{who} answered with something other than a vector for each text").format(who=who),
        hint=_("check that the model is one for embeddings, and that the server serves it as such"),
    )
