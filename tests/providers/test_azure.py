"""Azure OpenAI: both endpoints, both ways to log in, and what its content filter tells."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.asking import KEY, ask, closing, lines, provider, question
from tests.support.server import Server, raw

TOKEN = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"x"}', b'{"aud":"y"}', b"z" * 9)
)


@pytest.mark.parametrize(
    ("endpoint", "version", "target"),
    [
        ("", "2024-10-21", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        ("/", "2024-10-21", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        ("/openai", "2024-10-21", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        (
            "/openai/deployments/other/chat/completions?api-version=2024-06-01",
            "",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01",
        ),
        ("", "", "/openai/v1/chat/completions"),
        ("/openai/v1/", "", "/openai/v1/chat/completions"),
        ("", "preview", "/openai/v1/chat/completions"),
    ],
)
def test_addresses(server: Server, endpoint: str, version: str, target: str) -> None:
    """The endpoint may be the resource's root or a whole pasted address; the deployment is the model."""
    outcome = ask(provider(server.root + endpoint, kind="azure", api_version=version), question(model="gpt-4o"))

    assert outcome.text == "You said: hello"
    assert server.requests[0].target == target


@pytest.mark.parametrize("version", ["", "2024-10-21"])
@pytest.mark.parametrize("key", [KEY, TOKEN])
def test_key_or_token(server: Server, version: str, key: str) -> None:
    """A key goes as `api-key`, an Entra ID token as bearer, on either endpoint."""
    ask(provider(server.root, kind="azure", api_version=version, key=key))

    headers = server.requests[0].headers
    assert headers.get("api-key") == (KEY if key == KEY else None)
    assert headers.get("authorization") == (f"Bearer {TOKEN}" if key == TOKEN else None)


def test_the_environment_fills_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own variables name the endpoint and the version where the settings do not."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.root)
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")

    assert ask(provider("", kind="azure")).text == "You said: hello"
    assert "api-version=2024-10-21" in server.requests[0].target


def test_the_own_deployment_heads_the_list(server: Server) -> None:
    """Azure lists the models it has rather than one's deployments, so the one in the settings comes first."""
    engine = provider(server.root, kind="azure", deployment="mine")

    assert [one.name for one in asyncio.run(closing(engine, engine.models()))] == ["mine", "test-model"]


def test_no_endpoint() -> None:
    """Without an endpoint the person is told where to write it."""
    failure = ask(provider("", kind="azure")).failure

    assert failure.kind == "configuration"
    assert "AZURE_OPENAI_ENDPOINT" in failure.hint


LIBRARY = """
class DefaultAzureCredential:
    def get_token(self, scope):
        if {broken}:
            raise RuntimeError("az: not logged in")
        assert scope == "https://cognitiveservices.azure.com/.default"
        return type("Token", (), {{"token": {token!r}}})
"""


@pytest.fixture(autouse=True)
def _no_stand_in_stays() -> Iterator[None]:
    """What a test put in azure-identity's place is gone for the next."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        del sys.modules[name]


def install_library(folder: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool) -> None:
    """Put a stand-in for azure-identity where it is imported from."""
    package = folder / "azure" / "identity"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(LIBRARY.format(broken=broken, token=TOKEN))
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))


def test_the_machines_own_login(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, azure-identity's login is used where it is installed."""
    install_library(tmp_path, monkeypatch, broken=False)

    assert ask(provider(server.root, kind="azure", key=None)).text == "You said: hello"
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_no_login(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no login works, the error says how to log in."""
    install_library(tmp_path, monkeypatch, broken=True)

    failure = ask(provider(server.root, kind="azure", key=None)).failure

    assert failure.kind == "authentication"
    assert "az login" in failure.hint


def test_the_filter_tells_why(server: Server) -> None:
    """A reply that the content filter stopped names the categories; Azure's empty first chunk is no error."""
    first = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    results = {
        "violence": {"filtered": True, "severity": "medium"},
        "hate": {"filtered": False, "severity": "safe"},
    }
    last = {
        "choices": [
            {"index": 0, "delta": {}, "finish_reason": "content_filter", "content_filter_results": results}
        ]
    }
    server.script(
        raw(lines(json.dumps(first), '{"choices":[{"index":0,"delta":{"content":"One"}}]}', json.dumps(last)))
    )

    outcome = ask(provider(server.root, kind="azure"))

    assert (outcome.text, outcome.error) == ("One", None)
    assert outcome.ends[0].reason == "content_filter"
    assert outcome.notices == ["the content filter stopped the reply: violence (medium)"]
