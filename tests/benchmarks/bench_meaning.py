"""How quick search by meaning is: `python -m tests.benchmarks.bench_meaning [SESSIONS]` (default 10,000, 70 MB).

Prints seconds: reading the passages; fetching the vectors of 2,000 from a server on loopback that takes no time;
keeping the others; reading all again after the cache was deleted; ranking; a search in the chat; and
`gptchat /search` from the shell against a command that does nothing. Vectors have 384 components.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncGenerator
from pathlib import Path
from struct import pack

from gptchat.storage.store import JournalStore
from gptchat.storage.vectors.passages import Passages
from gptchat.storage.vectors.vector_file import VECTORS
from tests.benchmarks.bench_storage import best, fill, say
from tests.support.program import compose_program, effects, running, settings_for
from tests.support.replies import Recorded, Reply
from tests.support.server import Server

_CHANCE = random.Random(3)
_VECTORS = [
    b64encode(pack("<384f", *(_CHANCE.gauss(0, 1) for _at in range(384)))).decode() for _vector in range(997)
]

_NOISE = [_CHANCE.gauss(0, 1) for _at in range(377)]


def _anew(folder: Path) -> None:
    Passages(folder / "data", folder / "other").update("alice")


async def _all(steps: AsyncGenerator[int, None]) -> None:
    async for _done in steps:
        pass


class _Vectors(Server):
    """Answers with vectors made beforehand."""

    def _reply_to(self, request: Recorded) -> Reply:
        texts = request.json["input"]
        data = [{"index": at, "embedding": _VECTORS[hash(text) % 997]} for at, text in enumerate(texts)]
        return Reply.document({"data": data, "usage": {"prompt_tokens": 9, "total_tokens": 9}})


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, _Vectors() as server:
        folder = Path(name)
        fill(JournalStore(folder / "data"), count)
        config = settings_for(server.url) + '[search]\nembeddings = "test:e"\n'
        flags = ("--user", "alice")
        program = compose_program(folder, config, *flags, attended=False)
        meaning = program.services.meaning
        cache = program.services.paths.cache_dir
        with running(program) as runner:
            say("reading the passages", best(lambda: meaning.passages.update("alice"), 1))
            embedder = meaning.embedder()
            todo = runner.run(meaning.missing("alice", embedder))
            some = todo.first(2000)
            taken = best(lambda: runner.run(_all(meaning.fill("alice", embedder, some))), 1)
            say("fetching vectors", taken, f"{len(some.places) / taken:,.0f} a second")
            left = [*todo.places][2000:]

            def keep() -> None:
                for at in range(0, len(left), 1024):
                    vectors = {digest: [_CHANCE.random() - 0.5] * 7 + _NOISE for digest in left[at : at + 1024]}
                    meaning.vectors.add_all("test/e", vectors)

            say("keeping the others", best(keep, 1), f"{len(todo.places):,} passages")
            program.services.indexing.index.update("alice")
            owners, _ids = meaning.passages.owners("alice")
            query = [_CHANCE.gauss(0, 1) for _at in range(384)]
            say("ranking", best(lambda: meaning.vectors.rank("test/e", query, owners)))

            def searched() -> None:
                runner.run(effects(program, "/search --meaning python data", None))

            say("a search in the chat", best(searched))
        size = sum(path.stat().st_size for path in cache.glob(f"{VECTORS.name}*"))
        say("reading the passages, the cache deleted", best(lambda: _anew(folder), 1))
        print(f"{'':<44} {size / 1e6:.0f} MB of vectors")
        shell = [sys.executable, "-m", "gptchat", "--config", str(folder / "config.toml")]
        shell += ["--data-dir", str(folder / "data"), *flags]
        environ = {**os.environ, "TEST_KEY": "sk-test"}

        def run(*line: str) -> float:
            return best(lambda: subprocess.run([*shell, *line], env=environ, check=True, capture_output=True))

        start = run("/lang")
        say("start (/lang)", start)
        for line in (("/search", "data server"), ("/search", "--meaning", "data server")):
            say(" ".join(line), run(*line), f"{run(*line) - start:+.3f} s above the start")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
