"""What a run of synchronising did, in counts."""

from __future__ import annotations

from typing import Any

from gptchat.values import dataclass, field, fields

_COUNTS = (
    "received", "sent", "sessions_in", "sessions_out", "trashed", "restored", "removed", "copies", "files",
)  # fmt: skip


@dataclass(slots=True)
class SyncReport:
    """What a run did."""

    received: int = 0
    """Messages that came to this machine."""
    sent: int = 0
    """Messages that this machine brought to the place."""
    sessions_in: int = 0
    sessions_out: int = 0
    trashed: int = 0
    restored: int = 0
    removed: int = 0
    copies: int = 0
    """Conflict copies that were merged."""
    files: int = 0
    """Files of replies that were copied, either way."""
    kept: list[tuple[str, str]] = field(default_factory=list)
    """Sessions that are kept though the other machine deleted them, as they went on: (id, title)."""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """What could not be read or written, each with the reason."""
    left: int = 0
    """Sessions that were not looked at for want of time."""
    open: str = ""
    """The open session, if it was deleted elsewhere; it is left until it is closed."""

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` has it."""
        return {
            "received": self.received, "sent": self.sent, "sessions_in": self.sessions_in,
            "sessions_out": self.sessions_out, "trashed": self.trashed, "restored": self.restored,
            "removed": self.removed, "copies": self.copies, "files": self.files,
            "kept": [{"session": id, "title": title} for id, title in self.kept],
            "problems": [{"file": name, "reason": reason} for name, reason in self.problems], "left": self.left,
        }  # fmt: skip

    def plus(self, later: SyncReport) -> SyncReport:
        """Both together; what could not be done is that of the `later` run."""
        both = {one.name: getattr(self, one.name) for one in fields(SyncReport)}
        for name in (*_COUNTS, "kept"):
            both[name] = both[name] + getattr(later, name)
        for name in ("problems", "left", "open"):
            both[name] = getattr(later, name)
        return SyncReport(**both)

    @property
    def idle(self) -> bool:
        """Whether both sides were the same already."""
        return not any(getattr(self, name) for name in (*_COUNTS, "kept", "left"))
