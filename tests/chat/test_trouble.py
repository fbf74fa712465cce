"""When things go wrong: a clear message, no traceback, and nothing that was typed is lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gptchat.terminal.debugging import unexpected
from gptchat.terminal.door import tell_failure
from tests.chat.home import Home, asked, ready, say
from tests.support.server import CUT, Gate, Reply, Server, hang, page, raw, refuse
from tests.support.server import say as reply

KEY = "sk-abcdefghijklmnopqrstuvwx"
FAILURES: dict[str, tuple[Reply, str, str]] = {
    "key": (
        refuse(401, f"Incorrect API key provided: {KEY}", code="invalid_api_key"),
        "✗ here refused the key (401)",
        "hint: give the key with /key set",
    ),
    "model": (
        refuse(404, "The model `x` does not exist", code="model_not_found"),
        "✗ here has no model",
        "/models lists",
    ),
    "page": (page(), "answered with a web page", "check the base"),
    "malformed": (raw(b"data: {bad\n\n"), "✗ the server sent a malformed line", "/retry"),
    "cut": (reply("some ", CUT), "■ cut off; what came is kept", "/continue goes on"),
    "empty": (reply(), "the reply is empty; /retry asks again", ""),
}


def test_every_failure_is_told_and_loses_nothing(home: Home, server: Server) -> None:
    """Each failure says what happened and what to do; the message is saved, and the chat goes on."""
    home.connect(server.url, "[network]\nmax_retries = 0\n")
    with home.chat(rows=50) as screen:
        for name, (answer, told, todo) in FAILURES.items():
            server.script(answer)
            screen.send(f"{name} fails\r")
            screen.wait_for(f"alice › {name} fails")
            screen.wait_for(told)
            ready(screen)
            assert todo in screen.text
            screen.send("/new\r")
            screen.wait_for(f"{name} fails is kept")
            screen.send("\x0c")
            screen.wait_for(lambda: screen.cursor == (0, 8))
        server.script(reply("\x1b]52;c;aGVsbG8=\x07 and \x1b[2Jtext \x1b]0;title\x07"))
        say(screen, "evil", "␛]52;c;aGVsbG8=␇ and ␛[2Jtext")
        assert b"\x1b]52;" not in screen.raw
        assert b"\x1b[2Jtext" not in screen.raw
        assert "Traceback" not in screen.text
        assert KEY.encode() not in screen.raw
    saved = [
        [record["content"] for record in journal if record["type"] == "message"] for journal in home.journals()
    ]
    assert {words[0] for words in saved} == {*(f"{name} fails" for name in FAILURES), "evil"}
    assert ["cut fails", "some "] in saved


def test_nothing_listens(home: Home) -> None:
    """Where no server and no proxy answers, the message says which, and what was typed is saved."""
    home.connect("http://127.0.0.1:9/v1", "[network]\nmax_retries = 0\n")
    with home.chat() as screen:
        say(screen, "anybody", "✗ nothing answers at http://127.0.0.1:9/v1")
        screen.send("\x04")
        screen.wait_for_exit()
    through = home.ask("q", "-o", "network.proxy=http://127.0.0.1:9", environment={"NO_PROXY": ""})
    assert (through.returncode, through.stdout) == (1, "")
    assert through.stderr.startswith("gptchat: the proxy http://127.0.0.1:9 does not answer")
    saved = [record["content"] for journal in home.journals() for record in journal if record["type"] == "message"]
    assert sorted(saved) == ["anybody", "q"]


def test_huge_pastes(home: Home, server: Server) -> None:
    """A million characters are taken in at once, and refused in words or sent whole; blanks are no message."""
    home.connect(server.url, "[models.test-model]\ncontext = 8192\n")
    words = "word " * 200_000
    with home.chat() as screen:
        screen.paste(words)
        screen.wait_for("[pasted 1000000 characters]")
        screen.send("\r")
        screen.wait_for("✗ this message does not fit")
        screen.wait_for(lambda: "[pasted" in screen.lines[screen.cursor[0]])  # the draft is back
        assert not asked(server)
        screen.send("\x15/set context.max_tokens 0\r")
        ready(screen)
        screen.send("\x15")
        screen.paste(" " * 1_000_000)
        screen.wait_for("[pasted 1000000 characters]")
        screen.send("\r" + "x\x15")
        screen.wait_for(lambda: "[pasted" not in screen.lines[screen.cursor[0]])
        ready(screen)
        assert not asked(server)
    home.connect(server.url, "[models.test-model]\ncontext = 2000000\n")
    with home.chat() as screen:
        server.script(reply("read it"))
        screen.paste(words + "end")
        screen.wait_for("[pasted 1000003 characters]")
        screen.send("\r")
        screen.wait_for("read it", 30)
        assert asked(server)[-1].last_text == words + "end"


def test_a_folder_that_cannot_be_written(home: Home, server: Server) -> None:
    """When saving fails, one warning says so, the chat goes on in memory, and nothing is missing afterwards."""
    home.connect(server.url)
    folder = home.data / "users" / "alice" / "sessions"
    with home.chat(rows=50) as screen:
        say(screen, "one", "You said: one")
        break_folder(home)
        say(screen, "two", "this conversation cannot be saved")
        assert "the chat goes on in memory" in screen.text
        say(screen, "three", "You said: three")
        assert screen.text.count("cannot be saved") == 1
        mend_folder(folder)
        say(screen, "four", "saving works again; nothing is missing")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
    assert [words for role, words, _status in home.messages() if role == "user"] == ["one", "two", "three", "four"]
    with home.chat(rows=50) as screen:
        break_folder(home)
        say(screen, "lost?", "this conversation cannot be saved")
        screen.send("\x04")
        screen.wait_for("save it as a file?")
        screen.send("~/rescued.json\r")
        assert screen.wait_for_exit() == 0
    assert "lost?" in (home.folder / "rescued.json").read_text()


def test_a_session_that_never_came_to_the_disk_is_deleted(home: Home, server: Server) -> None:
    """What could not be saved can be deleted like anything else; it is neither rescued nor written later."""
    home.connect(server.url)
    folder = home.data / "users" / "alice" / "sessions"
    with home.chat(rows=50) as screen:
        say(screen, "before", "You said: before")
        say(screen, "/new", "a new session begins")
        break_folder(home)
        say(screen, "secret", "this conversation cannot be saved")
        screen.send("/delete\r")
        screen.wait_for("remove secret for good?")
        screen.send("y\r")
        screen.wait_for("secret is removed for good")
        ready(screen)
        mend_folder(folder)
        say(screen, "after", "You said: after")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
    said = [record["content"] for journal in home.journals() for record in journal if record.get("role") == "user"]
    assert sorted(said) == ["after", "before"]


def test_a_session_left_while_it_cannot_be_saved(home: Home, server: Server) -> None:
    """After /new, what waits of the session before is not called saved; it is saved or rescued at the end."""
    home.connect(server.url)
    folder = home.data / "users" / "alice" / "sessions"
    for comes_back in (False, True):
        with home.chat(rows=50) as screen:
            say(screen, "kept", "You said: kept")
            break_folder(home)
            say(screen, "waits", "this conversation cannot be saved")
            say(screen, "/new", "a new session begins")
            assert "nothing is missing" not in screen.text
            if comes_back:
                mend_folder(folder)
            screen.send("\x04")
            if not comes_back:
                screen.wait_for("part of kept is not saved yet")
                screen.send("\r")
            assert screen.wait_for_exit() == 0
        if not comes_back:
            mend_folder(folder)
            [rescued] = home.folder.glob("*.json")
            assert "waits" in rescued.read_text()
    # Sessions of one second have no order among them.
    said = [[record["content"] for record in lines if record.get("role") == "user"] for lines in home.journals()]
    assert sorted(said) == [["kept"], ["kept", "waits"]]


def test_one_answer_that_cannot_be_saved(home: Home, server: Server) -> None:
    """A question from the shell is answered also where nothing can be saved, and that is said beside it."""
    home.connect(server.url)
    assert home.ask("one").stderr == ""
    break_folder(home)
    done = home.ask("two")
    assert (done.returncode, done.stdout) == (0, "You said: two")
    assert "this conversation cannot be saved" in done.stderr
    assert done.stderr.count("\n") == 1


def break_folder(home: Home) -> None:
    """Put a file in the place of alice's folder of sessions: not even root can write there."""
    folder = home.data / "users" / "alice" / "sessions"
    folder.rename(folder.with_name("away"))
    folder.write_text("")


def test_the_debug_log_is_private(home: Home) -> None:
    """`--debug` writes a log that only its owner can read, and no key is in it."""
    with Server(key=KEY) as locked:
        home.connect(locked.url)
        with home.config.open("a") as settings:
            settings.write('api_key_env = "HERE_KEY"\n')
        answer = home.ask("--debug", "hello", environment={"HERE_KEY": KEY})
    assert answer.stdout == "You said: hello"
    log = home.data / "debug.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert log.stat().st_size
    assert KEY not in log.read_text() + answer.stderr


@pytest.mark.parametrize("columns", [80, 40])
def test_resizing_in_mid_reply(home: Home, server: Server, columns: int) -> None:
    """A window whose size changes while a reply streams shows the rest of it in the new width."""
    home.connect(server.url)
    gate = Gate()
    server.script(reply("The first half of it. ", gate, "The second half, " + "in many words " * 8 + "ends here."))
    with home.chat(columns=120) as screen:
        screen.send("go\r")
        screen.wait_for("The first half of it.")
        screen.resize(24, columns)
        gate.open()
        screen.wait_for("ends here.")
        ready(screen)
        assert max(len(line) for line in screen.lines) <= columns
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def test_an_incomplete_installation_is_told_as_such() -> None:
    """Where a package of others is missing, its name and the way to install it are told."""
    error = unexpected(ModuleNotFoundError("No module named 'rich.markdown'", name="rich.markdown"))
    assert "rich" in error.message
    assert "pip install" in error.hint
    assert "pip" not in unexpected(ModuleNotFoundError("no", name="gptchat.nothing")).hint
    assert "pip" not in unexpected(ModuleNotFoundError("no", name="_sqlite3")).hint
    assert "in gptchat itself" in unexpected(ModuleNotFoundError("no")).message


def test_a_mistake_of_our_own_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody foresaw ends in two lines and status 1; the traceback, without keys, is for `--debug`."""
    error = unexpected(ValueError(f"with {KEY} in it"))
    assert tell_failure(error, as_json=False) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("gptchat: a mistake in gptchat itself: ValueError: with ****")
    assert (len(lines), "--debug" in lines[1]) == (2, True)
    assert tell_failure(error, as_json=False, debug=True) == 1
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert KEY not in told


def test_stopping_before_anything_came(home: Home, server: Server) -> None:
    """A reply stopped before its first word leaves the message saved, and /retry asks again."""
    home.connect(server.url)
    server.script(hang())
    with home.chat() as screen:
        screen.send("are you there?\r")
        server.wait_for(lambda: bool(asked(server)))
        screen.send("\x1b")
        screen.wait_for("your message is saved; /retry sends it again")
        ready(screen)
        say(screen, "/retry", "You said: are you there?")
        screen.hang_up()
    assert home.messages() == [
        ("user", "are you there?", ""),
        ("assistant", "You said: are you there?", "complete"),
    ]


def test_a_broken_installation_is_a_sentence_too(home: Home, server: Server) -> None:
    """Where a library is broken, the chat says so without a traceback, and goes on."""
    home.connect(server.url)
    (home.folder / "rich").mkdir()
    (home.folder / "rich" / "__init__.py").write_text(
        "raise ImportError('this rich is broken')\n", encoding="utf-8"
    )
    broken = {"PYTHONPATH": f"{home.folder}{os.pathsep}{home.environment['PYTHONPATH']}"}
    with home.chat(environment=broken) as screen:
        screen.send("hello\r")
        screen.wait_for("this rich is broken")
        ready(screen)
        assert "Traceback" not in screen.text
        screen.send("/users\r")
        screen.wait_for("› alice")


def mend_folder(folder: Path) -> None:
    """Undo `break_folder`."""
    folder.unlink()
    folder.with_name("away").rename(folder)
