"""The tools that need no settings: fetch a page, read a file or list a folder here, run a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.attachments import Policy
from gptchat.attachments.limits import Loaded, human_size
from gptchat.attachments.loading import load
from gptchat.core.tooling import Permission, ToolResult, ToolSpec
from gptchat.core.tooling.choice import BUILTIN
from gptchat.errors import GptchatError, UsageError
from gptchat.tools.commands import ShellTool
from gptchat.tools.text import failed, plain_text
from gptchat.waiting import leavable
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.core.tooling import Tool

_ENTRIES = 500
_TEXT = {"type": "string"}


class BuiltinTool:
    """A tool of ours that blocks; `work` gets the arguments, checked to be texts, in a thread of its own."""

    def __init__(
        self,
        name: str,
        description: str,
        argument: str,
        meaning: str,
        permission: Permission,
        work: Callable[[str], ToolResult],
    ) -> None:
        parameters = {
            "type": "object",
            "properties": {argument: {**_TEXT, "description": meaning}},
            "required": [argument],
        }
        self._argument, self._work = argument, work
        self.spec = ToolSpec(name, description, parameters, _("built in"), BUILTIN, "reads", permission)

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Do it. Whatever goes wrong is a result."""
        value = arguments.get(self._argument)
        if not isinstance(value, str) or not value.strip():
            return failed(_("the argument {name} is missing").format(name=self._argument))
        try:
            return await leavable(self._work, value)
        except (GptchatError, OSError, ValueError) as error:
            return failed(error)


class Builtin:
    """The built-in tools, under the settings of the moment. `own` is what belongs to gptchat itself."""

    def __init__(self, settings: Settings, own: Sequence[Path] = ()) -> None:
        self._settings, self._own = settings, own

    async def tools(self) -> list[Tool]:
        """All four."""
        return [
            BuiltinTool(
                "fetch_page",
                "Fetches a web page or file by its http(s) address and returns its readable text.",
                "address",
                "The address, with https://",
                "ask",  # an address can carry away what the conversation holds
                self._fetch,
            ),
            BuiltinTool(
                "read_file",
                "Reads a text file, PDF, Office document or picture in or below the current folder.",
                "path",
                "The path, from the current folder",
                "allow",
                self._read,
            ),
            BuiltinTool(
                "list_folder",
                "Lists the files and folders in the current folder or in one below it.",
                "path",
                "The path, from the current folder; . is the folder itself",
                "allow",
                self._list,
            ),
            ShellTool(BUILTIN),
        ]

    @property
    def _policy(self) -> Policy:
        attach = self._settings.attach
        return Policy(attach.allow, attach.deny, own=self._own)

    def _fetch(self, address: str) -> ToolResult:
        if not address.strip().lower().startswith(("http://", "https://")):
            raise UsageError(_("use an http or https address"))
        judged = self._policy.address(address.strip())
        if judged.freedom != "free":
            raise UsageError(_("{what} is not fetched: {why}").format(what=judged.target, why=judged.reason))
        loaded = load(address, network=self._settings.network, policy=self._policy, private=judged.private)
        return _result(loaded)

    def _read(self, path: str) -> ToolResult:
        return _result(load(str(self._below(path, folder=False)), policy=self._policy))

    def _list(self, path: str) -> ToolResult:
        folder, policy = self._below(path, folder=True), self._policy
        lines = []
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if policy.file(Path(entry.path)).freedom != "free":
                    continue
                if entry.is_dir():
                    lines.append(f"{entry.name}/")
                elif entry.is_file():
                    lines.append(f"{entry.name} ({human_size(entry.stat().st_size)})")
        more = len(lines) - _ENTRIES
        if more > 0:
            lines[_ENTRIES:] = [_("[{count} more]").format(count=more)]
        return ToolResult(plain_text("\n".join(lines)) or _("(empty)"))

    def _below(self, path: str, *, folder: bool) -> Path:
        """The real path, which must lie below the current folder and be free. Raises UsageError."""
        here = Path(os.path.realpath(Path.cwd()))
        real = Path(os.path.realpath(here / path))
        if real != here and here not in real.parents:
            raise UsageError(_("{path} is outside the current folder").format(path=path))
        judged = self._policy.file(real)
        if judged.freedom != "free":
            raise UsageError(_("{path} is not read: {why}").format(path=path, why=judged.reason))
        if not real.exists():
            raise UsageError(_("there is no {name}").format(name=path))
        if folder != real.is_dir():
            raise UsageError((_("{path} is no folder") if folder else _("{path} is a folder")).format(path=path))
        return real


def _result(loaded: Loaded) -> ToolResult:
    texts = [one.text for one in loaded.attachments if one.kind == "text"]
    parts = [one.part for one in loaded.attachments if one.kind == "image"]
    return ToolResult(plain_text("\n".join([*loaded.notes, *texts])) or _("a picture"), parts)
