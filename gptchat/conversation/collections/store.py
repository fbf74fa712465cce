"""The collections of a person: their names and paths, in one small JSON file of the person's folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gptchat.errors import StorageError
from gptchat.files import locked, make_folder, open_private, read_private, write_file
from gptchat.storage.os_errors import storage_error
from gptchat.storage.removal.people import documents_folder
from gptchat.storage.users import slug, user_folder
from gptchat.values import dataclass
from gptchat.words import _

FILE = "collections.json"
LONGEST = 40
"""Characters of a name."""

_NAME = re.compile(r"[^\W_][\w-]*")


@dataclass(frozen=True, slots=True)
class Collection:
    """Files and folders, by their absolute paths, that are asked together under one name."""

    name: str
    paths: tuple[str, ...]


def valid_name(name: str) -> bool:
    """Whether a collection may be called `name`: letters, digits, `-`, `_` of any script, a letter among them."""
    return bool(_NAME.fullmatch(name)) and len(name) <= LONGEST and any(char.isalpha() for char in name)


def name_for(path: Path) -> str:
    """A name for a collection of what is at `path`, made of its last part."""
    word = re.sub(r"[^\w-]+|_+", "-", path.stem if path.suffix and path.is_file() else path.name).strip("-_")
    word = word[:LONGEST].strip("-_")
    if valid_name(word):
        return word
    return f"docs-{word}"[:LONGEST] if word else "docs"


class CollectionStore:
    """The collections of `user` below the folders `data` and `cache`. Its methods block."""

    def __init__(self, data: Path, cache: Path, user: str) -> None:
        self._file = user_folder(data, user) / FILE
        self._cache = documents_folder(cache, slug(user))

    def all(self) -> list[Collection]:
        """Every collection, in the order in which they were added. Raises StorageError."""
        return [
            Collection(one["name"], tuple(path for path in one["paths"] if isinstance(path, str)))
            for one in self._read()["collections"]
            if isinstance(one, dict)
            and isinstance(one.get("name"), str)
            and isinstance(one.get("paths"), list)
            and valid_name(one["name"])
        ]

    def find(self, name: str) -> Collection | None:
        """The collection `name`, ignoring case. Raises StorageError."""
        return next((one for one in self.all() if one.name.casefold() == name.casefold()), None)

    def add(self, name: str, path: str) -> Collection:
        """Add `path` to the collection `name`, which is made if there is none. Raises StorageError."""
        with self._changing() as document:
            for one in document["collections"]:
                if isinstance(one, dict) and str(one.get("name", "")).casefold() == name.casefold():
                    one["paths"] = list(dict.fromkeys([*one.get("paths", ()), path]))
                    return Collection(str(one["name"]), tuple(one["paths"]))
            document["collections"].append({"name": name, "paths": [path]})
            return Collection(name, (path,))

    def remove(self, name: str) -> None:
        """Forget the collection `name` and its index; the documents stay. Raises StorageError."""
        from gptchat.knowledge.documents import remove

        with self._changing() as document:
            document["collections"] = [
                one for one in document["collections"] if not isinstance(one, dict) or one.get("name") != name
            ]
        remove(self.index_path(name))

    def index_path(self, name: str) -> Path:
        """The file of the index of the collection `name`."""
        from hashlib import sha256  # a name in Chinese is too long for a file's name

        return self._cache / f"{sha256(name.casefold().encode()).hexdigest()[:24]}.sqlite3"

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(read_private(self._file))
        except FileNotFoundError:
            return {"v": 1, "collections": []}
        except OSError as error:
            raise storage_error(error, self._file) from error
        except ValueError as error:
            raise self._damaged() from error
        if not isinstance(document, dict) or not isinstance(document.get("collections"), list):
            raise self._damaged()
        return document

    def _damaged(self) -> StorageError:
        return StorageError(
            _("{file} is damaged: it is not the list of your collections").format(file=self._file),
            hint=_("mend it, or move it away and add the folders again: /docs add PATH"),
        )

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The document, which is written at the end of the block; another program waits meanwhile."""
        lock = self._file.with_name(f"{FILE}.lock")
        try:
            make_folder(self._file.parent)
            fd = open_private(lock, os.O_RDWR | os.O_CREAT)
            try:
                with locked(fd, lock):
                    document = self._read()
                    yield document
                    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
                    write_file(self._file, text.encode("utf-8", "surrogatepass"))
            finally:
                os.close(fd)
        except OSError as error:
            raise storage_error(error, self._file) from error
