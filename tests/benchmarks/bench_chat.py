"""The whole program in a pseudo-terminal: its start, its turns, its keys, and what large sessions cost (Linux).

    python -m tests.benchmarks.bench_chat [--only start,turns,keys,paste,long,many] [--runs 5]
        [--port 8765 --peer 'llm chat -m {model}' --peer-ready '> ']

Prints a table of figures, each with the ratio to the peer's where one is given, else to a bare `import openai`
where that says something. A peer is any chat that finds, under the names of the models of `chat_server.py`,
the server at `http://127.0.0.1:PORT/v1`; for `llm` that is an entry each in `extra-openai-models.yaml` with
the same `model_id` and `model_name`. Ours and the peer's runs take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.program import Program
from tests.benchmarks.sessions import make_session

ROOT = Path(__file__).parents[2]
LETTERS = [chr(code) for code in range(0x400, 0x500) if chr(code).isalpha()]
"""None of them is drawn but by its key, and none comes twice in a measurement."""
MODELS = ("text-20-0", "text-4000-0", "text-16000-0", "text-2000-200")
SETTLED = 1.2
"""Seconds without a change of the screen after which a turn has ended."""


class Bench:
    """Where things are, and the table."""

    def __init__(self, folder: Path, port: int, peer: str, peer_ready: str, runs: int) -> None:
        self.folder = folder
        self.port = port
        self.peer = peer
        self.peer_ready = peer_ready
        self.runs = runs
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.environment = {**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "OPENAI_API_KEY": "none"}
        self.config = folder / "config.toml"
        self.config.write_text(
            f'provider = "bench"\n[providers.bench]\nkind = "compatible"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
            "key_optional = true\n"
            # so that there is a vocabulary to load
            + "".join(f'[models."{model}"]\nencoding = "o200k_base"\n' for model in MODELS),
            encoding="utf-8",
        )

    def ours(self, model: str, *arguments: str, data: str = "data") -> Program:
        """gptchat in the data folder named `data`, without the draft that an earlier run left there."""
        (self.folder / data / "users" / "bench" / "draft").unlink(missing_ok=True)
        return Program(self._command(model, *arguments, data=data), self._with_cache(data))

    def run(self, *arguments: str, data: str) -> tuple[float, float]:
        """Seconds, and CPU seconds, of gptchat run to its end without a terminal."""
        before = os.times()
        begun = time.perf_counter()
        subprocess.run(
            self._command("text-20-0", *arguments, data=data),
            env=self._with_cache(data),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds, after = time.perf_counter() - begun, os.times()
        cpu = after.children_user - before.children_user + after.children_system - before.children_system
        return seconds, cpu

    def _command(self, model: str, *arguments: str, data: str) -> list[str]:
        places = ["--config", str(self.config), "--data-dir", str(self.folder / data)]
        return [
            sys.executable,
            "-m",
            "gptchat",
            *places,
            "--user",
            "bench",
            "--create-user",
            "-m",
            model,
            *arguments,
        ]

    def _with_cache(self, data: str) -> dict[str, str]:
        return {**self.environment, "XDG_CACHE_HOME": str(self.folder / data / "cache")}

    def theirs(self, model: str) -> Program:
        """The peer."""
        return Program(shlex.split(self.peer.format(model=model)), self.environment)

    def chats(self, model: str) -> Iterator[tuple[str, Program, str]]:
        """Whose it is, a chat that has just been started, and what its prompt shows; by turns."""
        for _run in range(self.runs):
            with self.ours(model) as program:
                yield "ours", program, "bench ›"
            if self.peer:
                with self.theirs(model) as program:
                    yield "peer", program, self.peer_ready


Table = dict[str, dict[str, list[float]]]


def add(table: Table, what: str, whose: str, value: float) -> None:
    """Note one measurement."""
    table.setdefault(what, {}).setdefault(whose, []).append(value)


def show(table: Table, limits: dict[str, str]) -> None:
    """Print medians (and the least, which a busy machine disturbs least), and their ratios."""
    for what, values in table.items():
        line = f"{what:52}"
        for whose, taken in values.items():
            line += f" {whose} {statistics.median(taken):8.3f} (least {min(taken):8.3f})"
        names = list(values)
        if len(names) > 1:
            median, least = (
                statistics.median(values[names[0]]) / statistics.median(values[names[1]]),
                min(values[names[0]]) / min(values[names[1]]),
            )
            line += f"  ratio {median:5.2f} (of the least {least:5.2f})"
        print(line + (f"   wanted: {limits[what]}" if what in limits else ""), flush=True)


def start(bench: Bench) -> None:
    """Seconds until the prompt shows."""
    table: Table = {}
    for whose, program, prompt in bench.chats("text-20-0"):
        add(table, "prompt ready, s", whose, program.wait(prompt) - program.begun)
        add(table, "prompt ready, CPU s", whose, program.cpu())
    bare = {name: value for name, value in bench.environment.items() if not name.endswith("_API_KEY")}
    bare |= {"HOME": str(bench.folder / "new"), "XDG_CONFIG_HOME": str(bench.folder / "new")}
    new = ["--data-dir", str(bench.folder / "new"), "--lang", "en"]
    for _run in range(bench.runs):
        with Program([sys.executable, "-m", "gptchat", *new], bare) as program:
            add(table, "first screen of a new person, s", "ours", program.wait("OpenAI") - program.begun)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import openai"], env=bench.environment, check=True)
        add(table, "prompt ready, s", "import openai", time.perf_counter() - begun)
    show(table, {"prompt ready, s": "half of the peer's"})


def turns(bench: Bench) -> None:
    """What replies cost."""
    table: Table = {}
    for model in ("text-4000-0", "text-2000-200", "text-16000-0"):
        for whose, program, prompt in bench.chats(model):
            program.wait(prompt)
            program.settle(SETTLED)
            mark, before = len(program.drawn), program.cpu()
            program.send("hello\r")
            program.wait("Part 2", mark)
            program.settle(SETTLED)
            add(table, f"{model}: CPU s", whose, program.cpu() - before)
            add(table, f"{model}: kB drawn", whose, (len(program.drawn) - mark) / 1000)
    limits = {"text-4000-0: CPU s": "0.6 of the peer's", "text-2000-200: CPU s": "1.0 of the peer's"}
    show(table, {**limits, "text-4000-0: kB drawn": "60", "text-2000-200: kB drawn": "60"})
    longer, shorter = (min(table[f"{model}: CPU s"]["ours"]) for model in ("text-16000-0", "text-4000-0"))
    print(f"16,000 tokens cost {longer / shorter:.2f} times 4,000   wanted: 4.5")


def first_word(bench: Bench) -> None:
    """From Enter to the first painted word, of the second message on, and what the server takes of it."""
    table: Table = {}
    for whose, program, prompt in bench.chats("text-20-0"):
        program.wait(prompt)
        program.settle(SETTLED)
        for turn in range(6):
            program.send("hello")
            program.settle(0.3)
            mark, begun = len(program.drawn), time.perf_counter()
            program.send("\r")
            taken = (program.wait("Part", mark) - begun) * 1000
            program.settle(0.5)
            add(table, "Enter to the first word, ms" if turn else "the same, first message, ms", whose, taken)
    for _run in range(20):
        add(table, "Enter to the first word, ms", "server", _server(bench.port))
    show(table, {"Enter to the first word, ms": "server + 30"})


def _server(port: int) -> float:
    body = json.dumps({"model": "text-20-0", "messages": [], "stream": True})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    begun = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", body)
    connection.getresponse().read(20)
    taken = (time.perf_counter() - begun) * 1000
    connection.close()
    return taken


def keys(bench: Bench) -> None:
    """From a key to its echo: right after the start, at rest, while a reply streams, in a session of 10,000."""
    make_session(bench.folder / "long", 10_000)
    for name, arguments, data in (
        ("an empty session", [], "data"),
        ("10,000 messages", ["-c"], "long"),
    ):
        early: list[float] = []
        for _run in range(3):
            with bench.ours("text-2000-200", *arguments, data=data) as program:
                program.wait("bench ›")
                early += typed(program, 60, 0.01)
        report(f"{name}: while everything loads", early)
        with bench.ours("text-2000-200", *arguments, data=data) as program:
            program.wait("bench ›")
            program.settle(SETTLED)
            report(f"{name}: at the prompt", typed(program, 150, 0.02))
            program.send("\r")
            program.wait("Part 1", len(program.drawn))
            report(f"{name}: during a reply, 200 tokens/s", typed(program, 150, 0.025))


def typed(program: Program, count: int, pause: float) -> list[float]:
    """Milliseconds until the echo of `count` letters, with a `pause` (seconds) between them."""
    times = []
    for letter in itertools.islice(itertools.cycle(LETTERS), count):
        mark, begun = len(program.drawn), time.perf_counter()
        program.send(letter)
        times.append((program.wait(letter, mark) - begun) * 1000)
        program.settle(pause)
    return times


def report(name: str, times: Sequence[float]) -> None:
    """One line on echo times."""
    ordered = sorted(times)
    print(
        f"{'echo, ms; ' + name:52} median {statistics.median(ordered):6.2f}"
        f"  p95 {ordered[int(len(ordered) * 0.95)]:6.2f}  worst {ordered[-1]:6.2f}   wanted: p95 16",
        flush=True,
    )


def paste(bench: Bench) -> None:
    """A paste of a megabyte."""
    text = "0123456789abcde\n" * 65536
    table: Table = {}
    for _run in range(bench.runs):
        with bench.ours("text-20-0") as program:
            program.wait("bench ›")
            program.settle(SETTLED)
            begun = time.perf_counter()
            program.send("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")
            add(table, "1 MB pasted, s", "ours", program.wait("[pasted 65536 lines]") - begun)
            for taken in typed(program, 20, 0.02):
                add(table, "echo with it in the line, ms", "ours", taken)
    show(table, {"1 MB pasted, s": "0.5"})


def long_session(bench: Bench) -> None:
    """A turn in a session of 10,000 messages beside one in an empty session, each sending one message only."""
    journal = make_session(bench.folder / "long", 10_000)
    table: Table = {}
    for _run in range(bench.runs):
        for whose, arguments, data in (("10,000", ["-c"], "long"), ("empty", [], "data")):
            with bench.ours("text-20-0", *arguments, "-o", "context.max_turns=1", data=data) as program:
                add(table, "ready, s", whose, program.wait("bench ›") - program.begun)
                program.settle(SETTLED)
                for _turn in range(4):
                    size, before, mark = journal.stat().st_size, program.cpu(), len(program.drawn)
                    begun = time.perf_counter()
                    program.send("hello\r")
                    program.wait("Part 1", mark)
                    add(table, "a turn's first word, ms", whose, (time.perf_counter() - begun) * 1000)
                    program.settle(0.7)
                    add(table, "a turn, CPU s", whose, program.cpu() - before)
                    if data == "long":
                        add(table, "a turn, kB written", whose, (journal.stat().st_size - size) / 1000)
    show(table, {"a turn, CPU s": "1.2", "ready, s": "0.3 s more"})


def many_sessions(bench: Bench) -> None:
    """10,000 sessions of 7 kB."""
    folder = bench.folder / "many"
    for number in range(10_000):
        make_session(folder, 4, number, "x" * 1600)
    table: Table = {}
    seconds, _cpu = bench.run("/sessions", data="many")
    print(f"{'/sessions with no index yet, s':52} ours {seconds:8.3f}")
    for _run in range(bench.runs):
        for whose, data in (("10,000", "many"), ("none", "data")):
            seconds, cpu = bench.run("/sessions", data=data)
            add(table, "gptchat /sessions, s", whose, seconds)
            add(table, "gptchat /sessions, CPU s", whose, cpu)
        for whose, arguments, data in (("10,000", ["-c"], "many"), ("none", [], "data")):
            with bench.ours("text-20-0", *arguments, data=data) as program:
                add(table, "gptchat -c ready, s", whose, program.wait("bench ›") - program.begun)
    show(table, {"gptchat /sessions, s": "0.15 s more", "gptchat -c ready, s": "0.15 s more"})


@contextmanager
def server(port: int) -> Iterator[int]:
    """The server in a process of its own; its port."""
    command = [sys.executable, "-m", "tests.benchmarks.chat_server", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


PARTS: dict[str, Callable[[Bench], None]] = {
    "start": start,
    "turns": turns,
    "first": first_word,
    "keys": keys,
    "paste": paste,
    "long": long_session,
    "many": many_sessions,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--peer", default="")
    parser.add_argument("--peer-ready", default="> ")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(given.port) as port:
        bench = Bench(Path(folder), port, given.peer, given.peer_ready, given.runs)
        with bench.ours("text-20-0") as program:  # compiles what is not compiled yet
            program.wait("bench ›")
        for part in given.only.split(","):
            PARTS[part](bench)


if __name__ == "__main__":
    main()
