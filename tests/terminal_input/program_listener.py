"""A small program for the tests: streams words, listens meanwhile, then prompts with what was typed."""

from __future__ import annotations

import asyncio
import json
import sys

from gptchat import leaving
from gptchat.core.origin import Sourced
from gptchat.leaving import LeaveRequested
from gptchat.terminal.input.keyboard import quiet
from gptchat.terminal.input.listener import Listener
from gptchat.terminal.input.prompt import Prompt


async def stream(words: int) -> None:
    """Print words, ten a line, as a reply would come."""
    for number in range(words):
        print(f"word{number}", end="\n" if number % 10 == 9 else " ", flush=True)
        await asyncio.sleep(0.005)


def told(queued: tuple[Sourced, ...]) -> None:
    """Print what waits."""
    print("\nqueued", json.dumps([entry.text for entry in queued]), flush=True)


async def main(words: int) -> int:
    """For each line read, stream and listen."""
    prompt = Prompt(message=lambda: "alice › ")
    waiting: tuple[Sourced, ...] = ()
    draft = None
    with quiet(prompt.keyboard, prompt.output):
        try:
            while True:
                line = waiting[0] if waiting else await prompt.read(default=draft or "")
                waiting = waiting[1:]
                print("sent", json.dumps(line.text), flush=True)
                if line.text == "crash":
                    raise RuntimeError("as asked")
                task = asyncio.create_task(stream(words))
                async with Listener(
                    prompt.keyboard,
                    prompt.output,
                    prompt.folding,
                    on_stop=task.cancel,
                    on_queue=lambda queued: print(
                        "\nqueued", json.dumps([one.text for one in queued]), flush=True
                    ),
                    on_draft=lambda text, column: print(f"\ndraft {column} {json.dumps(text)}", flush=True),
                    queued=waiting,
                    draft=draft,
                ) as listener:
                    try:
                        await task
                        print("\ndone", flush=True)
                    except asyncio.CancelledError:
                        print("\nstopped", flush=True)
                draft, waiting = listener.draft, listener.queued
        except LeaveRequested:
            print("left")
    return 0


if __name__ == "__main__":
    leaving.begin()
    leaving.run(main(int(sys.argv[1])))
