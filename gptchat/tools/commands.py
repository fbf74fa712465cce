"""Commands as tools: each `{name}` of a command line is an argument, passed as one word and never read as code."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gptchat.attachments.shell import run_command
from gptchat.core.tooling import Effect, ToolResult, ToolSpec
from gptchat.errors import ConfigurationError, GptchatError, UsageError
from gptchat.tools.environment import environment, place
from gptchat.tools.text import MOST_TEXT, described, failed, plain_text, tool_name
from gptchat.values import dataclass
from gptchat.waiting import given_up, leavable
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.sources import ToolSource

_TYPES = {"": "string", "str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)(\?)?(?::(str|int|float|bool))?\}")


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    type: str
    required: bool


class CommandTool:
    """A command line of the settings. `{name}` is a text; `{name:int}`, `{name:float}`, `{name:bool}` others.

    `{name?}` may be left out. `{{` is a brace. Without `shell` the line is split into words before the arguments
    are put in. With it they are the shell's parameters, which it does not read as code. A value that begins with
    `-` could be taken for an option: it is refused unless `--` stands before, or the placeholder is not a word's
    beginning.
    """

    def __init__(self, source: ToolSource) -> None:
        self._source = source
        line = source.command
        self._arguments: dict[str, _Argument] = {}
        for found in _PLACEHOLDER.finditer(line):
            if found[1]:
                self._arguments[found[1]] = _Argument(found[1], _TYPES[found[3] or ""], not found[2])
        try:
            self._words = [] if source.shell else shlex.split(line)
        except ValueError as error:
            raise ConfigurationError(
                _("the command of {table} has an open quotation mark").format(table=f"[tools.{source.name}]"),
                hint=line,
            ) from error
        if source.shell and sys.platform == "win32" and self._arguments:
            raise ConfigurationError(
                _("{table}: arguments of a shell's line need a POSIX shell").format(
                    table=f"[tools.{source.name}]"
                ),
                hint=_("take shell = true away"),
            )
        self.spec = ToolSpec(
            tool_name(source.name),
            described(source.description or _("Runs: {command}").format(command=line)),
            {
                "type": "object",
                "properties": {one.name: {"type": one.type} for one in self._arguments.values()},
                "required": [one.name for one in self._arguments.values() if one.required],
                "additionalProperties": False,
            },
            "command",
            source.name,
            "runs",
        )

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Run it. Cancelling kills it and what it started."""
        try:
            values = self._texts(arguments)
            command = self._shell_line(values) if self._source.shell else self._argv(values)
            cwd = place(self._source.cwd, self._source.folder) if self._source.cwd else None
            env = environment(self._source.env)
        except GptchatError as error:
            return failed(error)
        return await run(command, seconds=self._source.timeout, cwd=cwd, env=env)

    def _texts(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        """The arguments as words. Raises UsageError for one that is missing, unknown or of another type."""
        if unknown := [name for name in arguments if name not in self._arguments]:
            raise UsageError(_("there is no argument {name}").format(name=str(unknown[0])[:80]))
        values = {}
        for one in self._arguments.values():
            value = arguments.get(one.name)
            if value is None:
                if one.required:
                    raise UsageError(_("the argument {name} is missing").format(name=one.name))
                values[one.name] = ""
                continue
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            number = one.type in ("integer", "number")
            if (
                number and not re.fullmatch(r"-?\d+" if one.type == "integer" else r"-?\d+(\.\d+)?(e-?\d+)?", text)
            ) or (one.type == "boolean" and text not in ("true", "false")):
                raise UsageError(_("the argument {name} is of type {type}").format(name=one.name, type=one.type))
            if "\0" in text:
                raise UsageError(
                    _("the argument {name} holds a character that no command takes").format(name=one.name)
                )
            if text.startswith("-") and not number and self._may_be_option(one.name):
                raise UsageError(
                    _("the argument {name} must not begin with “-”, as options do").format(name=one.name)
                )
            values[one.name] = text
        return values

    def _may_be_option(self, name: str) -> bool:
        """Whether a value of the argument may stand at the beginning of a word, with no `--` before it."""
        line = self._source.command
        for found in _PLACEHOLDER.finditer(line):
            before = line[: found.start()]
            if found[1] == name and re.search(r"(^|[\s\"'`(])$", before) and not re.search(r"(^|\s)--\s", before):
                return True
        return False

    def _argv(self, values: Mapping[str, str]) -> list[str]:
        """The words; one that is only an argument that was left out is dropped."""
        words = []
        for word in self._words:
            whole = _PLACEHOLDER.fullmatch(word)
            if whole and whole[2] and not values[whole[1]]:
                continue
            words.append(_PLACEHOLDER.sub(lambda found: values[found[1]] if found[1] else found[0][0], word))
        return words

    def _shell_line(self, values: Mapping[str, str]) -> list[str]:
        """The shell with the line as its script: `{name}` is a parameter, quoted as its place needs."""
        line, script, quote, at = self._source.command, "", "", 0
        given: list[str] = []
        while at < len(line):
            found = _PLACEHOLDER.match(line, at)
            if found is None:
                character = line[at]
                if character == "\\" and quote != "'":
                    script, at = script + line[at : at + 2], at + 2
                    continue
                if character in "\"'" and quote in ("", character):
                    quote = "" if quote else character
                script, at = script + character, at + 1
                continue
            at = found.end()
            if not found[1]:
                script += found[0][0]
                continue
            given.append(values[found[1]])
            parameter = f"${{{len(given)}}}"
            script += {"": f'"{parameter}"', '"': parameter, "'": f"'\"{parameter}\"'"}[quote]
        return ["/bin/sh", "-c", script, "sh", *given] if given else ["/bin/sh", "-c", script]


async def run(command: list[str], *, seconds: float, cwd: Any, env: Mapping[str, str]) -> ToolResult:
    """Run a program and tell its output and its exit status, if that is not 0."""
    try:
        done = await leavable(
            run_command, command, timeout=seconds, limit=MOST_TEXT, cwd=cwd, env=env, stopped=given_up
        )
    except GptchatError as error:
        return failed(error)
    text = plain_text(done.output)
    if done.status == 0:
        return ToolResult(text or _("(no output)"))
    return ToolResult(f"{text}\n[{done.summary}]".lstrip(), failed=True)


class ShellTool:
    """The built-in tool that runs any command line in the shell. It always asks."""

    def __init__(self, group: str) -> None:
        effect: Effect = "runs"
        self.spec = ToolSpec(
            "run_command",
            "Runs a command line in the user's shell, in the current folder; returns its output and exit status.",
            {
                "type": "object",
                "properties": {"command": {"type": "string", "description": "The command line"}},
                "required": ["command"],
            },
            _("built in"),
            group,
            effect,
            always_asks=True,
        )

    async def call(self, arguments: Mapping[str, Any], progress: Callable[[str], None]) -> ToolResult:
        """Run it. Cancelling kills it and what it started."""
        command = arguments.get("command")
        if not isinstance(command, str) or not command.strip():
            return failed(_("the argument {name} is missing").format(name="command"))
        shell = ["cmd", "/c", command] if sys.platform == "win32" else ["/bin/sh", "-c", command]
        return await run(shell, seconds=120.0, cwd=None, env=environment({}))
