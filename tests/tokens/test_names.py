"""Every name a model goes by leads to its encoding."""

from __future__ import annotations

import pytest

from gptchat.tokens.names import ESTIMATE, bare, counts_as_published, encoding_for


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-4o", "gpt-4o-mini-2024-07-18", "chatgpt-4o-latest", "gpt-4.1-nano", "gpt-4.5-preview", "gpt-5"),
        *(
            "gpt-5.4-mini",
            "gpt-6.1-terra",
            "gpt-6-astra",
            "gpt-10",
            "o1",
            "o1-pro",
            "o3-mini",
            "o4-mini-2025-04-16",
        ),
        *(
            "openai/gpt-4o",
            "OpenAI/GPT-6",
            "ft:gpt-4o-mini-2024-07-18:acme::abc123",
            "gpt-oss-120b",
            "chat-latest",
        ),
        *("codex-mini-latest", "computer-use-preview"),
    ],
)
def test_newer_openai_models(model: str) -> None:
    """Every OpenAI model since gpt-4o, those newer than tiktoken too, counts by o200k_base."""
    assert encoding_for(model) == "o200k_base"


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-4", "gpt-4-turbo-2024-04-09", "gpt-4-0613", "gpt-3.5-turbo", "gpt-35-turbo", "gpt-35-turbo-16k"),
        *("ft:gpt-3.5-turbo-0125:acme::abc", "text-embedding-3-small", "davinci-002", "openai/gpt-4"),
    ],
)
def test_older_openai_models(model: str) -> None:
    """gpt-4, gpt-3.5 in OpenAI's and Azure's spelling, and their fine-tunes count by cl100k_base."""
    assert encoding_for(model) == "cl100k_base"


@pytest.mark.parametrize(
    "model", ["qwen3-max", "deepseek-chat", "llama-3.1-8b", "my-deployment", "", "olmo-2", "o", "openchat", "gptx"]
)
def test_other_models(model: str) -> None:
    """A name that is not OpenAI's is never taken for one."""
    assert encoding_for(model) == ESTIMATE


def test_open_weights_are_not_exact() -> None:
    """gpt-oss has OpenAI's encoding but the server's own template, so its counts are not called exact."""
    assert not counts_as_published("openai/gpt-oss-20b")
    assert counts_as_published("gpt-6.1-terra")


def test_bare_name() -> None:
    """A fine-tune's dress and a provider's prefix are taken off."""
    assert bare("ft:gpt-4o:acme::abc") == "gpt-4o"
    assert bare("openrouter/openai/gpt-4o") == "gpt-4o"
