"""The program answers at once: what is slow to load waits until it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat.commands.program import registry, waits

FAMILIES = {command.run.__module__ for command in registry().commands}
"""The modules that declare commands."""
SLOW = {"openai", "httpx2", "rich", "prompt_toolkit", "tiktoken", "pydantic"}
"""What takes a tenth of a second or more."""
WAITING = {"asyncio", "concurrent", "logging", "ssl", "subprocess"}
"""What only runs that wait for something need."""
COSTLY = {
    "argparse",
    "dataclasses",
    "inspect",
    "platformdirs",
    "difflib",
    "shutil",
    "tempfile",
    "gettext",
    "locale",
}
"""What takes some milliseconds, and has a cheaper way where the start needs it."""
PROGRAM = """
import sys
from gptchat.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
names = sorted(sys.modules)
import json
print("\\n" + json.dumps([status or 0, names]), file=sys.stderr)
"""


def _loaded(arguments: list[str], home: Path) -> tuple[int, set[str]]:
    """The exit status of the program, and what it loaded: modules of its own, and others' outermost packages."""
    environ = {
        **{key: value for key, value in os.environ.items() if "API" not in key},
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }
    environ = {key: value for key, value in environ.items() if not key.startswith(("XDG_", "GPTCHAT_", "LC_"))}
    config = home / ".config" / "gptchat" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('provider = "demo"\n', encoding="utf-8")
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
    return status, {name if name.startswith("gptchat.") else name.split(".")[0] for name in names}


def test_the_version_is_told_at_once(tmp_path: Path) -> None:
    """`--version` loads neither settings nor commands."""
    status, loaded = _loaded(["--version"], tmp_path)
    ours = {name for name in loaded if name.startswith("gptchat.")}
    assert (status, ours) == (0, {"gptchat.cli", "gptchat.errors", "gptchat.values", "gptchat.words"})
    assert not loaded & (SLOW | WAITING | COSTLY | {"re", "typing", "pathlib"})


@pytest.mark.parametrize("arguments", [["--help"], ["--help", "--debug"]])
def test_help_waits_for_nothing(arguments: list[str], tmp_path: Path) -> None:
    """`--help` is told from the declarations alone."""
    status, loaded = _loaded(arguments, tmp_path)
    assert (status, loaded & (SLOW | WAITING | {"pathlib", "tomllib"})) == (0, set())


AT_ONCE = [
    command.name
    for command in registry().commands
    if command.name not in ("help", "editor") and not waits(command)
]


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_command_that_waits_for_nothing_runs_without_an_event_loop(name: str, tmp_path: Path) -> None:
    """From the shell it loads the module that declares it, and no other command, library or asyncio."""
    status, loaded = _loaded([f"/{name}"], tmp_path)
    assert (status, loaded & (SLOW | WAITING | COSTLY)) == (0, set())
    assert len(loaded & FAMILIES) == 1


def test_the_list_of_users_waits_for_nothing() -> None:
    """Who lists users or sessions from the shell has the list at once."""
    assert {"users", "sessions", "config"} <= set(AT_ONCE)


def test_help_on_commands_loads_nothing_slow(tmp_path: Path) -> None:
    """`/help` loads every declaration, and none of the libraries that the commands would use."""
    status, loaded = _loaded(["/help"], tmp_path)
    assert (status, loaded & SLOW) == (0, set())
    assert loaded >= FAMILIES


CHAT = """
import json, sys
import gptchat.terminal.chat, gptchat.cli
from gptchat.config.flags import Options
program = gptchat.cli.compose(Options(data_dir=sys.argv[1]), {}, attended=True)
program.services.routing, program.services.indexing, program.services.outbox
print(json.dumps(sorted(sys.modules)))
"""


def test_the_chat_begins_with_what_the_prompt_needs(tmp_path: Path) -> None:
    """No command, no SDK and no painter is loaded before the prompt."""
    done = subprocess.run(
        [sys.executable, "-c", CHAT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    later = FAMILIES | (SLOW - {"prompt_toolkit"}) | {"gptchat.terminal.effect_runner", "gptchat.exchange"}
    assert not later & set(json.loads(done.stdout))
