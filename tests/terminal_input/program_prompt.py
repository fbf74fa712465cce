"""A small program for the tests: prompts, and prints each line it reads as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from prompt_toolkit.formatted_text import StyleAndTextTuples

from gptchat import leaving
from gptchat.commands.registry import Argument, Call, Command, Registry
from gptchat.leaving import LeaveRequested
from gptchat.terminal.completing.place import Candidate
from gptchat.terminal.input.completion import ChatCompleter
from gptchat.terminal.input.keyboard import quiet
from gptchat.terminal.input.prompt import Prompt
from gptchat.terminal.output.gauge import LiveCount
from gptchat.terminal.output.toolbar import Status, toolbar


async def _run(_context: object, _call: Call):  # type: ignore[no-untyped-def]  # never run here
    yield


COMMANDS = [
    Command("model", "model", "Choose the model", _run, (Argument("name", "model"),)),
    Command("models", "model", "List the models", _run),
    Command("resume", "sessions", "Open a saved session", _run, (Argument("ref", "session", rest=True),)),
    Command("attach", "input", "Attach a file", _run, (Argument("file", "file"),)),
]


class Known:
    """A few things to complete."""

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """What is known of a kind."""
        if kind == "model":
            return [Candidate("gpt-6-luna", meta="cheap"), Candidate("gpt-6.1-terra", meta="big")]
        if kind == "session":
            return [Candidate("Trip to Kyoto"), Candidate("Rust and async")]
        return []


async def main(folder: Path, options: list[str]) -> int:
    """Prompt until the person leaves."""
    live = LiveCount(lambda text: len(text.split()))

    def bar(width: int) -> StyleAndTextTuples:
        if "count" in options:
            return toolbar(Status(user="alice", model="m", tokens=live.tokens, window=100), width)
        return [("class:toolbar", f"toolbar {width}")]

    prompt = Prompt(
        message=lambda: [("class:prompt", "alice › ")],
        completer=ChatCompleter(Registry(COMMANDS), Known()),
        toolbar=bar,
        on_change=live.changed,
        history=folder / "input_history",
        draft=folder / "draft",
    )
    prompt.set_vi("vi" in options)
    live.on_counted = prompt.refresh
    with quiet(prompt.keyboard, prompt.output):
        try:
            while True:
                line = (await prompt.read()).text
                if line == "crash":
                    raise RuntimeError("as asked")
                print("read", json.dumps(line if len(line) < 500 else f"{len(line)} characters"), flush=True)
        except LeaveRequested:
            print("left")
    return 0


if __name__ == "__main__":
    leaving.begin()
    leaving.run(main(Path(sys.argv[1]), sys.argv[2:]))
