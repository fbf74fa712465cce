"""What a person's machine remembers of its places: `users/<slug>/sync.json`, which never travels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gptchat.files import LARGE, make_folder, read_private, write_file
from gptchat.storage.os_errors import storage_error
from gptchat.storage.users import user_folder
from gptchat.values import dataclass, field

Signature = list[Any]
"""What tells that a file was not changed: size, time of change and number of the file; its folder for our own."""


@dataclass(slots=True)
class Seen:
    """A session after it was last synchronised with a place."""

    status: str = "absent"
    """Where it was on this machine: `live`, `trash`, `removed`, `absent`."""
    next: str = ""
    """Where it was being moved to: if the program was killed, it is there or still at `status`."""
    said: str = ""
    """The beginnings of the digests of what was said in it, or for a deleted one of what that had seen."""
    state: list[Any] = field(default_factory=list)
    """The last word on where it belongs: its stamp's time and number, and `live`, `trash` or `removed`."""
    local: Signature = field(default_factory=list)
    place: Signature = field(default_factory=list)


@dataclass(slots=True)
class SyncMemory:
    """The places of a person: the one in use, and what was last seen of each session in each."""

    path: Path
    place: str = ""
    """A folder, or the address of a git repository; empty if there is none."""
    git: bool = False
    watch: bool = False
    last: str = ""
    """When the last run ended (ISO 8601)."""
    identities: dict[str, list[str]] = field(default_factory=dict)
    """For an encrypted place the identities that open it."""
    seen: dict[str, dict[str, Seen]] = field(default_factory=dict)
    """By place, then by id."""

    def of_place(self, place: str) -> dict[str, Seen]:
        """What is known of the sessions in `place`; change it in place."""
        return self.seen.setdefault(place, {})

    def save(self) -> None:
        """Write the memory. Raises StorageError."""
        seen = {
            place: {
                id: [one.status, one.next, one.said, one.state, one.local, one.place] for id, one in found.items()
            }
            for place, found in self.seen.items()
        }
        document = {
            "v": 1, "place": self.place, "git": self.git, "watch": self.watch, "last": self.last,
            "identities": self.identities, "seen": seen,
        }  # fmt: skip
        try:
            make_folder(self.path.parent)
            write_file(self.path, json.dumps(document, separators=(",", ":")).encode())
        except OSError as error:
            raise storage_error(error, self.path) from error


def memory_file(data: Path, user: str) -> Path:
    """Where the memory of `user` is."""
    return user_folder(data, user) / "sync.json"


def load(data: Path, user: str) -> SyncMemory:
    """The memory of `user`; what is missing or damaged of it is as new, which costs time and loses nothing."""
    memory = SyncMemory(memory_file(data, user))
    try:
        document = json.loads(read_private(memory.path, LARGE))
        if not isinstance(document, dict):
            return memory
    except (OSError, ValueError, RecursionError):
        return memory
    for name in ("place", "last"):
        if isinstance(value := document.get(name), str):
            setattr(memory, name, value)
    memory.git, memory.watch = document.get("git") is True, document.get("watch") is True
    if isinstance(identities := document.get("identities"), dict):
        memory.identities = {
            place: [text for text in texts if isinstance(text, str)]
            for place, texts in identities.items()
            if isinstance(texts, list)
        }
    seen = document.get("seen")
    for place, found in seen.items() if isinstance(seen, dict) else ():
        for id, row in found.items() if isinstance(found, dict) else ():
            match row:
                case [str(status), str(following), str(said), list(state), list(local), list(there)]:
                    memory.of_place(place)[id] = Seen(status, following, said, state, local, there)
    return memory
