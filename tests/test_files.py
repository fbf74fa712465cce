"""The one lock: what a file system without locks costs, and what another program that holds one does."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from gptchat.config.credentials import store_key, stored_key
from gptchat.errors import ConfigurationError, GptchatError, StorageError
from gptchat.files import locks, write_file, write_regular
from gptchat.storage.store import JournalStore
from gptchat.terminal.input.drafts import DraftKeeper

WITHOUT = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EIO]
"""What file systems answer that have no locks, as some of networks."""


def refuse_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system answer every request for a lock with the error `number`."""

    def flock(_fd: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


def keep_a_key(folder: Path) -> None:
    """Store a key, and find it again."""
    store_key("openai", "sk-0123456789abcdef", folder)
    assert stored_key("openai", folder)[0] == "sk-0123456789abcdef"


def keep_a_turn(folder: Path) -> None:
    """Write a message and a reply that streams, and read them again."""
    store = JournalStore(folder)
    session = store.create("ann", {})
    store.append(session, [{"type": "message", "id": "m1", "parent": None, "role": "user", "content": "hi"}])
    partial = store.partial(session, {"type": "message", "id": "m2", "parent": "m1", "role": "assistant"})
    partial.write("there")
    partial.discard()
    assert [message.text for message in store.read("ann", session.id).path()] == ["hi"]


def keep_a_draft(folder: Path) -> None:
    """Keep an unsent draft, and take it up again."""
    keeper = DraftKeeper(folder / "draft")
    keeper.changed("half a sentence")
    keeper.close()
    assert DraftKeeper(folder / "draft").load() == "half a sentence"


KEEPERS = [keep_a_key, keep_a_turn, keep_a_draft]


@pytest.mark.parametrize("number", WITHOUT, ids=errno.errorcode.get)
@pytest.mark.parametrize("keep", KEEPERS, ids=lambda keep: keep.__name__)
def test_a_file_system_without_locks_keeps_everything(
    keep: object, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system knows no locks, keys, turns and drafts are kept all the same."""
    refuse_locks(monkeypatch, number)
    assert callable(keep)
    keep(tmp_path)


def test_a_lock_that_another_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another program holds the lock for long, the person is told so, and nothing is half written."""
    monkeypatch.setattr(locks, "PATIENCE", 0.05)
    refuse_locks(monkeypatch, errno.EAGAIN)
    with pytest.raises(ConfigurationError, match="in use by another program"):
        keep_a_key(tmp_path)
    assert not (tmp_path / "credentials.json").exists()
    with pytest.raises(GptchatError) as caught:
        keep_a_turn(tmp_path)
    assert isinstance(caught.value, StorageError)


def test_a_file_system_that_cannot_sync_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be forced to the disk a file is replaced all the same; a disk that fails is told."""
    code = errno.EINVAL

    def refuse(_fd: int) -> None:
        raise OSError(code, os.strerror(code))

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    path = tmp_path / "settings"
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    code = errno.EIO
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_file(path, b"newer")
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"new"]


def test_a_file_that_is_written_again_is_replaced_whole(tmp_path: Path) -> None:
    """A file that is named again keeps its modes, and its old contents until the new ones are all there."""
    path = tmp_path / "app.py"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with path.open("rb") as reader:
        write_regular(path, b"new" * 100_000, new=False)
        assert reader.read() == b"old"  # whoever reads meanwhile has one of the two
    assert path.read_bytes() == b"new" * 100_000
    assert path.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["app.py"]


def test_a_file_keeps_what_belongs_to_it(tmp_path: Path) -> None:
    """A file that is written again keeps its group and its extended attributes."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    groups = [*os.getgroups(), *([12345] if os.geteuid() == 0 else [])]
    os.chown(path, -1, groups[-1])
    write_regular(path, b"new", new=False)
    assert (path.read_bytes(), path.stat().st_gid) == (b"new", groups[-1])
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        return  # no attributes on this file system
    write_regular(path, b"newer", new=False)
    assert (path.read_bytes(), os.getxattr(path, "user.note")) == (b"newer", b"kept")


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EPERM])
def test_a_name_that_cannot_be_replaced_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file that is a mount of its own, or in a folder that may not be changed, is written all the same."""
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def replace(_self: Path, _target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", replace)
    write_regular(path, b"new", new=False)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"new"]


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    """Write protection holds, although the folder would allow to replace the file."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        write_regular(path, b"new", new=False)
    assert path.read_bytes() == b"old"


def test_other_names_of_a_file_see_what_is_written(tmp_path: Path) -> None:
    """A file with two names, or behind a link, stays one file."""
    path, other, link = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    write_regular(path, b"new", new=False)
    assert other.read_bytes() == b"new"
    link.symlink_to(other)
    write_regular(link, b"newer", new=False)
    assert link.is_symlink()
    assert path.read_bytes() == b"newer"
