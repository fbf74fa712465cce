"""How quick the store is: `python -m tests.benchmarks.bench_storage [SESSIONS]` (default 10,000, about 70 MB).

Prints seconds and ratios: the list, the latest, search with and without the index, the first index, opening a
session of 10,000 messages, and what a turn costs in it against a turn in an empty one (CPU; on disk, bytes).
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.storage.ids import timestamp
from gptchat.storage.index.library import Library
from gptchat.storage.index.search import SearchIndex
from gptchat.storage.journal import to_bytes
from gptchat.storage.store import JournalStore
from gptchat.storage.users import sessions_folder
from tests.storage.helpers import assistant, user

WORDS = "the model answers with a list of reasons and data about python server window memory error value result"
CHINESE = "数据模型会话历史搜索索引缓存记录用户消息窗口预算流式渲染表格代码测试结果网络服务器错误函数返回文件时间"
NEEDLE = "needle in 针"


def words(rng: random.Random, size: int) -> str:
    """About `size` bytes of English and Chinese."""
    found: list[str] = []
    while size > 0:
        if rng.random() < 0.3:
            found.append("".join(rng.choices(CHINESE, k=rng.randint(2, 8))))
        else:
            found.append(rng.choice(WORDS.split()))
        size -= len(found[-1].encode()) + 1
    return " ".join(found)


def conversation(rng: random.Random, turns: int, moment: float) -> list[Record]:
    """The records of a session of so many turns, from 700 bytes a message."""
    records: list[Record] = []
    for number in range(turns):
        before = f"m{2 * number}" if number else None
        ts = timestamp(moment + number)
        records.append({**user(words(rng, 200), before), "id": f"m{2 * number + 1}", "ts": ts})
        reply = assistant(words(rng, 900), f"m{2 * number + 1}", turn=f"{rng.getrandbits(64):016x}")
        records.append({**reply, "id": f"m{2 * number + 2}", "ts": ts})
    return records


def fill(store: JournalStore, count: int) -> None:
    """Write `count` sessions of five turns."""
    rng = random.Random(1)
    folder = sessions_folder(store.data, "alice")
    folder.mkdir(parents=True)
    for number in range(count):
        moment = 1_700_000_000 + 3000 * number
        id = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(moment)) + f"{number & 0xFFFF:04x}"
        head = {"v": 1, "type": "session", "id": id, "user": "alice", "ts": timestamp(moment), "settings": {}}
        records = conversation(rng, 5, moment)
        if number == 17:
            records[3]["content"] += " " + NEEDLE
        (folder / f"{id}.jsonl").write_bytes(to_bytes([head, *records]))


def best(work: Callable[[], object], times: int = 5) -> float:
    """The shortest time that `work` took, in seconds."""
    taken = []
    for _time in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def cpu_of_turns(store: JournalStore, session: Session, turns: int = 300) -> float:
    """Seconds of CPU for one turn, forced to the disk as the program does."""
    begin = time.process_time()
    for _turn in range(turns):
        store.append(session, [user("q" * 200, session.head)], durable=True)
        store.append(session, [assistant("a" * 900, session.head)], durable=True)
    return (time.process_time() - begin) / turns


def say(what: str, seconds: float, more: str = "") -> None:
    """One line of the report."""
    print(f"{what:<44} {seconds:8.4f} s  {more}")


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        data, cache = Path(name) / "data", Path(name) / "cache"
        store = JournalStore(data)
        fill(store, count)
        size = sum(path.stat().st_size for path in sessions_folder(data, "alice").iterdir())
        print(f"{count} sessions, {size / 1e6:.0f} MB")

        say("list, no cache", best(lambda: Library(data).list("alice"), 1))
        library = Library(data, cache)
        say("list, first", best(lambda: library.list("alice"), 1))
        say("list", best(lambda: library.list("alice")))
        say("latest", best(lambda: library.latest("alice")))
        say("find by number", best(lambda: library.find("alice", "7")))

        index = SearchIndex(data, cache)
        say("search, no index (needle)", best(lambda: index.search("alice", NEEDLE), 1))
        steps: list[int] = []
        say("first index", best(lambda: index.update("alice", lambda done, all: steps.append(done)), 1))
        print(f"{'':<44} progress told {len(steps)} times")
        for text in ("python", "数据", "数", "a", "data server", NEEDLE, "nowhere to be found"):
            hits = len(index.search("alice", text))
            say(f"search {text!r}", best(lambda text=text: index.search("alice", text)), f"{hits} hits")  # type: ignore[misc]  # a default argument binds the loop's value

        empty, big = store.create("alice", {}), store.create("alice", {})
        store.append(empty, [user("x")])
        store.append(big, conversation(random.Random(2), 5000, 1_800_000_000))
        say("open 10,000 messages", best(lambda: JournalStore(data).open("alice", big.id)))
        cpu_of_turns(store, empty, 50)
        pairs = [(cpu_of_turns(store, empty), cpu_of_turns(store, big)) for _time in range(3)]
        small, large = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        say("turn in an empty session, CPU", small)
        say("turn in 10,000 messages, CPU", large, f"ratio {large / small:.2f}")
        sizes = []
        for session in (empty, big):
            before = store.path(session).stat().st_size
            store.append(session, [user("q" * 200), assistant("a" * 900)])
            sizes.append(store.path(session).stat().st_size - before)
        print(f"{'bytes a turn writes, empty and big':<44} {sizes[0]} and {sizes[1]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
