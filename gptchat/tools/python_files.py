"""Python files as tools: each public function is one. They run in a child process, one for each call."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.attachments.shell import run_command
from gptchat.core.tooling import ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, GptchatError
from gptchat.tools.environment import environment, place
from gptchat.tools.text import MOST_TEXT, described, failed, plain_text, schema_of, tool_name
from gptchat.waiting import given_up, leavable
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.sources import ToolSource

_CHILD = Path(__file__).with_name("python_child.py")
_LISTING = 30.0
"""Seconds in which the file must have been read."""


class PythonFile:
    """A file of the settings. It is read again when it has changed.

    A crash, an endless loop or what it prints hurts nothing but the call. Nothing is kept from call to call.
    """

    def __init__(self, source: ToolSource) -> None:
        self._source = source
        self._path = place(source.python, source.folder)
        self._changed = -1
        self._tools: list[PythonTool] = []

    async def tools(self) -> Sequence[PythonTool]:
        """Its functions. Raises ConfigurationError for a file that cannot be read."""
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError as error:
            raise self._wrong(_("there is no {name}").format(name=self._path)) from error
        if changed != self._changed:
            said, printed = await self._ask({}, _LISTING)
            if not isinstance(listed := said.get("tools"), list):
                raise self._wrong(str(said.get("error") or printed or _("it ended without a word")))
            names = [one for one in listed if self._is_wanted(str(one["name"]))]
            self._tools = [PythonTool(self, self._spec(one)) for one in names]
            self._changed = changed
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a function. Whatever goes wrong is a result."""
        try:
            said, printed = await self._ask({"name": name, "arguments": dict(arguments)}, self._source.timeout)
        except GptchatError as error:
            return failed(error)
        if "text" in said:
            return ToolResult(plain_text(str(said["text"]) or printed) or _("(no output)"))
        return failed(str(said.get("error") or printed[-2_000:] or _("it ended without a word")))

    async def _ask(self, request: object, seconds: float) -> tuple[dict[str, Any], str]:
        """The child's answer, empty if it gave none, and what it printed. Raises GptchatError."""
        env = environment(self._source.env)
        cwd = place(self._source.cwd, self._source.folder) if self._source.cwd else None
        return await leavable(_asked, str(self._path), request, seconds, cwd, env)

    def _is_wanted(self, name: str) -> bool:
        return not self._source.only or any(fnmatchcase(name, one) for one in self._source.only)

    def _spec(self, told: Mapping[str, Any]) -> ToolSpec:
        own = str(told["name"])
        name, source = tool_name(own), f"python {self._path.name}"
        text, parameters = described(told["description"]), schema_of(told["parameters"])
        return ToolSpec(name, text, parameters, source, self._source.name, own_name=own)

    def _wrong(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            _("{name}: {reason}").format(name=f"[tools.{self._source.name}]", reason=plain_text(why, 2_000)),
            hint=_("mend {file}").format(file=self._path),
        )


class PythonTool:
    """A function of the file."""

    def __init__(self, file: PythonFile, spec: ToolSpec) -> None:
        self._file = file
        self.spec = spec

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Call it. Cancelling kills the child."""
        return await self._file.call(self.spec.own_name, arguments)


def _asked(
    path: str, request: object, seconds: float, cwd: Path | None, env: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """Run the child. Blocks. Raises UsageError."""
    with tempfile.TemporaryDirectory(prefix="gptchat-", ignore_cleanup_errors=True) as folder:
        asking, answer = Path(folder, "request"), Path(folder, "answer")
        asking.write_text(json.dumps(request), encoding="utf-8")
        words = [sys.executable, str(_CHILD), path, str(asking), str(answer)]
        done = run_command(words, timeout=seconds, limit=MOST_TEXT, cwd=cwd, env=env, stopped=given_up)
        try:
            with answer.open("rb") as file:
                said = json.loads(file.read(8 * MOST_TEXT))
        except OSError:
            return {"error": f"{done.output[-2_000:]}\n[{done.summary}]".lstrip()}, done.output
        except ValueError:  # a result of many megabytes, cut
            return {"error": _("the result is too large")}, done.output
    return (said if isinstance(said, dict) else {}), done.output
