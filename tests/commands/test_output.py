"""Requests as programs: what /code and /json show is what is sent, and runs elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat.commands.workspace import Workspace
from gptchat.manager import Send
from tests.support.server import Recorded, Server, say
from tests.support.workspace import KEY, command, compose_workspace, data, effects, running, settings_for, turn

PARAMETERS = (
    "-o",
    "temperature=0.5",
    "-o",
    "max_tokens=7",
    "-o",
    "response_format=json",
    "-o",
    'logit_bias={"5": -10}',
)


def talked(tmp_path: Path, server: Server, config: str, *flags: str) -> Workspace:
    """A chat in which one turn was taken, and the key was pasted by mistake."""
    workspace = compose_workspace(tmp_path, config, "--system", "Be 'brief' and \"kind\".", *flags)
    server.script(say("It's 5 €; `$HOME` \\ done"))
    with running(workspace) as loop:
        loop.run(turn(workspace, Send(f"my key is {KEY}, is that bad?\nIt's a line")))
    return workspace


def program(workspace: Workspace, language: str) -> str:
    """What /code shows."""
    with running(workspace) as loop:
        text: str = data(loop.run(effects(workspace, f"/code {language}")))["code"]
    assert KEY not in text
    return text


def ran(arguments: list[str], folder: Path, **environ: str) -> str:
    """What a program prints that runs with the key in its variable."""
    environment = {**os.environ, "TEST_KEY": KEY, "NO_PROXY": "*", **environ}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sent(server: Server) -> Recorded:
    """The newest request."""
    return server.requests[-1]


def same_as_shown(workspace: Workspace, request: Recorded) -> None:
    """The program sent what /json shows, but for the streaming."""
    with running(workspace) as loop:
        shown = data(loop.run(effects(workspace, "/json")))
    assert KEY not in json.dumps(shown)
    for key in ("stream", "stream_options"):
        shown.pop(key, None)
    assert request.json == shown


def test_the_python_program_runs(tmp_path: Path, server: Server) -> None:
    """/code python is a program for the SDK that sends the very request and prints the reply, on every wire."""
    workspaces = {}
    for api in ("chat", "responses", "completions"):
        flags = PARAMETERS if api == "chat" else PARAMETERS[:4]
        config = settings_for(server.url, api=f'"{api}"', extra_body="{top_k = 40}")
        workspaces[api] = talked(tmp_path / api, server, config, *flags)
        (tmp_path / f"{api}.py").write_text(program(workspaces[api], "python"), encoding="utf-8")
    server.requests.clear()
    server.script(*[say(f"from {api}") for api in workspaces])
    all_of_them = "import runpy, sys\nfor program in sys.argv[1:]: runpy.run_path(program)"
    printed = ran([sys.executable, "-c", all_of_them, *(f"{api}.py" for api in workspaces)], tmp_path)
    assert printed.split("\n") == ["from chat", "from responses", "from completions", ""]
    for workspace, request in zip(workspaces.values(), list(server.requests), strict=True):
        same_as_shown(workspace, request)
        assert request.json["top_k"] == 40
        assert request.headers["authorization"] == f"Bearer {KEY}"


def test_the_program_for_a_server_without_a_key_runs(tmp_path: Path, server: Server) -> None:
    """For a server that needs no key the programs run without one, and never take along OpenAI's."""
    server.key = ""
    config = f'provider = "local.box"\nmodel = "m"\n[providers."local.box"]\nbase_url = "{server.url}"\n'
    workspace = talked(tmp_path, server, config)
    (tmp_path / "program.py").write_text(program(workspace, "python"), encoding="utf-8")
    assert ran([sys.executable, "program.py"], tmp_path, OPENAI_API_KEY=KEY)
    assert sent(server).headers["authorization"] == "Bearer none"
    if shutil.which("curl"):
        (tmp_path / "program.sh").write_text(program(workspace, "curl"), encoding="utf-8")
        assert "choices" in ran(["sh", "program.sh"], tmp_path, OPENAI_API_KEY=KEY)
        assert sent(server).headers["authorization"] == "Bearer none"
        ran(["sh", "program.sh"], tmp_path, LOCAL_BOX_API_KEY="of-its-own")
        assert sent(server).headers["authorization"] == "Bearer of-its-own"


def test_the_azure_program_runs(tmp_path: Path, server: Server) -> None:
    """For Azure's classic API the program names deployment and version, and carries the key as Azure wants it."""
    config = f"""
provider = "work"
[providers.work]
kind = "azure"
endpoint = "{server.root}"
api_version = "2024-10-21"
deployment = "my-4o"
api_key_env = "TEST_KEY"
"""
    workspace = talked(tmp_path, server, config)
    first = sent(server).target
    (tmp_path / "program.py").write_text(program(workspace, "python"), encoding="utf-8")
    assert ran([sys.executable, "program.py"], tmp_path)
    assert sent(server).target == first
    assert sent(server).headers["api-key"] == KEY
    (tmp_path / "program.sh").write_text(program(workspace, "curl"), encoding="utf-8")
    if shutil.which("curl"):
        assert "choices" in ran(["sh", "program.sh"], tmp_path)
        assert sent(server).target == first


@pytest.mark.skipif(not shutil.which("curl") or os.name != "posix", reason="needs curl and a POSIX shell")
def test_the_curl_program_runs(tmp_path: Path, server: Server) -> None:
    """/code curl is a command line that sends the very request, quotes and dollar signs and all."""
    workspace = talked(tmp_path, server, settings_for(server.url), *PARAMETERS)
    (tmp_path / "program.sh").write_text(program(workspace, "curl"), encoding="utf-8")
    assert "choices" in ran(["sh", "program.sh"], tmp_path)
    same_as_shown(workspace, sent(server))


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_node_program_runs(tmp_path: Path, server: Server) -> None:
    """/code node is a module that sends the very request."""
    workspace = talked(tmp_path, server, settings_for(server.url), *PARAMETERS)
    (tmp_path / "program.mjs").write_text(program(workspace, "node"), encoding="utf-8")
    assert "choices" in ran(["node", "program.mjs"], tmp_path)
    same_as_shown(workspace, sent(server))


def test_what_json_shows_is_what_is_sent(tmp_path: Path, server: Server) -> None:
    """/json shows the body of the next request; asked again, that is what the server gets."""
    workspace = compose_workspace(
        tmp_path, settings_for(server.url, extra_body='{top_k = 40, note = "x"}'), *PARAMETERS
    )
    with running(workspace) as loop:
        loop.run(turn(workspace, Send("hello")))
        body = sent(server).json
        assert body["messages"] == [{"role": "user", "content": "hello"}]
        assert (body["top_k"], body["note"]) == (40, "x")
        assert body["response_format"] == {"type": "json_object"}
        assert body["logit_bias"] == {"5": -10}
        shown = data(loop.run(effects(workspace, "/json")))
    assert {key: body[key] for key in body if key != "messages"} == {
        key: shown[key] for key in shown if key != "messages"
    }


def test_the_demo_has_no_request(tmp_path: Path) -> None:
    """/code says plainly that the demo sends nothing anywhere."""
    workspace = compose_workspace(tmp_path, 'provider = "demo"')
    with running(workspace) as loop, pytest.raises(Exception, match="no request that could be shown"):
        loop.run(command(workspace, "/code"))
