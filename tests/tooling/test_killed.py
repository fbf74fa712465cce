"""A program that is killed while tools run loses nothing, and runs nothing twice unasked."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.support.replies import Recorded, Reply
from tests.support.server import Server, say
from tests.tooling.shelf import call

KILLS = int(os.environ.get("GPTCHAT_TEST_KILLS", "8"))
ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(30 + KILLS * 4)
def test_kills_in_the_middle_of_tool_turns(tmp_path: Path) -> None:
    """After each kill the session opens, no call ran twice, and each call has one result or says interrupted."""
    rng = random.Random(KILLS)
    numbers = count()

    def reply(request: Recorded) -> Reply:
        messages = request.json["messages"]
        rounds = 0
        for message in reversed(messages):
            if message["role"] == "user":
                break
            rounds += message["role"] == "assistant"
        if rounds >= 3:
            return say("done")
        calls = [call("work", json.dumps({"q": str(n)}), f"c{n}") for n in (next(numbers), next(numbers))]
        return say("on", calls=calls)

    with Server() as server:
        server.default = reply
        session = "-"
        for number in range(KILLS):
            command = [
                sys.executable,
                "-m",
                "tests.tooling.killed",
                str(tmp_path),
                server.url,
                session,
                f"m{number}",
            ]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0.0, 0.15))
                process.kill()
            if found := [*tmp_path.rglob("*.jsonl")]:
                session = max(found).stem
        command = [sys.executable, "-m", "tests.tooling.killed", str(tmp_path), server.url, session, "the last"]
        assert subprocess.run(command, cwd=ROOT, timeout=30, check=False).returncode == 0
    ran = Counter((tmp_path / "ran").read_text().split())
    assert max(ran.values()) == 1, "no call runs twice"
    [journal] = tmp_path.rglob("*.jsonl")
    messages = [one for line in journal.read_text().splitlines() if (one := json.loads(line))["type"] == "message"]
    results = Counter(one["tool_call_id"] for one in messages if one["role"] == "tool")
    called = [one["id"] for message in messages for one in message.get("tool_calls", ())]
    assert set(results) == set(called)
    outcomes = Counter(one["outcome"] for one in messages if one["role"] == "tool")
    assert outcomes["done"] > KILLS
    assert KILLS < 50 or outcomes["interrupted"] > KILLS // 20, "the kills are in the middle of calls"
    assert max(results.values()) == 1
    for one in messages:
        if one["role"] == "tool" and one["outcome"] == "done":
            assert ran[one["tool_call_id"].removeprefix("c")] == 1
