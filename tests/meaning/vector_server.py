"""A loopback server with `/embeddings`: texts that share words are near each other."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from tests.support.replies import Recorded, Reply
from tests.support.server import Server

SIZE = 64


def vector_of(text: str) -> list[float]:
    """A component for each word of `text`, by its digest; never nothing."""
    vector = [0.01] + [0.0] * (SIZE - 1)
    for word in text.lower().split():
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % SIZE] += 1.0
    return vector


def vectors(texts: Sequence[str], *, usage: bool = True) -> Reply:
    """The answer for `texts`."""
    data = [{"object": "embedding", "index": at, "embedding": vector_of(text)} for at, text in enumerate(texts)]
    tokens = sum(len(text.split()) for text in texts)
    used = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if usage else {}
    return Reply.document({"object": "list", "model": "m", "data": data, **used})


class VectorServer(Server):
    """Answers `/embeddings` with the next of `replies`, then with vectors, for at most `most` texts a request."""

    def __init__(self, *, key: str = "", most: int = 2048, longest: int = 100_000) -> None:
        self.replies: deque[Reply] = deque()
        self.most = most
        self.longest = longest
        super().__init__(key=key)

    @property
    def embedded(self) -> list[str]:
        """Every text that was sent to `/embeddings`, in order."""
        return [text for one in self.requests if one.path.endswith("/embeddings") for text in one.json["input"]]

    def _reply_to(self, request: Recorded) -> Reply:
        if not request.path.endswith("/embeddings") or (self.key and self.key not in str(request.headers)):
            return super()._reply_to(request)
        if self.replies:
            return self.replies.popleft()
        texts = request.json["input"]
        if len(texts) > self.most:
            return Reply.error(400, "batch size is invalid, it should not be larger than 10")
        if any(len(text) > self.longest for text in texts):
            return Reply.error(500, "input is too large to process. increase the physical batch size")
        return vectors(texts)
