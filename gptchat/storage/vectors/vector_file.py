"""The vectors in the cache, in `vectors.sqlite3`: by model and digest of the text, never with the text itself.

A vector cost time or money, so this file stays when the index of words is deleted. What is deleted from it is
overwritten, since a vector tells much about its text.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from gptchat.storage.index.database import CacheFile, cached, out_of_reach, throw_away

_Result = TypeVar("_Result")

DIGEST = 16
"""Bytes of a digest."""

_PAGE = 4096
"""Vectors whose signs stand in one row: to read a hundred thousand rows takes longer than all else."""
_FEW = 500
"""Values in one statement; SQLite takes 999 in its oldest builds."""

# `signs` has for each vector in `vectors` its digest and one bit per component (1: positive), in pages.
# `journals` tells which parts of which messages have which digests (`passages.py`).
_TABLES = """
CREATE TABLE models (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);
CREATE TABLE vectors (
    key INTEGER PRIMARY KEY, model INTEGER NOT NULL, digest BLOB NOT NULL, components BLOB NOT NULL);
CREATE UNIQUE INDEX vectors_by_digest ON vectors (model, digest);
CREATE TABLE signs (
    key INTEGER PRIMARY KEY, model INTEGER NOT NULL, count INTEGER NOT NULL, digests BLOB NOT NULL,
    bits BLOB NOT NULL);
CREATE INDEX signs_of_model ON signs (model);
CREATE TABLE folders (key INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE journals (
    key INTEGER PRIMARY KEY, folder INTEGER NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL,
    mtime INTEGER NOT NULL, digests BLOB NOT NULL, places TEXT NOT NULL, UNIQUE (folder, id));
"""

VECTORS = CacheFile(
    "vectors.sqlite3", 1, _TABLES, settings="PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON"
)


def digest_of(text: str) -> bytes:
    """The digest by which the vector of `text` is kept."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:DIGEST]


class VectorFile:
    """The vectors in the folder `cache`; None keeps none. Methods block; a cache unfit to use raises nothing."""

    def __init__(self, cache: Path | None) -> None:
        self.cache = cache

    def exists(self) -> bool:
        """Whether there is a file at all."""
        return self.cache is not None and (self.cache / VECTORS.name).exists()

    def size(self, model: str) -> int:
        """Components of each vector of `model`; 0 if there is none."""
        return self.read(lambda database: _model(database, model)[1], 0)

    def missing(self, model: str, digests: Iterable[bytes]) -> list[bytes]:
        """Those of `digests` without a vector of `model`, in their order, each once."""
        known: set[bytes] = set()
        for page, _bits in self.pages(model):
            known.update(page)
        return [digest for digest in dict.fromkeys(digests) if digest not in known]

    def pages(self, model: str) -> list[tuple[list[bytes], bytes]]:
        """All vectors of `model` in pages: digests, and the bits of their signs, `(size + 7) // 8` bytes each."""

        def pages(database: sqlite3.Connection) -> list[tuple[list[bytes], bytes]]:
            query = "SELECT digests, bits FROM signs WHERE model = ?"
            rows = database.execute(query, (_model(database, model)[0],))
            return [(split(digests), bits) for digests, bits in rows]

        return self.read(pages, [])

    def load(self, model: str, digests: Sequence[bytes]) -> dict[bytes, array[float]]:
        """The vectors of `model` for those of `digests` that have one."""

        def load(database: sqlite3.Connection) -> dict[bytes, array[float]]:
            found: dict[bytes, array[float]] = {}
            key, _size = _model(database, model)
            for at in range(0, len(digests), _FEW):
                some = digests[at : at + _FEW]
                marks = ",".join("?" * len(some))
                query = f"SELECT digest, components FROM vectors WHERE model = ? AND digest IN ({marks})"  # noqa: S608 - question marks only
                for digest, components in database.execute(query, (key, *some)):
                    found[digest] = array("f", components)
            return found

        return self.read(load, {})

    def add(
        self,
        model: str,
        vectors: Mapping[bytes, Sequence[float]],
        wanted: Callable[[bytes], bool] = lambda _digest: True,
    ) -> bool:
        """Keep vectors of `model` by digest; False if the cache cannot be used.

        All are of one size. If earlier ones have another size, another model has this name now: they are deleted.
        `wanted` is asked while nobody else can write: what was removed meanwhile is not added again.
        """
        if not vectors:
            return True
        size = len(next(iter(vectors.values())))

        def add(database: sqlite3.Connection) -> bool:
            key = _made(database, model, size)
            new = []
            for digest, vector in vectors.items():
                if not wanted(digest):
                    continue
                row = database.execute(
                    "INSERT OR IGNORE INTO vectors (model, digest, components) VALUES (?, ?, ?)",
                    (key, digest, array("f", vector).tobytes()),
                )
                if row.rowcount:
                    new.append((digest, signs_of(vector)))
            _append(database, key, new)
            return True

        return self.change(add, False)

    def forget(self, digests: Collection[bytes]) -> None:
        """Delete the vectors of `digests` of every model, and overwrite them. If that fails, delete the file."""
        if digests and self.exists():
            gone = set(digests)
            self.erase(lambda database: drop(database, gone))

    def erase(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run `work`, and overwrite what it deletes, in the log too. If that fails, delete the file."""

        def erased(database: sqlite3.Connection) -> bool:
            work(database)
            return True

        def emptied(database: sqlite3.Connection) -> bool:
            busy: int = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            return not busy

        if not (self.change(erased, False) and self.read(emptied, False)):
            throw_away(self.cache, VECTORS)

    def read(self, work: Callable[[sqlite3.Connection], _Result], without: _Result) -> _Result:
        """What `work` makes of the file; `without` if it cannot be used. A damaged file is deleted."""
        with cached(self.cache, VECTORS) as database:
            if database is None:
                return without
            try:
                return work(database)
            except sqlite3.Error as error:
                if out_of_reach(error):
                    return without
        throw_away(self.cache, VECTORS)
        return without

    def change(self, work: Callable[[sqlite3.Connection], _Result], without: _Result) -> _Result:
        """As `read`, in a transaction that writes."""

        def written(database: sqlite3.Connection) -> _Result:
            database.execute("BEGIN IMMEDIATE")
            result = work(database)
            database.execute("COMMIT")
            return result

        return self.read(written, without)


def signs_of(vector: Sequence[float]) -> bytes:
    """One bit per component, 1 if it is positive, the first component being the lowest bit."""
    bits = int("".join(["01"[component > 0] for component in reversed(vector)]) or "0", 2)
    return bits.to_bytes((len(vector) + 7) // 8, "little")


def drop(database: sqlite3.Connection, gone: set[bytes]) -> None:
    """Delete the vectors of the digests `gone`, in the transaction of the caller. Raises sqlite3.Error."""
    for key, count, page, bits in database.execute("SELECT key, count, digests, bits FROM signs").fetchall():
        width, digests = len(bits) // count, split(page)
        kept = [at for at, digest in enumerate(digests) if digest not in gone]
        if not kept:
            database.execute("DELETE FROM signs WHERE key = ?", (key,))
        elif len(kept) < count:
            database.execute(
                "UPDATE signs SET count = ?, digests = ?, bits = ? WHERE key = ?",
                (
                    len(kept),
                    b"".join(digests[at] for at in kept),
                    b"".join(bits[at * width : (at + 1) * width] for at in kept),
                    key,
                ),
            )
    models = [row[0] for row in database.execute("SELECT key FROM models")]
    database.executemany(
        "DELETE FROM vectors WHERE model = ? AND digest = ?",
        [(model, digest) for model in models for digest in gone],
    )


def _model(database: sqlite3.Connection, name: str) -> tuple[int, int]:
    """The key of a model and the size of its vectors; 0 and 0 if it has none."""
    row = database.execute("SELECT key, size FROM models WHERE name = ?", (name,)).fetchone()
    return (row[0], row[1]) if row is not None else (0, 0)


def _made(database: sqlite3.Connection, model: str, size: int) -> int:
    """The key of a model whose vectors have `size` components; what it had of another size is deleted."""
    key, before = _model(database, model)
    if not key:
        return database.execute("INSERT INTO models (name, size) VALUES (?, ?)", (model, size)).lastrowid or 0
    if before != size:
        database.execute("DELETE FROM vectors WHERE model = ?", (key,))
        database.execute("DELETE FROM signs WHERE model = ?", (key,))
        database.execute("UPDATE models SET size = ? WHERE key = ?", (size, key))
    return key


def split(digests: bytes) -> list[bytes]:
    """The digests that were put together to `digests`."""
    return [digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)]


def _append(database: sqlite3.Connection, model: int, new: Sequence[tuple[bytes, bytes]]) -> None:
    """Add digests and signs to the last page of `model`, and begin another where it is full."""
    if not new:
        return
    query = "SELECT key, count, digests, bits FROM signs WHERE model = ? ORDER BY key DESC LIMIT 1"
    row = database.execute(query, (model,)).fetchone()
    added = (b"".join(digest for digest, _bits in new), b"".join(bits for _digest, bits in new))
    if row is not None and row[1] < _PAGE:
        database.execute(
            "UPDATE signs SET count = ?, digests = ?, bits = ? WHERE key = ?",
            (row[1] + len(new), row[2] + added[0], row[3] + added[1], row[0]),
        )
    else:
        database.execute(
            "INSERT INTO signs (model, count, digests, bits) VALUES (?, ?, ?, ?)", (model, len(new), *added)
        )
