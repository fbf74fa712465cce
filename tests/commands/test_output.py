"""Requests as programs: what /code and /json show is what is sent, and runs elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat import redaction
from gptchat.commands.program import Program
from gptchat.core.attachments import Attachment
from gptchat.errors import UsageError
from gptchat.manager import Send
from tests.support.program import KEY, command, compose_program, data, effects, running, settings_for, turn
from tests.support.server import Recorded, Server, say

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


def talked(tmp_path: Path, server: Server, config: str, *flags: str) -> Program:
    """A chat in which one turn was taken, and the key was pasted by mistake."""
    program = compose_program(tmp_path, config, "--system", "Be 'brief' and \"kind\".", *flags)
    server.script(say("It's 5 €; `$HOME` \\ done"))
    with running(program) as loop:
        loop.run(turn(program, Send(f"my key is {KEY}, is that bad?\nIt's a line")))
    return program


def written(program: Program, language: str) -> str:
    """What /code shows."""
    with running(program) as loop:
        text: str = data(loop.run(effects(program, f"/code {language}")))["code"]
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


def same_as_shown(program: Program, request: Recorded) -> None:
    """The program sent what /json shows, but for the streaming."""
    with running(program) as loop:
        shown = data(loop.run(effects(program, "/json")))
    assert KEY not in json.dumps(shown)
    for key in ("stream", "stream_options"):
        shown.pop(key, None)
    assert request.json == shown


def test_the_python_program_runs(tmp_path: Path, server: Server) -> None:
    """/code python is a program for the SDK that sends the very request and prints the reply, on every wire."""
    programs = {}
    for api in ("chat", "responses", "completions"):
        flags = PARAMETERS if api == "chat" else PARAMETERS[:4]
        config = settings_for(server.url, api=f'"{api}"', extra_body="{top_k = 40}")
        programs[api] = talked(tmp_path / api, server, config, *flags)
        (tmp_path / f"{api}.py").write_text(written(programs[api], "python"), encoding="utf-8")
    server.requests.clear()
    server.script(*[say(f"from {api}") for api in programs])
    all_of_them = "import runpy, sys\nfor program in sys.argv[1:]: runpy.run_path(program)"
    printed = ran([sys.executable, "-c", all_of_them, *(f"{api}.py" for api in programs)], tmp_path)
    assert printed.split("\n") == ["from chat", "from responses", "from completions", ""]
    for program, request in zip(programs.values(), list(server.requests), strict=True):
        same_as_shown(program, request)
        assert request.json["top_k"] == 40
        assert request.headers["authorization"] == f"Bearer {KEY}"


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
    program = talked(tmp_path, server, config)
    first = sent(server).target
    (tmp_path / "program.py").write_text(written(program, "python"), encoding="utf-8")
    assert ran([sys.executable, "program.py"], tmp_path)
    assert sent(server).target == first
    assert sent(server).headers["api-key"] == KEY
    (tmp_path / "program.sh").write_text(written(program, "curl"), encoding="utf-8")
    if shutil.which("curl"):
        assert "choices" in ran(["sh", "program.sh"], tmp_path)
        assert sent(server).target == first


@pytest.mark.parametrize("language", ["curl", "node"])
def test_the_key_travels_as_the_provider_wants_it(tmp_path: Path, server: Server, language: str) -> None:
    """Azure's own header carries the key, wherever the resource is: behind a gateway of the company's, say."""
    config = f"""
provider = "work"
[providers.work]
kind = "azure"
endpoint = "{server.root}"
deployment = "my-4o"
api_key_env = "TEST_KEY"
"""
    text = written(talked(tmp_path, server, config), language)
    assert "api-key" in sent(server).headers
    assert "api-key" in text
    assert "Authorization" not in text


@pytest.mark.skipif(not shutil.which("curl") or os.name != "posix", reason="needs curl and a POSIX shell")
def test_the_curl_program_runs(tmp_path: Path, server: Server) -> None:
    """/code curl is a command line that sends the very request, quotes and dollar signs and all."""
    program = talked(tmp_path, server, settings_for(server.url), *PARAMETERS)
    (tmp_path / "program.sh").write_text(written(program, "curl"), encoding="utf-8")
    assert "choices" in ran(["sh", "program.sh"], tmp_path)
    same_as_shown(program, sent(server))


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_node_program_runs(tmp_path: Path, server: Server) -> None:
    """/code node is a module that sends the very request."""
    program = talked(tmp_path, server, settings_for(server.url), *PARAMETERS)
    (tmp_path / "program.mjs").write_text(written(program, "node"), encoding="utf-8")
    assert "choices" in ran(["node", "program.mjs"], tmp_path)
    same_as_shown(program, sent(server))


def test_what_json_shows_is_what_is_sent(tmp_path: Path, server: Server) -> None:
    """/json shows the body of the last request, the very same that the server got."""
    program = compose_program(
        tmp_path, settings_for(server.url, extra_body='{top_k = 40, note = "x"}'), *PARAMETERS
    )
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        body = sent(server).json
        assert body["messages"] == [{"role": "user", "content": "hello"}]
        assert (body["top_k"], body["note"]) == (40, "x")
        assert body["response_format"] == {"type": "json_object"}
        assert body["logit_bias"] == {"5": -10}
        shown = data(loop.run(effects(program, "/json")))
    assert shown == body


@pytest.mark.parametrize("language", ["python", "curl", "node"])
def test_a_program_ends_with_the_message_of_the_person(tmp_path: Path, server: Server, language: str) -> None:
    """/code shows the request for the newest message, before its reply and after, or for a greeting."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        empty = data(loop.run(effects(program, f"/code {language}")))["code"]
        assert "nothing has been said yet" in empty.split("\n")[0]
        assert "Hello!" in empty
        for word in ("one", "two"):
            server.script(say(f"about {word}"))
            loop.run(turn(program, Send(word)))
        text = data(loop.run(effects(program, f"/code {language}")))["code"]
        shown = data(loop.run(effects(program, "/json")))
    assert [message["content"] for message in shown["messages"]] == ["one", "about one", "two"]
    assert shown["messages"] == sent(server).json["messages"]
    assert "about one" in text
    assert "about two" not in text


def test_what_is_attached_makes_it_the_next_request(tmp_path: Path, server: Server) -> None:
    """With something attached /code shows the request that is sent next, behind the last reply."""
    (tmp_path / "note.txt").write_text("the note")
    program = compose_program(tmp_path / "home", settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        item = Attachment("note.txt", "text", text="the note", size=8)
        program.services.outbox.attached.append(item)
        shown = data(loop.run(effects(program, "/json")))
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant", "user"]
    assert "the note" in str(shown["messages"][-1]["content"])


def test_programs_carry_headers_and_parameters_of_the_address(tmp_path: Path, server: Server) -> None:
    """A gateway's own headers and parameters are in every program, so that it runs as it is printed."""
    config = settings_for(server.url, headers="""{"X-Title" = 'it "me" $HOME'}""", query='{tier = "a b"}')
    program = talked(tmp_path, server, config)
    first = sent(server)
    assert first.headers["x-title"] == 'it "me" $HOME'
    runs = [("python", [sys.executable, "p.py"]), ("curl", ["sh", "p.sh"]), ("node", ["node", "p.mjs"])]
    for language, arguments in runs:
        if shutil.which(arguments[0]) is None:
            continue
        (tmp_path / arguments[1]).write_text(written(program, language), encoding="utf-8")
        ran(arguments, tmp_path)
        assert sent(server).headers["x-title"] == first.headers["x-title"]
        assert sent(server).target.replace("%20", "+") == first.target.replace("%20", "+")
        assert sent(server).json["messages"][0] == first.json["messages"][0]


@pytest.mark.skipif(not shutil.which("curl") or os.name != "posix", reason="needs curl and a POSIX shell")
def test_a_long_request_fits_a_command_line(tmp_path: Path, server: Server) -> None:
    """What is too long for an argument reaches curl through standard input."""
    program = compose_program(tmp_path, settings_for(server.url) + "[models.m]\ncontext = 10_000_000\n")
    text = "it's $HOME\nEND\n" * 12_000
    with running(program) as loop:
        loop.run(turn(program, Send(text)))
    (tmp_path / "program.sh").write_text(written(program, "curl"), encoding="utf-8")
    assert "choices" in ran(["sh", "program.sh"], tmp_path)
    assert sent(server).json["messages"][-1]["content"] == text


LOCAL = 'provider = "my-box"\nmodel = "m"\n[providers.my-box]\nkind = "compatible"\nbase_url = "{url}"\n'


def test_a_program_for_a_server_without_keys_needs_none(tmp_path: Path, server: Server) -> None:
    """What /code shows for a local server runs as it stands, and never hands it the key of OpenAI."""
    server.key = ""
    redaction.register(KEY)  # another provider's
    program = talked(tmp_path, server, LOCAL.format(url=server.url))
    shown = {language: written(program, language) for language in ("python", "curl", "node")}
    assert not [language for language, text in shown.items() if "API_KEY" in text or "uthorization" in text]
    (tmp_path / "program.py").write_text(shown["python"], encoding="utf-8")
    assert ran([sys.executable, "program.py"], tmp_path, OPENAI_API_KEY="sk-of-openai-0123456789")
    assert "sk-of-openai" not in str(sent(server).headers)
    same_as_shown(program, sent(server))
    if shutil.which("curl") and os.name == "posix":
        (tmp_path / "program.sh").write_text(shown["curl"], encoding="utf-8")
        assert "choices" in ran(["sh", "program.sh"], tmp_path)
        assert "authorization" not in sent(server).headers


def test_a_key_kept_elsewhere_has_a_variable_of_its_provider_s_name(tmp_path: Path, server: Server) -> None:
    """Where a provider's key is in a file, /code reads it from a variable named after that provider."""
    (tmp_path / "key.txt").write_text(KEY)
    program = talked(tmp_path, server, LOCAL.format(url=server.url) + f'api_key_file = "{tmp_path / "key.txt"}"\n')
    for language, words in {
        "python": 'os.environ["MY_BOX_API_KEY"]',
        "curl": "${MY_BOX_API_KEY}",
        "node": "process.env.MY_BOX_API_KEY",
    }.items():
        text = written(program, language)
        assert words in text
        first = text.split("\n")[0]
        assert first.startswith("//" if language == "node" else "#")
        assert "MY_BOX_API_KEY" in first
        assert "key.txt" in first


def test_the_demo_has_no_request(tmp_path: Path) -> None:
    """/code says plainly that the demo sends nothing anywhere."""
    program = compose_program(tmp_path, 'provider = "demo"')
    with running(program) as loop, pytest.raises(Exception, match="no request that could be shown"):
        loop.run(command(program, "/code"))


def test_a_document_is_saved_whole(tmp_path: Path, server: Server) -> None:
    """/save 1 writes a Markdown document with its code blocks, and what is behind it is block 2."""
    document = "# Title\n\n```js\nlet x\n```\n\nThe end\n"
    program = compose_program(tmp_path / "home", settings_for(server.url))
    server.script(say(f"```markdown\n{document}```\n\n```sh\nls\n```"))
    with running(program) as loop:
        loop.run(turn(program, Send("write it")))
        for number in (1, 2):
            loop.run(effects(program, f"/save {number} {tmp_path / str(number)}"))
        loop.run(command(program, "/set ui.markdown commonmark"))
        loop.run(effects(program, f"/save 1 {tmp_path / 'cut'}"))
    assert (tmp_path / "1").read_text() == document
    assert (tmp_path / "2").read_text() == "ls\n"
    assert (tmp_path / "cut").read_text() == document.partition("```\n")[0]


@pytest.mark.parametrize(("answer", "text"), [("y", "print(1)\n"), ("n", "mine"), (None, "mine")])
def test_a_file_is_replaced_only_by_who_says_so(
    tmp_path: Path, server: Server, answer: str | None, text: str
) -> None:
    """/save asks before it writes over a file; yes replaces it, and anything else leaves it as it was."""
    file = tmp_path / "a.py"
    file.write_text("mine")
    program = compose_program(tmp_path / "home", settings_for(server.url))
    server.script(say("```python\nprint(1)\n```"))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        loop.run(effects(program, f"/save 1 {file}", answer))
        loop.run(effects(program, f"/save 1 {tmp_path / 'new.py'}"))
    assert file.read_text() == text
    assert (tmp_path / "new.py").read_text() == "print(1)\n"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows, and it has no FIFO")
@pytest.mark.parametrize("line", ["/save 1 {path}", "/export markdown {path}"])
def test_nothing_is_written_through_what_is_no_file(tmp_path: Path, line: str) -> None:
    """A device, a pipe and a link of somebody else's are refused; one's own link is asked about."""
    with Server() as server:
        program = compose_program(tmp_path / "home", settings_for(server.url))
        with running(program) as runner:
            server.script(say("```sh\necho hi\n```"))
            runner.run(turn(program, Send("hi")))
            pipe, dangling, target = tmp_path / "pipe", tmp_path / "dangling.md", tmp_path / "target.md"
            os.mkfifo(pipe)
            for path in (pipe, Path("/dev/null")):
                with pytest.raises(UsageError, match="a device or a pipe"):
                    runner.run(effects(program, line.format(path=path)))
            dangling.symlink_to(target)
            runner.run(effects(program, line.format(path=dangling), "n"))
            assert not target.exists()
            runner.run(effects(program, line.format(path=dangling), "y"))
            assert target.read_text()
            assert dangling.is_symlink()
            if os.geteuid() == 0:
                os.lchown(dangling, 12345, 12345)
                with pytest.raises(UsageError, match="somebody else's link"):
                    runner.run(effects(program, line.format(path=dangling)))
