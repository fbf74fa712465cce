"""A small program for the tests: asks and lets choose, and prints the answers as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from gptchat.terminal.input.editor import visit
from gptchat.terminal.input.keyboard import open_keyboard, quiet
from gptchat.terminal.input.picker import Picker, PickerRow
from gptchat.terminal.input.questions import ask
from gptchat.terminal.output.layout import open_screen

ROWS = [PickerRow(f"id{number}", f"session {number} 会议", f"{number} turns") for number in range(10_000)]


def search(text: str) -> Sequence[PickerRow]:
    """The rows that contain a text."""
    return [row for row in ROWS if text in row.title]


async def main(what: str) -> None:
    """Do one thing and print what came of it."""
    keyboard, output = open_keyboard(), open_screen()
    answer: object
    with quiet(keyboard, output):
        if what == "pick":
            picker = Picker(
                search, lambda id: f"user: about {id}\nassistant: well", keyboard=keyboard, output=output
            )
            answer = await picker.pick(sys.argv[2])
        elif what == "choose":
            choices = (("y", "yes, delete it"), ("n", "no"))
            answer = await ask("Delete?", keyboard=keyboard, output=output, choices=choices, default="n")
        elif what == "long":
            question = "the window is 100 % full; let the model sum up the older turns?"
            choices = (("y", "yes"), ("n", "no, the oldest turns will be left out from now on"))
            answer = await ask(question, keyboard=keyboard, output=output, choices=choices, default="n")
        elif what == "secret":
            answer = await ask("Key:", keyboard=keyboard, output=output, secret=True)
        else:
            answer = await visit(keyboard, output, "old text")
    print("answer", json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
