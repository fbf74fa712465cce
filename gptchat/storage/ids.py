"""The ids of sessions: made of the time and something random, and safe as the names of files."""

from __future__ import annotations

import os
import re
import time

_OURS = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_-]{5,79}\Z")
_SAFE = re.compile(r'[^./\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff][^/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]{0,119}\Z')


def new_id(moment: float) -> str:
    """A session's id for the time `moment` (seconds since 1970): `20261120-083015-4f2a`, in UTC."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime(moment)) + os.urandom(2).hex()


def timestamp(moment: float) -> str:
    """The time `moment` as records have it: `2026-11-20T08:30:15Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def acceptable_id(id: str) -> bool:
    """Whether a session may be given `id`: a file's name on any system, and no device of Windows."""
    return _OURS.match(id) is not None


def safe_id(id: str) -> bool:
    """Whether a journal called `id` may be opened: also the copies that sync tools and people make."""
    return _SAFE.match(id) is not None
