"""A server that streams prepared replies over loopback as fast as sockets take them; prints its port.

A model's name says what comes: `text-4000-0` is 4,000 pieces of four characters at once, `text-2000-200`
2,000 of them at 200 a second. Everything is made before the first byte is sent, so that the server's own
work is not measured with its client's.
"""

from __future__ import annotations

import functools
import json
import socket
import sys
import threading
import time

_PROSE = (
    "The **event loop** waits for work, and `asyncio` gives each task a turn; see [it](https://example.org/). "
)
_BLOCKS = (
    "## Part {n}\n\n",
    _PROSE * 2 + "\n\n",
    "```python\nasync def fetch(url: str) -> bytes:\n    for attempt in range(3):\n        pass\n```\n\n",
    "1. First, measure.\n2. Then change **one** thing.\n   - nested, with `code`\n3. Measure again.\n\n",
    "> A quote, *briefly*.\n\n",
    "| name | value | note |\n| --- | ---: | --- |\n| alpha | 1 | first |\n| beta | 22 | second |\n\n",
    "事件循环负责调度任务，**协程**在等待时让出控制权；这样一个线程就能处理很多连接。\n\n",
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def document(pieces: int) -> list[str]:
    """Mixed Markdown, in that many pieces of four characters."""
    text, number = "", 0
    while len(text) < pieces * 4:
        number += 1
        text += "".join(_BLOCKS).replace("{n}", str(number))
    return [text[at : at + 4] for at in range(0, pieces * 4, 4)]


def _event(model: str, **choice: object) -> bytes:
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, **choice}
    return _chunk(b"data: " + json.dumps(value).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


@functools.cache
def events(model: str) -> tuple[list[bytes], float]:
    """The prepared events for `model`, and how many go out in a second (0: all at once)."""
    _name, pieces, rate = model.split("-")

    def choice(delta: dict[str, str], reason: str | None = None) -> bytes:
        return _event(model, choices=[{"index": 0, "delta": delta, "finish_reason": reason}])

    usage = {"prompt_tokens": 10, "completion_tokens": int(pieces), "total_tokens": 10 + int(pieces)}
    sent = [choice({"content": piece}) for piece in document(int(pieces))]
    end = choice({}, "stop") + _event(model, choices=[], usage=usage) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return [*sent, end], float(rate)


def serve(connection: socket.socket) -> None:
    """Answer the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = connection.makefile("rb")
    try:
        while request := received.readline():
            length = 0
            while (line := received.readline().strip()) != b"":
                name, _colon, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = received.read(length)
            if request.startswith(b"GET"):
                _list(connection)
                continue
            prepared, rate = events(json.loads(body)["model"])
            connection.sendall(_HEAD)
            begun = time.monotonic()
            if not rate:
                for at in range(0, len(prepared), 50):
                    connection.sendall(b"".join(prepared[at : at + 50]))
                continue
            for number, event in enumerate(prepared):
                time.sleep(max(begun + number / rate - time.monotonic(), 0))
                connection.sendall(event)
    except OSError:  # the client has left
        pass
    finally:
        connection.close()


def _list(connection: socket.socket) -> None:
    body = json.dumps({"object": "list", "data": [{"id": "text-4000-0", "object": "model"}]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def main() -> None:
    """Serve until killed, on the port of the first argument (default: any free one)."""
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    for model in ("text-20-0", "text-4000-0", "text-16000-0", "text-2000-200"):
        events(model)
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
