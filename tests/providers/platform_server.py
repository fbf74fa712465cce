"""A small GPT+ platform on loopback, in a thread, that keeps conversations and can be told to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Platform:
    """The platform's state, seen and changed by tests. `answers` overrides the next answer to a path."""

    address: str = ""
    app_key: str = "the-secret-app-key"
    expires_in: int = 3600
    tokens: set[str] = field(default_factory=set)
    seen: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    conversations: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, bytes, dict[str, str]]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_next(self, path: str, status: int, body: object, **headers: str) -> None:
        """The next request to a path that ends with `path` gets this."""
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.answers.setdefault(path, []).append((status, data, headers))

    def paths(self) -> list[str]:
        """Every path that was asked for, in order."""
        return [path for path, _body, _token in self.seen]

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, bytes, dict[str, str]]:
        """What the platform says to one request."""
        with self.lock:
            self.seen.append((path, body, token))
            for ending, waiting in self.answers.items():
                if path.endswith(ending) and waiting:
                    return waiting.pop(0)
            return 200, json.dumps(self._envelope(path, body, token)).encode(), {}

    def _envelope(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        if path == "/v1/sessions":
            if body.get("app_key") != self.app_key:
                return {"code": 1003, "message": "wrong application"}
            self.tokens.add(f"token-{len(self.seen)}")
            return {
                "code": 200,
                "data": {"access_token": f"token-{len(self.seen)}", "expires_in": self.expires_in},
            }
        if token.removeprefix("Bearer ") not in self.tokens:
            return {"code": 401, "message": "token expired"}
        if path == "/v1/conversations":
            uuid = f"conversation {len(self.conversations)}"
            self.conversations[uuid] = [body.get("prompt", "")]
            return {"code": 200, "data": {"uuid": uuid}}
        if path == "/v1/messages":
            uuid = f"conversation {len(self.conversations)}"
            self.conversations[uuid] = [body["prompt"], body["content"]]
            said = {"content_raw": f"**{body['content']}**, you say"}
            return {"code": 200, "data": {"message": said, "conversation": {"uuid": uuid}}}
        uuid = path.split("/")[3].replace("%20", " ")
        if uuid not in self.conversations:
            return {"code": 404, "message": "no such conversation"}
        self.conversations[uuid].append(body["content"])
        return {"code": 200, "data": {"content_raw": f"**{body['content']}**, you say"}}


@contextmanager
def serve() -> Iterator[Platform]:
    """A platform that answers until the block ends."""
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, data, headers = platform.answer(self.path, body, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
