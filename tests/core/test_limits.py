"""What servers say when a request is too long, and what is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.limits import limit_from_words, requested_from_words

SENTENCES: list[tuple[str, int | None, int | None]] = [
    # OpenAI, chat and completions
    (
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 10010 tokens. "
            "Please reduce the length of the messages."
        ),
        8192,
        10010,
    ),
    (
        (
            "This model's maximum context length is 4097 tokens, however you requested 4100 tokens "
            "(3100 in your prompt; 1000 for the completion). Please reduce your prompt; or completion length."
        ),
        4097,
        3100,
    ),
    # llama.cpp: its sentence, and its whole JSON body; an older build tells the number only in the JSON
    ("request (18023 tokens) exceeds the available context size (1024 tokens), try increasing it", 1024, 18023),
    (
        (
            '{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the '
            'context size or enable context shift","type":"exceed_context_size_error",'
            '"n_prompt_tokens":1407,"n_ctx":256}}'
        ),
        256,
        1407,
    ),
    # llama-cpp-python
    ("Requested tokens (2065) exceed context window of 1800", 1800, 2065),
    (
        (
            "This model's maximum context length is 1024 tokens. However, you requested 18023 tokens (18023 in "
            "the messages, None in the completion). Please reduce the length of the messages or completion."
        ),
        1024,
        18023,
    ),
    # vLLM
    (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is "
            "4096 tokens and your request has 2104 input tokens (2000 > 4096 - 2104)."
        ),
        4096,
        2104,
    ),
    (
        (
            "The decoder prompt (length 40000) is longer than the maximum model length of 32768. Make sure that "
            "`max_model_len` is no smaller than the number of text tokens."
        ),
        32768,
        40000,
    ),
    # SGLang
    ("The input (40000 tokens) is longer than the model's context length (32768 tokens).", 32768, 40000),
    # Anthropic
    ("prompt is too long: 215000 tokens > 200000 maximum", 200000, 215000),
    (
        (
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length "
            "or `max_tokens` and try again"
        ),
        200000,
        190000,
    ),
    # Gemini
    ("The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).", 1048575, 1196265),
    ("The input token count exceeds the maximum number of tokens allowed 1048576.", 1048576, None),
    # DashScope
    ("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]", 30720, None),
    # Mistral
    (
        "Prompt contains 40020 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        32768,
        40020,
    ),
    # xAI
    ("This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 131072, 537812),
    # Moonshot
    ("Invalid request: Your request exceeded model token limit: 131072 (requested: 150321)", 131072, 150321),
    # OpenRouter
    (
        (
            "This endpoint's maximum context length is 163,840 tokens. However, you requested about 170,211 "
            "tokens (166,115 of text input, 4,096 in the output)."
        ),
        163840,
        166115,
    ),
    # GitHub
    ("prompt token count of 67000 exceeds the limit of 64000", 64000, 67000),
    # text-generation-inference
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens",
        8193,
        9000,
    ),
    # LM Studio
    (
        (
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with "
            "context length of only 4096 tokens, which is not enough."
        ),
        4096,
        5000,
    ),
    # In Chinese
    ("请求超过模型的最大上下文长度 32768", 32768, None),
    # Sentences that name no window
    ("Your input exceeds the context window of this model. Please adjust your input and try again.", None, None),
    ("prompt too long; exceeded max context length by 5000 tokens", None, None),
    ("invalid params, context window exceeds limit (2013) in minute 3000", None, None),
    (
        "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.",
        None,
        None,
    ),
    ("max_tokens is too large: 5000. This model supports at most 4096 completion tokens.", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("words", "limit", "requested"), SENTENCES)
def test_limit_is_understood(words: str, limit: int | None, requested: int | None) -> None:
    """A server's refusal teaches the true window, and a sentence that names none teaches nothing."""
    assert limit_from_words(words) == limit
    assert requested_from_words(words) == requested


@given(st.text())
def test_any_words_are_taken(words: str) -> None:
    """No words of a server, however odd, make the reading fail."""
    limit = limit_from_words(words)
    assert limit is None or limit > 0


def test_endless_digits_are_taken() -> None:
    """A number of thousands of digits is no window and no failure."""
    assert limit_from_words("maximum context length is " + "9" * 10_000) is None
