"""A draft left unsent at exit, hang-up or crash comes back: it is kept in a small file while it is typed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from gptchat.files import make_folder, open_private, try_lock, write_file


class DraftKeeper:
    """Keeps the draft in the file `path` (0600, replaced atomically); without a path nothing is kept.

    `changed` never waits for the disk: a thread writes once typing has paused for `delay` seconds, and at the
    latest every ten pauses. It is not woken by each key, which would cost the key time. A disk that refuses does
    not disturb the typing; the draft is then only in the prompt. So it is in a second terminal of the same
    person: the file is the first one's as long as it lives.
    """

    def __init__(self, path: Path | None, delay: float = 0.5) -> None:
        self._owned = _claim(path) if path is not None else None
        self._path = None if self._owned == _ANOTHERS else path
        self._delay = delay
        self._wake = threading.Condition()
        self._text: str | None = None
        """The text to be written; None when the file is as it should be."""
        self._newest = 0.0
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._kept = False

    def load(self) -> str:
        """The draft of last time; empty where there is none."""
        if self._path is None:
            return ""
        try:
            text = self._path.read_bytes().decode("utf-8", "surrogatepass")
        except (OSError, UnicodeDecodeError):
            return ""
        self._kept = True
        return text

    def changed(self, text: str) -> None:
        """The draft is now `text`, whole; an empty one is forgotten like a sent one."""
        if self._path is None:
            return
        with self._wake:
            idle, self._text = self._text is None, text
            self._newest = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="draft", daemon=True)
                self._thread.start()
            elif idle:
                self._wake.notify()

    def sent(self) -> None:
        """The draft is a message now, or was given up: forget it."""
        with self._wake:
            self._text = None
        with self._writing:
            self._remove()

    def flush(self) -> None:
        """Write what is not yet written, at once; called before the program leaves."""
        with self._wake:
            text, self._text = self._text, None
        if text is not None:
            self._write(text)

    def close(self) -> None:
        """Write what is not yet written, and leave the file to whoever comes next."""
        self.flush()
        self._path = None
        if self._owned is not None and self._owned >= 0:
            os.close(self._owned)
            self._owned = None

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._text is not None)
                # Each change starts the pause again, but not for ever.
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
                write_file(self._path, text.encode("utf-8", "surrogatepass"), durable=False)
                self._kept = True
            except OSError:  # that a draft cannot be kept is told nobody: it is in the prompt
                pass

    def _remove(self) -> None:
        """Remove the file, if it is one that this program read or wrote: another terminal may have its own."""
        if self._path is not None and self._kept:
            try:
                self._path.unlink(missing_ok=True)
            except OSError:  # it cannot be removed; next time the draft is offered once more
                pass
            self._kept = False


_ANOTHERS = -1


def _claim(path: Path) -> int | None:
    """The open lock of the draft at `path`: `_ANOTHERS` where another holds it, None where none can be had."""
    try:
        make_folder(path.parent)
        descriptor = open_private(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT)
    except OSError:  # the draft cannot be kept there either
        return None
    try:
        if try_lock(descriptor):
            return descriptor
    except OSError:  # a disk that fails keeps no draft either
        pass
    os.close(descriptor)
    return _ANOTHERS
