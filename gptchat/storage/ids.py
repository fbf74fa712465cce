"""Session ids: creation time plus a random suffix, safe as file names."""

from __future__ import annotations

import os
import re
import time

_OURS = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_-]{5,79}\Z")
_SAFE = r'[^./\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff][^/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]{0,119}\Z'


def new_id(moment: float) -> str:
    """A new session id for the time `moment` (seconds since 1970), such as `20261120-083015-4f2a`, in UTC."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime(moment)) + os.urandom(2).hex()


def timestamp(moment: float) -> str:
    """`moment` (seconds since 1970) in the format of records: `2026-11-20T08:30:15Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def acceptable_id(id: str) -> bool:
    """Whether a new session may get `id`: it is a valid file name on every system and no Windows device name."""
    return _OURS.match(id) is not None


def safe_id(id: str) -> bool:
    """Whether an existing journal named `id` may be opened. Wider than `acceptable_id`, for copies of journals
    that sync tools and people have renamed."""
    return (_OURS.match(id) or re.match(_SAFE, id)) is not None
