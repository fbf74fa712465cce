"""The files of replies, as an export reads them."""

from __future__ import annotations

from typing import Protocol


class Files(Protocol):
    """Where the files of replies are; a session store is one."""

    def read_file(self, user: str, name: str) -> bytes | None:
        """The contents of a file; None if it is missing."""

    def file_path(self, user: str, name: str) -> str:
        """The path of a file; empty if it is not on the disk."""
