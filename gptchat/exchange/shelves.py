"""Folders and archives as shelves of files: what lies beside a file, and chats that lie in several files."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gptchat.exchange.sources.chats import ForeignChat, fields, parsed, text
from gptchat.exchange.sources.databases import opencode
from gptchat.files import read_regular
from gptchat.foreign import archives

_SMALL = 8_000_000
"""Bytes of a file beside another that are read."""
_MOST = 200_000
"""Files of a folder that are looked at."""
_SKIPPED = re.compile(
    r"(?:.*/)?(?:__MACOSX|\.git|node_modules|\.venv|__pycache__)/|(?:.*/)?(?:\._[^/]*|\.DS_Store|Thumbs\.db)\Z"
)
_NO_CHATS = re.compile(
    r".*(?:-wal|-shm|-journal|\.(?:png|jpe?g|gif|webp|bmp|svg|heic|dat|pdf|docx?|xlsx?|pptx?|mp[34]|m4a|wav|ogg|webm|mov|html?"
    r"|css|js|py|ts|exe|dll|so|bin|gguf|safetensors|lock|tmp|part|torn))\Z",
    re.IGNORECASE,
)
_BESIDE = ("conversation_asset_file_names.json", "library_files.json", "thread.json", "config.toml")
_OPENCODE = re.compile(r"(.*/|)session/[^/]+/(ses[^/]*)\.json\Z")


class Shelf:
    """A folder: `names` are the files in it, relative to it, in their order."""

    def __init__(self, folder: Path, names: list[str] | None = None) -> None:
        self._folder = folder
        self._name = folder.absolute().name
        self.names = names if names is not None else list(_walk(folder))

    def read(self, name: str) -> bytes | None:
        """The contents of the small file `name`; None if it is not there or too large."""
        try:
            return read_regular(self._folder / name, _SMALL)
        except (OSError, ValueError):
            return None

    def beside(self, name: str) -> dict[str, Any]:
        """What lies beside the file `name`: parsed lists of names, titles, and copies of branches."""
        folder = name.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        found: dict[str, Any] = {}
        for one in _BESIDE:
            data = self.read(prefix + one)
            if data is not None:
                found[one] = _toml(data) if one.endswith(".toml") else parsed(data.decode(errors="replace"))
        found["branches"] = [self._lines(one) for one in self._branches(prefix)]
        found["folder"] = folder.rpartition("/")[2] or self._name
        found["members"] = [one for one in self.names if "file" in one][:50_000]
        return found

    def _branches(self, prefix: str) -> list[str]:
        return [one for one in self.names if re.fullmatch(re.escape(prefix) + r"branches/[^/]+\.jsonl", one)][:100]

    def _lines(self, name: str) -> list[Any]:
        data = self.read(name) or b""
        return [
            one for line in data.split(b"\n") if isinstance(one := parsed(line.decode(errors="replace")), dict)
        ]

    def files(self) -> list[str]:
        """The files that may hold chats of their own."""
        copies = {one for name in self.names if name.endswith("conversation.jsonl") for one in self._copies(name)}
        mine = {name for name in self.names if _PART.search(name)} if self.bundles() else set()
        return [
            name for name in self.names if not _NO_CHATS.match(name) and name not in copies and name not in mine
        ]

    def _copies(self, name: str) -> list[str]:
        prefix = name.removesuffix("conversation.jsonl")
        views = [one for one in self.names if one.startswith(prefix + "views/")]
        return [*self._branches(prefix), *views]

    def bundles(self) -> list[str]:
        """The sessions of opencode's older store, a file for each message and part."""
        return [name for name in self.names if (match := _OPENCODE.match(name)) and self._part_of(match)]

    def _part_of(self, match: re.Match[str]) -> bool:
        prefix = f"{match[1]}message/{match[2]}/"
        return any(name.startswith(prefix) for name in self.names)

    def chats(self) -> Iterator[ForeignChat]:
        """The chats of `bundles`."""
        below: dict[str, list[str]] = {}
        for name in self.names:
            below.setdefault(name.rpartition("/")[0], []).append(name)
        for name in self.bundles():
            match = _OPENCODE.match(name)
            info = fields(self._json(name))
            if match is None or info.get("parentID") or info.get("parent_id"):
                continue
            messages = []
            for one in sorted(below.get(f"{match[1]}message/{match[2]}", ())):
                about = fields(self._json(one))
                parts = sorted(below.get(f"{match[1]}part/{text(about.get('id'))}", ()))
                messages.append({"info": about, "parts": [fields(self._json(part)) for part in parts]})
            yield opencode({"info": info, "messages": messages}, name)

    def _json(self, name: str) -> Any:
        return parsed((self.read(name) or b"").decode(errors="replace"))


_PART = re.compile(r"(?:^|/)(?:session|message|part)/[^/]+/[^/]+\.json\Z")


class ArchiveShelf(Shelf):
    """A zip. Names that lead out of it, and what file managers add, are left out."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._name = ""
        infos = [info for info in archive.infolist() if not info.is_dir() and not _SKIPPED.match(info.filename)]
        self.outside = [info.filename for info in infos if _leads_out(info.filename)]
        self.infos = {info.filename: info for info in infos if not _leads_out(info.filename)}
        self.names = sorted(self.infos)

    def read(self, name: str) -> bytes | None:
        """The contents of the small member `name`; None if it is not there or too large."""
        info = self.infos.get(name)
        if info is None or info.file_size > _SMALL:
            return None
        with self._archive.open(info) as member:
            return b"".join(archives.limited(name, member, _SMALL))


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")


def _walk(folder: Path) -> Iterator[str]:
    """The files below `folder`, sorted; links to folders are not followed."""
    count = 0
    for place, folders, files in os.walk(folder):
        relative = Path(place).relative_to(folder).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        folders[:] = sorted(one for one in folders if not _SKIPPED.match(f"{prefix}{one}/"))
        for one in sorted(files):
            count += 1
            if count > _MOST:
                return
            if not _SKIPPED.match(prefix + one):
                yield prefix + one


def _toml(data: bytes) -> dict[str, Any]:
    import tomllib

    try:
        found = tomllib.loads(data.decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    found = {**fields(found.get("chat")), **found}
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]
