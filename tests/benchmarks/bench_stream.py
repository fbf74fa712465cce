"""What one event of a streamed reply costs: our decoder and wire, the whole provider, and the SDK's own stream.

Run: python -m tests.benchmarks.bench_stream [EVENTS]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from gptchat.core.events import TextDelta
from gptchat.providers.sse import SseDecoder
from gptchat.providers.wire import wire_named
from tests.providers.asking import KEY, provider, question
from tests.support.server import Server, raw


def stream_of(events: int) -> bytes:
    """A reply of that many deltas, with the fields that OpenAI sends."""
    base = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "service_tier": "default",
    }
    chunk = {
        **base,
        "choices": [{"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}],
    }
    end = {**base, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]}
    one = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    return one * events + b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n"


def decoding(data: bytes) -> float:
    """Seconds for decoder and wire over 16 kB chunks."""
    began = time.perf_counter()
    decoder, reader = SseDecoder(10**7, 10**9), wire_named("chat").reader()
    for place in range(0, len(data), 16384):
        for name, text in decoder.feed(data[place : place + 16384]):
            reader.feed(name, text)
    return time.perf_counter() - began


async def ours(url: str) -> float:
    """CPU seconds of this process and thread for one reply through the provider."""
    engine = provider(url)
    began = time.thread_time()
    count = 0
    async for event in engine.stream(question()):
        count += isinstance(event, TextDelta)
    spent = time.thread_time() - began
    await engine.close()
    return spent


async def theirs(url: str) -> float:
    """The same through the SDK's typed stream."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key=KEY, base_url=url) as client:
        began = time.thread_time()
        async for _chunk in await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True
        ):
            pass
        return time.thread_time() - began


def main() -> None:
    """Print microseconds an event."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    data = stream_of(events)
    print(f"decoder and wire      {min(decoding(data) for _try in range(3)) / events * 1e6:6.1f} us an event")
    with Server() as server:
        server.default = lambda request: raw(data)
        for name, run in (("provider", ours), ("the SDK's own stream", theirs)):
            asyncio.run(run(server.url))  # imports and first connection are not what is measured
            best = min(asyncio.run(run(server.url)) for _try in range(3))
            print(f"{name:21} {best / events * 1e6:6.1f} us an event")


if __name__ == "__main__":
    main()
