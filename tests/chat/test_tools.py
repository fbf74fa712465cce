"""Conversations with tools at the keyboard: what a person sees of a call, decides about it, and finds again."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.chat.home import Home, asked, ready
from tests.support.replies import Gate, Reply
from tests.support.screen import Screen
from tests.support.server import Server, say

BOX = "tests.support.toolbox"


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> Reply:
    """A reply that calls tools."""
    listed = [
        {"id": f"c{number}", "function": {"name": name, "arguments": json.dumps(given, ensure_ascii=False)}}
        for number, (name, given) in enumerate(wanted)
    ]
    return Reply((text,) if text else (), calls=listed, finish="tool_calls")


def chat(home: Home, server: Server, *replies: Reply, **more: Any) -> Screen:
    """The chat with a box of tools, and a model that answers with `replies`."""
    home.connect(server.url)
    server.script(*replies)
    return home.chat(program=BOX, **more)


def results(server: Server) -> list[str]:
    """The results of calls in the last request."""
    return [one["content"] for one in asked(server)[-1].json["messages"] if one["role"] == "tool"]


def test_a_call_that_may_run(home: Home, server: Server) -> None:
    """A call that may run is shown with its result, between the texts, and again when the session is resumed."""
    replies = (
        calls(("weather", {"city": "Oslo"}), ("weather", {"city": "Mars"}), text="I'll *look*."),
        say("It is cold."),
    )
    with chat(home, server, *replies) as screen:
        screen.send("how cold?\r")
        screen.wait_for("It is cold.")
        ready(screen)
        shown = [
            "I'll look.", "", '▸ weather(city="Oslo") · only reads · python tools.py',
            "  ✓ 17 B · 5 tokens · 3 °C, light rain",
            '▸ weather(city="Mars") · only reads · python tools.py',
            "  ✗ failed · 20 B · 6 tokens · no such town: 'Mars'", "", "It is cold.",
        ]  # fmt: skip
        text = "\n".join(screen.transcript)
        for line in shown:
            assert line in text
        assert results(server) == ["3 °C, light rain", "no such town: 'Mars'"]
        screen.send(b"\x0f")
        screen.wait_for("▸ 2")
        ready(screen)
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
    with home.chat("-c", program=BOX) as screen:
        screen.wait_for('▸ weather(city="Oslo")\n  ✓ 17 B · 3 °C, light rain\n▸ weather(city="Mars")')


@pytest.mark.parametrize(("answer", "told"), [("y", "removed"), ("n too dear", "too dear")])
def test_a_person_is_asked(home: Home, server: Server, answer: str, told: str) -> None:
    """A call that changes things waits for the answer; the model learns what came of it, and why not."""
    with chat(home, server, calls(("remove", {"city": "Oslo"})), say("Well.")) as screen:
        screen.send("remove it\r")
        screen.wait_for("› [n]")
        assert len(asked(server)) == 1
        screen.send(answer + "\r")
        screen.wait_for("Well.")
        ready(screen)
    assert told in results(server)[0]
    assert ("removed" in results(server)[0]) == (answer == "y")


def test_always_holds_for_the_session(home: Home, server: Server) -> None:
    """After `a` the tool is not asked about again in this session; one that always asks has no `a`."""
    with chat(
        home, server, *[calls(("remove", {"city": "Oslo"})), say("Done.")] * 2, calls(("run", {}))
    ) as screen:
        screen.send("one\r")
        screen.wait_for("always in this session")
        screen.send("a\r")
        screen.wait_for("Done.")
        ready(screen)
        screen.send("two\r")
        screen.wait_for(lambda: screen.text.count("Done.") == 2)
        ready(screen)
        screen.send(b"\x0c")
        screen.send("three\r")
        screen.wait_for("run run()?")
        screen.wait_for("edit the arguments")
        assert "always" not in screen.text


def test_escape_stops_the_turn(home: Home, server: Server) -> None:
    """Esc at the question stops the turn: nothing ran, nothing more is sent, and the prompt stands again."""
    with chat(home, server, calls(("remove", {"city": "Oslo"}))) as screen:
        screen.send("remove it\r")
        screen.wait_for("› [n]")
        screen.send(b"\x1b")
        screen.wait_for("stopped")
        ready(screen)
    assert len(asked(server)) == 1
    assert "removed" not in json.dumps(home.journals())


def test_edited_arguments(home: Home, server: Server) -> None:
    """`e` puts the arguments on the line; the call runs with what is there, and the model is told."""
    with chat(home, server, calls(("remove", {"city": "Oslo"})), say("Well.")) as screen:
        screen.send("remove it\r")
        screen.wait_for("› [n]")
        screen.send("e\r")
        screen.wait_for('{"city": "Oslo"}')
        screen.send(b"\x15" + b'{"city": \r')
        screen.wait_for("your text is kept")
        screen.send(b"\x15" + b'{"city": "Rome"}\r')
        screen.wait_for('remove(city="Rome")?')
        screen.send("y\r")
        screen.wait_for("Well.")
    assert results(server)[0].endswith("removed {'city': 'Rome'}")
    assert "the user changed the arguments" in results(server)[0]


def test_what_is_typed_ahead_is_no_answer(home: Home, server: Server) -> None:
    """Keys from before the question are the draft, a line sent then waits, and neither answers it."""
    gate = Gate()
    first = Reply(("Wait", gate), calls=calls(("remove", {"city": "Oslo"})).calls, finish="tool_calls")
    with chat(home, server, first, say("Well."), say("Next.")) as screen:
        screen.send("remove it\r")
        screen.wait_for("Wait")
        screen.send("y\r")
        screen.wait_for("1 message waits")
        screen.send("yes")
        gate.open()
        screen.send(" or no")
        screen.wait_for("› [n]")
        assert len(asked(server)) == 1
        screen.send("n no\r")
        screen.wait_for("Next.")
        screen.wait_for("alice › yes or no")
    assert results(server)[0] == "the user declined this call: no"
    assert [one for one in home.messages() if one[0] == "user"] == [("user", "remove it", ""), ("user", "y", "")]


def test_a_paste_is_no_answer(home: Home, server: Server) -> None:
    """A paste at the question does not answer it, whatever it says; it is in the prompt afterwards."""
    with chat(home, server, calls(("remove", {"city": "Oslo"})), say("Well.")) as screen:
        screen.send("remove it\r")
        screen.wait_for("› [n]")
        screen.paste("y\n")
        screen.send("n no\r")
        screen.wait_for("Well.")
        screen.wait_for("alice › y")
    assert results(server)[0] == "the user declined this call: no"


def test_leaving_at_the_question(home: Home, server: Server) -> None:
    """Ctrl-D at the question leaves; the call did not run."""
    with chat(home, server, calls(("remove", {"city": "Oslo"}))) as screen:
        screen.send("remove it\r")
        screen.wait_for("› [n]")
        screen.send(b"\x04")
        assert screen.wait_for_exit() == 0
    assert "removed" not in json.dumps(home.journals())


def test_a_running_call_shows_its_time(home: Home, server: Server) -> None:
    """A call that takes long shows a spinner, its seconds and what it tells; Esc stops it."""
    with chat(home, server, calls(("wait", {"city": "Oslo"}))) as screen:
        screen.send("wait\r")
        screen.wait_for("1 s · half way")
        screen.send(b"\x1b")
        screen.wait_for("■ interrupted")
        ready(screen)


def test_a_dumb_terminal(home: Home, server: Server) -> None:
    """On a dumb terminal calls are asked about and told line by line."""
    dumb = {"TERM": "dumb"}
    replies = calls(("remove", {"city": "Oslo"})), say("Well.")
    with chat(home, server, *replies, environment=dumb) as screen:
        screen.send("remove it\n")
        screen.wait_for("› [n]")
        screen.send("y\n")
        screen.wait_for("Well.")
        assert "  ✓ " in screen.text
    assert results(server)[0] == "removed {'city': 'Oslo'}"


def test_one_shot(home: Home, server: Server) -> None:
    """From the shell standard output is the reply alone; calls, and how a denied one may run, go elsewhere."""
    home.connect(server.url)
    server.script(
        calls(("weather", {"city": "Oslo"}), ("remove", {"city": "Oslo"}), text="Looking."), say("Cold.")
    )
    run = home.ask("how cold?", program=BOX)
    assert (run.returncode, run.stdout) == (0, "Looking.\n\nCold.")
    assert '▸ weather(city="Oslo")\n  ✓ 17 B' in run.stderr
    assert "⊘ not run" in run.stderr
    assert "--approve always" in run.stderr
    assert "/tools allow" in run.stderr


def test_one_shot_as_json(home: Home, server: Server) -> None:
    """`--json` lists the calls with their results, and `--approve always` lets them run."""
    home.connect(server.url)
    server.script(calls(("remove", {"city": "Oslo"})), say("Gone."))
    run = home.ask("--json", "--approve", "always", "remove it", program=BOX)
    document = json.loads(run.stdout)
    assert document["reply"] == "Gone."
    (call,) = document["tools"]
    assert (call["name"], call["arguments"], call["outcome"]) == ("remove", {"city": "Oslo"}, "done")
    assert call["result"] == "removed {'city': 'Oslo'}"


def test_one_shot_replays_calls(home: Home, server: Server) -> None:
    """`/history`, `/resume` and `/tools N` tell the calls in the shell as well."""
    home.connect(server.url)
    server.script(calls(("weather", {"city": "Oslo"})), say("Cold."))
    home.ask("how cold?", program=BOX)
    assert 'weather(city="Oslo")' in home.ask("/history", "--last").stdout.replace("\n", "")
    whole = home.ask("--json", "/tools", "1", program=BOX)
    assert json.loads(whole.stdout)["result"] == "3 °C, light rain"


def test_chinese(home: Home, server: Server) -> None:
    """The question and the results are told in Chinese, and Chinese answers are understood."""
    replies = calls(("remove", {"city": "上海"})), say("好。")
    with chat(home, server, *replies, environment={"LANG": "zh_CN.UTF-8"}) as screen:
        screen.send("删除\r")
        screen.wait_for("› [n]")
        screen.send("否 太贵了\r")
        screen.wait_for("好。")
    assert results(server)[0] == "the user declined this call: 太贵了"


def test_one_shot_at_a_terminal(home: Home, server: Server) -> None:
    """At a terminal a one-shot run asks as well; what was typed before the question does not answer it."""
    home.connect(server.url)
    gate = Gate()
    first = Reply(("Wait", gate), calls=calls(("remove", {"city": "Oslo"})).calls, finish="tool_calls")
    server.script(first, say("Well."))
    argv = [sys.executable, "-m", BOX, "remove it"]
    with Screen.spawn(argv, home.environment, 24, 80, cwd=home.folder) as screen:
        screen.wait_for("Wait")
        screen.send("y\n")
        screen.wait_for("y")
        gate.open()
        screen.wait_for("[y/a/n/e/Esc] (n):")
        assert len(asked(server)) == 1
        screen.send("n too dear\n")
        screen.wait_for("Well.")
        assert screen.wait_for_exit() == 0
    assert results(server) == ["the user declined this call: too dear"]
