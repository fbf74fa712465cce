"""Saves the unsent draft to a small file while it is typed, so that it survives exit, hang-up and crash."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gptchat.files import (
    Lock,
    make_folder,
    open_private,
    put_aside,
    put_aside_dangling,
    read_private,
    try_lock,
    write_file,
)
from gptchat.storage.removal.places import split_place, with_place


class DraftKeeper:
    """Saves the draft in the file `path` (0600, replaced atomically); without a path nothing is saved.

    `changed` never waits for the disk: a thread writes once typing has paused for `delay` seconds, and at the
    latest after ten times `delay`. Not every key wakes the thread, because that would slow the key down. Write
    errors are ignored; the draft is then only in the prompt. The same holds in a second terminal of the same
    user: the first one locks the file until it is closed. `place()` is the id of the open session, which is noted
    with the draft: with the session, the draft goes.
    """

    def __init__(self, path: Path | None, delay: float = 0.5, place: Callable[[], str] = str) -> None:
        self._place = place
        self._owned, self._lock = _claim(path) if path is not None else (None, None)
        self._path = None if self._owned == _ANOTHERS else path
        self._delay = delay
        self._wake = threading.Condition()
        self._text: str | None = None
        """Text still to be written; None if the file is up to date."""
        self._newest = 0.0
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._kept = False
        self.unshown = ""
        """The draft that `load` found, until it is taken; it is saved before what is typed meanwhile."""

    def load(self) -> str:
        """The draft saved last time; empty if there is none or it cannot be read."""
        if self._path is None:
            return ""
        try:
            text = split_place(read_private(self._path, _LONGEST))[1].decode("utf-8", "surrogatepass")
        except FileNotFoundError:
            put_aside_dangling(self._path)
            return ""
        except (OSError, UnicodeDecodeError) as error:
            put_aside(self._path, error)
            return ""
        self._kept = True
        self.unshown = text
        return text

    def take(self) -> str:
        """The draft that `load` found and nobody has been shown yet."""
        text, self.unshown = self.unshown, ""
        return text

    def changed(self, text: str) -> None:
        """Save `text` (the whole draft, unfolded) soon; a blank one removes the file."""
        if self._path is None:
            return
        text = "\n".join(filter(None, (self.unshown, text)))
        with self._wake:
            idle, self._text = self._text is None, text
            self._newest = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="draft", daemon=True)
                self._thread.start()
            elif idle:
                self._wake.notify()

    def sent(self) -> None:
        """Forget the draft and remove the file: it was sent or given up."""
        with self._wake:
            self._text = None
        with self._writing:
            self._remove()

    def flush(self) -> None:
        """Write pending text at once; called before the program exits."""
        with self._wake:
            text, self._text = self._text, None
        if text is not None:
            self._write(text)

    def close(self) -> None:
        """Write pending text and release the lock on the file."""
        self.flush()
        self._path = None
        if self._owned is not None and self._owned >= 0:
            if self._lock is not None:
                self._lock.release()
            os.close(self._owned)
            self._owned = None

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._text is not None)
                # Each change restarts the pause, up to a fixed limit.
                latest = time.monotonic() + 10 * self._delay
                while (rest := min(self._newest + self._delay, latest) - time.monotonic()) > 0:
                    self._wake.wait(rest)
            self.flush()

    def _write(self, text: str) -> None:
        with self._writing:
            if not text.strip():
                self._remove()
                return
            if self._path is None:  # closed meanwhile
                return
            try:
                make_folder(self._path.parent)
                draft = with_place(self._place(), text.encode("utf-8", "surrogatepass"))
                write_file(self._path, draft, durable=False)
                self._kept = True
            except OSError:  # not reported: the draft is still in the prompt
                pass

    def _remove(self) -> None:
        """Remove the file if this object read or wrote it; otherwise it may hold another terminal's draft."""
        if self._path is not None and self._kept:
            try:
                self._path.unlink(missing_ok=True)
            except OSError:  # the old draft is then offered again next time
                pass
            self._kept = False


_ANOTHERS = -1
_LONGEST = 64 * 2**20
"""Bytes of a draft that are read."""


def _claim(path: Path) -> tuple[int | None, Lock | None]:
    """Descriptor and lock of the lock file for `path`; `_ANOTHERS` if another program holds it.

    Both are None if the lock file cannot be opened.
    """
    try:
        make_folder(path.parent)
        name = path.with_name(f"{path.name}.lock")
        descriptor = open_private(name, os.O_RDWR | os.O_CREAT)
    except OSError:  # saving the draft there would fail too
        return None, None
    if (lock := try_lock(descriptor, name)) is not None:
        return descriptor, lock
    os.close(descriptor)
    return _ANOTHERS, None
