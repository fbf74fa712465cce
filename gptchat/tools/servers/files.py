"""MCP servers in other programs' files: `mcpServers` of Claude Desktop and Cursor, `servers` of VS Code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptchat.config.sources import RESERVED, ServerSettings
from gptchat.errors import ConfigurationError
from gptchat.files import SMALL, read_regular
from gptchat.words import _, reason

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


def servers_in(file: str) -> list[ServerSettings]:
    """The servers that a file names, those that are switched off left out. Raises ConfigurationError."""
    path = Path(file).expanduser()
    try:
        text = read_regular(path, SMALL).decode("utf-8-sig")
        # VS Code's file may have comments and a comma after the last entry.
        plain = _COMMA.sub(lambda found: found[1] or "", _COMMENT.sub(lambda found: found[1] or "", text))
        document = json.loads(plain)
    except (OSError, ValueError, RecursionError) as error:
        why = reason(error) if isinstance(error, OSError) else _("it is not JSON")
        raise ConfigurationError(
            _("{path} cannot be read: {why}").format(path=path, why=why), hint=_("see mcp_files in the settings")
        ) from error
    tables = [document.get(key) for key in ("mcpServers", "servers")] if isinstance(document, dict) else []
    found = []
    for table in tables:
        for name, entry in table.items() if isinstance(table, dict) else ():
            if isinstance(entry, Mapping) and not entry.get("disabled"):
                found.append(_server(str(name), entry, path))
    return found


def _server(name: str, entry: Mapping[str, Any], path: Path) -> ServerSettings:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "server"
    name = f"{name}_server" if name in RESERVED else name
    args = entry.get("args")
    return ServerSettings(
        name,
        folder=str(path.parent),
        origin=str(path),
        command=_text(entry.get("command")),
        args=tuple(_text(one) for one in args) if isinstance(args, list) else (),
        env=_texts(entry.get("env")),
        cwd=_text(entry.get("cwd")),
        url=_text(entry.get("url") or entry.get("serverUrl")),
        headers=_texts(entry.get("headers")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _texts(value: object) -> dict[str, str]:
    return {str(key): _text(one) for key, one in value.items()} if isinstance(value, Mapping) else {}
