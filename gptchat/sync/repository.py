"""A git repository as a place: fetched and merged before a run, committed and pushed after it.

Plain files merge by git's own union of lines. Of an encrypted file that both sides changed, the other side's
version is put beside it, as file services do, and the run merges it. Nothing asks for a password: git's own
credential helpers and ssh agents are used, or it fails with their words.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from gptchat import leaving, redaction
from gptchat.errors import ConfigurationError, StorageError
from gptchat.files import make_folder, read_regular, replacing, write_all
from gptchat.storage.os_errors import storage_error
from gptchat.sync.place import FOLDER, SEALED
from gptchat.words import _

SECONDS = 60.0
"""How long git may take for one step."""
_SETTINGS = (
    "core.hooksPath=/dev/null", "commit.gpgSign=false", "protocol.ext.allow=never", "core.symlinks=false",
    "core.autocrlf=false", "gc.auto=0", "advice.detachedHead=false", "merge.renames=false",
)  # fmt: skip
_MOST = 1_000_000
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:|file:)\S+")


class Rejected(Exception):
    """The repository went on meanwhile; the run is done again."""


def is_address(text: str) -> bool:
    """Whether `text` is the address of a repository that has to be cloned."""
    return _ADDRESS.match(text) is not None or is_bare(Path(text).expanduser())


def is_bare(path: Path) -> bool:
    """Whether the folder `path` is a repository without a working tree."""
    return all((path / name).exists() for name in ("HEAD", "objects", "refs")) and not (path / ".git").exists()


def clone_folder(base: Path, address: str) -> Path:
    """The folder below `base` in which the repository at `address` is kept."""
    return base / sha256(address.encode()).hexdigest()[:16]


class Repository:
    """The working tree `root`; `address` is where it was cloned from, empty for a person's own repository."""

    def __init__(self, root: Path, address: str, environ: Mapping[str, str]) -> None:
        self.root = root
        self._address = address
        self._environ = {
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
            "GIT_AUTHOR_NAME": "gptchat", "GIT_AUTHOR_EMAIL": "gptchat@localhost",
            "GIT_COMMITTER_NAME": "gptchat", "GIT_COMMITTER_EMAIL": "gptchat@localhost",
            **environ,
            "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never",
            "LC_ALL": "C",
        }  # fmt: skip

    def pull(self) -> None:
        """Bring the working tree up to date with the remote, if there is one. Raises StorageError."""
        if not (self.root / ".git").exists():
            self._clone()
        self._attributes()
        if not self._run("remote").strip():
            return
        self._commit()
        self._run("fetch", "--quiet", "--no-tags", self._remote())
        branch = self._branch()
        theirs = f"refs/remotes/{self._remote()}/{branch}"
        if not self._succeeds("rev-parse", "--verify", "--quiet", theirs):
            return  # an empty repository
        if not self._succeeds("rev-parse", "--verify", "--quiet", "HEAD"):
            self._run("reset", "--quiet", "--hard", theirs)
            return
        self._keep_theirs(theirs)
        merge = ("merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "-X", "ours", theirs)
        if not self._succeeds(*merge):
            for path in self._run("diff", "--name-only", "--diff-filter=U", "-z").split("\0"):
                if path.startswith(f"{FOLDER}/"):  # one side has removed it: it stays
                    self._succeeds("add", "--", path)
            if not self._succeeds("commit", "--quiet", "--no-edit"):
                self._succeeds("merge", "--abort")
                raise StorageError(
                    _("git cannot merge {folder} with its remote").format(folder=self.root),
                    hint=_("commit or stash your own changes there, and merge by hand"),
                )

    def push(self) -> None:
        """Commit what changed, and push it if there is a remote. Raises Rejected, StorageError."""
        self._commit()
        if not self._run("remote").strip() or not self._succeeds("rev-parse", "--verify", "--quiet", "HEAD"):
            return
        branch, remote = self._branch(), self._remote()
        theirs = f"refs/remotes/{remote}/{branch}"
        if self._succeeds("merge-base", "--is-ancestor", "HEAD", theirs):
            return
        done = self._git("push", "--quiet", "--porcelain", remote, f"HEAD:refs/heads/{branch}")
        if done.returncode:
            said = done.stdout + done.stderr
            if "[rejected]" in said or "non-fast-forward" in said or "fetch first" in said or "lock" in said:
                raise Rejected
            raise self._failed("push", done)

    def _clone(self) -> None:
        """Clone the repository into a folder of our own."""
        try:
            make_folder(self.root.parent)
            shutil.rmtree(self.root, ignore_errors=True)  # of a clone that was killed
        except OSError as error:
            raise storage_error(error, self.root) from error
        temporary = self.root.with_name(f"{self.root.name}.new")
        shutil.rmtree(temporary, ignore_errors=True)
        done = self._git("clone", "--quiet", "--no-tags", "--", self._address, str(temporary), at=self.root.parent)
        if done.returncode:
            raise self._failed("clone", done)
        temporary.rename(self.root)

    def _attributes(self) -> None:
        """Tell git how to merge our files."""
        path = self.root / FOLDER / ".gitattributes"
        text = b"*.jsonl merge=union -text\n*.age -merge -text -diff\n"
        try:
            if not path.exists() or read_regular(path, _MOST) != text:
                make_folder(path.parent)
                with replacing(path, own=False) as file:
                    write_all(file.fileno(), text)
        except OSError as error:
            raise storage_error(error, path) from error

    def _commit(self) -> None:
        self._run("add", "--all", "--", FOLDER, f":!{FOLDER}/**/.*.tmp")
        if not self._succeeds("diff", "--cached", "--quiet", "--", FOLDER):
            self._run("commit", "--quiet", "--message", "gptchat: sessions", "--only", "--", FOLDER)

    def _keep_theirs(self, theirs: str) -> None:
        """Put the other side's version of each encrypted file that both sides changed beside it."""
        both = (f"HEAD...{theirs}", f"{theirs}...HEAD")
        if not self._succeeds("merge-base", "HEAD", theirs):
            both = ("HEAD", theirs)  # of two histories: all files
            changed = [set(self._run("ls-tree", "-r", "-z", "--name-only", one).split("\0")) for one in both]
        else:
            changed = [set(self._run("diff", "--name-only", "-z", one).split("\0")) for one in both]
        for name in sorted(changed[0] & changed[1]):
            if name.endswith(SEALED) and name.startswith(f"{FOLDER}/"):
                blob = self._git_bytes("cat-file", "blob", f"{theirs}:{name}")
                path = self.root / name
                if blob:
                    copy = path.with_name(f"{path.stem}.theirs-{sha256(blob).hexdigest()[:8]}{SEALED}")
                    with replacing(copy, own=False) as file:
                        write_all(file.fileno(), blob)

    def _remote(self) -> str:
        names = self._run("remote").split()
        return "origin" if "origin" in names else names[0]

    def _branch(self) -> str:
        return self._run("symbolic-ref", "--short", "HEAD").strip()

    def _succeeds(self, *arguments: str) -> bool:
        return self._git(*arguments).returncode == 0

    def _run(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode:
            raise self._failed(arguments[0], done)
        return done.stdout

    def _failed(self, what: str, done: subprocess.CompletedProcess[str]) -> StorageError:
        said = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        reason = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1] if said else "")
        text = redaction.redact(reason[:300]) or _("exit status {status}").format(status=done.returncode)
        return StorageError(
            _("git {what} failed: {reason}").format(what=what, reason=text),
            hint=_("try it by hand in {folder}").format(folder=self.root),
        )

    def _git(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = self._process(arguments, at or self.root)
        out, err = (data.decode("utf-8", "surrogateescape") for data in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def _git_bytes(self, *arguments: str) -> bytes:
        done = self._process(arguments, self.root)
        return b"" if done.returncode else done.stdout

    def _process(self, arguments: tuple[str, ...], at: Path) -> subprocess.CompletedProcess[bytes]:
        """Run git with a limit of time; what it started ends with it. Raises ConfigurationError, StorageError."""
        command = ["git", *(word for setting in _SETTINGS for word in ("-c", setting)), *arguments]
        try:
            process = subprocess.Popen(  # noqa: S603 - git, with arguments of our own
                command, cwd=at, env=dict(self._environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise ConfigurationError(
                _("the program git is missing"), hint=_("install git, or synchronise with a folder")
            ) from None
        except OSError as error:
            raise storage_error(error, at) from error
        try:
            with leaving.at_the_end(process.kill):
                out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            raise StorageError(
                _("git {what} took longer than {seconds} s").format(what=arguments[0], seconds=f"{SECONDS:g}"),
                hint=_("check the network, and try git by hand in {folder}").format(folder=at),
            ) from None
        except BaseException:
            _end(process)
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
    process.wait()
