"""Other programs' files of MCP servers, which are only read: `mcpServers`, or `servers` as VS Code has it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptchat.config.sources import RESERVED, ServerSettings
from gptchat.errors import ConfigurationError
from gptchat.files import SMALL, read_regular
from gptchat.words import _

_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)


def read_servers(file: str) -> list[ServerSettings]:
    """The servers of a file, but those it disables. Raises ConfigurationError for one that cannot be read."""
    path = Path(file).expanduser()
    try:
        text = read_regular(path, SMALL).decode("utf-8-sig")
        tree = json.loads(
            _COMMENT.sub(lambda found: found[1] or "", text)
        )  # comments and final commas, as VS Code has
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else _("it is not JSON")
        raise ConfigurationError(
            _("cannot read {file}: {reason}").format(file=path, reason=reason),
            hint=_("see mcp_files in the settings"),
        ) from None
    return [_server(str(name), one, path) for name, one in _listed(tree).items() if _is_on(one)]


def _listed(tree: object) -> Mapping[str, Any]:
    """The table of servers, wherever it is."""
    for place in (("mcpServers",), ("servers",), ("mcp", "servers")):
        found: object = tree
        for name in place:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            return found
    return {}


def _is_on(one: object) -> bool:
    return isinstance(one, Mapping) and one.get("disabled") is not True and one.get("enabled") is not False


def _server(name: str, one: Mapping[str, Any], path: Path) -> ServerSettings:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "server"
    return ServerSettings(
        f"{name}_server" if name in RESERVED else name,
        str(path.parent),
        str(path),
        command=_text(one.get("command")),
        args=tuple(_text(word) for word in one.get("args") or () if isinstance(word, str | int | float)),
        env=_texts(one.get("env")),
        cwd=_text(one.get("cwd")).replace("${workspaceFolder}", "."),
        url=_text(one.get("url") or one.get("serverUrl") or one.get("httpUrl")),
        headers=_texts(one.get("headers")),
    )


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _texts(value: object) -> dict[str, str]:
    """A table of texts. A dollar sign is one unless it begins `${NAME}`, as these programs have it."""
    table = value if isinstance(value, Mapping) else {}
    return {str(key): re.sub(r"\$(?!\{)", "$$$$", _text(item)) for key, item in table.items()}
