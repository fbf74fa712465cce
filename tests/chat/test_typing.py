"""What is typed: while a reply streams, over many lines, pasted, written in an editor; what goes along."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from gptchat.core.width import cells
from tests.chat.home import Home, asked, ready, say
from tests.support.server import Gate, Server, hang
from tests.support.server import say as reply


def last(server: Server) -> str:
    """The words of the last message that was sent."""
    return asked(server)[-1].last_text


def test_typing_while_a_reply_streams(home: Home, server: Server) -> None:
    """What is typed during a reply is whole; Enter queues, Up takes back, /status runs at once, Ctrl-L clears."""
    home.connect(server.url)
    ahead = "".join(f"{number:03} " for number in range(50)).strip()  # 199 characters
    first, second = Gate(), Gate()
    server.script(reply("begin ", first, "**end**"), reply("again ", second, "done"))
    with home.chat(rows=50) as screen:
        screen.send("go\r")
        screen.wait_for("begin")
        for character in ahead:
            screen.send(character)
        screen.wait_for("049")
        screen.send("\r")
        screen.wait_for("1 message waits until the reply is done; Up takes it back")
        screen.send("second\r")
        screen.wait_for("2 messages wait")
        screen.send("\x1b[A")
        screen.wait_for("alice › second")
        screen.send(" changed\r")
        screen.wait_for("2 messages wait")
        screen.send("/status\r")
        screen.wait_for("spent here")
        screen.send("/help undo\r")
        screen.wait_for("Take back the last turns")
        assert len(asked(server)) == 1
        screen.send("a draft for later")
        screen.wait_for("alice › a draft for later")
        first.open()
        screen.wait_for("again")
        assert "begin end" in screen.text
        assert "begin **end" not in screen.text
        assert last(server) == ahead
        screen.wait_for("alice › a draft for later")  # it stays through the next reply
        screen.send("\x0c")  # Ctrl-L: what is alive stands again, at the top
        screen.wait_for(lambda: not any("Take back the last turns" in line for line in screen.lines))
        screen.wait_for("alice › a draft for later")
        second.open()
        screen.wait_for("You said: second changed")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › a draft for later")
        screen.send("\r")
        screen.wait_for("You said: a draft for later")
    said = [words for role, words, _status in home.messages() if role == "user"]
    assert said == ["go", ahead, "second changed", "a draft for later"]


def test_clearing_the_screen_while_a_reply_streams(home: Home, server: Server) -> None:
    """Ctrl-L during a reply empties the screen, and the reply and the draft go on at its top."""
    home.connect(server.url)
    gate = Gate()
    server.script(reply("The first.\n\nThe second", gate, " goes on."))
    with home.chat() as screen:
        screen.send("go\r")
        screen.wait_for("The second")
        screen.send("half\x0c")
        screen.wait_for(lambda: "The first." not in screen.text and "alice › half" in screen.text)
        gate.open()
        screen.wait_for("The second goes on.")
        screen.wait_for(lambda: "Esc stops" not in "".join(screen.transcript))
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › half")


def test_a_command_that_fails_while_a_reply_streams_says_what_to_do(home: Home, server: Server) -> None:
    """A command that fails beside a reply tells the reason and the way on, and the reply goes on."""
    home.connect(server.url)
    gate = Gate()
    server.script(reply("The first", gate, " goes on."))
    with home.chat() as screen:
        screen.send("go\r")
        screen.wait_for("The first")
        screen.send("/help undoo\r")
        screen.wait_for("there is no command /undoo")
        screen.wait_for("did you mean /undo")
        gate.open()
        screen.wait_for("The first goes on.")


def test_the_cursor_stands_where_one_types_while_a_reply_streams(home: Home, server: Server) -> None:
    """Behind a paste with tabs and escapes the cursor is at the end of what is drawn, where input methods open."""
    home.connect(server.url)
    server.script(reply("begin ", Gate()))
    with home.chat() as screen:
        screen.send("go\r")
        screen.wait_for("begin")
        screen.paste("a\tb\x1b[31mred\x07 中文 c")
        drawn = "alice › a b␛[31mred␇ 中文 c"
        screen.wait_for(drawn)
        screen.wait_for(lambda: screen.cursor[1] == cells(drawn))


def test_a_recalled_line_that_was_emptied_is_not_lost(home: Home, server: Server) -> None:
    """After Up, Ctrl-U and Ctrl-C the prompt is fresh, and Up recalls the same line again."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "first", "You said: first")
        screen.send("\x1b[A")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › first")
        screen.send("\x15\x03")
        screen.wait_for("press Ctrl-C again, or Ctrl-D, to leave")
        screen.send("\x1b[A")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › first")


def test_a_long_reply_makes_no_message_too_long(home: Home, server: Server) -> None:
    """A reply that fills the window is left out for the next message; the toolbar says no more than that."""
    home.connect(server.url, "[models.test-model]\ncontext = 900\n")
    server.script(reply("word " * 880))
    with home.chat(columns=100) as screen:
        say(screen, "go", "word word")
        screen.wait_for("soon the oldest is left out")
        assert "too long" not in screen.text
        say(screen, "and now", "You said: and now")


def test_a_draft_too_long_to_send_is_told_while_typing(home: Home, server: Server) -> None:
    """The toolbar says before Enter that a draft cannot be sent, rather than that messages are left out for it."""
    home.connect(server.url, "[models.test-model]\ncontext = 900\n")
    with home.chat(columns=100) as screen:
        ready(screen)
        screen.paste("word " * 2000)
        screen.wait_for("· too long to send")
        assert "left out" not in screen.text
        screen.send("\x03")
        screen.wait_for(lambda: "too long" not in screen.text)


def test_stopping_brings_back_what_waited(home: Home, server: Server) -> None:
    """When a reply is stopped, the messages that waited come back to the prompt instead of being sent."""
    home.connect(server.url)
    server.script(reply("begin ", Gate()))
    with home.chat() as screen:
        screen.send("go\r")
        screen.wait_for("begin")
        screen.send("one\rtwo\rthree")
        screen.wait_for("2 messages wait")
        screen.send("\x03")
        screen.wait_for("alice › one\n        two\n        three")
        screen.send("\x03")  # clears the draft
        ready(screen)
        screen.send("\x1b[A")  # brings it back
        screen.wait_for("alice › one\n        two\n        three")
        screen.send("\x03")
        ready(screen)
        screen.send("\x03")
        screen.wait_for("press Ctrl-C again, or Ctrl-D, to leave")
        screen.send("\x03")
        assert screen.wait_for_exit() == 0
    assert len(home.messages()) == 2


def test_lines_commands_and_messages(home: Home, server: Server) -> None:
    """Several lines are one message; a typo and a mere slash are none; a path, `//` and an unclosed quote are."""
    home.connect(server.url)
    with home.chat() as screen:
        screen.send("one\x1b\rtwo\nthree\r")
        screen.wait_for("You said: one\ntwo\nthree")
        assert last(server) == "one\ntwo\nthree"
        ready(screen)
        before = len(asked(server))
        screen.send("/sesions\r")
        screen.wait_for("there is no command /sesions")
        screen.wait_for("did you mean /sessions")
        assert len(asked(server)) == before
        ready(screen)
        screen.send("\x1b[A")
        screen.wait_for("alice › /sesions")
        screen.send("\x15")
        ready(screen)
        say(screen, "/", "/help all lists everything")  # the commands and keys
        assert len(asked(server)) == before
        for line, sent in (
            ("/usr/bin/env is missing", "/usr/bin/env is missing"),
            ("//help", "/help"),
            ('say "hello', 'say "hello'),
        ):
            say(screen, line, f"You said: {sent}")
            assert last(server) == sent
        screen.paste("\n".join(f"line {number}" for number in range(200)))
        screen.wait_for("[pasted 200 lines]")
        screen.send("\r")
        screen.wait_for("line 199")
        ready(screen)
        assert last(server).split("\n") == [f"line {number}" for number in range(200)]
        screen.send("\x0c")
        screen.wait_for(lambda: screen.cursor == (0, 8))
        screen.send("left\x01\x04")  # Ctrl-D deletes while there is a draft, and leaves where there is none
        screen.wait_for("alice › eft")
        screen.send("\x0b")
        ready(screen)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def test_habits_of_typing(home: Home, server: Server) -> None:
    """When a paste is folded, and whether earlier lines are offered, follows the settings at once."""
    home.connect(server.url)
    with home.chat() as screen:
        ready(screen)
        screen.paste("one\ntwo\nthree")
        screen.wait_for("three")
        screen.send("\x03")
        ready(screen)
        say(screen, "/set ui.paste_lines 2", "ui.paste_lines = 2")
        screen.paste("one\ntwo\nthree")
        screen.wait_for("[pasted 3 lines]")
        screen.send("\x03")
        ready(screen)
        say(screen, "hello there", "You said: hello there")
        screen.send("hel")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]].startswith("alice › hello there"))
        screen.send("\x05\r")  # Ctrl-E takes what is offered
        screen.wait_for(lambda: len(asked(server)) == 2)
        assert last(server) == "hello there"
        ready(screen)
        screen.send("/set providers.")  # the keys of one's own tables are offered too
        screen.wait_for("providers.here.kind")
        screen.send("\x1b\x15")
        ready(screen)
        say(screen, "/set ui.suggest false", "ui.suggest = false")
        screen.send("hel\x05\r")
        screen.wait_for(lambda: len(asked(server)) == 3)
        assert last(server) == "hel"


def test_how_replies_are_read(home: Home, server: Server) -> None:
    """How line ends and doubtful marks are read follows the settings at once, in new and in replayed replies."""
    home.connect(server.url)
    text = "Acme GmbH\n10115 Berlin\n\n4. four\n6. six\n\n1*2*3 = 6"
    with home.chat() as screen:
        server.script(reply(text))
        say(screen, "where?", "Acme GmbH\n10115 Berlin\n\n4. four\n6. six\n\n1*2*3 = 6")
        say(screen, "/set ui.linebreaks join", "ui.linebreaks = join")
        server.script(reply(text))
        say(screen, "again", "Acme GmbH 10115 Berlin\n\n4. four\n6. six\n\n1*2*3 = 6")
        say(screen, "/set ui.markdown commonmark", "ui.markdown = commonmark")
        say(screen, "/new", "is kept")
        say(screen, "/resume where", "Acme GmbH 10115 Berlin\n\n4. four\n5. six\n\n123 = 6")


def test_editor_shell_and_files(home: Home, server: Server) -> None:
    """The editor, a command's output, files by `@` and `/attach`: each reaches the wire as it should."""
    home.connect(server.url)
    editor = home.folder / "editor.sh"
    editor.write_text('#!/bin/sh\nprintf "%s\\nfrom the editor" "$(cat "$1")" > "$1"\n')
    editor.chmod(0o755)
    (home.folder / "notes.txt").write_text("the notes")
    (home.folder / "more.txt").write_text("更多")
    with home.chat("-a", "notes.txt", environment={"EDITOR": str(editor)}, rows=50) as screen:
        screen.wait_for("attached: notes.txt")
        screen.send("typed\x18\x05")
        screen.wait_for("alice › typed\n        from the editor")
        screen.send("\r")
        screen.wait_for("You said: typed\nfrom the editor")
        ready(screen)
        assert last(server).startswith("typed\nfrom the editor\n\n`notes.txt`:")
        screen.wait_for("alice · typed from the editor · here")  # the title leaves out what is attached
        screen.send("!echo shell; echo output\r")
        screen.wait_for("send this with your next message? (exit status 0)")
        screen.send("y\r")
        screen.wait_for("it goes with your next message")
        ready(screen)
        say(screen, "look", "You said: look")
        assert "```text\nshell\noutput\n```" in last(server)
        say(screen, "read @notes.txt now", "You said: read notes.txt now")
        assert "attached: notes.txt (" in screen.text
        assert last(server) == "read notes.txt now\n\n`notes.txt`:\n\n```text\nthe notes\n```"
        say(screen, "/attach more.txt", "attached: more.txt")
        say(screen, "and this", "You said: and this")
        assert "更多" in last(server)
        say(screen, "no more", "You said: no more")
        assert last(server) == "no more"
        before = len(asked(server))
        screen.send("see @./missing.txt please\r")
        screen.wait_for("there is no ./missing.txt")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › see @./missing.txt please")
        assert len(asked(server)) == before


def test_what_takes_long_can_be_stopped(home: Home, server: Server) -> None:
    """A command of the shell, or one that waits for the model, ends by Esc or Ctrl-C; what was typed is kept."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "hello", "You said: hello")
        server.script(hang())
        screen.send("/rename\r")
        screen.wait_for("working · Esc stops")
        screen.send("\x1b")
        screen.wait_for("✗ stopped")
        ready(screen)
        screen.send("!echo begun; sleep 60\r")
        screen.wait_for("working · Esc stops")
        screen.send("typed on\x03")
        screen.wait_for("begun")
        screen.wait_for("(stopped after")
        screen.send("n\r")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › typed on")


def test_the_draft_of_each_person_comes_back(home: Home, server: Server) -> None:
    """A line left unsent is there at the next start, for the one who typed it and nobody else."""
    home.connect(server.url)
    with home.chat() as screen:
        screen.send("half a thought")
        screen.wait_for("half a thought")
        screen.kill(signal.SIGHUP)
        assert screen.wait_for_exit() == 128 + signal.SIGHUP
    with home.chat("-u", "bob", ready="bob ›") as screen:
        ready(screen, "bob")
        assert "bob is new here" in screen.text
        screen.send("/user alice\r")
        screen.wait_for("alice › half a thought")
        screen.wait_for("your unsent draft is back")


def test_the_bell_rings_for_who_looked_away(home: Home, server: Server) -> None:
    """After a report that the terminal is not in front the bell rings at the reply's end; reports are no keys."""
    home.connect(server.url, "ui.bell_after = 0\nui.title = false")
    with home.chat() as screen:
        gate = Gate()
        server.script(reply("begin ", gate, "end"), reply("again"))
        screen.send("one\r")
        screen.wait_for("begin")
        screen.wait_for(lambda: b"\x1b[?1004h" in screen.raw)
        screen.send("\x1b[I\x1b[O")
        screen.send("\x1b[O")
        gate.open()
        screen.wait_for(lambda: b"\a" in screen.raw)
        ready(screen)
        assert "[O" not in screen.text
        rung = screen.raw.count(b"\a")
        screen.send("\x1b[I")  # a report that was on its way when the reply ended
        say(screen, "two", "again")
        assert screen.raw.count(b"\a") == rung
        assert screen.raw.rfind(b"\x1b[?1004l") > screen.raw.rfind(b"\x1b[?1004h")


def test_a_queued_command_that_ran_is_no_draft(home: Home, server: Server) -> None:
    """What was queued and ran does not come back as an unsent draft, for nobody and whatever happens next."""
    home.connect(server.url)
    with home.chat() as screen:
        gate = Gate()
        server.script(reply("the first", gate))
        screen.send("one\r")
        screen.wait_for("the first")
        screen.send("hello\r/user bob\rfrom bob\r")
        screen.wait_for("3 messages wait")
        held = Gate()
        server.script(reply("to hello"), reply("to bob", held))
        gate.open()
        screen.wait_for("to bob")
        assert not (home.data / "users" / "alice" / "draft").exists()
        assert not (home.data / "users" / "bob" / "draft").exists()
        held.open()
        ready(screen, "bob")
        screen.send("/user alice\r")
        ready(screen)
        assert "unsent draft" not in screen.text
    assert [text for role, text, _status in home.messages("bob") if role == "user"] == ["from bob"]


def test_a_crash_between_queued_lines(home: Home, server: Server) -> None:
    """After a crash in mid-queue the lines that had not run come back, for whoever was chatting, and no other."""
    home.connect(server.url)
    with home.chat() as screen:
        gate, held = Gate(), Gate()
        server.script(reply("the first", gate), reply("to bob", held))
        screen.send("one\r")
        screen.wait_for("the first")
        screen.send("/user bob\rfrom bob\r/usage\rlater\r")
        screen.wait_for("3 messages wait")
        gate.open()
        screen.wait_for("to bob")
        screen.kill(signal.SIGKILL)
        screen.wait_for_exit()
    assert not (home.data / "users" / "alice" / "draft").exists()
    with home.chat(ready="your unsent draft is back") as screen:
        assert screen.lines[screen.cursor[0]] == "bob › later"


def test_leaving_keeps_the_rest_of_the_queue(home: Home, server: Server) -> None:
    """`/exit` in mid-reply leaves at once; what was queued is the draft of the next start, `/exit` is not."""
    home.connect(server.url)
    with home.chat() as screen:
        gate = Gate()
        server.script(reply("the first", gate))
        screen.send("one\r")
        screen.wait_for("the first")
        screen.send("and then\r")
        screen.wait_for("1 message waits")
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
    with home.chat(ready="your unsent draft is back") as screen:
        assert screen.lines[screen.cursor[0]] == "alice › and then"


def test_values_of_settings_are_completed(home: Home, server: Server) -> None:
    """The value of a setting that names a provider or a model completes as for /provider and /model."""
    home.connect(server.url)
    with home.chat() as screen:
        screen.send("/set model ")
        screen.wait_for("› /set model")
        screen.send("test-m")  # the server's list comes from behind
        screen.wait_for(lambda: any(line.strip() == "test-model" for line in screen.lines))
        screen.send("\x03/set provider lmst")
        screen.wait_for("lmstudio")


def test_a_command_typed_while_code_streams(home: Home, server: Server) -> None:
    """What a command shows stands whole below the code, with its echo; until then the status line announces it."""
    home.connect(server.url)
    gate, end = Gate(), Gate()
    server.script(reply("```py\nfirst = 1\nsec", gate, "ond = 2\n```\n\nThe rest.", end, " Done."))
    with home.chat(rows=40) as screen:
        screen.send("go\r")
        screen.wait_for("sec")
        screen.send("/status\r")
        screen.wait_for("/status comes below this block")
        screen.send("typed on")
        screen.wait_for("alice › typed on")
        assert "spent here" not in screen.text
        gate.open()
        screen.wait_for("spent here")
        screen.wait_for("The rest.")
        end.open()
        screen.wait_for("Done.")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice › typed on")
        rows = [row for row in screen.transcript if row]
        code = rows.index("╶ py · 1")
        assert rows[code + 1 : code + 4] == ["first = 1", "second = 2", "alice › /status"]
        assert screen.lines[screen.lines.index("alice › /status") - 1] == ""
        assert rows.index("The rest. Done.") > next(at for at, row in enumerate(rows) if "spent here" in row)
        assert not any("comes below" in row for row in rows)


def test_escape_and_then_a_command(home: Home, server: Server) -> None:
    """After Esc a command is a command: nothing of it goes to the model."""
    home.connect(server.url)
    with home.chat() as screen:
        ready(screen)
        for line in ("/help pin", "/帮助", "／帮助"):
            screen.send("\x1b")
            screen.send(line + "\r")
            screen.wait_for("/pin [N]" if "pin" in line else "there is no command /帮助")
            ready(screen)
        screen.wait_for("did you mean /help? //帮助 sends it as a message")
        assert asked(server) == []


def test_full_width_signs(home: Home, server: Server) -> None:
    """What a Chinese input method types on the keys of the signs means the same, where it was typed."""
    home.connect(server.url)
    (home.folder / "笔记.txt").write_text("a secret word")
    with home.chat() as screen:
        ready(screen)
        screen.send("！echo 一二\r")
        screen.wait_for("send this with your next message?")
        screen.send("ｙ\r")  # an answer, too
        screen.wait_for("it goes with your next message")
        ready(screen)
        say(screen, "看＠笔记.txt", "You said:")
        assert "a secret word" in last(server)
        assert "一二" in last(server)
        say(screen, "／／help", "You said: /help")
        assert last(server) == "/help"
        before = len(asked(server))
        screen.paste("！touch pasted")
        screen.send("\r")
        screen.wait_for("this was not typed here; run it in the shell?")
        screen.send("\x1b")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]].startswith("alice › ！touch"))
        screen.send("\x03")
        ready(screen)
        assert not (home.folder / "pasted").exists()
        assert len(asked(server)) == before
        screen.send("退出\r")
        assert screen.wait_for_exit() == 0


def test_the_digits_of_older_scripts(home: Home, server: Server) -> None:
    """A lone 0 or 1 is held back once, with a tip; with ui.digits it leaves or begins anew."""
    home.connect(server.url)
    with home.chat(columns=120) as screen:
        ready(screen)
        for digit, command in (("0", "/exit leaves"), ("１", "/new begins anew")):
            screen.send(digit + "\r")
            screen.wait_for(command)
            ready(screen)
        assert asked(server) == []
        screen.send("\x1b[A\r")
        screen.wait_for("You said: １")
        ready(screen)
        say(screen, "0", "You said: 0")
        say(screen, "1.", "You said: 1.")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
    with home.chat("-o", "ui.digits=true") as screen:
        ready(screen)
        say(screen, "1", "a new session")
        screen.send("０\r")
        assert screen.wait_for_exit() == 0
    assert len(asked(server)) == 3


@contextmanager
def slow_page(released: Event) -> Generator[str, None, None]:
    """The address of a page that is not answered before `released`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            released.wait(20)
            with suppress(OSError):  # who asked may have left
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"the page")

        def log_message(self, *_arguments: object) -> None:
            pass

    pages = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pages.daemon_threads = True
    Thread(target=pages.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{pages.server_port}/page.txt"
    finally:
        released.set()
        pages.shutdown()
        pages.server_close()


def test_typing_while_an_argument_is_attached(home: Home, server: Server) -> None:
    """What is typed while `-a` fetches an address is the draft of the first prompt."""
    home.connect(server.url)
    released = Event()
    with slow_page(released) as address, home.chat("-a", address, ready="Esc stops") as screen:
        screen.send("typed early")
        released.set()
        screen.wait_for("attached: http")
        screen.wait_for("alice › typed early")


def test_leaving_while_an_argument_is_attached(home: Home, server: Server) -> None:
    """Leaving while `-a` fetches an address keeps what was queued."""
    home.connect(server.url)
    with slow_page(Event()) as address, home.chat("-a", address, ready="Esc stops") as screen:
        screen.send("one\rand two\r\x04")
        assert screen.wait_for_exit() == 0
    with home.chat(ready="your unsent draft is back") as screen:
        assert screen.lines[screen.cursor[0]].endswith("and two")
