"""Three machines that chat at random and meet in one place: what may happen, and what must hold in the end.

A run is killed in a child process at its n-th call, so that a failure can be repeated. `GPTCHAT_TEST_SYNC` is the
number of steps; `GPTCHAT_TEST_SEED` repeats a run that failed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.files import write_file
from gptchat.storage.ids import timestamp
from gptchat.storage.index.library import Library
from gptchat.storage.store import JournalStore
from gptchat.sync.local import Machine
from gptchat.sync.memory import load
from gptchat.sync.place import Sealing, SyncPlace
from gptchat.sync.report import SyncReport
from gptchat.sync.repository import Repository
from gptchat.sync.run import SyncRun, synchronise
from gptchat.sync.sealing import AgeSealing
from gptchat.sync.service import Synchroniser, Target

USER = "ann"
MACHINES = 3
FIRST = 1_790_000_000
PASSPHRASE = "correct horse"
_AGE = str(pyrage.x25519.Identity.generate())
KEY = pyrage.passphrase.encrypt(_AGE.encode(), PASSPHRASE)
IDENTITY = f"{sha256(KEY).hexdigest()[:16]} {_AGE}"

machines = st.integers(0, MACHINES - 1)
picks = st.integers(0, 5)
notes = st.sampled_from(("title", "pin", "unpin", "set", "summary", "aside"))


class Computer:
    """A machine: its data folder, and what its person does there."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.library = Library(data)

    def store(self) -> JournalStore:
        return JournalStore(self.data)

    def ids(self, where: str = "sessions") -> list[str]:
        return sorted(path.stem for path in (self.data / "users" / USER / where).glob("*.jsonl"))

    def record(self, id: str, *records: Record) -> None:
        store = self.store()
        store.append(store.open(USER, id), records)

    def session(self, id: str, where: str = "sessions") -> Session:
        if where == "sessions":
            return self.store().read(USER, id)
        return Machine(self.data, None, USER).read(id).session

    def view(self) -> dict[str, Any]:
        """All that the person can see, without the ids that a journal gives to its messages."""
        return {
            id: (where, told(self.session(id, where))) for where in ("trash", "sessions") for id in self.ids(where)
        }

    def texts(self) -> Counter[tuple[str, str]]:
        """Each message with its session, and how often it is there."""
        return Counter(
            (id, message.text.split("+")[0])
            for where in ("sessions", "trash")
            for id in self.ids(where)
            for message in self.session(id, where).messages.values()
        )


def told(session: Session) -> dict[str, Any]:
    """What a session tells, with the way to a message in place of its id."""

    def way(id: str | None) -> tuple[str, ...]:
        texts = []
        while id is not None:
            texts.append(session.messages[id].text)
            id = session.parent_of(id)
        return tuple(texts[::-1])

    return {
        "messages": sorted(way(id) for id in session.messages),
        "head": way(session.head),
        "title": session.title,
        "settings": dict(sorted(session.settings.items())),
        "pinned": sorted(way(id) for id in session.pinned),
        "summaries": sorted((way(one.until), one.content) for one in session.summaries.values()),
        "asides": len(session.asides),
        "user": session.user,
    }


class ThreeMachines(RuleBasedStateMachine):
    """The rules. `carry` brings the machine's copy of the place up to date before a run, and sends it after."""

    sealing: Sealing | None = None
    steps = 0

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.machines = [Computer(self.folder / f"machine{number}") for number in range(MACHINES)]
        self.time, self.count = FIRST, 0
        self.said: set[tuple[str, str]] = set()
        self.gone: set[tuple[str, str]] = set()
        self.stale: dict[str, bytes] = {}
        for machine in self.machines:
            (machine.data / "users" / USER).mkdir(parents=True)
        self.set_up()

    def set_up(self) -> None:
        (self.folder / "place").mkdir()

    def root(self, number: int) -> Path:
        return self.folder / "place"

    def carry(self, number: int) -> SyncReport:
        return self.plain_sync(number)

    def plain_sync(self, number: int) -> SyncReport:
        data = self.machines[number].data
        run = SyncRun(
            Machine(data, None, USER),
            SyncPlace(self.root(number), USER, self.sealing),
            load(data, USER),
            "place",
            clock=lambda: timestamp(self.time),
        )
        return synchronise(run, data)

    def check_invariants(self, *arguments: Any, **more: Any) -> None:
        """Called by hypothesis after each step."""
        type(self).steps += 1
        super().check_invariants(*arguments, **more)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            try:
                self.settle()
            finally:
                shutil.rmtree(self.folder, ignore_errors=True)

    # What a person does

    def new(self, id: str, prefix: str = "") -> str:
        self.count += 1
        text = f"{prefix}{self.count} 数据"
        self.said.add((id, text))
        return text

    def stamp(self) -> str:
        return timestamp(self.time)

    def choose(self, number: int, pick: int, where: str = "sessions") -> str | None:
        ids = self.machines[number].ids(where)
        return ids[pick % len(ids)] if ids else None

    @rule(seconds=st.sampled_from((0, 1, 60)))
    def wait(self, seconds: int) -> None:
        self.time += seconds

    @rule(number=machines)
    def start(self, number: int) -> None:
        self.count += 1
        id = f"20261128-120000-{self.count:04d}"
        store = self.machines[number].store()
        session = store.begin(USER, {"temperature": 0.5}, id=id, ts=self.stamp())
        store.append(session, [self.message("user", None, id), self.message("assistant", "m1", id)])

    def message(self, role: str, parent: str | None, id: str) -> Record:
        return {"type": "message", "role": role, "parent": parent, "content": self.new(id), "ts": self.stamp()}

    @rule(number=machines, pick=picks)
    def say(self, number: int, pick: int) -> None:
        if id := self.choose(number, pick):
            machine = self.machines[number]
            machine.record(id, self.message("user", machine.session(id).head, id))
            machine.record(id, self.message("assistant", machine.session(id).head, id))

    @rule(number=machines, pick=picks, at=picks)
    def branch(self, number: int, pick: int, at: int) -> None:
        if id := self.choose(number, pick):
            known = [None, *self.machines[number].session(id).messages]
            self.machines[number].record(
                id, {"type": "head", "message": known[at % len(known)], "ts": self.stamp()}
            )

    @rule(number=machines, pick=picks, at=picks)
    def go_on(self, number: int, pick: int, at: int) -> None:
        if id := self.choose(number, pick):
            session = self.machines[number].session(id)
            known = [message.id for message in session.messages.values() if message.role == "assistant"]
            if known:
                self.count += 1
                record = {"type": "continuation", "message": known[at % len(known)], "content": f"+{self.count}"}
                self.machines[number].record(id, {**record, "turn": f"t{self.count}", "ts": self.stamp()})

    @rule(
        number=machines,
        pick=picks,
        at=picks,
        what=st.sampled_from(("title", "pin", "unpin", "set", "summary", "aside")),
    )
    def note(self, number: int, pick: int, at: int, what: str) -> None:
        if id := self.choose(number, pick):
            self.count += 1
            session = self.machines[number].session(id)
            known = list(session.messages)
            target = known[at % len(known)] if known else "m1"
            count = self.count
            record: Record = {"type": "pin", "message": target, "pinned": what == "pin"}
            match what:
                case "title":
                    record = {"type": "title", "title": f"title {count}"}
                case "set":
                    record = {"type": "settings", "settings": {("system", "seed")[at % 2]: count if at else None}}
                case "summary":
                    named = {"id": f"s{count}", "until": target, "head": session.head}
                    record = {"type": "summary", "content": f"summary {count}", **named}
                case "aside":
                    usage = {"total_tokens": count}
                    record = {"type": "aside", "provider": "p", "model": "m", "usage": usage}
            self.machines[number].record(id, {**record, "ts": self.stamp()})

    @rule(number=machines, pick=picks)
    def delete(self, number: int, pick: int) -> None:
        if id := self.choose(number, pick):
            self.machines[number].library.delete(USER, id)

    @rule(number=machines, pick=picks)
    def restore(self, number: int, pick: int) -> None:
        id = self.choose(number, pick, "trash")
        if id and id not in self.machines[number].ids():
            self.machines[number].library.restore(USER, id)

    @rule(number=machines, pick=picks, where=st.sampled_from(("sessions", "trash")))
    def erase(self, number: int, pick: int, where: str) -> None:
        machine = self.machines[number]
        if id := self.choose(number, pick, where):
            self.gone |= {(one, text) for one, text in machine.texts() if one == id}
            machine.library.delete_forever(USER, id)

    # What happens between them

    @rule(number=machines)
    def sync(self, number: int) -> None:
        report = self.carry(number)
        assert not report.problems, report.problems

    @rule(number=machines, calls=st.one_of(st.integers(1, 400), st.integers(1, 12_000)))
    def killed(self, number: int, calls: int) -> None:
        child = os.fork()
        if child == 0:
            try:
                left = [calls]

                def count(_frame: object, _event: str, _argument: object) -> None:
                    left[0] -= 1
                    if left[0] <= 0:
                        os.kill(os.getpid(), signal.SIGKILL)

                sys.setprofile(count)
                self.carry(number)
                os._exit(0)
            finally:
                os._exit(1)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run failed"

    def place_files(self) -> list[Path]:
        return sorted((self.root(0) / "gptchat").rglob("users/*/sessions/2*"))

    @rule(pick=picks)
    def remember(self, pick: int) -> None:
        """A file service has an old version of a file."""
        if files := self.place_files():
            path = files[pick % len(files)]
            self.stale[str(path)] = path.read_bytes()

    @rule(pick=picks, name=st.sampled_from((
        " (Ann's conflicted copy 2026-11-28)", ".sync-conflict-20261128-120000-ABCDEFG", "-LAPTOP", " (1)", " 2",
        " (conflicted copy 2026-11-28 120000)", "",
    )))  # fmt: skip
    def conflict(self, pick: int, name: str) -> None:
        """It puts the old version beside the file, or in its place."""
        if self.stale:
            path = Path(sorted(self.stale)[pick % len(self.stale)])
            write_file(path.with_name(f"{path.stem}{name}{path.suffix}"), self.stale[str(path)])

    # What must hold

    def settle(self) -> None:
        """Everybody synchronises until nothing changes; then all see the same, and nothing is lost or doubled."""
        for _round in range(6):
            reports = [self.carry(number) for number in range(MACHINES)]
            if all(report.idle for report in reports):
                break
        else:
            raise AssertionError(f"the machines never come to rest: {reports}")
        views = [machine.view() for machine in self.machines]
        assert views[0] == views[1] == views[2]
        for machine in self.machines:
            texts = machine.texts()
            doubled = {text: count for text, count in texts.items() if count > 1}
            assert not doubled, f"said twice: {doubled}"
            lost = self.said - self.gone - set(texts)
            assert not lost, f"lost: {lost}"
        leftovers = list(self.folder.rglob("*.tmp"))
        assert not leftovers


class ThroughGit(ThreeMachines):
    """Each machine has a clone of one repository; a run may be killed in git, too."""

    def set_up(self) -> None:
        self.bare = self.folder / "chats.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(self.bare)], check=True)
        self.clones = [self.folder / f"clone{number}" for number in range(MACHINES)]

    def root(self, number: int) -> Path:
        return self.clones[number]

    def carry(self, number: int) -> SyncReport:
        computer, root = self.machines[number], self.root(number)
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        target = Target("place", root, Repository(root, str(self.bare), environ))
        work = Synchroniser(computer.data, None, target)
        sealing = work.ready(USER, PASSPHRASE if self.encrypt else "", encrypt=self.encrypt)
        return work.run([USER], sealing, clock=lambda: timestamp(self.time))[USER]

    encrypt = False


class EncryptedThroughGit(ThroughGit):
    """As before, and what the repository holds is encrypted."""

    encrypt = True

    def set_up(self) -> None:
        super().set_up()
        for machine in self.machines:  # the passphrase takes a second by design, so it is tried once
            memory = load(machine.data, USER)
            memory.identities["place"] = [IDENTITY]
            memory.save()
        seed = self.folder / "seed"
        subprocess.run(
            ["git", "clone", "--quiet", str(self.bare), str(seed)], check=True, stderr=subprocess.DEVNULL
        )
        (seed / "gptchat").mkdir()
        (seed / "gptchat" / "key.age").write_bytes(KEY)
        git = ["git", "-C", str(seed), "-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "key"], check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD:main"], check=True)


class Encrypted(ThreeMachines):
    """The place is encrypted."""

    sealing = AgeSealing([IDENTITY.partition(" ")[2]])
