"""The ready-made providers, and how one is opened."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from gptchat.config.endpoints import Kind, NetworkSettings, ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.providers.address import base_address
from gptchat.providers.registry import builtin, modules, open_provider, servers, specs
from tests.providers.asking import KEY, ask, provider
from tests.support.server import Server

NAMES = {
    *("openai", "azure", "gptplus", "demo", "ollama", "lmstudio", "llamacpp", "vllm", "deepseek", "qwen"),
    *("moonshot", "zhipu", "openrouter", "litellm", "gemini", "anthropic", "siliconflow", "volcengine", "minimax"),
    *("qianfan", "hunyuan", "stepfun", "spark", "baichuan", "yi", "modelscope", "zhipu-coding", "kimi-code"),
    *("qwen-intl", "xiaomi", "mistral", "groq", "xai", "together", "fireworks", "cerebras", "huggingface"),
    "nvidia",
}


def test_what_there_is() -> None:
    """Every provider people ask for is ready-made, described in a line, and found by its name."""
    assert {spec.name for spec in specs()} >= NAMES
    for spec in specs():
        assert spec.summary
        assert builtin(spec.name) == spec.settings
        assert spec.kind == spec.settings.kind
    assert builtin("nothing") is None


@pytest.mark.parametrize("name", servers())
def test_compatible_entries(name: str) -> None:
    """A compatible entry has an address that needs no forgiving, and either a key's variable or none to need."""
    settings = builtin(name)
    assert settings is not None
    assert base_address(settings.base_url) == settings.base_url
    local = settings.base_url.startswith("http://localhost")
    assert settings.key_optional == local
    assert settings.api_key_env


@pytest.mark.parametrize("kind", get_args(Kind))
def test_opening(kind: Any) -> None:
    """A provider is opened without a key, without a network, and knows its name."""
    opened = open_provider(ProviderSettings("mine", kind), NetworkSettings())

    assert opened.name == "mine"


def test_an_unknown_kind() -> None:
    """A kind that does not exist is an error in the settings that lists those that do."""
    kind: Any = "telepathy"
    with pytest.raises(ConfigurationError) as caught:
        open_provider(ProviderSettings("x", kind), NetworkSettings())
    assert "compatible" in caught.value.hint


def test_openais_variables(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own variables for address, organisation and project hold for the OpenAI provider."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.root)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-env")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-env")

    assert ask(provider("", kind="openai")).text == "You said: hello"
    headers = server.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-env", "proj-env")


def test_a_compatible_provider_without_an_address() -> None:
    """A compatible provider without an address says what to write where."""
    failure = ask(provider("")).failure

    assert failure.kind == "configuration"
    assert "base_url" in failure.hint


IMPORTS = """
import sys
import gptchat.providers.registry as registry
registry.specs()
print([name for name in ("openai", "httpx2", "asyncio", "ssl") if name in sys.modules])
"""


def test_listing_providers_is_cheap() -> None:
    """To list the providers neither the SDK nor anything of the network is loaded."""
    root = Path(__file__).parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=root, capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


def test_warming_up_loads_the_sdk() -> None:
    """After warming up the first request has nothing left to import."""
    for name in modules(ProviderSettings("here", "compatible")):
        import_module(name)

    assert {"openai", "httpx2", "gptchat.providers.engine", "gptchat.providers.wire.chat"} <= sys.modules.keys()
