"""Files that somebody spoilt or planted: pipes, devices, links and other people's files in our own folders."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from gptchat import files, notices, words
from gptchat.config.load import load
from gptchat.config.write import write_value
from gptchat.errors import ConfigurationError, GptchatError, StorageError
from gptchat.files import UnfitFile
from gptchat.storage.journal import to_line
from gptchat.storage.os_errors import storage_error
from gptchat.storage.store import JournalStore
from gptchat.storage.users import write_settings
from gptchat.terminal.debugging import unexpected
from tests.support.program import command, compose_program, running, settings_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and owners")
SETTINGS = settings_for("http://127.0.0.1:1")
STRANGER = 12345
root_only = pytest.mark.skipif(sys.platform != "win32" and os.geteuid() != 0, reason="gives files away")


def huge(path: Path) -> None:
    """A sparse file of 20 GB."""
    with path.open("wb") as file:
        file.truncate(20 * 10**9)


SPOILT: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "dangling link": lambda path: path.symlink_to("/nonexistent/x"),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "huge": huge,
    "no text": lambda path: path.write_bytes(b"\xff\xfe\xff\xed\xa0\x80"),
    "surrogate": lambda path: path.write_text(
        '{"user": "\\ud800", "keys": {"test": "\\ud800"}, "tokens": "\\ud800"}'
    ),
}
OURS = ("state.json", "credentials.json", "learnt.json", "users/ann/user.json", "users/ann/draft",
        "users/ann/input_history", "cache/index.sqlite3",
        "users/ann/sessions/20261120-083015-4f2a.jsonl")  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_no_file_of_ours_stops_a_start(kind: str, tmp_path: Path) -> None:
    """Whatever stands in the place of a file of ours, the program starts, and says what it set aside."""
    for name in OURS:
        folder = tmp_path / name.replace("/", "_")
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        SPOILT[kind](path)
        program = compose_program(folder, SETTINGS)
        with running(program) as runner:
            for line in ("/status", "/sessions", "/usage", "/context", "/search hello"):
                assert runner.run(command(program, line, None))
            assert program.services.people.unnamed()  # reads who was here last
            try:
                program.services.keys.find(program.services.routing.provider_settings())
            except GptchatError as error:
                assert "API key" in error.message or "key" in error.message  # noqa: PT017 - half a character is no key
        moved = path.with_name(f"{path.name}.damaged")
        if kind in ("pipe", "folder", "device") and name in OURS[:4] and name != "credentials.json":
            assert os.path.lexists(moved), name
            assert any(moved.name in told for told in notices.take())


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_settings_file_leaves_the_defaults(kind: str, tmp_path: Path) -> None:
    """A settings file that is no file is told, left out and never replaced; a slip in it is still an error."""
    path = tmp_path / "config.toml"
    SPOILT[kind](path)
    before = path.lstat()
    if kind in ("no text", "surrogate"):
        with pytest.raises(ConfigurationError):
            load(path)
        return
    assert load(path).values == {}
    assert (notices.take() == []) == (kind == "dangling link")
    if kind != "dangling link":
        with pytest.raises(ConfigurationError, match="cannot write"):
            write_value(path, "model", "m")
    assert path.lstat() == before or kind == "dangling link"


def test_settings_may_come_through_a_pipe(tmp_path: Path) -> None:
    """`--config <(command)` reads what the command writes."""
    read, write = os.pipe()
    os.write(write, b'model = "m"')
    os.close(write)
    try:
        assert load(Path(f"/dev/fd/{read}")).values == {"model": "m"}
    finally:
        os.close(read)


@root_only
def test_links_of_others_are_never_followed(tmp_path: Path) -> None:
    """A link that another user put into a data folder, or on the way to it, leads nowhere."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    link = tmp_path / "data" / "state.json"
    link.parent.mkdir()
    link.symlink_to(victim)
    assert files.read_private(link) == b"precious"  # a link of one's own is
    os.lchown(link, STRANGER, STRANGER)
    beyond = tmp_path / "beyond"
    beyond.symlink_to(tmp_path)
    os.lchown(beyond, STRANGER, STRANGER)
    for path in (link, beyond / "victim", beyond / "new"):
        with pytest.raises(UnfitFile, match="a link of another user"):
            files.read_private(path)
        with pytest.raises(UnfitFile, match="a link of another user"):
            files.write_file(path, b"x")
        with pytest.raises(UnfitFile, match="a link of another user"):
            files.write_regular(path, b"x", new=False)
    program = compose_program(tmp_path, SETTINGS)
    assert program.services.people.current == "ann"
    assert program.services.people.unnamed()  # reads who was here last
    assert any("a link of another user" in told for told in notices.take())
    assert victim.read_text() == "precious"
    assert link.is_symlink()


@root_only
def test_files_of_others_are_not_ours(tmp_path: Path) -> None:
    """Settings that another user put into our folder are neither read nor moved nor replaced."""
    path = tmp_path / "data" / "users" / "ann" / "user.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"v": 1, "name": "ann", "settings": {"model": "theirs"}}')
    os.chown(path, STRANGER, STRANGER)
    program = compose_program(tmp_path, "provider = 'demo'")
    assert program.services.settings.chat.model != "theirs"
    assert any("belongs to another user" in told for told in notices.take())
    with pytest.raises(StorageError, match="belongs to another user"):
        write_settings(tmp_path / "data", "ann", {"model": "mine"})
    assert "theirs" in path.read_text()


@root_only
@pytest.mark.parametrize("planted", ["journal", "sidecar", "lock", "torn", "history"])
def test_planted_links_in_a_data_folder(planted: str, tmp_path: Path) -> None:
    """No file that the program writes beside its journals goes through a link of somebody else."""
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    folder = tmp_path / "data" / "users" / "ann" / "sessions"
    folder.mkdir(parents=True)
    journal = folder / "20261120-083015-4f2a.jsonl"
    journal.write_bytes(
        to_line({"v": 1, "type": "session", "id": journal.stem, "user": "ann"}) + b'{"type": "mess'
    )
    place = {
        "journal": folder / "20261120-083015-aaaa.jsonl",
        "sidecar": journal.with_suffix(".partial"),
        "lock": tmp_path / "data" / "credentials.json.lock",
        "torn": journal.with_suffix(".torn"),
        "history": folder.parent / "input_history",
    }[planted]
    place.symlink_to(victim)
    os.lchown(place, STRANGER, STRANGER)
    program = compose_program(tmp_path, SETTINGS)
    with running(program) as runner:
        runner.run(command(program, "/sessions"))
        for path in folder.glob("*.jsonl"):
            try:
                program.services.open_first(path.stem)
            except GptchatError as error:
                assert "link" in error.message  # noqa: PT017
    assert victim.read_text() == "precious\n"
    assert victim.stat().st_mode & 0o777 == 0o644


@contextmanager
def nobody() -> Iterator[None]:
    """Act as another user than root."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@root_only
def test_closed_folders_are_told_in_words(tmp_path: Path) -> None:
    """A path in somebody's closed folder, or somebody's data folder, is refused with the reason."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-", "test_")):  # the last but one where tests run in workers
            folder.chmod(0o711)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    with nobody():
        program = compose_program(home, SETTINGS)
        with running(program) as runner:
            for line in (
                f"/import {closed}/x",
                f"/export json {closed}/x",
                f"/save 1 {closed}/x",
                f"/attach {closed}/x",
            ):
                try:
                    runner.run(command(program, line.format(closed / "x")))
                except GptchatError as error:
                    assert "mistake" not in error.message  # noqa: PT017
        for folder in (closed, closed / "data"):
            with pytest.raises(GptchatError, match="may not be written or read"):
                compose_program(home, SETTINGS, "--data-dir", str(folder))
        with pytest.raises(ConfigurationError, match="Permission denied"):
            compose_program(home, SETTINGS, "--config", str(closed / "config.toml"))


LONG = "x" * 300


@pytest.mark.parametrize(
    "line", [f"/import {LONG}", f"/export json {LONG}", f"/import {LONG}/x", "/import a\0b", "/export json a\0b"]
)
def test_impossible_names_are_refused_in_words(line: str, tmp_path: Path) -> None:
    """A name that no file can have is refused with the reason, whatever command it is given to."""
    program = compose_program(tmp_path, SETTINGS)
    with running(program) as runner, pytest.raises(GptchatError) as caught:
        runner.run(command(program, line))
    assert "mistake" not in caught.value.message
    assert "Errno" not in caught.value.message


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_failure_of_the_system_has_words(language: str) -> None:
    """Whatever the operating system reports is told with the file and a reason, not as a mistake of ours."""
    words.choose(language)
    try:
        for number, text in product(errno.errorcode, ("", "?")):
            error = OSError(number, os.strerror(number) if text else "", "/some/file")
            for told in (unexpected(error), storage_error(error, Path("/some/file"))):
                assert isinstance(told, StorageError)
                assert "/some/file" in told.message
                assert len(told.message) > len("/some/file: ")
                assert "Errno" not in told.message
                assert told.hint
    finally:
        words.choose("en")


LOCKLESS = """
import errno, fcntl, os
def flock(fd, operation):
    raise OSError({number}, os.strerror({number}))
fcntl.flock = flock
"""
HOLD = """
import sys, time
from pathlib import Path
from gptchat.files import open_private, try_lock
import os
path = Path(sys.argv[1])
fd = open_private(path, os.O_RDWR | os.O_CREAT)
assert try_lock(fd, path) is not None
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def holder(path: Path, number: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `path`, on a system whose locks fail with `number`."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKLESS.format(number=number) + HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def no_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system answer every request for a lock with the error `number`."""
    import fcntl

    def flock(_fd: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO], ids=errno.errorcode.get)
def test_a_lock_without_the_system_s(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot lock, a living process keeps its lock, and a killed one's is taken over."""
    no_locks(monkeypatch, number)
    path = tmp_path / "journal.jsonl"
    with holder(path, number) as process:
        fd = files.open_private(path, os.O_RDWR)
        assert files.try_lock(fd, path) is None
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet collected by its parent
        lock = files.try_lock(fd, path)
        assert lock is not None
        assert files.try_lock(fd, path) is None
        lock.release()
        again = files.try_lock(fd, path)
        assert again is not None
        again.release()
        os.close(fd)
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal.jsonl"]
    assert notices.take() == []


def test_a_living_reply_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that streams elsewhere is left alone where the system cannot lock."""
    no_locks(monkeypatch, errno.ENOLCK)
    store = JournalStore(tmp_path)
    session = store.create("ann", {})
    store.append(session, [{"type": "message", "id": "", "role": "user", "content": "hello"}])
    sidecar = store.partial(session, {"type": "message", "role": "assistant", "parent": "m1"})
    sidecar.write("half a")
    assert [message.text for message in JournalStore(tmp_path).open("ann", session.id).path()] == ["hello"]
    sidecar._close()  # as when its process ends
    assert [message.text for message in JournalStore(tmp_path).open("ann", session.id).path()] == [
        "hello",
        "half a",
    ]


def test_where_nothing_can_be_locked_it_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without locks and without room for a lock file the program goes on, and says once what to mind."""
    no_locks(monkeypatch, errno.ENOLCK)
    path = tmp_path / ("j" * 252)
    fd = files.open_private(path, os.O_RDWR | os.O_CREAT)
    for _time in range(2):
        with files.locked(fd, path):
            pass
    os.close(fd)
    (told,) = notices.take()
    assert "one gptchat at a time" in told


KILLED = """
import os, sys
from pathlib import Path
from gptchat.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_program_left_is_swept(tmp_path: Path) -> None:
    """Temporary files of a killed program go, in every folder of ours; those of a living one stay."""
    from gptchat.config.paths import Paths
    from gptchat.storage.sweeping import sweep

    paths = Paths(tmp_path / "config" / "config.toml", tmp_path / "data", tmp_path / "cache")
    targets = [
        paths.config_file,
        paths.data_dir / "learnt.json",
        paths.cache_dir / "x",
        paths.data_dir / "users" / "ann" / "user.json",
        paths.data_dir / "users" / "ann" / "files" / "picture.png",
    ]
    running = []
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
    foreign = paths.config_file.with_name(".other.toml.0123abcd.tmp")
    foreign.write_text("")
    assert sweep(paths) == []
    for process in running:
        process.kill()
        process.communicate()
    assert sorted(path.parent for path in sweep(paths)) == sorted(target.parent for target in targets)
    assert [path for path in tmp_path.rglob("*") if stat.S_ISREG(path.stat().st_mode)] == [foreign]


def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path) -> None:
    """A device, a pipe or a folder in the place of a file is left as it is, whoever writes."""
    for kind in ("pipe", "folder", "device"):
        path = tmp_path / kind
        SPOILT[kind](path)
        before = path.lstat()
        with pytest.raises(UnfitFile):
            files.write_file(path, b"x")
        with pytest.raises(UnfitFile):
            files.write_regular(path, b"x", new=False)
        assert path.lstat() == before
