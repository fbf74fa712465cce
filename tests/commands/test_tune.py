"""Training files from the chat, and fine-tuning jobs at the scripted server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gptchat import notices
from gptchat.commands.effects import Ask
from gptchat.commands.training.plot import plot
from gptchat.errors import BadRequestError, NotFoundError, UsageError
from gptchat.manager import Send
from tests.support.program import command, compose_program, data, effects, running, settings_for, shown, turn
from tests.support.remote import Remote
from tests.support.server import CUT, Server, refuse, say

AZURE = """
provider = "work"
[providers.work]
kind = "azure"
endpoint = "{root}"
api_version = "2024-10-21"
deployment = "d"
api_key_env = "TEST_KEY"
"""
EXAMPLE = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


def training_file(folder: Path, number: int = 10) -> Path:
    """A training file with a blank in its name."""
    path = folder / "my examples.jsonl"
    path.write_text((json.dumps(EXAMPLE) + "\n") * number)
    return path


def test_sessions_and_turns_are_chosen_and_told(tmp_path: Path, server: Server) -> None:
    """/export training writes chosen turns or sessions, with tokens, cost and what is left out."""
    config = settings_for(server.url, model='"gpt-4.1-mini"').replace("base_url", 'api = "chat"\nbase_url')
    program = compose_program(tmp_path, config, "--system", "Be kind.")
    out = tmp_path / "t.jsonl"
    with running(program) as loop:
        server.script(say("1"), say("2"))
        loop.run(turn(program, Send("one")))
        loop.run(turn(program, Send("two")))
        first = program.services.manager.session.id
        told = loop.run(effects(program, f"/export training {out} --turns 2"))
        [entry] = map(json.loads, out.read_text().splitlines())
        assert [one["content"] for one in entry["messages"]] == ["Be kind.", "two", "2"]
        assert "1 example" in shown(told)
        assert data(told)["examples"] == 1
        loop.run(effects(program, "/new"))
        server.script(say("partly", CUT))
        loop.run(turn(program, Send("three")))
        with pytest.raises(UsageError, match="fit for training") as caught:
            loop.run(effects(program, "/export training"))
        assert "failed or was cut off" in caught.value.hint
        assert "exists; replace" not in shown(loop.run(effects(program, f"/export training {out} --all", "y")))
        assert len(out.read_text().splitlines()) == 1
        assert "nothing was written" in shown(loop.run(effects(program, f"/export training {out} --all", "n")))
        folder = loop.run(effects(program, f"/export training {tmp_path} --session {first}"))
        assert Path(data(folder)["file"]).name.endswith(".jsonl")
        notices.forget()
        lines = data(loop.run(effects(program, "/export training --all")))
        assert len(json.loads(lines)["messages"]) == 5
        assert any("left out: 1 turn that failed or was cut off" in one for one in notices.take())
        for wrong in ("--turns x", "--turns 1 --all", "--turns", "t.jsonl --session nowhere", "/no/such/t.jsonl"):
            with pytest.raises(UsageError):
                loop.run(command(program, f"/export training {wrong} --session {first}"[:200]))


def test_an_incognito_session_is_left_out(tmp_path: Path, server: Server) -> None:
    """What is said in an incognito run goes into no training file."""
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as loop:
        with pytest.raises(UsageError, match="nothing has been said"):
            loop.run(command(program, "/export training"))
        server.script(say("1"))
        loop.run(turn(program, Send("one")))
        with pytest.raises(UsageError) as caught:
            loop.run(command(program, "/export training"))
        assert "1 incognito session" in caught.value.hint


def test_a_job_is_begun_shown_and_cancelled(tmp_path: Path, server: Server) -> None:
    """/tune create says tokens and cost, asks, sends the file and begins; list, show and cancel follow it."""
    server.remote = Remote()
    path = training_file(tmp_path)
    program = compose_program(tmp_path, settings_for(server.url, model='"gpt-4.1-mini"'))
    with running(program) as loop:
        assert "no fine-tuning jobs" in loop.run(command(program, "/tune"))
        told = loop.run(effects(program, f"/tune create {path} --model gpt-4o-mini --suffix mine --epochs 2", "y"))
        [ask] = [one for one in told if isinstance(one, Ask)]
        assert "my examples.jsonl to test and tune gpt-4o-mini" in ask.question
        assert "10 examples" in shown(told[:1])
        assert "2 epochs" in shown(told[:1])
        assert server.remote.files["file-1"] == ("my examples.jsonl", "fine-tune", path.read_bytes())
        asked: dict[str, Any] = server.remote.jobs["ftjob-1"]["asked"]
        assert (asked["model"], asked["suffix"], asked["training_file"]) == ("gpt-4o-mini", "mine", "file-1")
        assert asked["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2
        assert data(told)["job"] == "ftjob-1"
        assert "gpt-4o-mini" in loop.run(command(program, "/tune list"))
        server.remote.events["ftjob-1"] += [
            {"id": f"e{n}", "created_at": 1_790_000_000 + n, "level": "info", "message": f"Step {n}",
             "data": {"step": n, "train_loss": 2.0 / n}} for n in range(1, 130)
        ]  # fmt: skip
        server.remote.events["ftjob-1"].append(
            {"id": "w", "created_at": 1, "level": "warn", "message": "slow\x1b[2J"}
        )
        server.remote.jobs["ftjob-1"] |= {
            "status": "succeeded", "fine_tuned_model": "ft:gpt-4o-mini:o:mine:1", "trained_tokens": 1_000_000,
            "hyperparameters": {"n_epochs": 2}, "finished_at": 1_790_003_600,
        }  # fmt: skip
        found = loop.run(effects(program, "/tune show ftjob-1"))
        text = shown(found)
        assert "loss by step" in text
        assert "█" in text
        assert "/model ft:gpt-4o-mini:o:mine:1 uses it" in text
        assert "\x1b" not in text
        assert len(data(found)["events"]) == 131
        server.remote.jobs["ftjob-1"] |= {"status": "failed", "error": {"message": "too few"}}
        assert "failed: too few" in loop.run(command(program, "/tune show ftjob-1"))
        assert "ftjob-1 is cancelled" in loop.run(command(program, "/tune cancel ftjob-1"))
        with pytest.raises(NotFoundError, match="knows no job ftjob-9"):
            loop.run(command(program, "/tune show ftjob-9"))
        for wrong in ("/tune show", "/tune cancel"):
            with pytest.raises(UsageError, match="which job"):
                loop.run(command(program, wrong))


def test_nothing_is_sent_without_a_yes(tmp_path: Path, server: Server) -> None:
    """A declined question, an unfit file or wrong options send nothing; nobody to ask needs --yes."""
    server.remote = Remote()
    path = training_file(tmp_path)
    program = compose_program(tmp_path, settings_for(server.url))
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"messages": []}\n')
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with running(program) as loop:
        assert "nothing was sent" in loop.run(command(program, f"/tune create {path}", "n"))
        wrong = {
            f"{bad}": "line 1: there is no list of messages",
            f"{empty}": "has no examples",
            f"{tmp_path}/none": "cannot be read",
            "": "needs a file",
            f"{path} --epochs 99": "number from 1 to 50",
            f"{path} --what 1": "cannot be read",
        }
        for asked, words in wrong.items():
            with pytest.raises(UsageError, match=words):
                loop.run(command(program, f"/tune create {asked}"))
    alone = compose_program(tmp_path, "", attended=False)
    with running(alone) as loop:
        with pytest.raises(UsageError, match="costs money"):
            loop.run(command(alone, f"/tune create {path}", None))
        assert server.requests == []
        assert "ftjob-1" in loop.run(command(alone, f"/tune create --yes {path} --epochs auto"))
        assert "method" not in server.remote.jobs["ftjob-1"]["asked"]


def test_providers_without_fine_tuning_are_told(tmp_path: Path, server: Server) -> None:
    """Where the provider has no fine-tuning it is said so, with a way out."""
    for config in ('provider = "demo"\n', settings_for(server.url)):
        program = compose_program(tmp_path, config)
        with (
            running(program) as loop,
            pytest.raises((UsageError, NotFoundError), match="has no fine-tuning") as told,
        ):
            loop.run(command(program, "/tune list"))
        assert "/provider" in told.value.hint


def test_a_refusal_is_told_as_it_is_and_the_file_taken_back(tmp_path: Path, server: Server) -> None:
    """What the server refuses is told in its words; a file that it has by then is removed."""
    server.remote = Remote()
    path = training_file(tmp_path)
    program = compose_program(tmp_path, settings_for(server.url))
    server.answers["/fine_tuning/jobs"] = refuse(400, "model m cannot be tuned", param="model")
    with running(program) as loop:
        with pytest.raises(BadRequestError, match="cannot be tuned"):
            loop.run(command(program, f"/tune create {path}", "y"))
        assert server.remote.files == {}
        server.answers["/fine_tuning/jobs"] = refuse(404, "no model m", code="model_not_found")
        with pytest.raises(NotFoundError) as told:
            loop.run(command(program, f"/tune create {path}", "y"))
        assert "has no fine-tuning" not in told.value.message
        server.remote.refused = refuse(413, "too large")
        with pytest.raises(Exception, match="large"):
            loop.run(command(program, f"/tune create {path}", "y"))


def test_what_tuning_takes_is_noted(tmp_path: Path, server: Server) -> None:
    """The tokens of a job are in a session of their own, so that usage and the day's budget know them."""
    server.remote = Remote()
    path = training_file(tmp_path)
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        told = loop.run(effects(program, f"/tune create {path} --epochs 1", "y"))
        [journal] = (tmp_path / "data").rglob("sessions/*.jsonl")
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        [aside] = [one for one in records if one["type"] == "aside"]
        assert aside["usage"]["prompt_tokens"] == data(told)["tokens"]


def test_azure_speaks_the_same_dialect(tmp_path: Path, server: Server) -> None:
    """Fine-tuning works at Azure, with its version in each address."""
    server.remote = Remote()
    path = training_file(tmp_path)
    program = compose_program(tmp_path, AZURE.format(root=server.root))
    with running(program) as loop:
        assert "ftjob-1" in loop.run(command(program, f"/tune create {path} --model gpt-4o-mini", "y"))
    assert [one.target.partition("?")[0] for one in server.requests] == [
        "/openai/files",
        "/openai/fine_tuning/jobs",
    ]
    assert all("api-version=2024-10-21" in one.target for one in server.requests)


def test_a_plot_is_read_at_a_glance() -> None:
    """The plot of losses falls from the top to the bottom, with its scale and its first and last step."""
    rows = plot([(step, 100.0 / step) for step in range(1, 501)]).split("\n")
    assert len({len(row) for row in rows[-2:]}) == 1
    assert rows[0].lstrip().startswith("24.1 │█") or "│" in rows[0]
    assert rows[-1].split() == ["1", "500"]
    assert max(map(len, rows)) < 75
    assert plot([(1, 0.0), (2, 0.0)]).count("│") == 5
