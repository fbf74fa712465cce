"""From a key's press to its echo on the terminal, at the prompt and while a reply streams; and a 1 MB paste.

Prints milliseconds. `measure` works for any program that shows typed letters; the letters sent are rare
ones, so that nothing else that is drawn can be taken for them.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time

from tests.support.screen import Screen

LETTERS = "QZJXQKVZ"


def echo(terminal: Screen, letter: str) -> float:
    """Milliseconds from writing `letter` until it is drawn."""
    mark = len(terminal.raw)
    wanted = letter.encode()
    begun = time.perf_counter()
    terminal.send(letter)
    terminal.wait_for(lambda: terminal.raw.find(wanted, mark) >= 0)
    return (time.perf_counter() - begun) * 1000


def measure(terminal: Screen, keys: int = 200, pause: float = 0.03) -> list[float]:
    """The echo times of `keys` letters typed with a `pause` (seconds) between them."""
    times = []
    for letter in itertools.islice(itertools.cycle(LETTERS), keys):
        times.append(echo(terminal, letter))
        until = time.perf_counter() + pause
        while time.perf_counter() < until:
            terminal.read(max(until - time.perf_counter(), 0))
    return times


def report(name: str, times: list[float]) -> None:
    """One line of figures."""
    ordered = sorted(times)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{name:34} median {statistics.median(ordered):6.2f} ms  p95 {p95:6.2f} ms  worst {ordered[-1]:6.2f} ms")


def main() -> None:
    """Measure the test programs of tests/terminal_input."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with Screen.python(["-m", "tests.terminal_input.program_prompt", folder]) as terminal:
            terminal.wait_for("alice ›")
            print(f"prompt shown after {(time.perf_counter() - begun) * 1000:.0f} ms")
            report("prompt", measure(terminal))
            terminal.send("\x03")
            text = "0123456789abcde\n" * 65536
            begun = time.perf_counter()
            terminal.paste(text)
            terminal.wait_for("[pasted 65536 lines]")
            print(f"paste of {len(text)} characters folded after {(time.perf_counter() - begun) * 1000:.0f} ms")
            report("prompt, the 1 MB paste in it", measure(terminal, 100))
    with Screen.python(["-m", "tests.terminal_input.program_listener", "100000"], columns=100) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("go\r")
        terminal.wait_for("word3")
        report("during a reply, 200 tokens/s", measure(terminal))


if __name__ == "__main__":
    main()
