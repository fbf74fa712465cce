"""Bytes from outside are read in a process that ends when it must, and its end is told in a sentence."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gptchat import waiting
from gptchat.errors import UsageError
from gptchat.foreign.child import ChildLimits, read

READERS = "tests.foreign.readers"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the limits are POSIX's")


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs, one that nobody has waited for aside."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def test_a_reader_gets_the_file_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader sees the open file and its arguments; keys and the terminal's libraries are not with it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    (tmp_path / "a").write_bytes(b"12345")
    steps: list[tuple[int, int]] = []
    with (tmp_path / "a").open("rb") as file:
        file.read(1)  # what was looked at before is read again
        file.seek(0)
        told = list(read(f"{READERS}:echo", file, "a", step=lambda *step: steps.append(step), more=1))
    assert told[0] == "12345"
    assert steps == [(1, 2)]
    assert told[1]["arguments"] == {"name": "a", "more": 1}
    assert not [name for name in told[1]["environment"] if "API" in name]
    loaded = {name.split(".")[0] for name in told[1]["modules"]}
    assert not loaded & {"prompt_toolkit", "rich", "asyncio", "openai", "subprocess"}
    assert next(read(f"{READERS}:echo", b"x" * 200_000, "a")) == "x" * 200_000


@POSIX
@pytest.mark.parametrize(
    ("reader", "said", "limits"),
    [
        ("forever", "longer than 1 s", ChildLimits(seconds=1)),
        ("memory", "more than 200 MB of memory", ChildLimits(memory=200_000_000)),
        ("talk", "more than 1 MB of text", ChildLimits(output=1_000_000)),
        ("fail", "KeyError", ChildLimits()),
        ("crash", "crashed", ChildLimits()),
    ],
)
def test_the_end_of_a_reader_is_told(reader: str, said: str, limits: ChildLimits) -> None:
    """What takes too much time, memory or words, fails or crashes is told with its name and a way on."""
    with pytest.raises(UsageError) as caught:
        list(read(f"{READERS}:{reader}", b"", "paper.pdf", limits=limits))
    assert said in caught.value.message
    assert caught.value.message.startswith("paper.pdf cannot be read: ")
    assert caught.value.hint


def test_a_reader_says_itself_why_it_does_not_read() -> None:
    """A refusal of the reader's own arrives word by word."""
    with pytest.raises(UsageError) as caught:
        list(read(f"{READERS}:refuse", b"", "a"))
    assert (caught.value.message, caught.value.hint) == ("it is locked", "unlock it")


@POSIX
def test_time_begins_anew_with_each_result() -> None:
    """Much that comes steadily may take longer than the time that one result may take."""
    assert list(read(f"{READERS}:slow", b"", "a", limits=ChildLimits(seconds=1, renewed=True))) == [*range(6)]


@POSIX
def test_giving_up_ends_the_child_at_once() -> None:
    """Who stops waiting has the prompt back within a tenth of a second, and the child is gone."""
    pids: list[int] = []

    def work() -> None:
        pids.extend(iter(read(f"{READERS}:forever", b"", "a")))

    async def main() -> float:
        task = asyncio.ensure_future(waiting.leavable(work))
        while not pids:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.1
    wait_for(lambda: not alive(pids[0]), 1.0)


PARENT = """
import sys
from gptchat.foreign.child import read
for pid in read("tests.foreign.readers:forever", b"", "a"):
    print(pid, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_does_not_outlive_its_parent() -> None:
    """However the program ends, nothing of it goes on computing."""
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(pid), 1.0)


def test_a_child_costs_little() -> None:
    """Starting a child takes no longer than a person's glance."""
    times = []
    for _try in range(3):
        began = time.perf_counter()
        assert list(read("gptchat.foreign.pages:read", b"<p>a", "a", encoding="utf-8")) == ["a"]
        times.append(time.perf_counter() - began)
    assert min(times) < 0.5
