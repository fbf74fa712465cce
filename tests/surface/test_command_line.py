"""The command line: what is asked, whom, with which settings, and what comes back."""

from __future__ import annotations

import json

import pytest

from gptchat import __version__
from tests.support.server import Server, say
from tests.surface.machine import Machine, sent

REPLY_KEYS = [
    "reply", "reasoning", "user", "session", "provider", "model", "finish_reason", "usage", "cost_usd", "seconds",
]  # fmt: skip


def test_one_question_one_answer(connected: Machine, server: Server) -> None:
    """Words of the command line are one question; a pipe gets the reply as received and nothing else."""
    server.script(say("**Hi**\n"))
    result = connected.run("what", "is", "this?")
    assert (result.status, result.out, result.err) == (0, "**Hi**\n", "")
    assert sent(server.requests[0]) == [{"role": "user", "content": "what is this?"}]


def test_the_answer_as_json(connected: Machine, server: Server) -> None:
    """`--json` prints one document with exactly the promised keys, streamed or not."""
    server.script(*[say("Hello", reasoning=("thinking",))] * 2)
    for extra in ((), ("--no-stream",)):
        document = connected.ask(*extra, "hi")
        assert list(document) == REPLY_KEYS
        assert list(document["usage"]) == ["prompt_tokens", "completion_tokens", "total_tokens", "estimated"]
        assert (document["reply"], document["reasoning"]) == ("Hello", "thinking")
        assert (document["user"], document["provider"], document["model"]) == ("alice", "here", "test-model")
    assert [request.json.get("stream", False) for request in server.requests] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "stdin", "question"),
    [
        ((), b"piped\n", "piped"),
        (("-",), b"piped\n", "piped"),
        (("explain",), b"piped\n", "explain\n\npiped"),
        (("explain",), b"", "explain"),
        (("explain",), b" \n\n", "explain"),
        ((), b"one\r\ntwo\r\n", "one\ntwo"),
        ((), b"\xef\xbb\xbfwith a mark", "with a mark"),
        ((), "你好".encode("gb18030"), "你好"),
        ((), b"/delete 1\n", "/delete 1"),
        ((), b"look at @config.toml", "look at @config.toml"),
        (("--", "--json", "-x"), b"", "--json -x"),
        (("//text",), b"", "/text"),
        (("/usr/bin/env is missing",), b"in the log", "/usr/bin/env is missing\n\nin the log"),
        (("exit",), b"", "exit"),
    ],
)
def test_what_is_asked(
    arguments: tuple[str, ...], stdin: bytes, question: str, connected: Machine, server: Server
) -> None:
    """The prompt comes first, standard input follows after a blank line, and what is piped is never obeyed."""
    (connected.folder / "config.toml").write_text("not to be read")
    assert connected.run(*arguments, stdin=stdin).status == 0
    assert sent(server.requests[0])[-1]["content"] == question


def test_standard_input_that_is_no_text(connected: Machine, server: Server) -> None:
    """A picture piped in by mistake is refused with the way to attach it, and nothing is sent."""
    result = connected.run("what is this?", stdin=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert result.status == 2
    assert "-a" in result.told[1]
    assert server.requests == []


def test_a_long_text_is_piped(connected: Machine, server: Server) -> None:
    """A long file can be piped in whole."""
    text = "many words here\n" * 20_000
    connected.run("-o", "models.test-model.context=1000000", "sum up", stdin=text.encode())
    assert sent(server.requests[0])[-1]["content"] == f"sum up\n\n{text}".rstrip("\n")


def test_every_setting_can_be_given_for_one_run(connected: Machine, server: Server) -> None:
    """`-o` and `--set` take any setting, as often as wanted, in the notation of the file or plain."""
    arguments = ["-o", "temperature=0.2", "--set", "top_p=0.9", "-o", "max_tokens=800", "--set=seed=7"]
    arguments += ["-o", 'stop=["a", "b"]', "-o", "frequency_penalty=0.1", "-o", "presence_penalty=-0.1"]
    assert connected.run(*arguments, "hi").status == 0
    body = server.requests[0].json
    assert {key: body[key] for key in ("temperature", "top_p", "seed", "stop")} == {
        "temperature": 0.2,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["a", "b"],
    }
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 800
    assert (body["frequency_penalty"], body["presence_penalty"]) == (0.1, -0.1)
    connected.run("hi again")
    assert "temperature" not in server.requests[1].json


def test_a_provider_of_one_run(machine: Machine, server: Server) -> None:
    """`-o` can make a provider for one run, with nothing in any file."""
    options = ["-o", "providers.mine.kind=compatible", "-o", f"providers.mine.base_url={server.url}", "-p", "mine"]
    assert machine.ask(*options, "-m", "any", "hi")["provider"] == "mine"


def test_short_options_are_the_long_ones(connected: Machine, server: Server) -> None:
    """Each short option does what its long form does."""
    (connected.folder / "a.txt").write_text("alpha")
    (connected.folder / "b.txt").write_text("beta")
    files = {"-a": "a.txt", "--attach": "b.txt"}
    connected.run(
        "-u",
        "bob",
        "--create-user",
        "-p",
        "here",
        "-m",
        "m1",
        "-a",
        files["-a"],
        "--attach",
        files["--attach"],
        "hi",
    )
    connected.run("--user", "bob", "--provider", "here", "--model", "m2", "-c", "more")
    connected.run("--user=bob", "--continue", "--model=m3", "and more")
    connected.run("-u", "bob", "-s", "1", "last")
    assert [request.json["model"] for request in server.requests][:3] == ["m1", "m2", "m3"]
    first = str(sent(server.requests[0])[0]["content"])
    assert "alpha" in first
    assert "beta" in first
    assert [len(sent(request)) for request in server.requests] == [1, 3, 5, 7]
    assert len(connected.journals("bob")) == 1


def test_a_system_prompt_goes_before_the_session_s(connected: Machine, server: Server) -> None:
    """`--system` holds in a new session, and in one that is opened again."""
    connected.run("--system", "Be brief", "hi")
    connected.run("-c", "--system", "Be long", "more")
    assert [sent(request)[0] for request in server.requests] == [
        {"role": "system", "content": "Be brief"},
        {"role": "system", "content": "Be long"},
    ]


def test_a_preset_is_a_bundle(connected: Machine, server: Server) -> None:
    """`--preset` brings its system prompt and its parameters, and a flag goes before it."""
    connected.connect(server.url, more='[presets.translator]\nsystem = "Translate"\ntemperature = 0.2\n')
    connected.run("--preset", "translator", "hi")
    connected.run("--preset", "translator", "-o", "temperature=0.9", "hi")
    assert [request.json["temperature"] for request in server.requests] == [0.2, 0.9]
    assert [sent(request)[0]["content"] for request in server.requests] == ["Translate", "Translate"]


def test_the_system_prompt_that_was_asked_for_goes_before_a_preset_s(connected: Machine, server: Server) -> None:
    """`--system` and `/system` hold beside a preset and an older prompt, now and in the resumed session."""
    connected.connect(server.url, more='[presets.translator]\nsystem = "Translate"\ntemperature = 0.2\n')
    preset = ("--preset", "translator")
    connected.run(*preset, "--system", "Mine", "one")
    connected.run("-c", "two")
    connected.run("-c", *preset, "--system", "Other", "three")
    connected.ask("-c", *preset, "/system", "Third")
    connected.run("-c", "four")
    assert [sent(request)[0]["content"] for request in server.requests] == ["Mine", "Mine", "Other", "Third"]
    assert [request.json["temperature"] for request in server.requests] == [0.2] * 4


def test_a_session_is_named_in_any_way(connected: Machine) -> None:
    """`-s` takes an id, a unique beginning of one, a number in the list, or words of the title."""
    first = connected.ask("tell me of tax returns")["session"]
    second = connected.ask("tell me of the sea")["session"]
    beginning = next(first[:end] for end in range(len(first)) if not second.startswith(first[:end]))
    for reference in (first, beginning, "2", "tax returns"):
        assert connected.ask("-s", reference, "/status")["session"] == first
    ambiguous = connected.run("-s", "tell me", "/status")
    assert ambiguous.status == 2
    assert first in ambiguous.told[0]


@pytest.mark.parametrize("reference", ["", " "])
def test_an_empty_session_is_none(reference: str, connected: Machine, server: Server) -> None:
    """An empty `--session`, such as a script's unset variable, is refused instead of beginning another session."""
    result = connected.run("-s", reference, "and then?")
    assert result.status == 2
    assert result.told[0].endswith("-s/--session needs a value")
    assert server.requests == []


def test_a_slash_command_gets_its_words_as_typed(connected: Machine) -> None:
    """Words of a slash command that look like options stay where they were typed, wherever ours stand."""
    connected.run("hello")
    for arguments in (["-c", "/rename", "Rome", "--day", "two"], ["/rename", "Rome", "-c", "--day", "--", "two"]):
        assert connected.ask(*arguments) == {"title": "Rome --day two"}


def test_incognito_leaves_nothing(connected: Machine) -> None:
    """A run with `--incognito` answers, and no word of it and no name is on disk."""
    result = connected.run("--incognito", "-u", "mallory", "a very secret word")
    assert result.status == 0
    files = [path for path in connected.folder.rglob("*") if path.is_file() and path != connected.config]
    assert not any("mallory" in str(path) or b"secret" in path.read_bytes() for path in files)


def test_the_places_can_be_chosen(connected: Machine, server: Server) -> None:
    """Flags go before GPTCHAT_ variables, and these before the platform's own places and the file's values."""
    folder = connected.folder
    text = connected.config.read_text(encoding="utf-8")
    for name in ("variable", "flag"):
        (folder / f"{name}.toml").write_text(text.replace("test-model", f"{name}-model"), encoding="utf-8")
    connected.set(GPTCHAT_CONFIG=str(folder / "variable.toml"), GPTCHAT_DATA_DIR=str(folder / "v"))
    connected.set(GPTCHAT_USER="vera")
    assert connected.ask("hi")["model"] == "variable-model"
    assert (folder / "v" / "users" / "vera").is_dir()
    arguments = [
        "--config",
        str(folder / "flag.toml"),
        "--data-dir",
        str(folder / "f"),
        "-u",
        "fay",
        "--create-user",
    ]
    assert connected.ask(*arguments, "hi")["model"] == "flag-model"
    assert (folder / "f" / "users" / "fay").is_dir()
    connected.set(GPTCHAT_MODEL="from-variable", GPTCHAT_PROVIDER="here")
    assert connected.ask("hi")["model"] == "from-variable"
    assert connected.ask("-m", "from-flag", "hi")["model"] == "from-flag"


def test_the_last_user_is_the_default(connected: Machine) -> None:
    """Without `-u` it is the login name at first, later whoever was switched to; `-u` holds for its run alone."""
    assert connected.ask("hi")["user"] == "alice"
    assert connected.ask("-u", "Bob", "--create-user", "hi")["user"] == "Bob"
    assert connected.ask("hi")["user"] == "alice"
    connected.ask("/user", "bob")  # in any case
    assert connected.ask("hi")["user"] == "Bob"
    assert json.loads((connected.data / "state.json").read_text())["user"] == "Bob"
    for words in (["hi"], ["/sessions"], ["/set", "temperature", "0.5"], ["-c", "/rename", "x"]):
        connected.ask("-u", "alice", *words)
        assert connected.ask("hi")["user"] == "Bob", words


def test_help_and_version(machine: Machine) -> None:
    """`--help` names every option, `--version` the version, with status 0, in the language asked for."""
    assert machine.run("--version").out.split() == ["gptchat", __version__]
    shown = machine.run("-h")
    assert shown.status == 0
    assert machine.run("--help").out == shown.out
    for line in (
        "-u --user -p --provider -m --model -s --session -c --continue --system --preset -o --set -a --attach",
        "--json --raw --no-stream --incognito --config --data-dir --lang --debug --version -h --help",
    ):
        assert set(line.split()) <= set(shown.out.replace(",", " ").split())
    assert "聊天" in machine.run("--help", "--lang", "zh").out
    machine.set(LANG="zh_CN.UTF-8")
    assert "聊天" in machine.run("--help").out
    assert "聊天" not in machine.run("--lang=en", "--help").out


def test_debug_writes_a_log_without_keys(machine: Machine, server: Server) -> None:
    """`--debug` leaves a log that only its owner reads, and the key is not in it."""
    machine.connect(server.url, api_key_env='"MY_KEY"')
    machine.set(MY_KEY="sk-very-secret-0123456789abcdef")
    assert machine.run("--debug", "hi").status == 0
    assert server.requests[0].headers["authorization"] == "Bearer sk-very-secret-0123456789abcdef"
    log = machine.data / "debug.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "/chat/completions" in log.read_text(encoding="utf-8")
    assert "very-secret" not in log.read_text(encoding="utf-8")
