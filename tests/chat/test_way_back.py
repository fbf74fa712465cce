"""The last line of a chat says how to come back to it, and the command does what the line says."""

from __future__ import annotations

import shlex
from pathlib import Path

from gptchat.cli import compose
from gptchat.commands.program import Program
from gptchat.config.flags import parse
from gptchat.core.ports import ONESHOT
from gptchat.manager import Send
from gptchat.terminal.invocation import open_asked
from gptchat.terminal.notices.way_back import way_back
from tests.chat.home import Home, say
from tests.support.program import command, compose_program, running, settings_for, turn
from tests.support.server import Server


def line(program: Program, folder: Path) -> str:
    """The last line of a chat that was started as `compose_program` does."""
    return way_back(program.services, parse(["--data-dir", str(folder / "data")]))


def opened(line: str, title: str) -> list[str]:
    """What the person said in the session that the command of a last line opens; `title` is named there."""
    program, *arguments = shlex.split(line.removesuffix(f" goes on with: {title}"))
    assert program == "gptchat"
    options = parse(arguments)
    services = compose(options, {}, attended=True).services
    assert open_asked(services, options)
    return [message.text for message in services.manager.session.path() if message.role == "user"]


def test_the_line_brings_back_the_conversation(tmp_path: Path, server: Server) -> None:
    """`-c` is named where it opens this conversation, `-s` where another is later; one-shots change nothing."""
    program = compose_program(tmp_path, settings_for(server.url))
    services = program.services
    with running(program) as loop:
        loop.run(turn(program, Send("about apples")))
        apples = services.manager.session.id
        assert line(program, tmp_path).endswith(" -c goes on with: about apples")
        services.profile.begin_session(kind=ONESHOT)
        loop.run(turn(program, Send("a question")))
        services.profile.open_session(apples)
        assert line(program, tmp_path).endswith(" -c goes on with: about apples")
        assert opened(line(program, tmp_path), "about apples") == ["about apples"]
        loop.run(command(program, "/new"))
        loop.run(turn(program, Send("about pears")))
        services.profile.open_session(apples)
        assert line(program, tmp_path).endswith(f" -s {apples} goes on with: about apples")
        assert opened(line(program, tmp_path), "about apples") == ["about apples"]


def test_a_one_shot_that_is_only_looked_at(tmp_path: Path, server: Server) -> None:
    """A one-shot opened in the chat is one until something is said; then `-c` goes on with it."""
    program = compose_program(tmp_path, settings_for(server.url))
    services = program.services
    with running(program) as loop:
        loop.run(turn(program, Send("a talk")))
        services.profile.begin_session(kind=ONESHOT)
        loop.run(turn(program, Send("a question")))
        id = services.manager.session.id
        assert line(program, tmp_path).endswith(f" -s {id} goes on with: a question")

        async def go_on() -> None:
            async for _event in services.conversation.say("why?"):
                pass

        loop.run(go_on())
        assert line(program, tmp_path).endswith(" -c goes on with: a question")
        assert opened(line(program, tmp_path), "a question") == ["a question", "why?"]


def test_no_line_that_is_not_true(tmp_path: Path, server: Server) -> None:
    """There is no line where nothing was said, and none where the session is gone; incognito says what is true."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        assert line(program, tmp_path) == ""
        loop.run(turn(program, Send("about apples")))
        program.services.library.delete("ann", program.services.manager.session.id)
        assert line(program, tmp_path) == ""
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as loop:
        assert line(program, tmp_path) == ""
        loop.run(turn(program, Send("about apples")))
        assert line(program, tmp_path) == "incognito: nothing of this conversation is saved"


def test_the_line_names_folders_and_people(tmp_path: Path, server: Server) -> None:
    """The command names the data folder and the user where the next run would take others."""
    program = compose_program(tmp_path / "a b", settings_for(server.url), "-u", "Ann Lee")
    with running(program) as loop:
        loop.run(turn(program, Send("about apples")))
        compose_program(tmp_path / "a b", "", "-u", "bob").services.people.switch("bob")  # who comes next
        told = line(program, tmp_path / "a b")
    assert told == f"gptchat --data-dir '{tmp_path}/a b/data' -u 'Ann Lee' -c goes on with: about apples"
    assert opened(told, "about apples") == ["about apples"]


def test_leaving_says_how_to_come_back(home: Home, server: Server) -> None:
    """The line is the last that the chat prints, in the language of the chat."""
    home.connect(server.url)
    with home.chat("--lang", "zh") as screen:
        say(screen, "苹果", "You said: 苹果")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
        assert "\n".join(screen.transcript).rstrip().endswith("\ngptchat -c 继续：苹果")
