"""However a server's reply ends, reading it ends too, in a process of its own, so that no loop holds up the tests.

Run as a program (`python -m tests.providers.test_endings URL`) it asks the server at URL for each of `ENDINGS`.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.providers.asking import ask, provider, question
from tests.support.screen import ROOT
from tests.support.server import CUT, Reply, Server, raw

WORDS = b'data: {"choices":[{"index":0,"delta":{"content":"words"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
ENDINGS: dict[str, tuple[Reply, str, str]] = {
    "with every mark": (raw(WORDS, END, b"data: [DONE]\n\n"), "words", ""),
    "without an end mark": (raw(WORDS, END), "words", ""),
    "without a line end": (raw(WORDS, END.rstrip()), "words", ""),
    "in the middle": (raw(WORDS), "words", "protocol"),
    "in a line": (raw(WORDS, b'data: {"choi'), "words", "protocol"),
    "in a character": (raw(WORDS, "数".encode()[:1]), "words", "protocol"),
    "in a line end": (raw(WORDS, b"\r"), "words", "protocol"),
    "by a break": (raw(WORDS, CUT), "words", "connection"),
    "by a break before any words": (raw(CUT), "", "connection"),
    "with nothing": (raw(), "", "protocol"),
    "with blank lines alone": (raw(b"\n\n \n"), "", "protocol"),
    "with comments alone": (raw(b": ping\n\n", b": ping\n\n"), "", "protocol"),
    "in a document": (raw(b'{"choices": [', content_type="application/json"), "", "protocol"),
    "in a page": (raw(b"<!DOCTYPE", content_type="text/html"), "", "protocol"),
}
"""Bodies by how they end, with the text that comes of each and the kind of failure, empty where it is whole."""

LIMIT = 60
"""Seconds for all of them; two are enough."""


def test_every_reply_comes_to_an_end(server: Server) -> None:
    """A reply that stops anywhere is over at once: what came is kept, and a failure is told as one."""
    server.default = lambda request: ENDINGS[request.last_text][0]
    done = subprocess.run(
        [sys.executable, "-m", "tests.providers.test_endings", server.url],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=LIMIT,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == {name: [text, kind] for name, (_reply, text, kind) in ENDINGS.items()}


def main(url: str) -> None:
    """Ask the server at `url` for each ending, and print what came of it as JSON."""
    found = {name: ask(provider(url), question(name)) for name in ENDINGS}
    print(json.dumps({name: [one.text, one.error.kind if one.error else ""] for name, one in found.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
