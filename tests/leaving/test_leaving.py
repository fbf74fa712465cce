"""Leaving is immediate: from every state, in every way, within a second, and with everything kept."""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gptchat
from gptchat.commands.program import registry
from gptchat.terminal.answers import leaves

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.leaving.stage import WAYS, Stage, dripping
from tests.leaving.states import STATES
from tests.support.server import Gate, say

SECONDS = 1.5
"""A second, and what a busy machine takes to notice the end."""
_AT_ONCE = 4
_WAITING = {"prompt_async", "run_async", "read_line", "run_in_terminal", "visit", "Listener", "wait_for_input"}
"""The calls in which the program waits for a person."""

Cell = tuple[str, str]
"""A state and a way."""


def _chosen() -> list[Cell]:
    """Every state and every way at least once; with GPTCHAT_TEST_LEAVING=all every one in every way."""
    product = [(name, way) for name, state in STATES.items() for way in state.ways]
    if os.environ.get("GPTCHAT_TEST_LEAVING") == "all":
        return product
    cells: list[Cell] = [("first dialogue", way) for way in STATES["first dialogue"].ways]  # it has its own keys
    used: Counter[str] = Counter()
    for name, state in STATES.items():
        way = min(state.ways, key=lambda way: used[way])
        used[way] += 1
        cells.append((name, way))
    return list(dict.fromkeys(cells))


def _leave(folder: Path, cell: Cell) -> tuple[float, str]:
    """Reach the state, leave it in that way, and check what is promised; the seconds it took, and the fault."""
    name, way = cell
    state = STATES[name]
    with Stage(folder) as stage:
        seconds = 0.0
        try:
            state.reach(stage)
            status, seconds = stage.leave(way)
            state.kept(stage)
        except (AssertionError, TimeoutError, IndexError) as fault:
            return seconds, f"{type(fault).__name__}: {fault}; draft: {stage.draft!r}"
    wanted = WAYS[way] or state.left
    late = f"it took {seconds:.1f} s" if seconds > SECONDS else ""
    return seconds, late if status == wanted else f"exit status {status} instead of {wanted}"


def _table(done: dict[Cell, tuple[float, str]]) -> str:
    """State x way: the seconds that leaving took; a dot where the way does not leave, blank where not tried."""
    width = max(map(len, STATES))
    rows = [" " * width + "".join(f"{way:>9}" for way in WAYS)]
    for name, state in STATES.items():
        cells = [
            f"{done[name, way][0]:.2f} s" if (name, way) in done else "" if way in state.ways else "·"
            for way in WAYS
        ]
        rows.append(f"{name:<{width}}" + "".join(f"{cell:>9}" for cell in cells))
    return "\n".join(rows)


@pytest.mark.timeout(600)  # the whole product starts two hundred programs
def test_every_state_is_left_within_a_second(tmp_path: Path) -> None:
    """Whatever the program is doing, a signal, a closed terminal, Ctrl-D and /exit end it, and nothing is lost."""
    cells = _chosen()
    folders = [tmp_path / str(number) for number in range(len(cells))]
    with ThreadPoolExecutor(_AT_ONCE) as running:
        done = dict(zip(cells, running.map(_leave, folders, cells), strict=True))
    print("\n" + _table(done))
    assert {cell: fault for cell, (_seconds, fault) in done.items() if fault} == {}
    assert {way for _name, way in cells} == set(WAYS)


def _waits() -> set[str]:
    """Where the program waits for a person, or watches the keys while it works, as module and function."""
    found = set()
    for path in (Path(gptchat.__file__).parent / "terminal").rglob("*.py"):
        stack: list[tuple[ast.AST, str]] = [(ast.parse(path.read_text(encoding="utf-8")), path.stem)]
        while stack:
            node, where = stack.pop()
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                where = f"{where}.{node.name}"
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.split(".")[-1] in _WAITING or called.endswith("_live.wait"):
                    found.add(where)
            stack += [(child, where) for child in ast.iter_child_nodes(node)]
    return found


def test_no_state_is_forgotten() -> None:
    """Wherever the program waits for a person, there is a state in the table; a new one must be added."""
    assert {place for state in STATES.values() for place in state.waits} == _waits()


def test_the_command_that_leaves_has_its_names_at_questions_too() -> None:
    """What leaves at the prompt by a slash leaves at a question."""
    assert {name for name in registry().names() if leaves(f"/{name}")} == {
        name for name in registry().names() if (found := registry().get(name)) and found.name == "exit"
    }
    assert leaves("／exit")
    assert not leaves("exit the building")


def test_the_terminal_is_right_where_the_program_is_cut_off(tmp_path: Path) -> None:
    """A program that waits for a page without end ends all the same, and leaves the terminal as it was."""
    with Stage(tmp_path / "home") as stage:
        page = dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n", 0.05)
        stage.home.connect(stage.server.url)
        screen = stage.terminal()
        before = screen.modes()
        screen.wait_for("alice ›")
        screen.send(f"/attach {page}/page\r")
        screen.wait_for("working")
        assert screen.modes() != before
        screen.kill(signal.SIGTERM)
        assert screen.wait_for_exit() == 128 + signal.SIGTERM
        assert screen.modes() == before
        assert screen.raw.rfind(b"\x1b[?2004l") > screen.raw.rfind(b"\x1b[?2004h")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """Under nohup the end of the terminal's session does not end a question."""
    with Stage(tmp_path / "home") as stage:
        gate = Gate()
        stage.server.script(say("the part ", gate, "and the rest"))
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = stage.pipe("go")
        finally:
            signal.signal(signal.SIGHUP, before)
        assert gate.reached.wait(15)
        process.send_signal(signal.SIGHUP)
        gate.open()
        output, _told = process.communicate(timeout=15)
        assert (process.returncode, output) == (0, b"the part and the rest")
