"""Windows as running servers tell them beside OpenAI's API, each in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat import vendors
from gptchat.core.ports import ModelFacts
from gptchat.errors import NotFoundError
from gptchat.providers.serving.windows import windows
from tests.providers.asking import closing, provider
from tests.support.server import Reply, Server


def listed(server: Server) -> dict[str, ModelFacts]:
    """The models of `server`, as the provider for it lists them."""
    engine = provider(server.url)
    return {one.name: one for one in asyncio.run(closing(engine, engine.models()))}


def asked(server: Server) -> list[str]:
    """What the server was asked besides its list."""
    return [request.path for request in server.requests if request.path != "/v1/models"]


LITELLM = {
    "data": [
        {
            "model_name": "m",
            "litellm_params": {},
            "model_info": {"max_input_tokens": 64000, "max_output_tokens": 900},
        },
        {"model_name": "m", "model_info": {"max_input_tokens": 32000, "max_output_tokens": 800}},
        {"model_name": "m", "model_info": {"max_input_tokens": 48000}},
        {"model_name": "other", "model_info": {"max_tokens": 4096, "max_input_tokens": None}},
        {"model_name": 3, "model_info": {"max_input_tokens": 5000}},
        7,
    ]
}
SERVERS: dict[str, tuple[str, dict[str, Any], int]] = {
    # kind of server: its `owned_by`, its answers by path, the window of its model `m`
    "llama.cpp": ("llamacpp", {"/props": {"default_generation_settings": {"n_ctx": 1024}, "n_ctx": 4096}}, 1024),
    "llama.cpp, older": ("llamacpp", {"/props": {"n_ctx": 512}}, 512),
    "llamafile": ("", {"/props": {"default_generation_settings": {"n_ctx": 2048}}}, 2048),
    "Ollama, loaded": (
        "library",
        {"/api/ps": {"models": [{"name": "m", "context_length": 4096}, {"name": 3}]}},
        4096,
    ),
    "Ollama, configured": (
        "library",
        {"/api/ps": {"models": []}, "/api/show": {"parameters": 'stop "a"\nnum_ctx    16384\ntemperature 1'}},
        16384,
    ),
    "Ollama, a user's model": ("me", {"/api/ps": {"models": [{"name": "m", "context_length": 8192}]}}, 8192),
    "LM Studio, loaded": (
        "organization_owner",
        {"/api/v0/models": {"data": [{"id": "m", "max_context_length": 131072, "loaded_context_length": 6000}]}},
        6000,
    ),
    "LM Studio, not loaded": (
        "organization_owner",
        {"/api/v0/models": {"data": [{"id": "m", "state": "not-loaded", "max_context_length": 131072}]}},
        131072,
    ),
    "LM Studio 0.4": (
        "organization_owner",
        {
            "/api/v0/models": {"error": "gone"},
            "/api/v1/models": {
                "models": [
                    {
                        "key": "m",
                        "loaded_instances": [{"id": "m", "config": {"context_length": 7000}}],
                        "max_context_length": 40960,
                    }
                ]
            },
        },
        7000,
    ),
    "LiteLLM": ("openai", {"/model/info": LITELLM}, 32000),
    "LiteLLM, groups": (
        "openai",
        {
            "/model_group/info": {
                "data": [
                    {"model_group": "m", "max_input_tokens": 9000.0},
                    {"model_group": "m", "max_input_tokens": 9000},
                ]
            }
        },
        9000,
    ),
    "KoboldCpp": ("koboldcpp", {"/api/extra/true_max_context_length": {"value": 12288}}, 12288),
    "SGLang": ("sglang", {"/get_server_info": {"context_length": 32768, "max_total_num_tokens": 20000}}, 20000),
    "SGLang, by its cache": (
        "sglang",
        {"/get_server_info": {"context_length": None, "internal_states": [{"max_req_input_len": 15000}]}},
        15000,
    ),
    "SGLang, newer": ("sglang", {"/server_info": {"context_length": 32768}}, 32768),
    "SGLang, model": ("sglang", {"/get_server_info": [], "/get_model_info": {"max_model_len": 3000}}, 3000),
    "TGI": ("m", {"/info": {"model_id": "m", "max_input_tokens": 4095, "max_total_tokens": 4096}}, 4096),
    "TabbyAPI": ("tabbyAPI", {"/v1/model": {"id": "m", "parameters": {"max_seq_len": 10240}}}, 10240),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_windows_of_running_servers(server: Server, kind: str) -> None:
    """The window that a server tells beside its list of models is known, for every server that has a way."""
    owner, answers, window = SERVERS[kind]
    server.models = [{"id": "m", "owned_by": owner}]
    server.answers = {path: Reply.document(answer) for path, answer in answers.items()}
    server.missing = ("/api/v0/models", "/api/v1/models")

    assert listed(server)["m"].context == window


def test_limits_of_prompt_and_reply(server: Server) -> None:
    """A limit of the prompt alone and one of the reply are known, too, where a server tells them."""
    server.models = [{"id": "m"}]
    server.answers = {"/model/info": Reply.document(LITELLM)}
    assert listed(server)["m"].max_output == 800

    server.answers = {"/info": Reply.document({"max_input_length": 3000, "max_total_tokens": 4096})}
    assert listed(server)["m"].max_input == 3000


def test_the_running_window_is_the_truth(server: Server) -> None:
    """A running server's window is taken even where its list tells a larger one, such as the model's own."""
    server.models = [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 4096}}]
    assert listed(server)["m"].context == 4096
    server.props = {"default_generation_settings": {"n_ctx": 1024}}
    assert listed(server)["m"].context == 1024


def test_a_server_that_names_itself_is_asked_in_its_way_alone(server: Server) -> None:
    """A server that tells what it is gets no requests meant for others, and one that tells windows gets none."""
    server.models = [{"id": "m", "owned_by": "koboldcpp"}]
    assert listed(server)["m"].context is None
    assert asked(server) == ["/api/extra/true_max_context_length"]

    server.requests.clear()
    server.models = [{"id": "m", "owned_by": "vllm", "max_model_len": 2048}]
    assert listed(server)["m"].context == 2048
    assert asked(server) == []


def test_several_models_of_ollama(server: Server) -> None:
    """A loaded model has the window it was given; another one, what it is configured with, if that is known."""
    server.models = [{"id": "llama3:latest", "owned_by": "library"}, {"id": "qwen3:4b", "owned_by": "library"}]
    server.loaded = {"models": [{"name": "llama3:latest", "context_length": 4096}, 7]}
    assert {name: one.context for name, one in listed(server).items()} == {"llama3:latest": 4096, "qwen3:4b": None}
    assert [request.json for request in server.requests if request.path == "/api/show"] == [{"model": "qwen3:4b"}]


def test_vendors_are_not_asked_as_if_they_were_local() -> None:
    """A known vendor's server is asked for its list alone: it has no ways of a server of one's own."""
    calls: list[str] = []

    async def call(method: str, address: str, body: Mapping[str, Any] | None) -> Any:
        calls.append(address)
        raise NotFoundError("no")

    assert vendors.at("https://api.deepseek.com/v1") is not None
    models = {"data": [{"id": "m", "owned_by": "deepseek"}]}
    assert asyncio.run(windows(models, "https://api.deepseek.com", call, every=False)) == {}
    assert calls == []
    assert asyncio.run(windows({"data": []}, "http://host", call, every=True)) == {}
    assert asyncio.run(windows(models, "http://host", call, every=True)) == {}
    assert "http://host/model/info" in calls


def test_a_way_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that hangs delays the list by a moment only, and what the others told is kept."""
    monkeypatch.setattr("gptchat.providers.serving.windows._PATIENCE", 0.05)
    stopped: list[str] = []

    async def call(method: str, address: str, body: Mapping[str, Any] | None) -> Any:
        if address.endswith("/model/info"):
            return LITELLM
        try:
            return await asyncio.Event().wait()
        finally:
            stopped.append(address)

    found = asyncio.run(windows({"data": [{"id": "m"}]}, "http://host", call, every=True))
    assert found["m"].context == 32000
    assert "http://host/props" in stopped


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["m", "", "num_ctx 5"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "models", "id", "name", "model_name", "model_info", "value", "parameters", "max_seq_len",
                 "default_generation_settings", "n_ctx", "internal_states", "context_length", "max_total_tokens",
                 "max_input_tokens", "loaded_instances", "config", "max_total_num_tokens"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(models=ANY, answer=ANY)
def test_any_answer(models: Any, answer: Any) -> None:
    """Whatever a server answers, its list stays usable, and no window is nonsense."""

    async def call(method: str, address: str, body: Mapping[str, Any] | None) -> Any:
        return answer

    for listing in (models, {"data": [{"id": "m"}, models]}):
        for name, told in asyncio.run(windows(listing, "http://host", call, every=True)).items():
            assert isinstance(name, str)
            assert told.context is not None
            assert 128 <= told.context <= 10**9
