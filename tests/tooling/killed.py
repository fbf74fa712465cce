"""A conversation with a tool that writes down when it runs, for the tests that kill it.

python -m tests.tooling.killed FOLDER URL SESSION TEXT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.tooling.shelf import Function, program_with


def main() -> None:
    """Send one message; the tool appends the number it was called with to the file `ran`."""
    folder, url, session, text = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

    async def work(arguments: Mapping[str, Any], _progress: Callable[[str], None]) -> str:
        with (folder / "ran").open("a") as file:
            file.write(f"{arguments['q']}\n")
        await asyncio.sleep(0.002)
        return f"did {arguments['q']}"

    async def run() -> None:
        program = program_with(folder, url, Function("work", work))
        if session != "-":
            program.services.open_first(session)
        print("ready", flush=True)
        async for _event in program.services.conversation.say(text):
            pass
        await program.services.close()

    asyncio.run(run())


if __name__ == "__main__":
    main()
