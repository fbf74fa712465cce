"""Brings the index of a collection up to date with its files: only what has changed is read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from gptchat import waiting
from gptchat.attachments.limits import SizeLimits
from gptchat.attachments.policy import Policy
from gptchat.conversation.collections import reading
from gptchat.conversation.collections.store import Collection
from gptchat.conversation.collections.walking import MOST, Listed, walk
from gptchat.errors import TurnInterruptedError, UsageError
from gptchat.knowledge.cutting import Segment, cut
from gptchat.knowledge.documents import DocumentIndex, Stamp
from gptchat.values import dataclass, field
from gptchat.words import _

_SLICE = 1.0
"""Seconds of reading after which what was read is written, so that stopping loses little."""
_MANY = 400
"""Files after which it is written in any case."""
_LARGEST = SizeLimits().file

Entry = tuple[str, str, Stamp, Sequence[Segment]]


def unwatched(_done: int, _total: int) -> None:
    """Progress that nobody looks at. Raises TurnInterruptedError where the waiting is given up."""
    if waiting.given_up():
        raise TurnInterruptedError(_("stopped"))


@dataclass(slots=True)
class Difference:
    """What is to be done: files that may have `changed`, and those known that are `gone`."""

    known: dict[str, Stamp | None]
    changed: list[Listed] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    """Paths of the collection that are not there now, such as a drive's; what is known of them stays."""


def look(
    collection: Collection, index: DocumentIndex, progress: Callable[[int, int], None], *, again: bool = False
) -> Difference:
    """Compare the files of `collection` with `index`, by size and time of change; reads none. Blocks.

    With `again`, files that were left out for what is in them are read again: a reader may be installed now.
    Raises UsageError for more than `MOST` files.
    """
    found = Difference({**index.stamps()})
    seen: set[str] = set()
    for one in walk(collection.paths, found.left_out):
        if one.path in seen:
            continue
        seen.add(one.path)
        if len(seen) % 1000 == 0:
            progress(0, len(seen))
        if len(seen) > MOST:
            raise UsageError(
                _("#{name} holds more than {n} files").format(name=collection.name, n=f"{MOST:,}"),
                hint=_("add a folder within it"),
            )
        stamp = found.known.get(one.path)
        if again and stamp is not None and stamp.reason:
            stamp = found.known[one.path] = None
        if stamp is None or (stamp.size, stamp.mtime) != (one.size, one.mtime):
            found.changed.append(one)
    found.missing = [path for path in collection.paths if not Path(path).exists()]
    away = {Path(path) for path in found.missing}
    for path in found.known.keys() - seen:
        if not away or away.isdisjoint((Path(path), *Path(path).parents)):
            found.gone.append(path)
    return found


def take_in(
    found: Difference,
    index: DocumentIndex,
    policy: Policy,
    progress: Callable[[int, int], None] = unwatched,
    read: Callable[[Path], bytes | None] = reading.contents,
) -> list[str]:
    """Read what has changed into `index`, in slices; returns what readers of documents said of damaged ones.

    What is read when `progress` raises stays, and the next call goes on from there. Blocks.
    """
    faults: list[str] = []
    batch: list[Entry] = []
    begun, total = time.monotonic(), len(found.changed)
    if found.gone:
        index.put((), found.gone)
    try:
        for number, one in enumerate(found.changed):
            progress(number, total)
            if (entry := _entry(one, found.known.get(one.path), policy, read, faults)) is None:
                index.touch(one.path, Stamp(one.size, one.mtime))
                continue
            batch.append(entry)
            if len(batch) >= _MANY or time.monotonic() - begun > _SLICE:
                index.put(batch)
                batch, begun = [], time.monotonic()
    finally:
        if batch:
            index.put(batch)
    index.note(found.left_out)
    return faults


def _entry(
    one: Listed, known: Stamp | None, policy: Policy, read: Callable[[Path], bytes | None], faults: list[str]
) -> Entry | None:
    """What goes into the index for a file; None if its contents are those known."""
    reason, digest, pieces = "", "", cut("")
    if one.size > _LARGEST:
        reason = "too large"
    elif (data := read(Path(one.path))) is None:
        reason = "unreadable"
    else:
        digest = sha256(data).hexdigest()
        if known is not None and known.digest == digest:
            return None
        got = reading.text_of(Path(one.path), data, policy)
        reason = got.reason
        if got.fault:
            faults.append(got.fault)
        if got.text:
            pieces = cut(got.text, one.name, paged=got.paged)
    return one.path, one.name, Stamp(one.size, one.mtime, digest, reason), pieces
