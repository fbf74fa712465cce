"""Kills a writer at random moments and looks at what is left: `python -m tests.storage.kill_writer 1000`.

A program of its own, since it forks: the writer streams turns (pieces, then the finished message) and tells
through a pipe what it has been promised; the parent kills it with SIGKILL, opens the session, and compares.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from gptchat.core.session import Session
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, lines, user

PIECES = 15
SESSIONS_OF = 25
"""Kills of one session, before the next session begins."""


def piece(turn: int, number: int) -> str:
    return f"{turn}/{number} 数据 " + "x" * ((turn * 7 + number * 131) % 900)


def reply_of(turn: int) -> str:
    return "".join(piece(turn, number) for number in range(PIECES))


def write(store: JournalStore, id: str, first: int, pipe: int) -> None:
    """Stream turns until killed; on the pipe, what can be relied on from now on."""
    session = store.open("alice", id)
    for turn in range(first, sys.maxsize):
        asked = store.append(session, [user(f"ask {turn}", session.head)], durable=True)[0]["id"]
        os.write(pipe, f"asked {turn} 0\n".encode())
        reply = store.partial(session, assistant("", asked))
        for number in range(PIECES):
            reply.write(piece(turn, number))
            os.write(pipe, f"streamed {turn} {number + 1}\n".encode())
            time.sleep(0.001)  # as a stream comes
        store.append(session, [assistant(reply_of(turn), asked, turn=reply.token)], durable=True)
        os.write(pipe, f"finished {turn} 0\n".encode())
        reply.discard()


def one_kill(store: JournalStore, id: str, first: int, rng: random.Random) -> Counter[str]:
    """Start the writer, kill it, and read what it was promised: for each word the last turn (and piece)."""
    incoming, outgoing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(incoming)
        try:
            write(store, id, first, outgoing)
        finally:
            os._exit(1)  # only a failure gets here
    os.close(outgoing)
    heard = os.read(incoming, 1)  # it is at work
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer failed"
    while data := os.read(incoming, 1 << 16):
        heard += data
    os.close(incoming)
    promised: Counter[str] = Counter()
    for line in heard.decode().split("\n")[:-1]:
        word, turn, number = line.split()
        if word == "streamed" and int(turn) > promised["streaming"]:
            promised["streaming"] = int(turn)
        promised[word] = int(number) if word == "streamed" else int(turn)
    return promised


def check(store: JournalStore, session: Session, promised: Counter[str], first: int) -> Counter[str]:
    """Compare the session with the promises; how the last reply ended."""
    asked = Counter(m.text for m in session.messages.values() if m.role == "user")
    assert all(count == 1 for count in asked.values()), "a question is there twice"
    replies: dict[str, list[tuple[str, str]]] = {}
    for message in session.messages.values():
        if message.role == "assistant":
            question = session.messages[session.parent_of(message.id) or ""].text
            replies.setdefault(question, []).append((message.status, message.text))
    for turn in range(first, promised["asked"] + 1):
        assert asked[f"ask {turn}"] == 1, f"question {turn} is lost"
    for turn in range(first, promised["finished"] + 1):
        assert replies[f"ask {turn}"] == [("complete", reply_of(turn))], f"turn {turn} is not whole"
    last = promised["streaming"]
    if last > promised["finished"]:
        ends = replies.get(f"ask {last}", [])
        assert len(ends) == 1, f"reply {last} is there {len(ends)} times"
        status, text = ends[0]
        assert reply_of(last).startswith(text)
        streamed = "".join(piece(last, number) for number in range(promised["streamed"]))
        assert text.startswith(streamed), f"pieces of reply {last} are lost"
        assert status == "interrupted" or text == reply_of(last)
        lines(store.path(session))
        return Counter([status])
    lines(store.path(session))
    return Counter(["between"])


def run(kills: int, seed: int) -> Counter[str]:
    """Kill so often; how the last replies ended, and how many turns were written."""
    rng = random.Random(seed)
    outcome: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        id, first = "", 1
        for kill in range(kills):
            store = JournalStore(Path(folder))
            if kill % SESSIONS_OF == 0:
                session = store.create("alice", {})
                store.append(session, [{"type": "settings", "settings": {"a": 1}}])
                id = session.id
            promised = one_kill(store, id, first, rng)
            before = JournalStore(Path(folder))
            outcome += check(before, before.open("alice", id), promised, first)
            again = JournalStore(Path(folder))
            check(again, again.open("alice", id), promised, first)
            outcome["kills"] += 1
            outcome["finished turns"] += max(promised["finished"] - first + 1, 0)
            first = max(promised["asked"], first) + 2  # one more may have been asked than we heard of
            assert not list(Path(folder).rglob("*.partial"))
        outcome["torn"] = len(list(Path(folder).rglob("*.torn")))
    return outcome


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(dict(run(count, int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30))))
