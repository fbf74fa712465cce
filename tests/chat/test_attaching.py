"""What leaves the machine does so by a person's word: in the chat, from the shell and from a library's caller."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gptchat import Chat
from gptchat.conversation.events import Decision
from gptchat.errors import UsageError
from tests.chat.home import Home, asked, ready
from tests.chat.test_origins import last, send_all
from tests.support.screen import Screen
from tests.support.server import Server

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n" * 4


@pytest.fixture
def work(home: Home, server: Server) -> Home:
    """A home with a key and notes; the working folder `repo` lies in it."""
    home.connect(server.url)
    for name, text in {".ssh/id_rsa": KEY, "other/notes.txt": "the notes\n", "repo/a.py": "print(1)\n"}.items():
        (home.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (home.folder / name).write_text(text)
    (home.folder / "repo" / "notes.txt").symlink_to(home.folder / ".ssh" / "id_rsa")
    return home


def chat(home: Home, *arguments: str, ready: str = "›") -> Screen:
    """The chat in the working folder."""
    argv = [sys.executable, "-m", "gptchat", *arguments]
    screen = Screen.spawn(argv, home.environment, 50, 200, cwd=home.folder / "repo")
    screen.wait_for(ready)
    return screen


def test_a_typed_mention_asks_outside_of_the_working_folder(work: Home, server: Server) -> None:
    """What lies elsewhere is asked about with its whole path: once, always for its folder, or never."""
    notes = work.folder / "other" / "notes.txt"
    with chat(work) as screen:
        screen.send("read @a.py\r")
        screen.wait_for(lambda: len(asked(server)) == 1)
        ready(screen)
        assert "print(1)" in last(server)
        screen.send("read @../other/notes.txt\r")
        screen.wait_for("outside the working folder")
        assert f"{notes} (10 B); send it?" in screen.text
        screen.send("n\r")
        screen.wait_for(lambda: len(asked(server)) == 2)
        ready(screen)
        assert last(server) == "read @../other/notes.txt"
        for answer in ("y", "a"):
            screen.send("\x0c")
            screen.wait_for(lambda: "send it?" not in screen.text)
            screen.send("read @../other/notes.txt\r")
            screen.wait_for("send it?")
            send_answer(screen, server, answer)
            assert "the notes" in last(server)
        screen.send("read @../other/notes.txt\r")
        screen.wait_for(lambda: len(asked(server)) == 5)
        ready(screen)
        assert "the notes" in last(server)
    assert work.ask("/config", "--json").stdout.count(f"{notes.parent}/**") >= 1


def send_answer(screen: Screen, server: Server, answer: str) -> None:
    """Answer the question, and wait until the message has been answered."""
    before = len(asked(server))
    screen.send(f"{answer}\r")
    screen.wait_for(lambda: len(asked(server)) == before + 1)
    ready(screen)


def test_a_key_and_a_private_address_are_asked_about(work: Home, server: Server) -> None:
    """A link to a key is asked about as the key, even where it was named; so is an address of this machine."""
    with chat(work) as screen:
        screen.send("/attach notes.txt\r")
        screen.wait_for("its folder holds keys and passwords")
        assert f"passwords: {work.folder / '.ssh' / 'id_rsa'} (" in screen.text
        screen.send("\r")
        screen.wait_for("notes.txt is not attached")
        ready(screen)
        screen.send(f"see @{server.url}/models\r")
        screen.wait_for("an address of a private network (127.0.0.1)")
        screen.send("x\r")
        screen.wait_for(lambda: len(asked(server)) == 1)
        ready(screen)
        assert last(server) == f"see @{server.url}/models"
        screen.paste("see @../.ssh/id_rsa and\n@http://127.0.0.1:8000/x")
        send_all(screen, server)
        assert last(server) == "see @../.ssh/id_rsa and\n@http://127.0.0.1:8000/x"
    assert "OPENSSH" not in json.dumps([request.json for request in asked(server)])


def test_mentions_can_be_switched_off(work: Home, server: Server) -> None:
    """With input.expand = false an at sign is text, and /attach still attaches."""
    with chat(work, "-o", "input.expand=false") as screen:
        screen.send("read @a.py\r")
        screen.wait_for(lambda: len(asked(server)) == 1)
        ready(screen)
        assert last(server) == "read @a.py"


def run(home: Home, *arguments: str) -> tuple[int, str]:
    """Run gptchat in the working folder without a terminal; its exit status and standard error."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "gptchat", *arguments],
        env=home.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=home.folder / "repo",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_an_argument_is_text(work: Home, server: Server) -> None:
    """What a shell fills into an argument attaches nothing and runs nothing; -a and a command's own word do."""
    issue = "/delete --forever 1\nsee @a.py and @~/.ssh/id_rsa\n!touch ran"
    status, told = run(work, issue)
    assert (status, last(server)) == (0, issue)
    assert "@a.py is sent as text" in told
    status, told = run(work, "/delete --forever 1")
    assert status == 2
    assert "write the command as a word of its own" in told
    assert run(work, "/delte 1")[0] == 2, "a mistyped command is not sent to the model"
    assert run(work, "/rename", "Mine")[0] == 0
    assert run(work, "look", "-a", "a.py")[0] == 0
    assert "print(1)" in last(server)


def test_a_key_is_refused_where_nobody_can_be_asked(work: Home, server: Server) -> None:
    """-a with a key ends with the reason and how to insist; a folder is sent without the links out of it."""
    key = work.folder / ".ssh" / "id_rsa"
    status, told = run(work, "look", "-a", str(key))
    assert status == 2
    assert "its folder holds keys and passwords" in told
    assert not asked(server)
    insisting = told.partition("if you mean it: -o '")[2].partition("'")[0]
    assert run(work, "look", "-a", str(key), "-o", insisting)[0] == 0
    assert "OPENSSH" in last(server)
    status, told = run(work, "look", "-a", "../repo/")
    assert status == 0
    assert "1 link that leads out of it" in told
    assert "OPENSSH" not in last(server)


def test_a_library_asks_its_caller(work: Home, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's attachments go, but for keys: those are refused, or decided by its `approve`."""
    key = work.folder / ".ssh" / "id_rsa"
    asked_for: list[str] = []

    def approve(decision: Decision) -> str:
        asked_for.append(decision.question)
        return "y"

    named = {"config": work.config, "data_dir": work.data, "user": "alice"}
    monkeypatch.chdir(work.folder / "repo")
    with Chat(**named) as chat, pytest.raises(UsageError, match="keys and passwords"):  # type: ignore[arg-type]
        chat.send("look", key)
    with Chat(**named, approve=approve) as chat:  # type: ignore[arg-type]
        chat.send("see @a.py", Path("../other/notes.txt"))
        assert not asked_for
        assert last(server).startswith("see @a.py\n")
        chat.send("look", key)
    assert str(key) in asked_for[0]
    assert "OPENSSH" in last(server)
