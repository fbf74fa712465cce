"""Stores what the program learns between runs (token counts, windows, quirks of servers) in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gptchat.files import make_folder, put_aside, put_aside_dangling, read_private, write_file


class LearnedStore:
    """The JSON file `path`, read and written as named parts.

    An unreadable file is set aside and counts as empty, because its contents can be learnt again. With `readonly`,
    changes are kept in memory only.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._readonly = readonly
        self._parts: dict[str, Any] | None = None
        self._changed: set[str] = set()

    def part(self, name: str) -> dict[str, Any]:
        """A copy of the part `name`; empty if there is none."""
        if self._parts is None:
            self._parts = self._read()
        value = self._parts.get(name)
        return dict(value) if isinstance(value, dict) else {}

    def saver(self, name: str) -> Callable[[Mapping[str, Any]], None]:
        """A function that replaces the part `name` in memory; the next `flush` writes it."""

        def save(value: Mapping[str, Any]) -> None:
            self.part(name)
            assert self._parts is not None
            self._parts[name] = dict(value)
            self._changed.add(name)

        return save

    def flush(self) -> None:
        """Write the changed parts, and keep the other parts as other programs wrote them.

        Blocks. Never raises OSError: parts that could not be written are tried again by the next `flush`.
        """
        if not self._changed or self._readonly:
            return
        changed, self._changed = self._changed, set()
        parts = self._parts or {}
        document = {"v": 1, **self._read(), **{name: parts[name] for name in changed}}
        try:
            make_folder(self._path.parent)
            write_file(
                self._path,
                json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n",
            )
        except OSError:
            self._changed |= changed

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(read_private(self._path))
        except FileNotFoundError:
            if not self._readonly:
                put_aside_dangling(self._path)
            return {}
        except (OSError, ValueError, RecursionError) as error:
            if not self._readonly:
                put_aside(self._path, error)
            return {}
        return document if isinstance(document, dict) else {}
