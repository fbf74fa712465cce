"""What a Python program can rely on: `Chat` and `AsyncChat` lead the same conversations as the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gptchat import AsyncChat, Chat, Decision, GptchatError
from gptchat.core.events import TextDelta, TurnFinished
from gptchat.errors import ContentFilterError, TurnInterruptedError, UsageError
from tests.support.program import KEY, settings_for
from tests.support.server import CUT, Gate, Server, refuse, say


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key stands in the environment, as for the terminal."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that wants the key of `tests.support.program`."""
    with Server(key=KEY) as running:
        yield running


@pytest.fixture
def config(server: Server, tmp_path: Path) -> Path:
    """A settings file whose provider is the server."""
    file = tmp_path / "config.toml"
    file.write_text(settings_for(server.url), encoding="utf-8")
    return file


def test_a_message_is_answered_and_kept(config: Path, tmp_path: Path) -> None:
    """`send` returns the reply with its usage, and the session is saved as one of the person's."""
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        reply = chat.send("hello")
        assert reply.text == "You said: hello"
        assert reply.usage is not None
        assert (reply.model, reply.provider, reply.finish_reason) == ("m", "test", "stop")
        session = chat.session
    with Chat(user="ann", session=session, config=config, data_dir=tmp_path / "data") as again:
        assert [message.text for message in again.messages] == ["hello", "You said: hello"]
        assert again.messages[-1].id == reply.message_id
        assert again.send("more").text == "You said: more"


def test_text_of_a_program_does_not_act(config: Path, server: Server, tmp_path: Path) -> None:
    """What a program sends is sent as it is: no line of it is a command, and no @path in it attaches a file."""
    (tmp_path / "secret.txt").write_text("the secret", encoding="utf-8")
    said = f"/help\n!ls\n@{tmp_path / 'secret.txt'}"
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        chat.send(said)
        chat.send("look", attachments=[tmp_path / "secret.txt"])
    assert server.requests[0].json["messages"][-1]["content"] == said
    assert "the secret" in str(server.requests[1].json["messages"][-1]["content"])


def test_one_attachment_needs_no_list(config: Path, server: Server, tmp_path: Path) -> None:
    """A single file may be named as it is: a path is never read as a list of its letters."""
    file = tmp_path / "notes.txt"
    file.write_text("remember the milk", encoding="utf-8")
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        chat.send("look", file)
        chat.send("look", str(file))
    for request in server.requests:
        assert "remember the milk" in str(request.json["messages"][-1]["content"])


def test_an_empty_message_is_refused(config: Path, server: Server, tmp_path: Path) -> None:
    """A message without text and attachments is an error: nothing is sent, and nothing is kept of it."""
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        with pytest.raises(UsageError, match="empty"):
            chat.send("")
        assert (chat.messages, server.requests) == ([], [])


def test_settings_hold_for_the_object_alone(config: Path, server: Server, tmp_path: Path) -> None:
    """Settings given to a chat go into its requests, and into nobody's file; a wrong one is refused by name."""
    before = config.read_text(encoding="utf-8")
    settings = {"temperature": 0.25, "context.max_turns": 3}
    with Chat(user="ann", settings=settings, config=config, data_dir=tmp_path / "data") as chat:
        chat.send("hello")
    assert server.requests[0].json["temperature"] == 0.25
    assert config.read_text(encoding="utf-8") == before
    with pytest.raises(GptchatError, match="temprature"):
        Chat(settings={"temprature": 1}, config=config, data_dir=tmp_path / "data")


def test_a_failure_is_raised_with_its_kind(config: Path, server: Server, tmp_path: Path) -> None:
    """A refused request raises the error that the terminal would show, and the message stays in the session."""
    server.script(refuse(401, "bad key"))
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        with pytest.raises(GptchatError) as caught:
            chat.send("hello")
        assert caught.value.kind == "authentication"
        assert [message.text for message in chat.messages] == ["hello"]
        assert chat.retry().text == "You said: hello"


def test_a_stream_left_early_is_stopped_and_kept(config: Path, server: Server, tmp_path: Path) -> None:
    """Leaving the loop over `stream` stops the reply; what came is in the session, marked as interrupted."""
    server.script(say("one ", "two ", Gate()))
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        seen = ""
        for event in chat.stream("count"):
            if isinstance(event, TextDelta):
                seen += event.text
            if "two" in seen:
                break
        last = chat.messages[-1]
        assert (last.text, last.status) == ("one two ", "interrupted")
        assert chat.send("again").text == "You said: again"


def test_what_is_asked_is_decided_by_the_program(config: Path, server: Server, tmp_path: Path) -> None:
    """With `approve` a flagged text is asked about; without it the safe answer stands, and nothing is sent."""
    server.flagged = ("poison",)
    asked: list[Decision] = []

    def approve(decision: Decision) -> str:
        asked.append(decision)
        return "y"

    settings = {"moderation": "input"}
    with Chat(user="ann", settings=settings, approve=approve, config=config, data_dir=tmp_path / "data") as chat:
        assert chat.send("poison").text == "You said: poison"
    assert [decision.subject for decision in asked] == ["send_flagged"]
    with Chat(user="ann", settings=settings, config=config, data_dir=tmp_path / "data") as careful:
        with pytest.raises(GptchatError, match="flagged"):
            careful.send("poison")
        assert careful.messages == []


def test_an_answer_that_is_no_choice_is_refused(config: Path, server: Server, tmp_path: Path) -> None:
    """`approve` is told which answers there are if it gives another, and the conversation goes on after that."""
    with Chat(
        user="ann", settings={"n": 2}, approve=lambda _asked: "y", config=config, data_dir=tmp_path / "data"
    ) as chat:
        server.script(say("hi", choices=2))
        with pytest.raises(UsageError, match="'y'") as caught:
            chat.send("hello")
        assert caught.value.hint == "please answer one of 1, 2"
        assert [message.text for message in chat.messages] == ["hello", "hi"]
        assert chat.send("again").text == "You said: again"


@pytest.mark.parametrize("approve", [None, lambda _decision: None, lambda _decision: "n"])
def test_a_withheld_reply_is_not_returned(
    approve: Callable[[Decision], str | None] | None, config: Path, server: Server, tmp_path: Path
) -> None:
    """A flagged reply that `approve` does not let through is raised as an error, and the turn is taken back."""
    server.flagged = ("poison",)
    server.script(say("poison"))
    settings = {"moderation": "output"}
    with Chat(user="ann", settings=settings, approve=approve, config=config, data_dir=tmp_path / "data") as chat:
        with pytest.raises(ContentFilterError, match="flagged"):
            chat.send("hello")
        assert chat.messages == []
        assert chat.send("again").text == "You said: again"


def test_a_program_may_have_the_older_turns_summed_up(config: Path, server: Server, tmp_path: Path) -> None:
    """A filled window is summed up where `approve` says yes, and the summary goes out from then on."""
    answers: list[str] = []

    def approve(decision: Decision) -> str | None:
        answers.append(decision.subject)
        return "y" if decision.subject == "compact" else decision.answer

    server.default = lambda request: say(
        "They counted." if "summary" in str(request.json["messages"][0]) else "noted"
    )
    settings = {"models.m.context": 900, "context.reserve": 50}
    with Chat(user="ann", settings=settings, approve=approve, config=config, data_dir=tmp_path / "data") as chat:
        for number in ("one", "two", "three", "four"):
            chat.send(f"{number} " * 160)
        chat.send("and now?")
    assert "compact" in answers
    assert "They counted." in server.requests[-1].json["messages"][0]["content"]


def test_a_failed_summary_costs_no_reply(config: Path, server: Server, tmp_path: Path) -> None:
    """Where the older turns cannot be summed up, the reply before it is returned all the same."""
    server.default = lambda request: (
        refuse(400, "no summaries") if "summary" in str(request.json["messages"][0]) else say("noted")
    )
    settings = {"models.m.context": 900, "context.reserve": 50}
    with Chat(
        user="ann", settings=settings, approve=lambda _asked: "y", config=config, data_dir=tmp_path / "data"
    ) as chat:
        texts = [chat.send(f"{number} " * 160).text for number in ("one", "two", "three", "four", "five")]
    assert texts == ["noted"] * 5
    assert "summary" in str([request.json["messages"] for request in server.requests])


def test_turns_of_several_tasks_wait_for_each_other(config: Path, server: Server, tmp_path: Path) -> None:
    """Tasks that share an `AsyncChat` take turns: each reply answers its own message."""

    async def main() -> list[str]:
        async with AsyncChat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
            replies = await asyncio.gather(*(chat.send(f"number {n}") for n in range(5)))
            assert len(chat.messages) == 10
            return [reply.text for reply in replies]

    assert asyncio.run(main()) == [f"You said: number {n}" for n in range(5)]


def test_a_cancelled_task_keeps_what_came(config: Path, server: Server, tmp_path: Path) -> None:
    """Cancelling a task that waits for a reply stops the reply; what came stays, and the chat goes on."""
    gate = Gate()
    server.script(say("one ", gate, "two"))

    async def main() -> None:
        async with AsyncChat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
            came = asyncio.Event()

            async def watch() -> None:
                async for event in chat.stream("count"):
                    if isinstance(event, TextDelta):
                        came.set()

            task = asyncio.create_task(watch())
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (chat.messages[-1].text, chat.messages[-1].status) == ("one ", "interrupted")
            gate.open()
            assert (await chat.send("again")).text == "You said: again"

    asyncio.run(main())


def in_a_thread(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start `act` in a thread; its result, or what it raised, comes into the list."""
    came: list[object] = []

    def work() -> None:
        try:
            came.append(act())
        except Exception as error:
            came.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, came


def test_closing_ends_what_other_threads_wait_for(config: Path, server: Server, tmp_path: Path) -> None:
    """A thread that waits for a reply while another closes the chat is told so; what came of the reply is kept."""
    server.script(say("one ", Gate()))
    chat = Chat(user="ann", config=config, data_dir=tmp_path / "data")
    thread, came = in_a_thread(lambda: chat.send("count"))
    server.wait_for(lambda: bool(list((tmp_path / "data").rglob("*.partial"))))
    second, also = in_a_thread(lambda: chat.send("and then"))
    chat.close()
    thread.join(10)
    second.join(10)
    assert len(came) == len(also) == 1
    assert {type(one) for one in [*came, *also]} <= {TurnInterruptedError, UsageError}
    assert chat.messages[0].text == "count"
    assert not list((tmp_path / "data").rglob("*.partial"))


def test_closing_stops_a_stream_that_was_left_open(config: Path, server: Server, tmp_path: Path) -> None:
    """A stream that nobody reads to its end is stopped when the chat is closed, and what came of it is kept."""
    server.script(say("one ", Gate()), say("two ", Gate()))
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        events = chat.stream("count")
        assert any(isinstance(event, TextDelta) for event in events)
    assert (chat.messages[-1].text, chat.messages[-1].status) == ("one ", "interrupted")
    with pytest.raises(UsageError, match="closed"):
        next(events)

    async def main() -> None:
        async with AsyncChat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
            events = chat.stream("count")
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        assert (chat.messages[-1].text, chat.messages[-1].status) == ("two ", "interrupted")
        await events.aclose()

    asyncio.run(main())


def test_a_closed_chat_says_so(config: Path, tmp_path: Path) -> None:
    """A closed chat can be closed and stopped again, and refuses to send by saying that it is closed."""
    chat = Chat(user="ann", config=config, data_dir=tmp_path / "data")
    chat.close()
    chat.close()
    chat.stop()
    with pytest.raises(UsageError, match="closed"):
        chat.send("hello")


def test_a_turn_can_be_stopped_before_its_reply(config: Path, server: Server, tmp_path: Path) -> None:
    """`stop` holds from the call of `send` on: while attachments are read or a decision is waited for, too."""
    server.flagged = ("poison",)
    asked, decided = threading.Event(), threading.Event()

    def approve(_decision: Decision) -> str:
        asked.set()
        decided.wait(10)
        return "y"

    settings = {"moderation": "input"}
    with Chat(user="ann", settings=settings, approve=approve, config=config, data_dir=tmp_path / "data") as chat:
        thread, came = in_a_thread(lambda: chat.send("poison"))
        assert asked.wait(10)
        chat.stop()
        thread.join(10)
        decided.set()
        assert [type(one) for one in came] == [TurnInterruptedError]
        assert chat.messages == []
        assert chat.send("hello").text == "You said: hello"


def test_threads_share_one_store(config: Path, tmp_path: Path) -> None:
    """Threads may each have a chat on the same data folder, or share one: every turn is kept once."""
    shared = Chat(user="ann", config=config, data_dir=tmp_path / "data")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            shared.send(f"shared {number}")
            with Chat(user="ann", config=config, data_dir=tmp_path / "data") as own:
                assert own.send(f"own {number}").text == f"You said: own {number}"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.close()
    assert failures == []
    said = [
        json.loads(line)["content"]
        for path in (tmp_path / "data/users/ann/sessions").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        if json.loads(line).get("role") == "user"
    ]
    assert sorted(said) == sorted([*(f"own {n}" for n in range(8)), *(f"shared {n}" for n in range(8))])


def test_closing_ends_turns_that_wait_behind_an_open_stream(config: Path, server: Server, tmp_path: Path) -> None:
    """A chat that is closed while replies are awaited leaves no thread waiting, and keeps what came."""
    held, ends = Gate(), []
    server.default = lambda _request: say("begun ", held, "never")

    def ask(chat: Chat) -> None:
        with pytest.raises(GptchatError) as refused:
            chat.send("hello")
        ends.append(refused.value.kind)

    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        events = chat.stream("first")
        while not isinstance(next(events), TextDelta):
            pass
        threads = [threading.Thread(target=ask, args=(chat,), daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        session = chat.session
    for thread in threads:
        thread.join(20)
    assert ends == ["usage"] * 3  # they waited for their turn, and never had it
    chat.close()
    chat.stop()
    with pytest.raises(GptchatError, match="closed"):
        next(events)
    with Chat(user="ann", session=session, config=config, data_dir=tmp_path / "data") as again:
        assert [message.text for message in again.messages] == ["first", "begun "]
    held.open()


def test_a_reply_that_is_awaited_is_stopped_by_closing(config: Path, server: Server, tmp_path: Path) -> None:
    """Whoever waits for a reply of a chat that is closed is told that it was stopped, before it began as well."""

    async def run() -> None:
        held = Gate()
        server.default = lambda _request: say("begun ", held, "never")
        for begun in (True, False):
            chat = AsyncChat(user="ann", config=config, data_dir=tmp_path / "data")
            waiting = asyncio.create_task(chat.send("hello"))
            await asyncio.sleep(0)
            while begun and not server.requests:
                await asyncio.sleep(0.001)
            await chat.close()
            with pytest.raises(TurnInterruptedError):
                await waiting
        held.open()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_chat_works_beside_a_running_loop(config: Path, tmp_path: Path) -> None:
    """In a notebook, where a loop runs already, `Chat` waits for its reply all the same."""

    async def cell() -> str:
        with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
            return chat.send("hello").text

    assert asyncio.run(cell()) == "You said: hello"


def test_the_events_are_those_of_the_terminal(config: Path, server: Server, tmp_path: Path) -> None:
    """`stream` yields each piece as it comes, and ends with the finished turn."""
    server.script(say("one ", "two"), say("cut", CUT))
    with Chat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
        events = list(chat.stream("count"))
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "one two"
        assert any(isinstance(event, TurnFinished) for event in events)


def test_nothing_of_an_incognito_chat_is_saved(config: Path, tmp_path: Path) -> None:
    """An incognito chat writes no file of data, and nobody becomes the last user by a library's chat."""
    with Chat(user="bob", incognito=True, config=config, data_dir=tmp_path / "data") as chat:
        chat.send("hello")
    assert not list((tmp_path / "data").rglob("*.*"))
    with Chat(user="bob", config=config, data_dir=tmp_path / "data") as chat:
        chat.send("hello")
    assert not (tmp_path / "data" / "state.json").exists()


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import gptchat` loads itself alone, and `from gptchat import Chat` neither the SDK nor a terminal."""
    code = (
        "import sys; before = set(sys.modules); import gptchat; print(sorted(set(sys.modules) - before));"
        "from gptchat import Chat, AsyncChat;"
        "heavy = {'openai', 'prompt_toolkit', 'rich', 'httpx2', 'tiktoken'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["['gptchat']", "[]"]


def test_the_example_of_the_readme_runs(config: Path, tmp_path: Path) -> None:
    """The example under "From Python" in the README runs as it stands there."""
    readme = Path(__file__).parents[2] / "README.md"
    example = readme.read_text(encoding="utf-8").split("## From Python")[1].split("```python\n")[1].split("```")[0]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GPTCHAT_CONFIG": str(config),
        "GPTCHAT_DATA_DIR": str(tmp_path / "data"),
        "TEST_KEY": KEY,
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd=readme.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "You said: Name a colour. m None"
    assert "You said: Name another one." in done.stdout
    assert done.stdout.splitlines()[-1] == str(["user", "assistant"] * 3)


def test_a_program_approves_calls(config: Path, server: Server, tmp_path: Path) -> None:
    """`approve` sees a call, may change its arguments, and says why not; without it nothing runs."""
    config.write_text(config.read_text() + '[tools.tell]\ncommand = "echo told {what}"\n', encoding="utf-8")
    wanted = [{"id": "c1", "function": {"name": "tell", "arguments": '{"what": "Bob"}'}}]
    seen: list[str] = []

    def approve(decision: Decision) -> str:
        assert decision.call is not None
        seen.append(f"{decision.subject} {decision.call.spec.name} {decision.call.arguments['what']}")
        if len(seen) == 1:
            decision.call.arguments = {"what": "Ann"}
            return "y"
        decision.call.reason = "not now"
        return "n"

    def results() -> list[str]:
        return [one["content"] for one in server.requests[-1].json["messages"] if one["role"] == "tool"]

    for answers in (approve, None):
        with Chat(user="ann", config=config, data_dir=tmp_path / "data", approve=answers) as chat:
            for _time in (1, 2):
                server.script(say(calls=wanted, finish="tool_calls"), say("Done."))
                assert chat.send("tell Bob").text == "Done."
                seen.append(results()[-1])
    assert seen[0] == "tool_call tell Bob"
    assert seen[1].endswith("told Ann")
    assert seen[2:4] == ["tool_call tell Bob", "the user declined this call: not now"]
    assert "declined" in seen[4]
