"""Whatever the simple scripts of 2023 could do, people can do here: their keys, their settings, their files."""

from __future__ import annotations

import json

import pytest

from tests.providers.platform_server import serve
from tests.support.server import Reply, Server, say
from tests.surface.machine import Machine, sent

SCRIPTS_FILE = {
    "张三": [
        {"role": "system", "content": "You are an algorithm engineer"},
        {"role": "user", "content": "what is a heap?"},
        {"role": "assistant", "content": "a tree"},
    ],
    "bob": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi bob"}],
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("key.json", '{"api": "sk-script-0123456789abcdef"}'),
        ("key.json", '{"api_key": "sk-script-0123456789abcdef"}'),
        ("key.json", '{"key": "sk-script-0123456789abcdef"}'),
        ("key.txt", "sk-script-0123456789abcdef\n"),
        ("config", "[default]\napi_key = sk-script-0123456789abcdef\n"),
    ],
)
def test_the_key_files_of_scripts(name: str, text: str, machine: Machine, server: Server) -> None:
    """A key stays in the file where a script had it; the settings only name that file."""
    (machine.folder / name).write_text(text)
    machine.connect(server.url, api_key_file=f'"{machine.folder / name}"')
    assert machine.run("hi").status == 0
    assert server.requests[0].headers["authorization"] == "Bearer sk-script-0123456789abcdef"


def test_the_key_file_of_openai_s_own_tools(machine: Machine, server: Server) -> None:
    """A key in `~/.openai/config` is found with nothing set up, and a variable goes before it."""
    machine.set(OPENAI_BASE_URL=server.url)
    (machine.folder / ".openai").mkdir()
    (machine.folder / ".openai" / "config").write_text("[default]\napi_key = sk-home-0123456789abcdef\n")
    assert machine.run("-m", "gpt-3.5-turbo", "hi").status == 0
    machine.set(OPENAI_API_KEY="sk-variable-0123456789ab")
    assert machine.run("-m", "gpt-3.5-turbo", "hi").status == 0
    keys = [request.headers["authorization"] for request in server.requests]
    assert keys == ["Bearer sk-home-0123456789abcdef", "Bearer sk-variable-0123456789ab"]


@pytest.mark.parametrize("variable", ["AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY"])
def test_azure_as_the_guides_set_it_up(variable: str, machine: Machine, server: Server) -> None:
    """Endpoint, version and key in variables and the guides' parameters are enough, for /code too."""
    machine.set(AZURE_OPENAI_ENDPOINT=server.root, OPENAI_API_VERSION="2024-02-01")
    machine.set(**{variable: "0123456789abcdef0123456789abcdef"})
    parameters = ["-o", "temperature=0.7", "-o", "max_tokens=800", "-o", "top_p=0.95"]
    result = machine.run("-p", "azure", "-m", "gpt-35-turbo", *parameters, "hi")
    assert result.status == 0, result.err
    request = server.requests[0]
    assert request.target == "/openai/deployments/gpt-35-turbo/chat/completions?api-version=2024-02-01"
    assert request.headers["api-key"] == "0123456789abcdef0123456789abcdef"
    assert [request.json[key] for key in ("temperature", "max_tokens", "top_p")] == [0.7, 800, 0.95]
    assert f'os.environ["{variable}"]' in machine.run("-p", "azure", "-m", "gpt-35-turbo", "/code").out


def test_ten_rounds(connected: Machine, server: Server) -> None:
    """`context.max_turns` keeps about ten rounds, so that the cost does not run away; the system prompt stays."""
    (connected.folder / "m.json").write_text(
        json.dumps(
            [{"role": "system", "content": "S"}]
            + [{"role": role, "content": f"{n} {role}"} for n in range(30) for role in ("user", "assistant")]
        )
    )
    connected.ask("/import", "m.json")
    connected.run("-c", "-o", "context.max_turns=10", "now")
    messages = sent(server.requests[0])
    assert messages[0] == {"role": "system", "content": "S"}
    assert messages[1]["content"] == "21 user"  # nine earlier rounds, then this one
    assert messages[-1]["content"] == "now"


def test_a_script_s_file_of_many_people(connected: Machine, server: Server) -> None:
    """`user_messages.json` comes in with everybody's conversation, once, can be gone on with, and leaves again."""
    (connected.folder / "user_messages.json").write_text(json.dumps(SCRIPTS_FILE, ensure_ascii=False))
    report = connected.ask("/import", "user_messages.json")
    assert {taken["user"] for taken in report["sessions"]} == {"张三", "bob"}
    assert connected.ask("/import", "user_messages.json")["known"] == 2
    assert {user["name"] for user in connected.ask("/users")} >= {"张三", "bob"}
    assert connected.ask("-u", "张三", "-c", "and a stack?")["user"] == "张三"
    assert [message["content"] for message in sent(server.requests[0])] == [
        *(message["content"] for message in SCRIPTS_FILE["张三"]),
        "and a stack?",
    ]
    refused = connected.run("/export", "users", "out.json")
    assert (refused.status, "--yes" in refused.err) == (2, True)
    connected.ask("/export", "users", "out.json", "--yes")
    everybody = json.loads((connected.folder / "out.json").read_text())
    assert everybody.keys() == {"bob", "张三"}
    assert everybody["bob"] == SCRIPTS_FILE["bob"]
    assert everybody["张三"][: len(SCRIPTS_FILE["张三"])] == SCRIPTS_FILE["张三"]


def test_the_playground_s_views(connected: Machine) -> None:
    """The raw JSON, the code in three languages, and the tokens in use can be seen before anything is sent."""
    connected.ask("what is a heap?")
    body = connected.ask("-c", "/json")
    assert body["messages"][0] == {"role": "user", "content": "what is a heap?"}
    for language, words in {"python": "from openai import", "node": "fetch(", "curl": "curl "}.items():
        code = connected.ask("-c", "/code", language)
        assert code["language"] == language
        assert words in code["code"]
        assert "what is a heap?" in code["code"]
    context = connected.ask("-c", "/context")
    assert 0 < context["tokens"] <= context["budget"]


def test_completions_with_everything(machine: Machine, server: Server) -> None:
    """The old completions are spoken too, with n, stop, penalties, and echo as a further key of the request."""
    machine.set(OPENAI_API_KEY="sk-0123456789abcdef0123", OPENAI_BASE_URL=server.url)
    server.script(say("Hello", choices=2))
    parameters = {
        "providers.openai.api": "completions",
        "n": "2",
        "stop": "###",
        "temperature": "0",
        "max_tokens": "7",
        "top_p": "1",
        "frequency_penalty": "0.5",
        "presence_penalty": "0.6",
        "providers.openai.extra_body": "{echo = true}",
    }
    options = [word for key, value in parameters.items() for word in ("-o", f"{key}={value}")]
    result = machine.run("-m", "gpt-3.5-turbo-instruct", *options, "say this is a test")
    assert result.status == 0, result.err
    assert server.requests[0].path == "/v1/completions"
    body = server.requests[0].json
    expected = {"n": 2, "temperature": 0, "max_tokens": 7, "top_p": 1, "echo": True}
    assert {key: body[key] for key in expected} == expected
    assert (body["frequency_penalty"], body["presence_penalty"]) == (0.5, 0.6)
    assert "###" in body["stop"]
    assert "say this is a test" in body["prompt"]


def test_the_organization_pays(machine: Machine, server: Server) -> None:
    """The organization and the project, from variables or the settings, travel with each request."""
    machine.set(OPENAI_API_KEY="sk-0123456789abcdef0123", OPENAI_BASE_URL=server.url)
    machine.set(OPENAI_ORG_ID="org-variable", OPENAI_PROJECT_ID="proj_variable")
    machine.run("-m", "gpt-3.5-turbo", "hi")
    machine.run("-m", "gpt-3.5-turbo", "-o", "providers.openai.organization=org-flag", "hi")
    assert [request.headers["openai-organization"] for request in server.requests] == ["org-variable", "org-flag"]
    assert server.requests[0].headers["openai-project"] == "proj_variable"


def test_models_are_listed_and_looked_up(machine: Machine, server: Server) -> None:
    """`/models` lists what the server has, narrowed by a text; `/model` without a name tells of the one in use."""
    machine.connect(server.url)
    server.models = [{"id": name, "object": "model"} for name in ("gpt-3.5-turbo", "gpt-4", "ada")]
    assert {model["name"] for model in machine.ask("/models")} == {"gpt-3.5-turbo", "gpt-4", "ada"}
    assert [model["name"] for model in machine.ask("/models", "ada")] == ["ada"]
    assert machine.ask("-m", "gpt-4", "/model")["context"] == 8192


def test_a_server_with_one_model_needs_no_name(machine: Machine, server: Server) -> None:
    """Where no model is chosen, the only one of a local server answers; of several, `/models` lists them."""
    machine.configure(f'provider = "here"\n[providers.here]\nkind = "compatible"\nbase_url = "{server.url}"\n')
    assert machine.ask("hi")["model"] == "test-model"
    server.models.append({"id": "another", "object": "model"})
    refused = machine.run("hi")
    assert refused.status == 2
    assert "/models" in refused.told[1]
    assert {model["name"] for model in machine.ask("/models")} == {"test-model", "another"}


def test_roles_of_a_chat(connected: Machine, server: Server) -> None:
    """System, user and assistant are sent in their order when a conversation goes on."""
    connected.run("--system", "Be an engineer", "one")
    connected.run("-c", "two")
    assert [message["role"] for message in sent(server.requests[1])] == ["system", "user", "assistant", "user"]


def test_gpt_plus_by_application(machine: Machine) -> None:
    """With app_id and app_key a conversation is begun on the platform, and later gone on with there."""
    with serve() as server:
        machine.configure(
            f'provider = "gptplus"\n[providers.gptplus]\nbase_url = "{server.address}"\napp_id = "me"\n'
            'model = "gpt-3.5-turbo"\napi_key_env = "PLUS"\n'
        )
        machine.set(PLUS=server.app_key)
        first = machine.run("hello")
        assert first.status == 0, first.err
        assert first.out
        again = machine.run("-c", "and more")
        assert again.status == 0, again.err
        assert len(server.conversations) == 1
        machine.set(PLUS="a wrong key")
        wrong = machine.run("--json", "hello")
        assert (wrong.status, wrong.error["kind"]) == (1, "authentication")


def test_gpt_plus_by_token(machine: Machine) -> None:
    """Who holds an access token already needs no app_id."""
    with serve() as server:
        server.tokens.add("token-held")
        machine.configure(
            f'provider = "gptplus"\n[providers.gptplus]\nbase_url = "{server.address}"\n'
            'model = "gpt-3.5-turbo"\napi_key_env = "PLUS"\n'
        )
        machine.set(PLUS="token-held")
        result = machine.run("hello")
        assert result.status == 0, result.err
        assert "/v1/sessions" not in server.paths()


def test_a_failed_call_is_told_and_the_history_stays(connected: Machine, server: Server) -> None:
    """After an error nothing that was said before is lost, and the next call goes on with it."""
    connected.run("one")
    server.script(Reply.error(400, "no"))
    assert connected.run("-c", "two").status == 1
    assert connected.run("-c", "/retry").status == 0
    assert [message["content"] for message in sent(server.requests[-1])] == ["one", "You said: one", "two"]
