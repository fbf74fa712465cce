"""What was pasted, piped, recalled or restored does not act: each origin and each sign, in the whole program."""

from __future__ import annotations

import sys

import pytest

from tests.chat.home import Home, asked, ready
from tests.support.screen import Screen
from tests.support.server import Gate, Server, say

README = "![build][badge]\nInstall it:\n\n    touch ran\n"
PASTES = {
    "readme": "![build](https://x/b.svg)\n# Tool\n\n!warning\n\n```sh\n!touch ran\n```\n@ann, see @notes.txt\n",
    "mail": "Hi,\n\nask @ann@example.org or @bob about #42.\n!important\n/delete is what I mean\n\n-- \nCarol\n",
    "log": "/health 200\n! WARN @scheduler: took 3 s\n#1 0x0000 in main\n/exit 500\n",
    "diff": "--- a/notes.txt\n+++ b/notes.txt\n@@ -1,2 +1,2 @@\n-!old\n+!new @notes.txt\n",
    "shell": "$ ls @notes.txt\n!!\n!touch ran\n/usr/bin/env\n# exit\nexit\n",
}


def last(server: Server) -> str:
    """What was sent last."""
    content = asked(server)[-1].json["messages"][-1]["content"]
    assert isinstance(content, str)
    return content


def send_all(screen: Screen, server: Server) -> None:
    """Press Enter, and wait until a request more has been answered."""
    before = len(asked(server))
    screen.send("\r")
    screen.wait_for(lambda: len(asked(server)) == before + 1)
    ready(screen)


@pytest.mark.parametrize("blanks", ["", "  ", "\n\n"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_pasted_readme_is_a_message(home: Home, server: Server, blanks: str, marked: bool) -> None:
    """A paste that begins like a shell command is sent as it is, marked by the terminal or not."""
    home.connect(server.url)
    text = blanks + "!echo ran > ran\n" + README
    with home.chat() as screen:
        if marked:
            screen.paste(text)
        else:
            screen.send(text.replace("\n", "\r"))
        screen.wait_for("touch ran")
        send_all(screen, server)
    assert last(server) == text
    assert not (home.folder / "ran").exists()


@pytest.mark.parametrize("kind", PASTES)
def test_an_ordinary_paste_is_sent_with_one_enter(home: Home, server: Server, kind: str) -> None:
    """A README, a mail, a log, a diff and a shell session go out as they are, without a question."""
    home.connect(server.url)
    (home.folder / "notes.txt").write_text("the notes\n")
    with home.chat() as screen:
        screen.paste(PASTES[kind])
        send_all(screen, server)
        assert "not typed here" not in screen.text
        assert "attached" not in screen.text
    assert last(server) == PASTES[kind]
    assert not (home.folder / "ran").exists()


def test_a_paste_during_a_reply_is_a_message(home: Home, server: Server) -> None:
    """What is pasted and queued while a reply streams is sent as it is when its turn comes."""
    home.connect(server.url)
    with home.chat() as screen:
        gate = Gate()
        server.script(say("begun ", gate, "done"))
        screen.send("hello\r")
        screen.wait_for("begun")
        screen.paste("!touch ran\n" + README)
        screen.send("\r")
        screen.wait_for("1 message waits")
        draft = home.data / "users" / "alice" / "draft"
        assert "touch ran" in draft.read_text(), "a message is on disk before it is said to wait"
        gate.open()
        screen.wait_for(lambda: len(asked(server)) == 2)
        ready(screen)
    assert last(server) == "!touch ran\n" + README
    assert not (home.folder / "ran").exists()


@pytest.mark.parametrize("origin", ["pasted", "history", "draft", "editor"])
@pytest.mark.parametrize(
    ("line", "acted"),
    [("!touch ran", "(exit status"), ("/rename Ran", "is now called Ran")],
)
def test_a_line_from_elsewhere_is_asked_about(
    home: Home, server: Server, origin: str, line: str, acted: str
) -> None:
    """A single line that could act is asked about with the command in full: run, sent as a message, or neither."""
    home.connect(server.url)
    user = home.data / "users" / "alice"
    user.mkdir(parents=True)
    editor = home.folder / "editor.py"
    editor.write_text(f"import sys, pathlib\npathlib.Path(sys.argv[1]).write_text({line!r})\n")
    if origin == "history":
        (user / "input_history").write_text(
            f"\n# 2026-01-01\n+{line}\n"
        )  # of an edition that did not note origins
    if origin == "draft":
        (user / "draft").write_text(line)
    with home.chat(environment={"VISUAL": f"{sys.executable} {editor}"}) as screen:

        def put() -> None:
            if origin == "pasted":
                screen.paste(line)
            elif origin == "history":
                screen.send("\x1b[A")
            elif origin == "editor":
                screen.send("\x18\x05")
            screen.wait_for(lambda: screen.lines[screen.cursor[0]] == f"alice › {line}")

        put()
        screen.send("\r")
        screen.wait_for("this was not typed here")
        assert line.removeprefix("!") in screen.text
        screen.send("\r")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == f"alice › {line}")
        assert not asked(server)
        screen.send("\r")
        screen.wait_for(lambda: screen.text.count("this was not typed here") == 2)
        screen.send("m\r")
        screen.wait_for(lambda: len(asked(server)) == 1)
        ready(screen)
        assert last(server) == line
        assert not (home.folder / "ran").exists()
        if origin == "draft":
            return
        if origin == "history":
            screen.send("\x1b[A")
            screen.wait_for(lambda: screen.lines[screen.cursor[0]] == f"alice › {line}")
        else:
            put()
        screen.send("\r")
        screen.wait_for(lambda: screen.text.count("this was not typed here") >= 3 or len(asked(server)) > 1)
        screen.send("y\r")
        screen.wait_for(acted)


def test_what_was_typed_acts_again_from_the_history(home: Home, server: Server) -> None:
    """Up brings a typed command back as typed, in a later run too; a paste comes back as a paste."""
    home.connect(server.url)
    with home.chat() as screen:
        screen.send("!echo once\r")
        screen.wait_for("exit status 0")
        screen.send("n\r")
        ready(screen)
        screen.paste("!touch ran\nand more")
        send_all(screen, server)
    with home.chat() as screen:
        screen.send("\x1b[A")
        screen.wait_for("and more")
        send_all(screen, server)
        assert last(server) == "!touch ran\nand more"
        screen.send("\x1b[A\x1b[A\x1b[A\x1b[A")
        screen.wait_for("alice › !echo once")
        screen.send("\r")
        screen.wait_for("(exit status 0)")
    assert not (home.folder / "ran").exists()


def test_a_typed_sign_before_a_paste(home: Home, server: Server) -> None:
    """A typed `@` before a pasted name attaches; a typed `!` before a pasted command asks with all of it."""
    home.connect(server.url)
    (home.folder / "notes.txt").write_text("the notes\n")
    with home.chat() as screen:
        screen.send("see @")
        screen.paste("notes.txt")
        screen.wait_for("see @notes.txt")
        send_all(screen, server)
        assert "the notes" in last(server)
        screen.paste("see @notes.txt")
        screen.wait_for("see @notes.txt")
        send_all(screen, server)
        assert last(server) == "see @notes.txt"
        screen.wait_for("@notes.txt is sent as text")
        screen.send("!")
        screen.paste("touch ran")
        screen.wait_for("!touch ran")
        screen.send("\r")
        screen.wait_for("run it in the shell? touch ran")
        screen.send("\x1b")
        ready_with(screen, "!touch ran")
    assert not (home.folder / "ran").exists()


def ready_with(screen: Screen, draft: str, prompt: str = "alice ›") -> None:
    """Wait until the prompt holds `draft`."""
    screen.wait_for(lambda: screen.lines[screen.cursor[0]] == f"{prompt} {draft}")


def test_a_message_brought_back_stays_a_message(home: Home, server: Server) -> None:
    """/edit, /retry and a reply that was stopped never let an earlier message act."""
    home.connect(server.url)
    (home.folder / "notes.txt").write_text("the notes\n")
    with home.chat() as screen:
        text = "!touch ran @notes.txt"
        screen.paste(text)
        screen.send("\r")
        screen.wait_for("this was not typed here")
        screen.send("m\r")
        screen.wait_for(lambda: len(asked(server)) == 1)
        ready(screen)
        screen.send("/retry\r")
        screen.wait_for(lambda: len(asked(server)) == 2)
        ready(screen)
        screen.send("/edit\r")
        ready_with(screen, text, "alice ✎ ›")
        send_all(screen, server)
        assert last(server) == text
        server.script(say("begun ", Gate()))
        screen.send("hello\r")
        screen.wait_for("begun")
        screen.paste("!touch ran\n@notes.txt")
        screen.send("\r")
        screen.wait_for("1 message waits")
        screen.send("\x1b")
        screen.wait_for("stopped")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]].endswith("@notes.txt"))
        send_all(screen, server)
        assert last(server) == "!touch ran\n@notes.txt"
    assert not (home.folder / "ran").exists()


def test_what_is_typed_at_a_question_is_kept(home: Home, server: Server) -> None:
    """A sentence typed at a question is no answer and no loss: it stands in the next prompt."""
    home.connect(server.url)
    with home.chat() as screen:
        screen.send("!echo done\r")
        screen.wait_for("send this with your next message?")
        screen.send("what about tea\r")
        screen.wait_for("what you typed is kept for the prompt")
        screen.send("and milk\x1b")
        screen.wait_for(lambda: "and milk" in screen.lines[screen.cursor[0]] and "›" in screen.text)
        screen.wait_for("alice › what about tea")


def test_a_dumb_terminal_takes_lines_at_once_for_a_paste(home: Home, server: Server) -> None:
    """Where the terminal edits lines itself, several that arrive at once are one message."""
    home.connect(server.url)
    with home.chat(environment={"TERM": "dumb"}) as screen:
        screen.send("!touch ran\nInstall it:\n    touch ran\n")
        screen.wait_for(lambda: len(asked(server)) == 1)
        screen.wait_for("You said")
    assert last(server) == "!touch ran\nInstall it:\n    touch ran"
    assert not (home.folder / "ran").exists()


def test_pastes_are_marked_between_prompts_too(home: Home, server: Server) -> None:
    """From the first prompt to the end the terminal marks pastes, also while a message is on its way."""
    home.connect(server.url)
    gate = Gate()
    server.script(say(gate, "done"))
    with home.chat() as screen:
        screen.send("hello\r")
        screen.wait_for(lambda: gate.reached.is_set() and "alice › hello" in screen.text)
        screen.wait_for(lambda: screen.raw.rfind(b"\x1b[?2004h") > screen.raw.rfind(b"\x1b[?2004l"))
        gate.open()
        screen.wait_for("done")
        ready(screen)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
        assert screen.raw.rfind(b"\x1b[?2004l") > screen.raw.rfind(b"\x1b[?2004h")


def test_a_pasted_command_that_only_shows_something_acts(home: Home, server: Server) -> None:
    """A pasted line such as /set KEY shows what it shows, without a question; /set KEY VALUE asks."""
    home.connect(server.url)
    with home.chat(rows=40) as screen:
        screen.paste("/set temperature")
        screen.send("\r")
        screen.wait_for("Lower is steadier")
        ready(screen)
        assert "not typed here" not in screen.text
        screen.paste("/set temperature 0.3")
        screen.send("\r")
        screen.wait_for("run it? /set temperature 0.3")
        screen.send("y\r")
        screen.wait_for("temperature = 0.3")
        ready(screen)
    assert not asked(server)


def test_lines_at_once_are_a_paste_where_pastes_are_not_marked(home: Home, server: Server) -> None:
    """On a terminal that does not mark pastes several lines at once wait for an Enter; elsewhere each is sent."""
    home.connect(server.url)
    with home.chat(environment={"TERM": "linux"}) as screen:
        screen.send("one\rtwo\r")
        screen.wait_for("two")
        send_all(screen, server)
        assert last(server) == "one\ntwo\n"
    with home.chat() as screen:
        screen.send("three\rfour\r")
        screen.wait_for(lambda: len(asked(server)) == 3)
        assert last(server) == "four"
