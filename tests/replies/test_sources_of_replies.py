"""The pages that a reply cites are listed under it, kept with it, and sent to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.commands.effects import Copy
from gptchat.core.replies.sources import CitedSource, merged, sources_of
from gptchat.manager import Send
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme
from gptchat.terminal.turn import paint
from tests.replies.shapes import OTHER, PAGE, sources
from tests.support.program import KEY, command, compose_program, effects, running, settings_for, turn
from tests.support.server import Server, say

SHAPES = sources()


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted model server."""
    with Server(key=KEY) as running:
        yield running


@pytest.mark.parametrize("shape", SHAPES)
def test_sources_are_kept_and_not_sent(server: Server, tmp_path: Path, shape: str) -> None:
    """However a server names the sources of a reply, they are kept with it in their order, and not sent back."""
    server.script(SHAPES[shape], say("next"))
    api = "responses" if shape.startswith("responses") else "chat"
    program = compose_program(tmp_path / "home", settings_for(server.url, api=f'"{api}"'))
    with running(program) as runner:
        runner.run(turn(program, Send("where?")))
        reply = program.services.manager.session.path()[-1]
        assert [source.url for source in sources_of(reply)] == [PAGE["url"], OTHER["url"]]
        assert [source.title for source in sources_of(reply)] == [PAGE["title"], OTHER["title"]]
        assert reply.text == "Blue [1], high [2]."
        journal = program.services.journals.path(program.services.manager.session)
        kept = [json.loads(line) for line in journal.read_text().splitlines()]
        assert [one["url"] for one in kept[-1]["sources"]] == [PAGE["url"], OTHER["url"]]
        runner.run(turn(program, Send("and?")))
    assert "lakes.example" not in server.requests[-1].body.decode()


def test_sources_are_listed_under_the_reply(server: Server, tmp_path: Path) -> None:
    """Below a reply stands `[1] title address` for each source; so in /copy, and in each export."""
    server.script(SHAPES["perplexity"])
    program = compose_program(tmp_path / "home", settings_for(server.url))
    line = f"[1] {PAGE['title']} {PAGE['url']}"
    with running(program) as runner:
        written: list[str] = []
        painter = Painter(
            written.append, size=lambda: (100, 24), theme=Theme("dark"), terminal=Terminal(is_tty=True, dumb=True)
        )
        routes = program.services.routing.routes()
        runner.run(paint(program.services.manager.run_turn(Send("where?"), routes), painter))
        shown = "".join(written)
        assert shown.index("Blue [1]") < shown.index(line) < shown.index("[2] Hills")
        (copied,) = runner.run(effects(program, "/copy"))
        assert isinstance(copied, Copy)
        assert line in copied.text
        for name in ("markdown", "html"):
            assert line in runner.run(command(program, f"/export {name} -"))
        out = tmp_path / "out.md"
        runner.run(command(program, f"/export {out}"))
        runner.run(command(program, "/user other", "y"))
        runner.run(command(program, f"/import {out}"))
        (info,) = program.services.library.list("other")
        again = program.services.journals.read("other", info.id).path()[-1]
        assert (again.text, len(sources_of(again))) == ("Blue [1], high [2].", 2)


def test_known_sources_are_completed() -> None:
    """The same address twice is one source; a title that comes later is added, and numbers never change."""
    first = [CitedSource("https://a.example"), CitedSource("https://b.example", "B")]
    more = [
        CitedSource("https://b.example", "other"),
        CitedSource("https://a.example", "A"),
        CitedSource("", "file"),
    ]
    assert merged(first, more) == [
        CitedSource("https://a.example", "A"),
        CitedSource("https://b.example", "B"),
        CitedSource("", "file"),
    ]
