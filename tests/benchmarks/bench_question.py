"""One question from the shell, from start to exit, beside a script of a few lines on the SDK, and beside a peer.

    python -m tests.benchmarks.bench_question [--rounds 15] [--port 8765 --peer 'llm -m text-20-0 hello']

Every round runs each command once. Printed are the medians of CPU and wall-clock time, and the median of the
rounds' ratios to the script. A peer must find the server of `chat_server.py` at `http://127.0.0.1:PORT/v1`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_chat import ROOT, server
from tests.benchmarks.bench_start import Taken, report, run

SCRIPT = """
import os, sys
from openai import OpenAI
client = OpenAI(api_key="none", base_url=os.environ["BENCH_URL"])
messages = [{"role": "user", "content": "hello"}]
for chunk in client.chat.completions.create(model="text-20-0", messages=messages, stream=True):
    if chunk.choices and chunk.choices[0].delta.content:
        sys.stdout.write(chunk.choices[0].delta.content)
        sys.stdout.flush()
print()
"""
WANTED = 0.75
"""Times the script."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--peer", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(given.port) as port:
        url = f"http://127.0.0.1:{port}/v1"
        config = Path(folder) / "config.toml"
        config.write_text(
            f'provider = "bench"\nmodel = "text-20-0"\n[providers.bench]\nkind = "compatible"\n'
            f'base_url = "{url}"\nkey_optional = true\n',
            encoding="utf-8",
        )
        environment = {**os.environ, "HOME": folder, "BENCH_URL": url, "PYTHONPATH": str(ROOT)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        ours = [sys.executable, "-m", "gptchat", "--config", str(config), "--data-dir", str(Path(folder) / "data")]
        commands = {"script": [sys.executable, "-c", SCRIPT], "gptchat": [*ours, "-u", "bench", "hello"]}
        commands["gptchat"].insert(-1, "--create-user")
        if given.peer:
            commands["peer"] = shlex.split(given.peer)
        for command in commands.values():  # compiles what is not compiled yet
            run(command, environment)
        taken: Taken = {name: [] for name in commands}
        for _round in range(given.rounds):
            for name, command in commands.items():
                taken[name].append(run(command, environment))
        report(taken, "script", {"gptchat": WANTED})


if __name__ == "__main__":
    main()
