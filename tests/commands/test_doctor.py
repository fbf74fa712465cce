"""/doctor: every thing a chat depends on is looked at, and what is wrong comes with what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from gptchat.commands.effects import Show
from gptchat.commands.program import Program
from gptchat.errors import ConfigurationError
from gptchat.manager import Send
from tests.support.program import KEY, command, compose_program, effects, running, settings_for, turn
from tests.support.proxies import HttpProxy
from tests.support.server import Recorded, Reply, Server, refuse, say


def examine(program: Program, line: str = "/doctor") -> dict[str, Mapping[str, Any]]:
    """What `/doctor` finds, by the name of the check; the worst where a check says several things."""
    order = ("ok", "note", "warning", "failed")
    found: dict[str, Mapping[str, Any]] = {}
    with running(program) as loop:
        for effect in loop.run(effects(program, line)):
            assert isinstance(effect, Show)
            told = effect.data
            if told is None:
                continue
            assert effect.failed == (told["state"] == "failed")
            before = found.get(told["check"])
            if before is None or order.index(told["state"]) > order.index(before["state"]):
                found[told["check"]] = told
    return found


def failures(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The failed checks and what they say."""
    return {name: str(told["message"]) for name, told in found.items() if told["state"] == "failed"}


def test_all_is_well(tmp_path: Path, server: Server) -> None:
    """With a sound server every step is told as well, and one short streamed request was made."""
    server.models = [{"id": "m", "object": "model"}]
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert not failures(found)
    for check in ("settings", "key", "name", "server", "models", "request", "streaming", "usage", "data",
                  "space", "permissions", "index", "journals", "learnt"):  # fmt: skip
        assert found[check]["state"] in ("ok", "note"), found[check]
    assert "the reply streams" in found["streaming"]["message"]
    assert found["tls"]["state"] == "note"  # on one's own machine nothing need be encrypted
    assert KEY not in str(found)
    assert found["key"]["key"] == "****cdef"
    assert found["key"]["source"] == "TEST_KEY"
    sent = [request for request in server.requests if request.path.endswith("/chat/completions")]
    assert len(sent) == 1
    assert (sent[0].json["max_tokens"], sent[0].json["stream"]) == (1, True)


def test_a_wrong_key(tmp_path: Path, server: Server) -> None:
    """A refused key is named with where it came from and how to give another, and no request is paid for."""
    found = examine(
        compose_program(tmp_path, settings_for(server.url), environ={"TEST_KEY": "sk-wrong-9876543210abcd"})
    )
    assert list(failures(found)) == ["models"]
    assert "refused the key (401)" in found["models"]["message"]
    assert "TEST_KEY" in found["models"]["hint"]
    assert found["key"]["key"] == "****abcd"
    assert not [request for request in server.requests if request.method == "POST"]


def test_no_key(tmp_path: Path, server: Server) -> None:
    """A missing key is told with the ways to give one."""
    found = examine(compose_program(tmp_path, settings_for(server.url), environ={"TEST_KEY": ""}))
    assert failures(found) == {"key": "no key for test"}
    assert "/key" in found["key"]["hint"]


def test_a_dead_address(tmp_path: Path, server: Server) -> None:
    """Where nothing answers, that is said at once, with the address."""
    server.close()
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert failures(found) == {"server": f"nothing answers at {server.url}"}
    assert "is the server running" in found["server"]["hint"]


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    """A mistyped host is told as a name that does not resolve."""
    found = examine(compose_program(tmp_path, settings_for("https://no-such-host.invalid/v1")))
    assert "does not resolve" in failures(found)["name"]


def test_a_wrong_path(tmp_path: Path, server: Server) -> None:
    """A server asked at the wrong path is recognised, and the right base address named."""
    server.missing = ("/api/v9/models", "/api/v9/chat/completions")
    found = examine(compose_program(tmp_path, settings_for(f"{server.root}/api/v9")))
    assert "has nothing at" in failures(found)["request"]
    assert server.url in found["models"]["hint"]


def test_a_clock_that_is_off(tmp_path: Path, server: Server) -> None:
    """A clock ten minutes behind the server's is pointed out."""
    late = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server.headers = {"Date": late}
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert found["clock"]["state"] == "warning"
    assert 570 <= -found["clock"]["seconds"] <= 630
    assert "behind" in found["clock"]["message"]


def test_the_proxy_in_force_is_named(tmp_path: Path, server: Server) -> None:
    """A proxy is told with where it was set and without its password, and the checks go through it."""
    with HttpProxy(user="ann", password="s3cret-word") as proxy:
        url = proxy.url.replace("://", "://ann:s3cret-word@")
        config = settings_for(server.url) + f'[network]\nproxy = "{url}"\n'
        found = examine(compose_program(tmp_path, config))
        assert proxy.targets
    assert not failures(found)
    assert "from network.proxy" in found["proxy"]["message"]
    assert "s3cret-word" not in str(found)


def test_no_usage_is_told(tmp_path: Path, server: Server) -> None:
    """A server that tells no usage is no failure, and the person learns that counts are estimates."""
    server.default = lambda _request: Reply(
        (
            b'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\n',
            b"data: [DONE]\n\n",
        ),
        raw=True,
        content_type="text/event-stream",
    )
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert not failures(found)
    assert "estimate" in found["usage"]["message"]


def test_a_model_the_server_does_not_have(tmp_path: Path, server: Server) -> None:
    """A model that is not in the server's list is pointed out with those that are."""
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert found["models"]["state"] == "warning"
    assert "test-model" in found["models"]["hint"]


def test_another_provider_can_be_examined(tmp_path: Path, server: Server) -> None:
    """/doctor NAME looks at a provider without choosing it; an unknown name is refused with the nearest."""
    program = compose_program(tmp_path, settings_for(server.url))
    found = examine(program, "/doctor demo")
    assert found["provider"]["state"] == "ok"
    assert not server.requests
    with running(program) as loop, pytest.raises(ConfigurationError) as refused:
        loop.run(effects(program, "/doctor dmeo"))
    assert "demo" in refused.value.hint


def test_a_failed_request_is_told_at_once(tmp_path: Path, server: Server) -> None:
    """A server that fails is not asked again and again: the first failure is the finding."""
    server.default = lambda _request: refuse(500, "broken")
    found = examine(compose_program(tmp_path, settings_for(server.url)))
    assert "broken" in failures(found)["request"]
    assert len([request for request in server.requests if request.method == "POST"]) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_files_that_others_can_read(tmp_path: Path, server: Server) -> None:
    """Keys and conversations that other people could read are named with the command that closes them."""
    program = compose_program(tmp_path, settings_for(server.url))
    program.services.keys.store(program.services.settings.provider(), "sk-stored-0123456789abcdef")
    for path in (program.services.paths.data_dir / "credentials.json", program.services.paths.data_dir / "users"):
        path.chmod(0o755)
    found = examine(program)
    assert f"chmod 600 {program.services.paths.data_dir / 'credentials.json'}" in failures(found)["keys"]
    assert found["permissions"]["hint"] == f"chmod -R go-rwx {program.services.paths.data_dir}"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written(tmp_path: Path, server: Server) -> None:
    """A data folder that cannot be written is a failure with what to do."""
    program = compose_program(tmp_path, settings_for(server.url))
    program.services.paths.data_dir.chmod(0o500)
    try:
        assert "data" in failures(examine(program))
    finally:
        program.services.paths.data_dir.chmod(0o700)


def test_a_damaged_journal_and_index(tmp_path: Path, server: Server) -> None:
    """A journal with unreadable lines is named by its session, and a damaged index is made anew without a word."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        journal = program.services.journals.journal_path("ann", program.services.manager.session.id)
        lines = journal.read_bytes().split(b"\n")
        journal.write_bytes(b"\n".join([lines[0], b"garbage {", *lines[1:]]))
    program.services.library.list("ann")
    (program.services.paths.cache_dir / "index.sqlite3").write_bytes(b"no database at all" * 500)
    found = examine(compose_program(tmp_path))
    assert found["journals"]["state"] == "warning"
    assert program.services.manager.session.id in found["journals"]["message"]
    assert found["index"]["state"] == "ok"


def test_settings_that_make_no_sense_are_named(tmp_path: Path, server: Server) -> None:
    """Only settings that somebody set are shown, with their file and line; those left out are named."""
    program = compose_program(tmp_path, settings_for(server.url))
    program.services.settings.replace_layer("user", {"temperature": 9, "no.such": 1})
    with running(program) as loop:
        text = loop.run(command(program, "/doctor"))
    assert "settings file, line 1" in text
    assert "the setting temperature of yours makes no sense here" in text
    assert "ui.theme" not in text


def test_what_was_learnt_is_listed_and_forgotten(tmp_path: Path, server: Server) -> None:
    """What a server refused is listed with how to forget it, survives the program, and is forgotten on demand."""

    def picky(request: Recorded) -> Reply:
        if "temperature" in request.json:
            return refuse(400, "Unsupported parameter: 'temperature' is not supported", param="temperature")
        return say("fine")

    server.default = picky
    program = compose_program(tmp_path, settings_for(server.url), "-o", "temperature=1")
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        program.services.windows.learn_limit("test", "m", 4000)
    again = compose_program(tmp_path)
    with running(again) as loop:
        text = loop.run(command(again, "/doctor"))
        assert "test/m: temperature is not taken and is left out" in text
        assert "test/m: the window is 4,000 tokens" in text
        assert "/doctor --forget" in text
        assert loop.run(command(again, "/doctor --forget demo")).startswith("0 ")
        assert loop.run(command(again, "/doctor --forget test")).startswith("2 ")
    third = compose_program(tmp_path)
    assert not third.services.learnt().entries()
    assert not third.services.windows.entries()


def test_two_providers_learn_into_one_memory(tmp_path: Path, server: Server) -> None:
    """What is learnt of one provider does not make the program forget what it learnt of another."""
    other = settings_for(server.url) + f'[providers.other]\nbase_url = "{server.url}"\nmodel = "m"\n'
    program = compose_program(
        tmp_path, other + 'api_key_env = "TEST_KEY"\n', "-o", "temperature=1", "-o", "seed=2"
    )
    answers = {"temperature": 0, "seed": 0}

    def picky(request: Recorded) -> Reply:
        for name in answers:
            if name in request.json and answers[name] < 2:
                answers[name] += 1
                return refuse(400, f"Unsupported parameter: '{name}'", param=name)
        return say("fine")

    server.default = picky
    with running(program) as loop:
        for name in ("test", "other"):
            program.services.settings.set("set", "provider", name)
            loop.run(turn(program, Send("hello")))
    kept = compose_program(tmp_path).services.learnt()
    assert {entry.provider for entry in kept.entries()} == {"test", "other"}


def test_a_ready_made_provider_tells_how_sure_its_facts_are(tmp_path: Path, server: Server) -> None:
    """For a ready-made provider the day and the sureness of its facts are told, with its documentation."""
    config = f'provider = "spark"\n[providers.spark]\nbase_url = "{server.url}"\nkey_optional = true\n'
    found = examine(compose_program(tmp_path, config))["provider"]
    assert (found["sure"], found["checked"]) == ("unverified", "2026-11-27")
    assert "could not be checked" in found["message"]
    assert "xfyun.cn" in found["hint"]


def test_a_service_that_ended_is_told(tmp_path: Path) -> None:
    """An address whose service has ended is told with the day and what took its place."""
    config = 'provider = "old"\n[providers.old]\nbase_url = "https://api.hunyuan.cloud.tencent.com/v1"\n'
    found = examine(compose_program(tmp_path, config + "key_optional = true\n"))["provider"]
    assert found["state"] == "warning"
    assert "ended on 2026-09-30" in found["message"]
    assert "/provider hunyuan" in found["hint"]


def test_a_copy_of_a_file_service(tmp_path: Path, server: Server) -> None:
    """A conflict copy of a journal that is a part of it is merged and named, and no session any more."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        journal = program.services.journals.journal_path("ann", program.services.manager.session.id)
    copy = journal.with_name(f"{journal.stem} (conflicted copy).jsonl")
    copy.write_bytes(journal.read_bytes())
    found = examine(compose_program(tmp_path))
    assert copy.stem in str(found["conflicts"])
    assert not copy.exists()
    assert "conflicts" not in examine(compose_program(tmp_path))
