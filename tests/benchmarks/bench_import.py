"""How fast a large export of ChatGPT's shape comes in, and with how much memory.

Run: python -m tests.benchmarks.bench_import [MB]
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from gptchat.exchange.importing import import_file
from gptchat.storage.index.library import Library
from gptchat.storage.store import JournalStore


def conversation(number: int) -> str:
    """One conversation of 20 turns, about 40 kB."""
    mapping: dict[str, object] = {"root": {"id": "root", "parent": None, "message": None}}
    above = "root"
    for place in range(40):
        id, role = f"n{place}", "assistant" if place % 2 else "user"
        words = f"{number} {place} 竹子一天能长多高？ " + "How fast does it grow on a hill? " * (
            20 if place % 2 else 3
        )
        message = {
            "id": id,
            "author": {"role": role},
            "content": {"content_type": "text", "parts": [words]},
            "create_time": 1_700_000_000 + number * 100 + place,
            "metadata": {"model_slug": "gpt-5"},
            "recipient": "all",
            "weight": 1.0,
        }
        mapping[id] = {"id": id, "parent": above, "message": message}
        above = id
    return json.dumps(
        {
            "title": f"Chat {number}",
            "create_time": 1_700_000_000 + number * 100,
            "mapping": mapping,
            "current_node": above,
            "conversation_id": f"c-{number}",
        }
    )


def main(megabytes: int) -> None:
    """Write the export, import it twice, and print the times and the largest memory of both processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "conversations.json"
        with path.open("w") as file:
            file.write("[" + conversation(0))
            number = 0
            while file.tell() < megabytes * 1_000_000:
                number += 1
                file.write(",\n" + conversation(number))
            file.write("]")
        store = JournalStore(Path(folder) / "data")
        for which in ("first", "again"):
            begun, steps = time.monotonic(), 0

            def step(_done: int, _total: int) -> None:
                nonlocal steps
                steps += 1

            result = import_file(store, Library(store.data), "alice", path, step)
            seconds = time.monotonic() - begun
            parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            print(
                f"{which}: {len(result.sessions)} in, {result.known} known, {result.messages} messages in "
                f"{seconds:.1f} s, {megabytes / seconds:.1f} MB/s; {parent} MB here, "
                f"{child} MB in the child, {steps} steps"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
