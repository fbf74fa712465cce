"""What a start costs, as ratios: commands to bare Python, the chat to a bare prompt_toolkit prompt (Linux).

    python -m tests.benchmarks.bench_start [--rounds 20] [--only commands,prompt] [--python PYTHON]

`--python` names the interpreter of an environment in which gptchat is installed, so that another version can be
measured. Every round runs each start once, so that a busy machine is busy for all of them. Printed are the medians
of CPU and wall-clock time, and the median of the rounds' ratios. On a machine that does other things, compare CPU.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.program import Program
from tests.benchmarks.sessions import make_session

BARE = "bare Python"
COMMANDS: Mapping[str, tuple[Sequence[str], float]] = {
    "--version": (["--version"], 2.5),
    "--help": (["--help"], 5),
    "/users": (["/users"], 5),
    "/sessions": (["/sessions"], 5),
    "/help": (["/help"], 0),
}
"""The arguments of each start, and how many times bare Python it may cost; 0 for no limit."""

PROMPT = """
import asyncio
from prompt_toolkit import PromptSession
asyncio.run(PromptSession("bench › ").prompt_async())
"""
PROMPT_LIMIT = 1.3

Taken = dict[str, list[tuple[float, float]]]
"""CPU and wall-clock seconds of each round, by what was run."""


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """CPU and wall-clock seconds of a command run to its end."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=environment["HOME"]
    )
    _process, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begun


def prompt(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """CPU and wall-clock seconds until a prompt shows."""
    with Program(command, environment) as program:
        seconds = program.wait("bench ›") - program.begun
        return program.cpu(), seconds


def report(taken: Taken, base: str, limits: Mapping[str, float]) -> None:
    """Print the medians, and the ratios to `base` round by round."""
    for name, rounds in taken.items():
        cpu, wall = (statistics.median(one[i] for one in rounds) * 1000 for i in (0, 1))
        line = f"{name:32} CPU {cpu:7.1f} ms   wall {wall:7.1f} ms"
        if name != base:
            by_cpu, by_wall = (
                [one[i] / other[i] for one, other in zip(rounds, taken[base], strict=True)] for i in (0, 1)
            )
            low, _low, _median, _high, high = statistics.quantiles(by_cpu, n=6)
            line += f"   times {base}: CPU {statistics.median(by_cpu):5.2f} ({low:.2f} to {high:.2f})"
            line += f", wall {statistics.median(by_wall):5.2f}"
            line += f"   wanted: {limits[name]}" if limits.get(name) else ""
        print(line, flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="commands,prompt")
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / ".config" / "gptchat").mkdir(parents=True)
        (home / ".config" / "gptchat" / "config.toml").write_text('provider = "demo"\n', encoding="utf-8")
        for number in range(20):
            make_session(home / ".local" / "share" / "gptchat", 10, number)
        environment = {"HOME": folder, "PATH": os.defpath, "LANG": "C.UTF-8", "GPTCHAT_USER": "bench"}
        gptchat = [given.python, "-P", "-m", "gptchat"]  # the installed one, not that of the working folder
        starts = {BARE: [given.python, "-c", "pass"]}
        starts |= {name: [*gptchat, *arguments] for name, (arguments, _limit) in COMMANDS.items()}
        prompts = {"bare prompt": [given.python, "-c", PROMPT], "gptchat": gptchat}
        if "commands" in given.only:
            taken: Taken = {name: [] for name in starts}
            for round_ in range(given.rounds + 1):
                for name, command in starts.items():
                    figures = run(command, environment)
                    if round_:  # the first one compiles what is not compiled yet
                        taken[name].append(figures)
            report(taken, BARE, {name: limit for name, (_arguments, limit) in COMMANDS.items()})
        if "prompt" in given.only:
            taken = {name: [] for name in prompts}
            for round_ in range(given.rounds + 1):
                for name, command in prompts.items():
                    figures = prompt(command, environment)
                    if round_:
                        taken[name].append(figures)
            report(taken, "bare prompt", {"gptchat": PROMPT_LIMIT})


if __name__ == "__main__":
    main()
