"""A conversation with a tool that writes down when it runs, for the tests that kill it.

python -m tests.tooling.killed FOLDER URL SESSION TEXT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from gptchat.core.events import TurnStarted
from tests.tooling.shelf import Function, program_with


def main() -> None:
    """Send messages until killed; the tool appends the number it was called with to the file `ran`.

    `ready` is printed when a second turn begins: everything is loaded and connected then. "the last" is sent once.
    """
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
        for turn in count(1):
            async for event in program.services.conversation.say(text):
                if turn == 2 and isinstance(event, TurnStarted):
                    print("ready", flush=True)
            if text == "the last":
                break
        await program.services.close()

    asyncio.run(run())


if __name__ == "__main__":
    main()
