"""Sessions in the chat: begun, listed, resumed, moved about in, brought in and out; nothing is destroyed."""

from __future__ import annotations

import json
import re

import pytest

from tests.chat.home import Home, asked, ready, say
from tests.support.screen import Screen
from tests.support.server import Gate, Recorded, Reply, Server, refuse
from tests.support.server import say as reply


def sent(server: Server) -> list[str]:
    """The words of the messages in the last request."""
    return [message["content"] for message in asked(server)[-1].json["messages"]]


def test_sessions_are_kept_and_found_again(home: Home, server: Server) -> None:
    """Sessions are begun, named, listed, resumed by number, words and picker, deleted, and brought back."""
    home.connect(server.url)
    with home.chat() as screen:
        say(screen, "about apples", "You said: about apples")
        say(screen, "/new", "about apples is kept (/resume)")
        say(screen, "about pears", "You said: about pears")
        say(screen, "/rename The pear talk", "this session is now called The pear talk")
        server.script(reply('"Pears, in short."'))
        screen.send("/rename\r")
        screen.wait_for("title [Pears, in short]")
        screen.send("\r")
        screen.wait_for("now called Pears, in short")
        say(screen, "/sessions", "  2  about apples")
        assert "› 1  Pears, in short" in screen.text
        say(screen, "/resume 2", "alice › about apples\n\nYou said: about apples")
        say(screen, "and plums", "You said: and plums")
        assert sent(server) == ["about apples", "You said: about apples", "and plums"]
        say(screen, "/resume pears", "alice › about pears")
        say(screen, "/resume cherries", "no session matches cherries")
        screen.send("/resume\r")
        screen.wait_for("Enter opens, Esc goes back")
        screen.send("plums")
        screen.wait_for("test-model: You said: and plums")
        screen.send("\r")
        screen.wait_for("alice › and plums")
        ready(screen)
        screen.send("/search pears\r")
        screen.wait_for("Enter opens, Esc goes back")
        screen.send("\x1b")
        ready(screen)
        screen.send("/delete\r")
        screen.wait_for("delete about apples?")
        screen.send("\r")
        screen.wait_for("is in the trash")
        ready(screen)
        deleted = re.search(r"/resume (\S+) brings it back", screen.text)
        assert deleted
        say(screen, "/sessions", "  1  Pears, in short")
        assert "2  about apples" not in screen.text.rpartition("/sessions")[2]
        say(screen, f"/resume {deleted[1]}", "You said: and plums")
        screen.send("/delete --forever\r")
        screen.wait_for("remove about apples for good?")
        screen.send("y\r")
        screen.wait_for("is removed for good")
        ready(screen)
        say(screen, f"/resume {deleted[1]}", "no session matches")
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
    assert [[words for role, words, _status in home.messages() if role == "user"]] == [["about pears"]]
    assert not [name for name in home.files() if deleted[1] in name]


def test_every_branch_can_be_reached(home: Home, server: Server) -> None:
    """An edit that is left changes nothing; answers beside the current one are counted, and keys go through them;
    the tree opens any point, on another branch as well."""
    home.connect(server.url)
    with home.chat(rows=40) as screen:
        for words in ("one", "two", "three"):
            say(screen, words, f"You said: {words}")
        screen.send("/edit 2\r")
        screen.wait_for("alice ✎ › two")
        screen.send("\x03")
        screen.wait_for("the edit is left; nothing has changed")
        say(screen, "four", "You said: four")
        assert sent(server)[::2] == ["one", "two", "three", "four"]
        server.script(reply("a second answer"), reply("a third answer"))
        say(screen, "/retry", "‹ 2/2 ›")
        say(screen, "/retry", "‹ 3/3 ›")
        screen.send("\x1b[1;3D")  # Alt-Left
        screen.wait_for(lambda: screen.text.count("a second answer") == 2 and screen.text.count("‹ 2/3 ›") == 1)
        ready(screen)
        say(screen, "/versions 1", "‹ 1/3 ›")
        screen.send("/edit 4\r")
        screen.wait_for("alice ✎ › one")
        screen.send("\x15anew\r")
        screen.wait_for("You said: anew")
        ready(screen)
        assert sent(server) == ["anew"]
        screen.send("/tree\r")
        screen.wait_for("Enter opens, Esc goes back")
        assert "› └─ alice: anew" not in screen.text
        screen.send("a second answer")
        screen.wait_for(lambda: "a second answer" in screen.lines[screen.cursor[0] + 1])
        screen.send("\r")
        ready(screen)
        assert "a second answer\n\n‹ 2/3 ›" in screen.text
        say(screen, "five", "You said: five")
        assert sent(server)[::2] == ["one", "two", "three", "four", "five"]


def test_turns_are_taken_back_and_forth(home: Home, server: Server) -> None:
    """Undo, redo, retry, edit, fork and continue move through the conversation, and lose nothing of it."""
    home.connect(server.url)
    with home.chat(rows=40) as screen:
        say(screen, "one", "You said: one")
        say(screen, "two", "You said: two")
        say(screen, "/undo", "1 turn taken back")
        assert "the conversation stands after: one" in screen.text
        say(screen, "/redo", "alice › two\n\nYou said: two")
        say(screen, "/redo", "there is nothing to bring back")
        server.script(reply("another answer"))
        say(screen, "/retry", "another answer")
        assert sent(server) == ["one", "You said: one", "two"]
        say(screen, "/history", "1 other version")
        screen.send("/edit 2\r")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice ✎ › one")
        screen.send(" more\r")
        screen.wait_for("You said: one more")
        ready(screen)
        assert sent(server) == ["one more"]
        say(screen, "/fork", "a new session begins with the first turn; one more stays as it was")
        server.script(reply("cut o", finish="length"))
        say(screen, "write on", "cut off at the length limit; /continue goes on")
        server.script(reply("ff, and whole"))
        say(screen, "/continue", "ff, and whole")
        server.script(reply(""))
        say(screen, "/continue", "the model had nothing to add; the reply stays as it was")
        say(screen, "/pin", "pinned, and always sent: write on")
        say(screen, "/unpin", "no longer pinned: write on")
        say(screen, "/system Be brief", "the system prompt is set: Be brief")
        say(screen, "/set temperature 0.3", "temperature = 0.3")
        say(screen, "/set temperature warm", '✗ temperature is a number from 0 to 2, not "warm"')
        say(screen, "now", "You said: now")
        request = asked(server)[-1].json
        assert (request["temperature"], request["messages"][0]) == (0.3, {"role": "system", "content": "Be brief"})
        assert request["messages"][-2]["content"] == "cut off, and whole"
        say(screen, "/unset temperature", "temperature is none again")
        say(screen, "/context", "nothing is left out")
        say(screen, "/tokens 你好", "tokens")
        say(screen, "/usage", "alice, all in all")
        say(screen, "/models", "› test-model")
        say(screen, "/raw", "You said: now")
        say(screen, "/json", '"model": "test-model"')
        say(screen, "/code curl", "curl")
        say(screen, "/theme", "/theme NAME chooses one of auto, dark, light, mono")
        say(screen, "/theme mono", "A sample")
        say(screen, "/help undo", "/undo [N]")
        screen.send("quit\r")
        assert screen.wait_for_exit() == 0
    # both may have begun in the same second, and then their names do not say which came first
    first, forked = sorted(home.journals(), key=lambda records: records[0]["title"] is not None)
    words = [record["content"] for record in first if record["type"] == "message"]
    assert words == [
        "one",
        "You said: one",
        "two",
        "You said: two",
        "another answer",
        "one more",
        "You said: one more",
    ]
    kept = [record.get("content") for record in forked]
    assert kept.index("cut o") < kept.index("ff, and whole")


def test_a_search_opens_at_what_was_found(home: Home, server: Server) -> None:
    """Enter on a search's line opens the session where that was said, be it long ago or on another branch."""
    home.connect(server.url)
    with home.chat(rows=50) as screen:
        for words in ("the first thing", "a marmalade recipe", *(f"thing {number}" for number in range(3, 8))):
            say(screen, words, f"You said: {words}")
        say(screen, "/undo", "1 turn taken back")
        for sought, *seen in (
            ("marmalade", "… 2 earlier messages; /history lists all", "alice › a marmalade recipe", "",
             "You said: a marmalade recipe", "", "… 2 messages in between", "alice › thing 4"),
            ("thing 7", "… 8 earlier messages; /history lists all", "alice › thing 5"),
            ("thing 6", "… 8 earlier messages; /history lists all", "alice › thing 5"),
        ):  # fmt: skip
            say(screen, "/new", "a new session begins")
            screen.send("\x0c")
            screen.send(f"/search {sought}\r")
            screen.wait_for("Enter opens")
            screen.wait_for("alice: thing 6")
            screen.send("\r")
            screen.wait_for("\n".join(seen))
            ready(screen)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def test_sessions_come_in_and_go_out(home: Home, server: Server) -> None:
    """Every export format is written and read again; a script's file of people becomes their sessions."""
    home.connect(server.url)
    (home.folder / "script.json").write_text(
        json.dumps(
            {
                name: [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
                for name, question, answer in (("carol", "hi", "yo"), ("张三", "你好", "嗨"))
            }
        )
    )
    with home.chat(rows=40) as screen:
        say(screen, "keep this", "You said: keep this")
        for name in ("markdown", "json", "jsonl", "messages", "training", "html", "users"):
            say(screen, f"/export {name} out.{name}", f"saved as out.{name}")
            assert "keep this" in (home.folder / f"out.{name}").read_text()
        screen.send("/export json out.json\r")
        screen.wait_for("out.json exists; replace it?")
        screen.send("n\r")
        screen.wait_for("nothing was written")
        ready(screen)
        messages = json.loads((home.folder / "out.messages").read_text())
        assert messages[0] == {"role": "user", "content": "keep this"}
        say(screen, "/import out.json", "1 was here already")
        begin(screen, "dave")
        for name in ("markdown", "messages"):
            screen.send(f"/import out.{name}\r")
            screen.wait_for("came in")
            ready(screen, "dave")
            say(screen, "/resume 1", "You said: keep this", "dave")
            say(screen, "/new", "a new session begins", "dave")
        say(screen, "/import script.json", "2 sessions came in for carol, 张三", "dave")
        say(screen, "/import script.json", "2 were here already", "dave")
        screen.send("/user 张三\r")
        screen.wait_for("hello 张三")
        screen.send("/resume 1\r")
        screen.wait_for("张三 › 你好\n\n嗨")
        screen.send("/import missing.json\r")
        screen.wait_for("✗")
        assert "missing.json" in screen.text
        screen.send("\x04")
        assert screen.wait_for_exit() == 0


def begin(screen: Screen, user: str) -> None:
    """Let a new person chat."""
    screen.send(f"/user {user}\r")
    screen.wait_for(f"hello {user}, you are new here")
    ready(screen, user)


def test_a_long_conversation(home: Home, server: Server) -> None:
    """What no longer fits is left out and told once; a summary can stand for it; an overflow costs nothing."""
    home.connect(server.url, "[context]\nmax_turns = 2\n")
    with home.chat(rows=40) as screen:
        say(screen, "one", "You said: one")
        say(screen, "two", "You said: two")
        say(screen, "three", "no longer sent (2 left out)")
        assert sent(server) == ["two", "You said: two", "three"]
        say(screen, "/context", "context.max_turns is 2")
        say(screen, "four", "You said: four")
        assert screen.text.count("no longer sent") == 1
        server.script(reply("They counted."))
        screen.send("/compact\r")
        screen.wait_for("let this stand for")
        assert "They counted." in screen.text
        screen.send("y\r")
        screen.wait_for("the summary stands for")
        ready(screen)
        say(screen, "five", "You said: five")
        assert any("They counted." in words for words in sent(server))
        overflow = (
            "This model's maximum context length is 150 tokens. However, your messages resulted in 240 tokens."
        )
        server.script(refuse(400, overflow, code="context_length_exceeded"))
        screen.send("six " + "and more " * 80 + "\r")
        screen.wait_for("this message does not fit")
        screen.wait_for("too long to send")  # the message is in the prompt again, to be shortened


@pytest.mark.parametrize("key", ["\x1b", "\x03", "n\r"])
def test_a_summary_that_is_declined_changes_nothing(home: Home, server: Server, key: str) -> None:
    """Esc, Ctrl-C and "no" at the summary leave the conversation as it was: the model is sent all of it."""
    home.connect(server.url)
    with home.chat(rows=40) as screen:
        for word in ("one", "two", "three", "four"):
            say(screen, word, f"You said: {word}")
        server.script(reply("They counted."))
        screen.send("/compact\r")
        screen.wait_for("let this stand for")
        screen.send(key)
        screen.wait_for("nothing was changed")
        ready(screen)
        say(screen, "five", "You said: five")
    assert sent(server)[0] == "one"
    assert not any("They counted." in words for words in sent(server))


def test_a_filled_window_does_not_interrupt_who_types(home: Home, server: Server) -> None:
    """Whoever is typing when a reply ends goes on typing; the question about the full window waits a turn."""
    home.connect(server.url, "[context]\nreserve = 50\n[models.test-model]\ncontext = 900\n")
    server.default = lambda _request: reply("noted")
    with home.chat(rows=40) as screen:
        for number in ("one", "two", "three"):
            say(screen, f"{number} " * 120, "noted")
        gate = Gate()
        server.script(reply("begin ", gate, "end"))
        screen.send("four " * 450 + "\r")
        screen.wait_for("begin")
        screen.send("my next")
        screen.wait_for("alice › my next")
        gate.open()
        screen.wait_for("begin end")
        # The prompt stands again, the toolbar below it.
        screen.wait_for(lambda: re.search(r"^alice › my next\n.* · here/test-model", screen.text, re.MULTILINE))
        screen.send(" thought\r")
        screen.wait_for("let the model sum up the older turns?")
        assert asked(server)[-1].last_text == "my next thought"


def test_older_turns_are_summed_up_by_themselves(home: Home, server: Server) -> None:
    """With context.compact = "auto" a filled window is summed up, even if one long turn filled it at once."""
    settings = '[context]\ncompact = "auto"\nreserve = 50\n[models.test-model]\ncontext = 900\n'
    home.connect(server.url, settings)

    def answer(request: Recorded) -> Reply:
        asked_to_sum_up = "Answer with the summary only" in str(request.json["messages"][0]["content"])
        return reply("They counted.") if asked_to_sum_up else reply("noted")

    server.default = answer
    with home.chat(rows=40) as screen:
        for number in ("one", "two", "three"):
            say(screen, f"{number} " * 120, "noted")
        assert "summing up" not in screen.text
        screen.send("four " * 450 + "\r")
        screen.wait_for("a summary stands for 2 older turns (")
        assert "tokens)" in screen.text
        ready(screen)
        assert "They counted." not in screen.text
        say(screen, "/context", "summary")
        say(screen, "/undo", "the summary is taken back")


def test_a_summary_that_is_stopped_is_not_begun_again(home: Home, server: Server) -> None:
    """Esc at an automatic summary stops it for this session: it is told once, the reply stays, nothing is lost."""
    home.connect(server.url, '[context]\ncompact = "auto"\nreserve = 50\n[models.test-model]\ncontext = 900\n')
    gate = Gate()

    def answer(request: Recorded) -> Reply:
        asked_to_sum_up = "Answer with the summary only" in str(request.json["messages"][0]["content"])
        return reply("They ", gate, "counted.") if asked_to_sum_up else reply("noted")

    server.default = answer
    with home.chat(rows=40) as screen:
        for number in ("one", "two", "three"):
            say(screen, f"{number} " * 120, "noted")
        screen.send("four " * 450 + "\r")
        screen.wait_for("working · Esc stops")
        screen.send("\x1b")
        screen.wait_for("no summary: stopped")
        ready(screen)
        asked_before = len(asked(server))
        server.script(reply("the fifth is noted"))
        say(screen, "five", "the fifth is noted")
        assert len(asked(server)) == asked_before + 1
        assert asked(server)[-1].last_text == "five"
    gate.open()
    assert [record["type"] for record in home.journals()[-1]].count("summary") == 0
    assert [role for role, _text, _status in home.messages()] == ["user", "assistant"] * 5
