"""The end of the program at any moment whatever."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

KILLS = int(os.environ.get("GPTCHAT_TEST_KILLS", "300"))
WRITERS = 4
"""How many are killed beside each other, each in a store of its own: most of the time they wait for a stream."""


@pytest.mark.timeout(max(60, KILLS // 5))  # the count may be raised by hand
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is forked")
def test_killed_at_any_moment() -> None:
    """Killed at 300 random moments, the program loses and doubles no turn, and keeps each cut-off reply."""
    command = [sys.executable, "-m", "tests.storage.kill_writer", str(KILLS // WRITERS)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(WRITERS)
    ]
    results = [(*process.communicate(), process.returncode) for process in running]
    assert [error for _out, error, status in results if status] == []
    outcomes = [ast.literal_eval(out) for out, _error, _status in results]
    assert [outcome["kills"] for outcome in outcomes] == [KILLS // WRITERS] * WRITERS
    assert sum(outcome["interrupted"] for outcome in outcomes) > 0
