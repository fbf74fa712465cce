"""xterm.js, the engine of VS Code's terminal, without a window: one node process serves all jobs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Literal

from tests.engines.engine import SCROLLBACK, Engine, Shown, translated

HOME = Path(__file__).parent
Tables = Literal["6", "11", "graphemes"]


class XtermProcess:
    """The node process, which all three tables share."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", str(HOME / "screens.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogatepass",
        )
        self._jobs = 0

    def run(self, **job: Any) -> dict[str, Any]:
        """The answer to one job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._jobs += 1
        self._process.stdin.write(json.dumps({"id": self._jobs, **job}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"node ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if answer["id"] != self._jobs:
            raise RuntimeError("an answer to another job")
        return answer

    def close(self) -> None:
        """End the process. May be called twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()


class Xterm(Engine):
    """xterm.js with one of its tables of widths: Unicode 6, Unicode 11 (VS Code's default) or graphemes."""

    def __init__(self, process: XtermProcess, tables: Tables) -> None:
        self.name = f"xterm-{tables}"
        self._process = process
        self._tables = tables

    def show(self, data: str, columns: int, rows: int) -> Shown:
        answer = self._run(data, columns, rows)
        row, column = answer["cursor"]
        return Shown([text.rstrip(" ") for text in answer["rows"]], (row, column), answer["replies"])

    def cells(self, data: str, columns: int, rows: int) -> list[list[tuple[str, int]]]:
        """The cells of each row as (text, width); a wide character is followed by a cell of width 0."""
        answer = self._run(data, columns, rows, cells=True)
        return [[(text, width) for text, width in row] for row in answer["cells"]]

    def _run(self, data: str, columns: int, rows: int, **more: bool) -> dict[str, Any]:
        size = {"columns": columns, "rows": rows, "scrollback": SCROLLBACK}
        return self._process.run(**size, unicode=self._tables, data=translated(data), **more)
