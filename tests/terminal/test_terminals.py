"""The painter in real terminals: a pseudo-terminal, and tmux with its own idea of resizing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="needs a POSIX pseudo-terminal")

from tests.support.screen import Screen

ROOT = Path(__file__).parents[2]
MARKS = 40


def program(seconds: float) -> list[str]:
    return [sys.executable, "-m", "tests.terminal.streaming_program", str(seconds), str(MARKS)]


def repeated_or_lost(text: str) -> dict[str, int]:
    counts = {f"<M{number}>": text.count(f"<M{number}>") for number in range(MARKS)}
    return {mark: count for mark, count in counts.items() if count != 1}


def test_a_stream_in_a_pseudo_terminal_prints_each_line_once() -> None:
    """In a real terminal, resized while streaming, each line of a reply stands in the transcript once."""
    with Screen.spawn(program(1.5), {"PYTHONPATH": str(ROOT)}, cwd=ROOT) as screen:
        screen.wait_for("<M5>")
        screen.resize(30, 60)
        screen.wait_for("<M20>")
        screen.resize(20, 100)
        screen.wait_for("the end")
        assert screen.wait_for_exit() == 0
        assert repeated_or_lost("\n".join(screen.transcript)) == {}
        assert "Esc stops" not in "\n".join(screen.transcript)
        assert bytes(screen.raw).count(b"\x1b[?2026h") > 5


def test_a_dumb_terminal_is_sent_no_escape_code() -> None:
    """With TERM=dumb not one escape character reaches the terminal."""
    with Screen.spawn(program(0.2), {"PYTHONPATH": str(ROOT), "TERM": "dumb"}, cwd=ROOT) as screen:
        assert screen.wait_for_exit() == 0
        assert b"\x1b" not in screen.raw
        assert repeated_or_lost("\n".join(screen.transcript)) == {}


class Tmux:
    """A tmux server of its own, with one detached window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / uuid.uuid4().hex[:8])

    def run(self, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        command = ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT
        ).stdout

    def history(self) -> str:
        return self.run("capture-pane", "-p", "-S", "-")

    def wait_for(self, holds: Callable[[str], bool], timeout: float = 30.0) -> str:
        end = time.monotonic() + timeout
        while not holds(text := self.history()):
            assert time.monotonic() < end, text
            time.sleep(0.02)
        return text


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path)
    yield server
    server.run("kill-server")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux_each_mark_stands_in_the_history_once(tmux: Tmux) -> None:
    """In tmux at 80x24, resized twice while a reply streams, each of 40 marks is in the history exactly once."""
    command = " ".join([*program(3.0), "; cat"])
    tmux.run("new-session", "-d", "-x", "80", "-y", "24", command, ";", "set", "-g", "history-limit", "50000")
    tmux.wait_for(lambda text: "<M8>" in text)
    tmux.run("resize-window", "-x", "60", "-y", "20")
    tmux.wait_for(lambda text: "<M22>" in text)
    tmux.run("resize-window", "-x", "100", "-y", "30")
    text = tmux.wait_for(lambda text: "the end" in text)
    assert repeated_or_lost(text) == {}
    assert "Esc stops" not in text
