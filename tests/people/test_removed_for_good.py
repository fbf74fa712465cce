"""What is removed for good is gone: every byte below the person's home is looked at."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.chat.home import Home, ready, say
from tests.support.server import Gate, Server
from tests.support.server import say as reply

WORD = "zuckerwattebaum"
"""A word that nobody says but here."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A machine on which gptchat has never run."""
    return Home(tmp_path)


def holding(folder: Path, word: str = WORD) -> list[str]:
    """The files below `folder` that hold `word`, in any case, in their contents or their name."""
    found = []
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        spellings = (word.encode(), word.encode("utf-16-le"), base64.b64encode(word.encode()).rstrip(b"="))
        if any(one.lower() in data.lower() for one in spellings) or word in path.name:
            found.append(str(path.relative_to(folder)))
    return sorted(found)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which WORD is wherever a session can leave it. One chat serves several tests: copy it."""
    home = Home(tmp_path_factory.mktemp("said"))
    with Server() as server:
        home.connect(server.url)
        everywhere(home, server)
    set_aside(home)
    (home.folder / "notes.txt").unlink()
    return home.folder


def everywhere(home: Home, server: Server) -> None:
    """Say WORD in one session in every way there is, and leave it as an unsent draft."""
    (home.folder / "notes.txt").write_text(f"notes on the {WORD}\n")
    with home.chat("--debug") as screen:
        say(screen, "something else", "You said: something else")
        say(screen, "/new", "is kept")
        say(screen, f"/system You know {WORD}", WORD)
        say(screen, f"tell me of the {WORD}", f"You said: tell me of the {WORD}")
        say(screen, f"/rename All on {WORD}", "is now called All on")
        say(screen, "what is in @notes.txt", "You said: what is in")
        screen.send(f"/search {WORD}\r")
        screen.wait_for("Enter opens, Esc goes back")
        screen.send("\x1b")
        ready(screen)
        gate = Gate()
        server.script(reply("slowly ", gate, f"{WORD} at last"))
        screen.send("go on\r")
        screen.wait_for("slowly")
        screen.send(f"a queued {WORD}\r")
        screen.wait_for("1 message waits")
        gate.open()
        screen.wait_for(f"You said: a queued {WORD}")
        ready(screen)
        screen.send(f"{WORD} cleared\x03")
        screen.send(f"half a thought on {WORD}")
        screen.wait_for("half a thought on")
        screen.kill(signal.SIGHUP)
        screen.wait_for_exit()


def set_aside(home: Home) -> None:
    """Put WORD where a kill, a torn line, a sync tool or a damaged file would leave it."""
    folder = home.data / "users" / "alice"
    [journal] = [path for path in (folder / "sessions").glob("*.jsonl") if WORD in path.read_text()]
    for name in (f"{journal.stem}.torn", f"{journal.stem}.partial", f"{journal.stem}.0a0b.partial"):
        journal.with_name(name).write_text(f'{{"text": "{WORD} ')
    journal.with_name(f"{journal.name}.bak").write_bytes(journal.read_bytes())
    (folder / "trash").mkdir()
    (folder / "trash" / journal.name).write_bytes(journal.read_bytes())
    (folder / "user.json.damaged").write_text(f'{{"system": "{WORD}')
    with (home.data / "debug.log").open("a") as log:
        log.write(f"DEBUG gptchat: the server said {WORD}\n")
    for place in (folder, folder / "sessions", home.data):
        left = place / ".input_history.0a1b2c3d.tmp"
        left.write_text(f"+{WORD}\n")
        os.utime(left, (1, 1))


def test_a_session_removed_for_good_leaves_nothing(said: Path, home: Home) -> None:
    """After `/delete --forever` no file of gptchat's holds a word of it, wherever and however it was said."""
    shutil.copytree(said, home.folder, dirs_exist_ok=True)
    before = holding(home.folder)
    for name in (
        "input_history",
        "draft",
        "debug.log",
        ".torn",
        ".partial",
        ".damaged",
        "/trash/",
        ".tmp",
        ".bak",
    ):
        assert any(name in path for path in before), (name, before)
    assert home.ask("/delete", "--forever", f"on {WORD}").returncode == 0
    assert holding(home.folder) == []
    assert [info[1] for info in home.messages()] == ["something else", "You said: something else"]
    assert "+something else" in (home.data / "users" / "alice" / "input_history").read_text()
    with home.chat() as screen:  # and Up does not bring it back
        screen.send("\x1b[A\x1b[A")
        screen.wait_for("alice › something else")


def test_in_the_chat_it_is_gone_at_once(home: Home, server: Server) -> None:
    """Removing the open session for good in the chat takes it from the recall of that chat, too."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "first words", "You said: first words")
        say(screen, "/new", "is kept")
        say(screen, f"of the {WORD}", f"You said: of the {WORD}")
        screen.send("/delete --forever\r")
        screen.wait_for("for good?")
        screen.send("y\r")
        screen.wait_for("is removed for good")
        ready(screen)
        assert holding(home.folder) == []
        screen.send("\x1b[A")
        screen.wait_for("alice › first words")
        screen.send("\x15")
        say(screen, "/sessions", "  1  first words")
        screen.send("/exit\r")
        screen.wait_for_exit()
    assert holding(home.folder) == []


def test_an_open_window_does_not_bring_it_back(home: Home, server: Server) -> None:
    """A window that still has the session open is told that it is gone, and writes nothing of it anew."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, f"of the {WORD}", f"You said: of the {WORD}")
        assert home.ask("/delete", "--forever", "1").returncode == 0
        assert holding(home.folder) == []
        screen.send("and now?\r")
        screen.wait_for("You said: and now?")
        screen.wait_for("removed for good in another window")
        assert holding(home.folder) == []
        ready(screen)
        screen.send("/exit\r")
        screen.wait_for("save it as a file?")
        screen.send("\x1b")
        screen.wait_for_exit()
    assert holding(home.folder) == []


def test_a_person_removed_for_good_leaves_nothing(said: Path, home: Home) -> None:
    """`/users remove`, then `/trash empty`: no word, name, setting or key of that person is left."""
    shutil.copytree(said, home.folder, dirs_exist_ok=True)
    credentials = home.data / "credentials.json"
    credentials.write_text(f'{{"users": {{"alice": {{"here": "sk-{WORD}"}}}}}}')
    home.ask("-u", "bob", "--create-user", "-p", "demo", "hello")
    assert home.ask("-u", "bob", "/users", "remove", "alice").returncode == 0
    assert not (home.data / "users" / "alice").exists()
    refused = home.ask("-u", "bob", "/trash", "empty")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert home.ask("-u", "bob", "/trash", "empty", "--yes").returncode == 0
    assert holding(home.folder) == []
    assert holding(home.folder, "alice") == []


def test_what_is_said_elsewhere_too_stays(home: Home, server: Server) -> None:
    """Words that another session has, and lines typed there, stay in the input history and the draft."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "eggs and bread", "You said: eggs and bread")
        say(screen, "/new", "is kept")
        say(screen, "bread and butter", "You said: bread and butter")
        screen.send("more bread")
        screen.wait_for("more bread")
        screen.kill(signal.SIGHUP)
        screen.wait_for_exit()
    assert home.ask("/delete", "--forever", "eggs").returncode == 0
    folder = home.data / "users" / "alice"
    history = (folder / "input_history").read_text()
    assert ("eggs" in history, "+bread and butter" in history) == (False, True)
    assert "more bread" in (folder / "draft").read_text()


def test_a_name_of_several_sessions_removes_none_in_the_trash(home: Home, server: Server) -> None:
    """Where a name could mean several listed sessions, a trashed one that it fits, too, is not taken instead."""
    home.connect(server.url)
    for title in ("tax one", "tax two", "tax three"):
        assert home.ask(title).returncode == 0
    assert home.ask("/delete", "three").returncode == 0
    refused = home.ask("/delete", "--forever", "tax")
    assert refused.returncode == 2
    assert "could mean 2 sessions" in refused.stderr
    assert "tax three" in home.ask("/trash").stdout
    assert home.ask("/delete", "--forever", "three").returncode == 0
