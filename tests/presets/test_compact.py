"""/compact: a summary is weighed against what it stands for, and one that is no shorter is not used."""

from __future__ import annotations

import re

import pytest

from gptchat.core.compaction import fold
from gptchat.core.messages import Message
from tests.support.server import Recorded, Reply, Server, say
from tests.surface.machine import Machine

LONG = "and so on " * 60


@pytest.fixture
def talk(machine: Machine, server: Server) -> Machine:
    """A machine with a conversation of four turns."""
    machine.connect(server.url)
    machine.ask("one " * 40)
    for word in ("two", "three", "four"):
        machine.ask("-c", f"{word} " * 40)
    return machine


def test_both_figures_are_told(talk: Machine, server: Server) -> None:
    """What the turns took and what the summary takes stand beside each other, for people and for scripts."""
    server.script(say("They counted to four."))
    result = talk.run("-c", "/compact")
    assert result.status == 0, result.err
    figures = re.search(r"stands for 2 older turns \((?:≈ )?([\d,]+) → ([\d,]+) tokens\)", result.out)
    assert figures is not None, result.out
    before, after = (int(figure.replace(",", "")) for figure in figures.groups())
    assert after < before
    talk.ask("-c", "five " * 40)
    server.script(say("They counted to five."))
    document = talk.ask("-c", "/compact")
    assert document["summary"] == "They counted to five."
    assert 0 < document["tokens_after"] < document["tokens_before"]


def test_a_summary_that_is_no_shorter_is_refused(talk: Machine, server: Server) -> None:
    """A summary as long as the turns or longer changes nothing; both figures say why, and the status says so."""
    server.script(say(LONG * 3))
    result = talk.run("-c", "/compact")
    assert result.status == 1
    assert re.search(r"no shorter \((?:≈ )?[\d,]+ → [\d,]+ tokens\), so it is not used", result.err)
    assert "summary" not in [record["type"] for record in talk.journals()[-1]]


def test_an_automatic_summary_that_is_no_shorter_is_refused(machine: Machine, server: Server) -> None:
    """With context.compact = "auto" the same holds: it is told beside the reply, and every turn stays."""
    machine.connect(server.url, "[context]\ncompact = 'auto'\nreserve = 50\n[models.test-model]\ncontext = 900\n")

    def answer(request: Recorded) -> Reply:
        summing = "Answer with the summary only" in str(request.json["messages"][0]["content"])
        return say(LONG * 3) if summing else say("noted")

    server.default = answer
    machine.ask("one " * 120)
    for word in ("two", "three"):
        machine.ask("-c", f"{word} " * 120)
    result = machine.run("-c", "four " * 450)
    assert (result.status, result.out.strip()) == (0, "noted")
    assert "no summary: the summary is no shorter" in result.err
    assert "summary" not in [record["type"] for record in machine.journals()[-1]]


def test_short_turns_are_summed_up_in_few_words() -> None:
    """The model is asked for no more words than could be a gain; pinned messages are sent in any case."""
    path = [Message(role, "word " * 30, id=f"m{number}") for number, role in enumerate(["user", "assistant"] * 4)]

    def count(message: Message) -> int:
        return len(message.text.split())

    short = fold(path, count, 10_000)
    assert short is not None
    assert short.replaced == 120
    assert "shorter than 40 words" in short.messages[0].text
    pinned = fold(path, count, 10_000, pins=("m0",))
    assert pinned is not None
    assert pinned.replaced == 90
    again = fold(path, count, 10_000, summary="a b c", until="m1")
    assert again is not None
    assert again.replaced == 63
