"""Keys and the variables around them: who is chosen, where they go, and what is told when one is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat import vendors
from tests.providers.platform_server import Platform, serve
from tests.support.server import Server
from tests.surface.machine import Machine

KEY = "sk-0123456789abcdef0123"


@pytest.fixture
def locked() -> Iterator[Server]:
    """A server that wants another key than the one at hand."""
    with Server(key="sk-the-right-key-0123456789") as running:
        yield running


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A GPT+ platform."""
    with serve() as running:
        yield running


def authorization(server: Server) -> list[str]:
    """The keys that a server was sent."""
    sent = (one.headers for one in server.requests)
    return [headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ") for headers in sent]


CHOOSING = [
    one for one in vendors.table().values() if one.keys and not one.variant_of and one.kind == "compatible"
]


@pytest.mark.parametrize("vendor", CHOOSING, ids=lambda one: one.name)
def test_the_key_found_chooses_its_provider(machine: Machine, server: Server, vendor: vendors.Vendor) -> None:
    """With one key in the environment, under any of its names, its provider answers; the key goes to it."""
    for variable in vendor.keys:
        if next(one.name for one in CHOOSING if variable in one.keys) != vendor.name:
            continue  # a plan with the same variable as the pay-as-you-go address
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable, KEY)
            chosen = [one for one in machine.ask("/provider") if one["current"]]
            assert [one["name"] for one in chosen] == [vendor.name]
            address = f"providers.{vendor.name}.base_url={server.url}"
            result = machine.run("-o", address, "-m", "m", "hello")
            assert (result.status, result.err) == (0, "")
    assert set(authorization(server)) == {KEY}


def test_several_keys_are_told(machine: Machine, server: Server) -> None:
    """With the keys of several providers the first is taken, and the person is told which, and how to choose."""
    machine.set(DEEPSEEK_API_KEY=KEY, MOONSHOT_API_KEY=KEY)
    result = machine.run("-o", f"providers.deepseek.base_url={server.url}", "-m", "m", "hello")
    assert (result.status, result.out.strip()) == (0, "You said: hello")
    assert "deepseek" in result.err
    assert "moonshot" in result.err
    assert "-p NAME" in result.err
    for chosen in (("-p", "deepseek"), ("-o", "provider=kimi")):
        name = "deepseek" if "deepseek" in chosen else "moonshot"
        quiet = machine.run(*chosen, "-o", f"providers.{name}.base_url={server.url}", "-m", "m", "hello")
        assert (quiet.status, quiet.err) == (0, "")


def test_a_key_with_other_uses_does_not_choose(machine: Machine) -> None:
    """HF_TOKEN is set for downloads: beside another key it chooses nobody."""
    machine.set(DEEPSEEK_API_KEY=KEY, HF_TOKEN=KEY)
    assert [one["name"] for one in machine.ask("/provider") if one["current"]] == ["deepseek"]


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_a_relay_gets_its_key(machine: Machine, server: Server, variable: str) -> None:
    """The address of SDK 0.x is read like today's: the relay gets the key and the text, and nobody else does."""
    machine.set(OPENAI_API_KEY=KEY)
    machine.set(**{variable: server.url})
    result = machine.run("-m", "m", "hello")
    assert (result.status, result.out.strip()) == (0, "You said: hello")
    assert authorization(server) == [KEY]


def test_two_addresses_are_not_guessed(machine: Machine, server: Server) -> None:
    """Where variables name two servers for one key, nothing is sent before the person says which."""
    with Server() as other:
        machine.set(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.url, OPENAI_API_BASE=other.url)
        error = machine.run("--json", "hello").error
        assert error["kind"] == "configuration"
        assert "OPENAI_BASE_URL" in error["message"]
        assert "OPENAI_API_BASE" in error["message"]
        assert not server.requests + other.requests
        result = machine.run("-o", f"providers.openai.base_url={other.url}", "-m", "m", "hello")
        assert result.status == 0, result.err
        assert (authorization(server), authorization(other)) == ([], [KEY])
        machine.set(OPENAI_API_BASE=f"{server.url}/")  # the same server, written in another way
        assert machine.run("-m", "m", "hello").status == 0


def test_the_file_goes_before_older_variables(machine: Machine, server: Server) -> None:
    """An address in the settings file is not overruled by a variable left over from an older SDK; today's is."""
    machine.set(OPENAI_API_KEY=KEY, OPENAI_API_BASE="http://127.0.0.1:9/v1")
    machine.configure(f'[providers.openai]\nbase_url = "{server.url}"\n')
    assert machine.run("-m", "m", "hello").status == 0
    machine.configure('[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\n')
    machine.set(OPENAI_BASE_URL=server.url, OPENAI_API_BASE="")
    assert machine.run("-m", "m", "hello").status == 0
    assert authorization(server) == [KEY, KEY]


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENAI_API_TYPE": "azure", "OPENAI_API_BASE": "ENDPOINT", "OPENAI_API_KEY": KEY},
        {"OPENAI_API_TYPE": "azure", "AZURE_OPENAI_ENDPOINT": "ENDPOINT", "OPENAI_API_KEY": KEY},
        {"OPENAI_API_TYPE": "Azure", "OPENAI_BASE_URL": "ENDPOINT", "AZURE_OPENAI_API_KEY": KEY},
        {"AZURE_OPENAI_API_BASE": "ENDPOINT", "AZURE_OPENAI_API_KEY": KEY},
        {"AZURE_API_BASE": "ENDPOINT", "AZURE_API_KEY": KEY},
    ],
)
@pytest.mark.parametrize("version", ["OPENAI_API_VERSION", "AZURE_OPENAI_API_VERSION", "AZURE_API_VERSION"])
@pytest.mark.parametrize("deployment", ["AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_DEPLOYMENT_NAME"])
def test_azure_as_older_guides_have_it(
    machine: Machine, server: Server, variables: dict[str, str], version: str, deployment: str
) -> None:
    """Endpoint, version, deployment and key of Azure are found under the names that SDKs and guides gave them."""
    machine.set(**{name: server.root if value == "ENDPOINT" else value for name, value in variables.items()})
    machine.set(**{version: "2024-10-21", deployment: "my-gpt"})
    result = machine.run("hello")
    assert (result.status, result.out.strip()) == (0, "You said: hello"), result.err
    [request] = server.requests
    assert request.target == "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"
    assert authorization(server) == [KEY]


def test_azures_key_does_not_go_to_openai(machine: Machine, server: Server) -> None:
    """A key that OPENAI_API_TYPE calls Azure's is not OpenAI's, and goes nowhere without an endpoint."""
    machine.set(OPENAI_API_TYPE="azure", OPENAI_API_KEY=KEY)
    for arguments in (("hello",), ("-p", "openai", "-o", f"providers.openai.base_url={server.url}", "hello")):
        result = machine.run(*arguments)
        assert result.status == 2, result.err
        assert ("AZURE_OPENAI_ENDPOINT" in result.err) != ("OPENAI_API_TYPE" in result.err)
    assert server.requests == []


def test_a_vendors_key_stays_with_the_vendor(machine: Machine) -> None:
    """Moved to another host, a ready-made provider does not take the vendor's key along, unless it is named."""
    machine.set(DEEPSEEK_API_KEY=KEY)
    moved = '[providers.deepseek]\nbase_url = "https://relay.example/v1"\n'
    machine.configure(f'provider = "deepseek"\n{moved}')
    assert machine.ask("/key")["key"] is None
    machine.configure(f'provider = "deepseek"\n{moved}api_key_env = "DEEPSEEK_API_KEY"\n')
    assert machine.ask("/key")["source"] == "DEEPSEEK_API_KEY"
    region = "https://w.eu-central-1.maas.aliyuncs.com/v1"
    machine.configure(f'provider = "qwen"\n[providers.qwen]\nbase_url = "{region}"\n')
    machine.set(DASHSCOPE_API_KEY=KEY)
    assert machine.ask("/key")["source"] == "DASHSCOPE_API_KEY"


def test_openais_key_does_not_follow_its_kind(machine: Machine) -> None:
    """A server of one's own that speaks OpenAI's API in full is not handed OpenAI's key, unless it is named."""
    machine.set(OPENAI_API_KEY=KEY)
    own = 'provider = "relay"\n[providers.relay]\nkind = "openai"\nbase_url = "https://relay.example/v1"\n'
    machine.configure(own)
    assert machine.ask("/key")["key"] is None
    machine.configure(f'{own}api_key_env = "OPENAI_API_KEY"\n')
    assert machine.ask("/key")["source"] == "OPENAI_API_KEY"


def test_the_model_fits_the_server(machine: Machine) -> None:
    """Where OpenAI's variables name another vendor's server, that vendor's default model is taken."""
    machine.set(OPENAI_API_KEY=KEY, OPENAI_API_BASE="https://api.deepseek.com/v1")
    assert machine.ask("/model")["name"] == "deepseek-flash"
    machine.set(OPENAI_API_BASE="https://relay.example/v1")
    assert machine.ask("/model")["name"] == "gpt-6.1-terra"


def test_a_refused_key_tells_where_it_came_from(machine: Machine, locked: Server, tmp_path: Path) -> None:
    """Whoever's key is refused is told its place, and what to do there."""
    file = tmp_path / "key.txt"
    file.write_text(KEY)
    file.chmod(0o600)
    places = {
        'api_key_env = "MY_KEY"': ("the variable MY_KEY", "correct or unset it"),
        f'api_key_file = "{file}"': (str(file), "put the right key there"),
        f'api_key_command = "echo {KEY}"': ("api_key_command", "what the command prints"),
    }
    machine.set(MY_KEY=KEY)
    for place, words in places.items():
        machine.configure(f'provider = "x"\n[providers.x]\nbase_url = "{locked.url}"\nmodel = "m"\n{place}\n')
        error = machine.run("--json", "hello").error
        assert error["kind"] == "authentication"
        assert all(word in error["hint"] for word in words), error
        assert KEY not in json.dumps(error)


def test_a_key_of_another_region(machine: Machine, locked: Server) -> None:
    """Where a vendor's regions have keys of their own, a refused key names the other address."""
    machine.set(DASHSCOPE_API_KEY=KEY)
    error = machine.run("--json", "-o", f"providers.qwen.base_url={locked.url}", "hello").error
    assert error["kind"] == "authentication"
    assert "DASHSCOPE_API_KEY" in error["hint"]
    assert "qwen-intl" in error["hint"]


@pytest.mark.parametrize("field", ["api_key_file", "api_key_command", "api_key_env"])
def test_a_table_that_names_a_key_is_chosen(machine: Machine, server: Server, tmp_path: Path, field: str) -> None:
    """`[providers.openai]` alone, with the place of its key, is what the person means to use."""
    file = tmp_path / "key.txt"
    file.write_text(KEY)
    file.chmod(0o600)
    machine.set(MY_KEY=KEY)
    place = {"api_key_file": str(file), "api_key_command": f"echo {KEY}", "api_key_env": "MY_KEY"}[field]
    machine.configure(f'[providers.openai]\nbase_url = "{server.url}"\n{field} = "{place}"\n')
    assert machine.run("-m", "m", "hello").out.strip() == "You said: hello"
    assert authorization(server) == [KEY]


def test_the_key_file_of_older_sdks(machine: Machine, server: Server, tmp_path: Path) -> None:
    """OPENAI_API_KEY_PATH and OPENAI_ORGANIZATION hold as SDK 0.x read them."""
    file = tmp_path / "key.txt"
    file.write_text(KEY)
    file.chmod(0o600)
    machine.set(OPENAI_API_KEY_PATH=str(file), OPENAI_API_BASE=server.url, OPENAI_ORGANIZATION="org-1")
    assert machine.run("-p", "openai", "-m", "m", "hello").status == 0
    assert authorization(server) == [KEY]
    assert server.requests[0].headers["openai-organization"] == "org-1"


@pytest.mark.parametrize("name", ["智谱", "ZhipuAI", "GLM", "zhipu"])
def test_names_on_the_command_line(machine: Machine, server: Server, name: str) -> None:
    """`-p` takes Chinese names and aliases; what is saved and shown is the provider's own name."""
    machine.set(ZHIPU_API_KEY=KEY)
    document = machine.ask("-p", name, "-o", f"providers.zhipu.base_url={server.url}", "-m", "m", "hello")
    assert document["provider"] == "zhipu"
    assert machine.ask("/set", "provider", name)["provider"] == "zhipu"


def test_ended_services_say_so(machine: Machine) -> None:
    """A service that is gone is told as such, with its day."""
    error = machine.run("--json", "-p", "github-models", "hello").error
    assert "GitHub Models ended on 2026-07-30" in error["message"]


def test_gpt_plus_as_its_sdks_users_know_it(machine: Machine, platform: Platform, tmp_path: Path) -> None:
    """The application's id comes from its variable or from the key's file; one question is one message."""
    address = f"providers.gptplus.base_url={platform.address}"
    machine.set(GPTPLUS_APP_ID="app-1", GPTPLUS_APP_KEY=platform.app_key)
    assert machine.run("-o", address, "tea").out.strip() == "**tea**, you say"
    assert platform.seen[0][1] == {"app_id": "app-1", "app_key": platform.app_key}
    assert platform.paths() == ["/v1/sessions", "/v1/messages"]
    file = tmp_path / "gptplus.json"
    file.write_text(json.dumps({"app_id": "app-2", "app_key": platform.app_key}))
    file.chmod(0o600)
    machine.set(GPTPLUS_APP_ID="", GPTPLUS_APP_KEY="")
    machine.configure(f'[providers.gptplus]\nbase_url = "{platform.address}"\napi_key_file = "{file}"\n')
    assert machine.run("milk").out.strip() == "**milk**, you say"
    assert [body["app_id"] for path, body, _token in platform.seen if path == "/v1/sessions"] == ["app-1", "app-2"]
