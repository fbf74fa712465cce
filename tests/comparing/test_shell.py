"""The commands as they are typed and as the shell runs them: what is asked of whom, and what is printed."""

from __future__ import annotations

import json

import pytest

from gptchat.commands.effects import Run
from gptchat.commands.program import Program
from gptchat.errors import UsageError
from tests.support.program import command, effects, running
from tests.support.server import CUT, Server, say
from tests.surface.machine import Machine


@pytest.mark.parametrize(
    ("line", "models", "text"),
    [
        ("/compare m n why is it?", ("m", "n"), "why is it?"),
        ("/compare m n o why", ("m", "n", "o"), "why"),
        ("/compare m n test:x gpt-9 why", ("m", "n", "test:x", "gpt-9"), "why"),
        ("/compare m n -- o is a letter", ("m", "n"), "o is a letter"),
        ("/compare m n", ("m", "n"), ""),
        ('/compare "m" n “天空”', ("m", "n"), "“天空”"),
    ],
)
def test_what_is_compared(line: str, models: tuple[str, ...], text: str, program: Program, server: Server) -> None:
    """Two names come first, two more if they are known models; the rest is the message, and it was typed."""
    server.models = [{"id": "o"}]
    with running(program) as runner:
        [run] = runner.run(effects(program, line))
    assert isinstance(run, Run)
    assert (run.what, run.models, run.text.text, run.text.parts) == ("compare", models, text, ())


def test_a_server_without_a_list_is_no_trouble(program: Program, server: Server) -> None:
    """Where the models cannot be listed, what is not known is the message."""
    server.missing = ("/models",)
    with running(program) as runner:
        [run] = runner.run(effects(program, "/compare m n o why"))
    assert isinstance(run, Run)
    assert (run.models, run.text.text) == (("m", "n"), "o why")


def test_what_is_asked_of_another_model(program: Program, server: Server) -> None:
    """One message goes to the model that was named; a key is no name, and the session's model stays."""
    with running(program) as runner:
        [run] = runner.run(effects(program, "/ask test:n what do you think?"))
        assert isinstance(run, Run)
        assert (run.what, run.model, run.text.text) == ("send", "test:n", "what do you think?")
        with pytest.raises(UsageError):
            runner.run(command(program, "/ask sk-proj-0123456789abcdefghijklmnopqrstuvwxyz hello"))
        [run] = runner.run(effects(program, "/btw what is that?"))
        assert isinstance(run, Run)
        assert (run.what, run.text.text) == ("aside", "what is that?")
    assert program.services.routing.model() == "m"


def test_the_shell_prints_one_answer_after_the_other(machine: Machine) -> None:
    """Standard output has the answers under headings, in the order of the models; figures go to standard error."""
    result = machine.run("/compare", "m", "here:n", "why?")
    assert result.status == 0, result.err
    assert result.out == "## 1 · m\n\nI am m on why?\n\n## 2 · n\n\nI am n on why?\n"
    assert "m: 3 tokens" in result.err
    assert [one["role"] for one in machine.journals()[0] if one["type"] == "message"] == [
        "user", "assistant", "assistant",
    ]  # fmt: skip
    assert machine.journals()[0][0]["kind"] == "oneshot"


def test_a_failure_is_told_and_the_others_are_printed(machine: Machine, server: Server) -> None:
    """One model that fails is told on standard error; only where all fail the exit status says so."""
    result = machine.run("/compare", "bad", "n", "why?")
    assert result.status == 0
    assert "bad: here has no model “bad”" in result.err
    assert "I am n on why?" in result.out
    result = machine.run("/compare", "bad", "here:bad", "why?")
    assert result.status == 1
    assert "hint:" in result.err


def test_a_flagged_answer_is_told_and_not_printed(machine: Machine, server: Server) -> None:
    """An answer that moderation flags is left out, with the reason in its place."""
    server.flagged = ("I am m",)
    result = machine.run("-o", "moderation=output", "/compare", "m", "n", "why?")
    assert result.status == 0
    assert "I am m" not in result.out
    assert "it is not shown" in result.err
    found = machine.ask("-o", "moderation=output", "/compare", "m", "n", "why?")
    assert "reply" not in found["answers"][0]
    assert found["answers"][0]["error"]["kind"] == "content_filter"


def test_a_picture_stands_in_its_answer(machine: Machine, server: Server) -> None:
    """A picture that comes as data is kept, and the answer is printed as it was received."""
    server.default = lambda _request: say("here: ![x](data:image/png;base64,iVBORw0KGgo=) done")
    found = machine.ask("/compare", "m", "n", "draw")
    assert len(found["answers"][0]["files"]) == 1
    assert "done" in machine.run("/compare", "m", "n", "draw").out


def test_thinking_that_was_not_opened_is_not_printed_twice(machine: Machine, server: Server) -> None:
    """An answer whose beginning turns out to be thinking ends all the same."""
    server.default = lambda _request: say("hm, ", "</think>", "done")
    assert machine.run("/compare", "m", "n", "why?").out.count("done") == 2


def test_json_has_a_list(machine: Machine, server: Server) -> None:
    """`--json` prints one document with every answer or its error, and which one goes on."""
    found = machine.ask("/compare", "bad", "n", "why?")
    assert [one["asked"] for one in found["answers"]] == ["bad", "n"]
    assert found["answers"][0]["error"]["kind"] == "not_found"
    assert found["answers"][1]["reply"] == "I am n on why?"
    assert found["answers"][1]["usage"]["completion_tokens"] == 3
    assert found["chosen"] == 2
    assert found["session"] == machine.journals()[-1][0]["id"]
    server.default = lambda request: say("a part", CUT) if request.json["model"] == "m" else say("whole")
    found = machine.ask("/compare", "m", "n", "why?")
    assert (found["answers"][0]["reply"], found["answers"][0]["error"]["kind"]) == ("a part", "connection")
    assert found["chosen"] == 2


def test_the_last_question_of_the_latest_session(machine: Machine, server: Server) -> None:
    """Without a message the latest session's last question is answered again, and piped text is a message."""
    assert machine.run("/compare", "m", "n").status == 2
    assert machine.run("what is it?").status == 0
    result = machine.run("/compare", "n", "o")
    assert "I am n on what is it?" in result.out
    assert "what is it?" in result.err  # which session it is
    assert "data" in machine.run("/compare", "m", "n", "sum up", stdin=b"data").out


def test_a_question_aside_from_the_shell(machine: Machine, server: Server) -> None:
    """`/btw` sees the latest session and leaves it as it was; its reply is printed alone."""
    machine.run("one")
    result = machine.run("/btw", "by the way")
    assert result.out == "I am test-model on by the way"
    assert json.loads(server.requests[-1].body)["messages"][0]["content"] == "one"
    assert machine.ask("/history")[-1]["content"] == "I am test-model on one"


def test_one_turn_of_another_model_from_the_shell(machine: Machine) -> None:
    """`/ask` prints the reply of the model that was named."""
    assert machine.run("/ask", "n", "why?").out == "I am n on why?"
