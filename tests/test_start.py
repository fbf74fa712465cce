"""The program answers at once: what is slow to load waits until it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("openai", "httpx2", "rich", "prompt_toolkit", "tiktoken", "pydantic")
PROGRAM = f"""
import json, sys
from gptchat.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print("\\n" + json.dumps([status or 0, [name for name in {SLOW!r} if name in sys.modules]]), file=sys.stderr)
"""


def _loaded(arguments: list[str], home: Path) -> tuple[int, list[str]]:
    """The exit status of the program, and which slow packages it loaded."""
    environ = {
        **{key: value for key, value in os.environ.items() if "API" not in key},
        "GPTCHAT_DATA_DIR": str(home / "data"),
        "GPTCHAT_CONFIG": str(home / "config.toml"),
    }
    (home / "config.toml").write_text('provider = "demo"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    status, names = json.loads(done.stderr.strip().splitlines()[-1])
    return status, names


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["/users"], ["/sessions"], ["/help"]])
def test_what_needs_no_model_loads_nothing_slow(arguments: list[str], tmp_path: Path) -> None:
    """Asking for help or for the list of users or sessions loads neither the SDK nor the terminal's libraries."""
    assert _loaded(arguments, tmp_path) == (0, [])
