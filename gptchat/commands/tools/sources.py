"""Adds and removes sources of tools: `[tools.NAME]` and `[mcp.NAME]` in the settings file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gptchat.commands.effects import Ask, Changed, Effects, Show, Text
from gptchat.commands.wording import confirm
from gptchat.config.sources import RESERVED
from gptchat.config.write import remove_table, write_table
from gptchat.core.typed.lines import half_width
from gptchat.errors import UsageError
from gptchat.waiting import to_thread
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.services import RunOptions

_MCP = "mcp"
_NAME = r"[A-Za-z0-9_-]{1,40}"


def source_names(settings: Settings) -> list[str]:
    """The names of all sources in the settings."""
    return [*(one.name for one in settings.tool_sources()), *(one.name for one in settings.mcp_servers())]


async def add(what: str, settings: Settings, paths: Paths, run: RunOptions, added: list[str]) -> Effects:
    """Write a new table for `what`, which is asked for if it is empty; its name is put into `added`.

    Raises UsageError and ConfigurationError.
    """
    if not what:
        what = (
            yield Ask(_("a Python file, a command, the address of an OpenAPI document, or `mcp COMMAND`?"))
        ) or ""
    if not what.strip():
        if run.unattended:
            raise UsageError(
                _("say what to add"), hint=_("usage: {usage}").format(usage="/tools add FILE|COMMAND|URL")
            )
        return
    table, values = _read(what.strip())
    if table == "":
        answer = yield Ask(
            _("what is at {address}?").format(address=what.strip()),
            (("o", _("an OpenAPI document")), ("m", _("an MCP server"))),
            "o",
        )
        if answer is None and not run.unattended:
            return
        table, values = ("mcp", {"url": what.strip()}) if answer == "m" else ("tools", {"openapi": what.strip()})
    for key in ("python", "openapi"):
        if (path := values.get(key)) and "://" not in path:
            values[key] = await to_thread(_found, path)
    taken = {
        *(one.name for one in settings.tool_sources()),
        *(one.name for one in settings.mcp_servers()),
        *RESERVED,
    }
    name = _unused(_derived(values), taken)
    if not run.unattended:
        asked = yield Ask(_("by which name? It stands before its tools"), default=name)
        if asked is None:
            return
        name = half_width(asked).strip()
    if not re.fullmatch(_NAME, name) or name in taken:
        raise UsageError(
            _("{name} cannot be the name of a source").format(name=name),
            hint=_("letters, digits, - and _; not one of {names}").format(names=_(", ").join(sorted(taken))),
        )
    told = _("incognito: it holds for this run")
    if not run.incognito:
        await to_thread(write_table, paths.config_file, table, name, values)
        told = _("saved in {file}").format(file=paths.config_file)
    _take(settings, paths, {f"{table}.{name}.{key}": value for key, value in values.items()})
    added.append(name)
    yield Changed(frozenset({"settings", "tools"}))
    yield Show([Text(told, "quiet")])


async def remove(name: str, settings: Settings, paths: Paths, run: RunOptions) -> Effects:
    """Remove the table of the source `name` from the settings file. Raises UsageError and ConfigurationError."""
    tables = [("tools", one.name) for one in settings.tool_sources()]
    tables += [("mcp", one.name) for one in settings.mcp_servers()]
    found = [table for table, known in tables if known == name]
    if not found:
        known = _(", ").join(dict.fromkeys(known for _table, known in tables)) or _("none")
        raise UsageError(
            _("the settings have no source of tools {name}").format(name=name or "?"),
            hint=_("there are: {names}").format(names=known),
        )
    question = _("remove {name} from {file}?").format(name=name, file=paths.config_file)
    answer = yield confirm(question, forever=False)
    if answer != "y" and not (answer is None and run.unattended):
        yield Show([Text(_("nothing was changed"), "quiet")], {"removed": None})
        return
    for table in found:
        if not run.incognito:
            await to_thread(remove_table, paths.config_file, table, name)
        gone = f"{table}.{name}."
        kept = {key: value for key, value in settings.layer("file").items() if not key.startswith(gone)}
        settings.replace_layer("file", kept, str(paths.config_file))
    yield Changed(frozenset({"settings", "tools"}))
    yield Show(
        [Text(_("{name} is removed; its calls in conversations stay").format(name=name))], {"removed": name}
    )


def _found(path: str) -> str:
    """The absolute path of the file `path`. Raises UsageError if there is none; blocks."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(_("there is no file {path}").format(path=path))
    return str(file.resolve())


def _take(settings: Settings, paths: Paths, changes: dict[str, Any]) -> None:
    settings.replace_layer("file", {**settings.layer("file"), **changes}, str(paths.config_file))


def _read(what: str) -> tuple[str, dict[str, Any]]:
    """The table and the fields for `what`; an empty table where an address may be either."""
    first, _blank, rest = what.partition(" ")
    if first.lower() == _MCP and rest.strip():
        if re.match(r"https?://", rest.strip()):
            return "mcp", {"url": rest.strip()}
        try:
            command, *arguments = shlex.split(rest)
        except ValueError:
            raise UsageError(_("the quote in {rest} is not closed").format(rest=rest)) from None
        return "mcp", {"command": command, **({"args": tuple(arguments)} if arguments else {})}
    if re.match(r"https?://\S+\Z", what):
        path = urlsplit(what).path.lower()
        if path.endswith((".json", ".yaml", ".yml")) or "openapi" in path or "swagger" in path:
            return "tools", {"openapi": what}
        return ("mcp", {"url": what}) if path.rstrip("/").endswith(("/mcp", "/sse")) else ("", {})
    unquoted = what[1:-1] if len(what) > 1 and what[0] == what[-1] in "'\"" else what
    if unquoted.endswith(".py") and (" " not in unquoted or Path(unquoted).expanduser().is_file()):
        return "tools", {"python": unquoted}
    if unquoted.endswith((".json", ".yaml", ".yml")) and Path(unquoted).expanduser().is_file():
        return "tools", {"openapi": unquoted}
    return "tools", {"command": what}


def _derived(values: dict[str, Any]) -> str:
    """A name for a source that is made of what it is."""
    if address := values.get("url") or ("://" in values.get("openapi", "") and values["openapi"]):
        word = (urlsplit(address).hostname or "api").removeprefix("www.").split(".")[0]
    elif path := values.get("python") or values.get("openapi"):
        word = Path(path).stem
    else:
        words = [str(values["command"]).split()[0], *map(str, values.get("args", ()))]
        runner = len(words) > 1 and words[0] in ("uvx", "npx", "docker", "python", "python3", "node")
        told = [one for one in words[1:] if not one.startswith("-")] if runner else []
        word = (told or words)[0].rpartition("/")[2]
        word = re.sub(r"^mcp[-_]server[-_]|^server[-_]|[-_]mcp$|@.*$", "", word) or word
    return re.sub(r"[^A-Za-z0-9_-]+", "_", word).strip("_")[:30] or "tool"


def _unused(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    return candidate
