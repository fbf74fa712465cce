"""Converts operating system errors to messages for the user: what happened to the file, and what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from gptchat import words
from gptchat.errors import StorageError
from gptchat.files import UnfitFile
from gptchat.words import _


class RemovedError(OSError):
    """A session was removed for good, by another window, and is not written anew."""


def storage_error(error: OSError, path: Path) -> StorageError:
    """The StorageError, with a message and a hint for the user, for an `error` on reading or writing `path`."""
    if isinstance(error, RemovedError):
        return StorageError(
            _("it was removed for good in another window"), hint=_("/fork goes on with it in a new session")
        )
    if isinstance(error, UnfitFile):
        hint = _("move it away, or use --data-dir")
        return StorageError(_("{file}: {reason}").format(file=path, reason=words.reason(error)), hint=hint)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            reason, hint = _("the disk is full"), _("free some space")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason, hint = _("it may not be written or read"), _("check who owns the folder, or use --data-dir")
        case errno.ENOENT:
            reason, hint = _("it is not there"), _("it may have been moved or deleted; check the path")
            if not path.parent.exists():
                reason, hint = _("its folder is not there"), _("check the path, or create the folder")
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST:
            reason, hint = _("something else stands in its place"), _("move it away, or use --data-dir")
        case errno.ENAMETOOLONG:
            reason, hint = _("its name is too long"), _("choose a shorter name")
        case errno.ELOOP:
            reason, hint = _("its links lead in a circle"), _("move it away, or use --data-dir")
        case errno.ETIMEDOUT:
            reason, hint = _("another program holds it"), _("close the other program, or wait")
        case errno.EIO:
            reason, hint = _("the disk reports a failure"), _("check the disk, and copy your data elsewhere")
        case errno.EMFILE | errno.ENFILE:
            reason, hint = _("too many files are open"), _("close other programs")
        case _other:
            reason, hint = words.reason(error), _("check the disk, or use --data-dir")
    return StorageError(_("{file}: {reason}").format(file=path, reason=reason), hint=hint)
