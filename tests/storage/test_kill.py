"""The end of the program at any moment whatever."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

KILLS = int(os.environ.get("GPTCHAT_TEST_KILLS", "300"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is forked")
def test_killed_at_any_moment() -> None:
    """Killed at 300 random moments, the program loses and doubles no turn, and keeps each cut-off reply."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.storage.kill_writer", str(KILLS)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    outcome = ast.literal_eval(result.stdout)
    assert outcome["kills"] == KILLS
    assert outcome["interrupted"] > 0
