"""The folders of people: what fails halfway leaves them where they were."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gptchat.errors import StorageError
from gptchat.storage.removal import people as folders
from gptchat.storage.users import ensure_user, list_users


def test_a_rename_that_fails_halfway_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk a person keeps the old name and folder, as their keys are moved back too."""
    ensure_user(tmp_path, "bob")

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders, "write_file", full)
    with pytest.raises(StorageError):
        folders.rename(tmp_path, "bob", "robert")
    assert [user.name for user in list_users(tmp_path)] == ["bob"]
    assert [entry.name for entry in (tmp_path / "users").iterdir()] == ["bob"]
