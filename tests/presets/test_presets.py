"""Presets: their variables are filled before anything is sent, and what is in force is kept as a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gptchat.errors import ConfigurationError, UsageError
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, data, effects, running, settings_for
from tests.support.server import Server, say
from tests.surface.machine import Machine

PRESETS = """
[presets.translator]
system = 'To {language}: {text}. As JSON: {"a": 1}, {{ stays }}.'
temperature = 0.2
[presets.plain]
system = "Be brief."
"""


def connected(machine: Machine, server: Server, more: str = "") -> None:
    """Connect `machine` to the server, with the presets above."""
    machine.connect(server.url, more)
    machine.configure(machine.config.read_text() + PRESETS)


def system_of(request: Any) -> str:
    """The system prompt of a request."""
    first = request.json["messages"][0]
    assert first["role"] == "system"
    return str(first["content"])


def test_a_preset_is_filled_from_the_shell(machine: Machine, server: Server) -> None:
    """`--var` fills the preset, `{text}` is the message, and braces of code go out as they are."""
    connected(machine, server)
    machine.ask("--preset", "translator", "--var", "language=French", "good morning")
    assert system_of(server.requests[-1]) == 'To French: good morning. As JSON: {"a": 1}, {{ stays }}.'
    assert server.requests[-1].json["messages"][-1]["content"] == "good morning"
    assert server.requests[-1].json["temperature"] == 0.2
    machine.ask("-c", "good night")  # the session keeps its preset and the values
    assert system_of(server.requests[-1]).startswith("To French: good night.")
    machine.connect(server.url)  # without the preset
    machine.ask("-c", "and now")
    assert system_of(server.requests[-1]).startswith("To French: {text}.")


def test_standard_input_fills_input(machine: Machine, server: Server) -> None:
    """`{input}` is standard input, which then does not follow the message a second time."""
    machine.connect(server.url)
    machine.configure(machine.config.read_text() + '[presets.sum]\nsystem = "About: {input}"\n')
    machine.ask("--preset", "sum", "in one line", stdin=b"a long text\n")
    assert system_of(server.requests[-1]) == "About: a long text"
    assert server.requests[-1].json["messages"][-1]["content"] == "in one line"
    machine.ask("--preset", "sum", stdin=b"alone\n")
    assert system_of(server.requests[-1]) == "About: alone"
    assert server.requests[-1].json["messages"][-1]["content"] == "alone"


def test_a_missing_value_is_told_before_anything_is_sent(machine: Machine, server: Server) -> None:
    """A preset without a value for a variable sends nothing, and says what to write."""
    connected(machine, server)
    result = machine.run("--preset", "translator", "hello")
    assert result.status == 2
    assert "translator needs a value for {language}" in result.err
    assert "--var language=VALUE" in result.err
    assert machine.run("/preset", "translator").status == 2
    assert machine.run("--var", "language", "hello").status == 2
    assert not server.requests


def test_values_from_the_settings_fill_a_preset(machine: Machine, server: Server) -> None:
    """`vars` of the settings file are values for every preset; `--var` goes before them."""
    connected(machine, server, 'vars = {language = "German", tone = "kind"}')
    machine.ask("--preset", "translator", "x")
    assert system_of(server.requests[-1]).startswith("To German: x.")
    machine.ask("--preset", "translator", "--var", "language=Dutch", "x")
    assert system_of(server.requests[-1]).startswith("To Dutch: x.")
    assert "tone" not in str(machine.journals()[-1][0]["settings"])


def test_the_chat_asks_for_what_is_missing(tmp_path: Path) -> None:
    """/preset NAME asks for each missing value; Enter alone leaves the braces, Esc leaves everything as it was."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRESETS)
        with running(program) as runner:
            assert "nothing was changed" in runner.run(command(program, "/preset translator", None))
            assert program.services.settings.chat.preset == ""
            runner.run(command(program, "/preset translator", "Greek"))
            runner.run(FrontEnd().drive(program.services.conversation.say("hi")))
            assert system_of(server.requests[-1]).startswith("To Greek: hi.")
            runner.run(FrontEnd().drive(program.services.conversation.retry()))
            assert system_of(server.requests[-1]).startswith("To Greek: hi.")
            runner.run(command(program, "/preset translator language=Latin"))
            runner.run(command(program, "/preset translator Old Norse"))
            runner.run(FrontEnd().drive(program.services.conversation.say("ho")))
            assert system_of(server.requests[-1]).startswith("To Old Norse: ho.")
            runner.run(command(program, "/preset none"))
            runner.run(FrontEnd().drive(program.services.conversation.say("he")))
            assert server.requests[-1].json["messages"][0]["role"] == "user"
            with pytest.raises(UsageError, match="does not know what to do with"):
                runner.run(command(program, "/preset plain French"))


def test_a_typed_system_prompt_is_no_template(tmp_path: Path) -> None:
    """What /system sets is sent as it was typed, braces and all, under a preset too."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRESETS)
        with running(program) as runner:
            runner.run(command(program, "/preset translator language=Greek"))
            runner.run(command(program, "/system say {text} and {nothing}"))
            runner.run(FrontEnd().drive(program.services.conversation.say("hi")))
    assert system_of(server.requests[-1]) == "say {text} and {nothing}"


def test_what_is_in_force_is_saved_as_a_preset(machine: Machine, server: Server) -> None:
    """/preset save keeps model, system prompt and parameters for the same person, for later runs."""
    machine.connect(server.url)
    server.script(say("hello"))
    machine.ask("-m", "other-model", "-o", "temperature=0.3", "--system", "Speak {language}.", "hi")
    saved = machine.ask("-c", "/preset", "save", "mine")
    assert saved["saved"] == {"system": "Speak {language}.", "model": "other-model", "temperature": 0.3}
    server.script(say("salut"))
    machine.ask("--preset", "mine", "--var", "language=French", "hi")
    body = server.requests[-1].json
    assert (body["model"], body["temperature"]) == ("other-model", 0.3)
    assert system_of(server.requests[-1]) == "Speak French."
    assert machine.ask("/preset") == ["mine"]
    assert machine.ask("/preset", "show", "mine")["temperature"] == 0.3
    assert machine.ask("/preset", "remove", "mine") == {"removed": "mine"}
    assert machine.ask("/preset") == []
    assert machine.run("--preset", "mine", "hi").status == 2


def test_a_saved_preset_replaces_one_only_by_consent(tmp_path: Path) -> None:
    """A second save under the same name asks first, and nothing of the earlier preset is left in it."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRESETS)
        with running(program) as runner:
            runner.run(command(program, "/set temperature 0.3"))
            runner.run(command(program, "/preset save mine"))
            runner.run(command(program, "/unset temperature"))
            runner.run(command(program, "/preset save mine", "n"))
            assert program.services.settings.preset("mine")["temperature"] == 0.3
            runner.run(command(program, "/preset save mine", "y"))
            assert "temperature" not in program.services.settings.preset("mine")
            with pytest.raises(UsageError, match="is a preset already"):
                runner.run(command(program, "/preset save translator"))
            for wrong in ("save", "none", "a b", "../x", "-"):
                with pytest.raises(UsageError, match="cannot be called"):
                    runner.run(command(program, f"/preset save {wrong}"))


def test_a_preset_of_the_settings_file_is_removed_by_consent(tmp_path: Path) -> None:
    """/preset remove takes a preset out of the settings file when told to, and leaves the rest of it alone."""
    program = compose_program(tmp_path, 'provider = "demo"\n# mine\n' + PRESETS)
    file = tmp_path / "config.toml"
    before = file.read_text()
    with running(program) as runner:
        runner.run(command(program, "/preset translator language=x"))
        runner.run(command(program, "/preset remove translator", "n"))
        assert file.read_text() == before
        assert "no longer in use" in runner.run(command(program, "/preset remove translator", "y"))
        assert data(runner.run(effects(program, "/preset"))) == ["plain"]
        with pytest.raises(ConfigurationError, match="unknown preset"):
            runner.run(command(program, "/preset remove translator"))
    assert "translator" not in file.read_text()
    assert "# mine" in file.read_text()
    assert "[presets.plain]" in file.read_text()


def test_a_script_is_told_that_a_preset_stays(machine: Machine, server: Server) -> None:
    """Where nobody can be asked, removing a preset of the settings file fails, and `--yes` removes it."""
    connected(machine, server)
    kept = machine.run("/preset", "remove", "translator")
    assert kept.status == 2
    assert "--yes" in kept.err
    assert "translator" in machine.config.read_text()
    assert machine.run("/preset", "--yes", "remove", "translator").status == 0
    assert "translator" not in machine.config.read_text()


def test_a_preset_keeps_to_its_person(machine: Machine, server: Server) -> None:
    """What one person saves as a preset is not another's."""
    machine.connect(server.url, 'system = "Be kind."')
    machine.ask("-u", "ann", "--create-user", "/preset", "save", "mine")
    assert machine.ask("-u", "ann", "/preset") == ["mine"]
    assert machine.ask("-u", "bob", "--create-user", "/preset") == []
