"""`/batch` answers every line of a file once, in order, whatever the server and the machine do meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gptchat.conversation.batches.lines import question
from gptchat.conversation.batches.running import Gate
from tests.support.measured import MEASURED
from tests.support.program import KEY, settings_for
from tests.support.replies import Recorded, Reply
from tests.support.server import CUT, Server, refuse, say

ROOT = Path(__file__).parents[2]
MANY = int(os.environ.get("GPTCHAT_TEST_BATCH", "120"))
"""Questions of the batch that is killed."""


def start(
    folder: Path, server: Server, *arguments: str, config: str = "", **options: str
) -> subprocess.Popen[str]:
    """`gptchat /batch ARGUMENTS`, begun in `folder`."""
    (folder / "config.toml").write_text(settings_for(server.url, **options) + config, encoding="utf-8")
    command = [sys.executable, "-m", "gptchat", "--config", "config.toml", "--data-dir", "data", "--lang", "en"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TEST_KEY": KEY, "LANG": "C.UTF-8"}
    environment |= MEASURED
    return subprocess.Popen(
        [*command, "-u", "ann", "--create-user", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, server: Server, *arguments: str, status: int = 0, config: str = "", **options: str) -> str:
    """What `gptchat /batch ARGUMENTS` prints on standard output."""
    with start(folder, server, "/batch", *arguments, config=config, **options) as process:
        out, told = process.communicate(timeout=50)
    assert process.returncode == status, told
    assert "Traceback" not in told
    return out + (told if status else "")


def answers(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def write(folder: Path, *lines: object) -> None:
    """Write the questions."""
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    (folder / "q.jsonl").write_text("".join(f"{line}\n" for line in texts), encoding="utf-8")


def test_every_line_is_answered_in_order(tmp_path: Path) -> None:
    """Plain lines and objects are answered in their order, each with what it asks for."""
    write(
        tmp_path,
        "first",
        "",
        {"prompt": "第二", "id": "two", "system": "Be brief.", "temperature": 0.5, "model": "other"},
        {"prompt": "third", "attachments": ["notes.txt"]},
        "{not JSON",
    )
    (tmp_path / "notes.txt").write_text("the notes")
    with Server() as server:
        found = answers(run(tmp_path, server, "q.jsonl", "--jobs", "3"))
        sent = {request.last_text: request.json for request in server.requests}
    assert [one["line"] for one in found] == [1, 3, 4, 5]
    assert found[0]["reply"] == "You said: first"
    assert found[1]["id"] == "two"
    assert (sent["第二"]["model"], sent["第二"]["temperature"]) == ("other", 0.5)
    assert sent["第二"]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "the notes" in str(found[2]["reply"])
    assert found[3]["reply"] == "You said: {not JSON"


def test_a_question_that_cannot_be_asked_is_a_line_that_says_why(tmp_path: Path) -> None:
    """A wrong line, and one that the server refuses, become lines with their kind; the others are answered."""
    write(
        tmp_path,
        {"prompt": ""},
        {"prompt": "a", "colour": 1},
        {"prompt": "b", "temperature": "hot"},
        "good",
        "bad",
    )
    with Server() as server:
        server.default = lambda request: (
            refuse(400, "bad words", code="content_filter") if request.last_text == "bad" else say("yes")
        )
        found = answers(run(tmp_path, server, "q.jsonl", status=1).split("gptchat:")[0])
    kinds = [one["error"]["kind"] if "error" in one else one["reply"] for one in found]  # type: ignore[index]
    assert kinds == ["usage", "usage", "usage", "yes", "content_filter"]


def test_an_interrupted_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After rate limits, cuts and kill -9 the same command answers the rest: each once, in order."""
    write(tmp_path, *[f"question {number}" for number in range(1, MANY + 1)])
    rng = random.Random(7)
    asked: Counter[str] = Counter()

    def reply(request: Recorded) -> Reply:
        chance = rng.random()
        if chance < 0.1:
            return refuse(429, "slow down", headers={"Retry-After": "0"})
        asked[request.last_text] += 1
        if chance < 0.15:
            return say("half of", CUT)
        return say(f"answer to {request.last_text}")

    arguments = ("/batch", "q.jsonl", "--jobs", "8", "--output", "a.jsonl")
    with Server() as server:
        server.default = reply
        for share in (0.3, 0.6):
            with start(tmp_path, server, *arguments) as process:
                server.wait_for(lambda share=share: len(asked) >= MANY * share, 50)  # type: ignore[misc]
                process.send_signal(signal.SIGKILL)
        before = set(answered(tmp_path))
        asked.clear()
        run(tmp_path, server, *arguments[1:])
        assert not before & set(asked), "what was answered is not asked again"
        found = answers((tmp_path / "a.jsonl").read_text())
    assert [one["line"] for one in found] == list(range(1, MANY + 1))
    assert [one["reply"] for one in found] == [f"answer to question {one['line']}" for one in found]


def answered(folder: Path) -> list[str]:
    """The questions that the output has answers to, but for a line that was cut off."""
    found = []
    for line in (folder / "a.jsonl").read_text().splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if "reply" in document:
            found.append(f"question {document['line']}")
    return found


def test_a_failure_is_asked_again_by_the_same_command(tmp_path: Path) -> None:
    """A question that failed is asked again the next time, and a changed line is a new question."""
    write(tmp_path, "one", "two", "three")
    with Server() as server:
        server.default = lambda request: refuse(400, "no") if request.last_text == "two" else say("yes")
        run(tmp_path, server, "q.jsonl", "--output", "a.jsonl", status=1)
        write(tmp_path, "one", "two", "four")
        server.requests.clear()
        server.default = lambda request: say("now")
        run(tmp_path, server, "q.jsonl", "--output", "a.jsonl")
        assert sorted(request.last_text for request in server.requests) == ["four", "two"]
    assert [one["reply"] for one in answers((tmp_path / "a.jsonl").read_text())] == ["yes", "now", "now"]


def test_another_file_is_never_taken_for_the_output(tmp_path: Path) -> None:
    """A file that is no output of a batch is refused and stays as it is."""
    write(tmp_path, "one")
    (tmp_path / "diary.txt").write_text("dear diary\nno newline at the end")
    with Server() as server:
        told = run(tmp_path, server, "q.jsonl", "--output", "diary.txt", status=2)
    assert "is not the output of a batch" in told
    assert (tmp_path / "diary.txt").read_text() == "dear diary\nno newline at the end"


def test_the_rate_that_a_server_asks_for_is_kept(tmp_path: Path) -> None:
    """After a rate limit with Retry-After nothing begins before that time but what was under way already."""
    write(tmp_path, *[f"q{number}" for number in range(20)])
    times: list[float] = []
    limited: list[float] = []

    def reply(_request: Recorded) -> Reply:
        times.append(time.monotonic())
        if len(times) == 7:
            limited.append(times[-1])
            return refuse(429, "slow down", headers={"Retry-After": "1"})
        return say("yes")

    with Server() as server:
        server.default = reply
        run(tmp_path, server, "q.jsonl", "--jobs", "4")
    early = [moment for moment in times if limited[0] < moment < limited[0] + 0.95]
    assert len(early) <= 3
    assert len(times) == 21


def test_the_days_budget_ends_a_batch(tmp_path: Path) -> None:
    """When the day's budget is spent nothing more is sent, and what was answered stays."""
    write(tmp_path, *[f"q{number}" for number in range(30)])
    config = '[budget]\ndaily = 0.001\nstop = "stop"\n[models.m]\ninput = 100\noutput = 100\n'
    with Server() as server:
        told = run(tmp_path, server, "q.jsonl", "--output", "a.jsonl", "--jobs", "1", status=1, config=config)
        assert len(server.requests) < 30
    assert "budget is spent" in told
    assert answers((tmp_path / "a.jsonl").read_text())


def test_two_batches_do_not_write_one_file(tmp_path: Path) -> None:
    """A second batch on the same output is refused while the first one runs."""
    write(tmp_path, "one")
    with Server() as server:
        from tests.support.server import Gate as Held

        held = Held()
        server.script(say("a", held, "b"))
        with start(tmp_path, server, "/batch", "q.jsonl", "--output", "a.jsonl") as first:
            assert held.reached.wait(20)
            assert "another batch" in run(tmp_path, server, "q.jsonl", "--output", "a.jsonl", status=2)
            held.open()
            assert first.wait(20) == 0


def test_fewer_requests_run_after_a_rate_limit() -> None:
    """A rate limit halves the requests that run at once, once for all that ran; answers raise it again."""

    async def rates() -> list[int]:
        now = [0.0]
        gate = Gate(8, lambda: now[0])
        begun = [await gate.enter() for _request in range(8)]
        now[0] = 1.0
        for one in begun:
            gate.limited(one, 0.0)
        seen = [gate.allowed]
        for _one in begun:
            await gate.leave(answered=True)
        seen.append(gate.allowed)
        for _more in range(40):
            await gate.leave(answered=True)
        return [*seen, gate.allowed]

    halved, risen, full = asyncio.run(rates())
    assert (halved, full) == (4, 8)
    assert 4 < risen < 8


@given(st.text())
def test_any_line_is_a_question_or_says_why_not(line: str) -> None:
    """No line ends a batch: each is a question, or has a reason why it is none."""
    found = question(1, line)
    assert found.trouble or found.prompt or not line.strip()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["prompt", "id", "system", "model", "attachments", "temperature", "stop"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_object_is_a_question_or_says_why_not(value: object) -> None:
    """No JSON value in a line ends a batch."""
    found = question(1, json.dumps(value))
    assert isinstance(found.trouble, str)
