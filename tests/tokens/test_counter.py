"""Counting messages and requests. Each expected total is one that a server reported, its source beside it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.messages import Message
from gptchat.core.ports import TokenCounter
from gptchat.tokens.counter import Counter

COOKBOOK = "OpenAI Cookbook, 'How to count tokens with tiktoken', sections 6 and 7: counted by the OpenAI API"

EXAMPLE = [
    Message(role, text, extra={"name": name} if name else {})
    for role, name, text in (
        (
            "system",
            "",
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        ("system", "example_user", "New synergies will help drive top-line growth."),
        ("system", "example_assistant", "Things working well together will increase revenue."),
        (
            "system",
            "example_user",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        ("system", "example_assistant", "Let's talk later when we're less busy about how to do better."),
        ("user", "", "This late pivot means we don't have time to boil the ocean for the client deliverable."),
    )
]

WEATHER = [
    Message("system", "You are a helpful assistant that can answer to questions about the weather."),
    Message("user", "What's the weather like in San Francisco?"),
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                    "unit": {
                        "type": "string",
                        "description": "The unit of temperature to return",
                        "enum": ["celsius", "fahrenheit"],
                    },
                },
                "required": ["location"],
            },
        },
    }
]
MODELS = st.sampled_from(["gpt-6.1-terra", "gpt-4", "qwen3-max", "openai/gpt-oss-20b"])


@pytest.fixture(scope="module")
def counter() -> Counter:
    """A counter with both vocabularies loaded."""
    counter = Counter()
    assert counter.load("gpt-4o")
    assert counter.load("gpt-4")
    return counter


def request(counter: Counter, messages: list[Message], model: str) -> int:
    """Tokens of a request of `messages`."""
    return sum(counter.message(message, model) for message in messages) + counter.overhead(model)


@pytest.mark.parametrize(
    ("model", "reported"),
    [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)],
)
def test_requests_as_openai_counts_them(counter: Counter, model: str, reported: int) -> None:
    """A request of messages with names is counted as OpenAI reported it."""
    assert counter.exact(model)
    assert request(counter, EXAMPLE, model) == reported, COOKBOOK


@pytest.mark.parametrize(
    ("model", "reported"), [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)]
)
def test_tools_as_openai_counts_them(counter: Counter, model: str, reported: int) -> None:
    """A request that offers a tool is counted as OpenAI reported it."""
    assert request(counter, WEATHER, model) + counter.tools(TOOLS, model) == reported, COOKBOOK
    assert counter.tools([], model) == 0


def test_first_example_of_the_cookbook(counter: Counter) -> None:
    """`tiktoken is great!` is six tokens, as the Cookbook's section 3 prints them."""
    assert counter.count("tiktoken is great!", "gpt-3.5-turbo") == 6


def test_image_in_a_message(counter: Counter) -> None:
    """A message's image is counted by the rule of the model it goes to, whatever model it was counted for."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}}
    message = Message("user", ({"type": "text", "text": "What is this?"}, part))
    words = counter.message(Message("user", "What is this?"), "gpt-4o")
    assert counter.message(message, "gpt-4o") == words + 85
    kept = replace(message, tokens=counter.measure(message, "gpt-4o"))
    assert counter.message(kept, "gpt-4o-mini") == words + 2833


def test_tool_call_is_counted(counter: Counter) -> None:
    """What a model asked of a tool counts, though the message has no text."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    silent = Message("assistant", "")
    assert counter.message(replace(silent, extra={"tool_calls": [call]}), "gpt-4o") > counter.message(
        silent, "gpt-4o"
    )


@settings(max_examples=150)
@given(model=MODELS, text=st.text(), role=st.sampled_from(["user", "assistant", "system", "tool"]))
def test_kept_counts_change_nothing(counter: Counter, model: str, text: str, role: str) -> None:
    """A message counts the same with its kept count, also after a trip through JSON, as without."""
    message = Message(role, text)
    kept = json.loads(json.dumps(counter.measure(message, model)))
    assert all(isinstance(number, int) for number in kept.values())
    assert counter.message(replace(message, tokens=kept), model) == Counter().message(message, model)


@pytest.mark.parametrize(
    "text", ["plain words", "a = [b(c), {d: 1}];", "数据是什么？你好", "mixed 数据 [x] and words"]
)
def test_kept_counts_change_nothing_after_reports(text: str) -> None:
    """Where reports have corrected the estimate, a kept count is corrected as a new one is."""
    counter = Counter()
    for number, sample in enumerate(["some plain words " * 9, "f(x) = [y]; " * 9, "今天天气很好。" * 9] * 4):
        asked = [Message("user", f"{sample} {number}")]
        counted = counter.message(asked[0], "qwen3-max") + counter.overhead("qwen3-max")
        counter.learn("qwen3-max", counted, round((1.0, 1.6, 0.7)[number % 3] * counted) + 9, asked)
    message = Message("user", text)
    kept = replace(message, tokens=counter.measure(message, "qwen3-max"))
    assert counter.message(kept, "qwen3-max") == counter.message(message, "qwen3-max")


def test_kept_counts_are_used(counter: Counter) -> None:
    """A count kept with a message is taken for true: a turn counts only what is new."""
    message = Message("user", "hello", tokens={"o200k_base": 1000, "estimate": 2000})
    assert counter.message(message, "gpt-4o") == 1004
    assert counter.message(message, "qwen3-max") == 2004
    assert counter.message(message, "gpt-4") == 5


@settings(max_examples=150)
@given(model=MODELS, text=st.text(st.characters(codec=None)))
def test_any_text(counter: Counter, model: str, text: str) -> None:
    """Any string whatever is counted, lone surrogates and controls too."""
    assert counter.count(text, model) >= (1 if text else 0)


@pytest.mark.parametrize("model", ["gpt-6", "qwen3-max"])
def test_a_megabyte_in_a_thread(counter: Counter, model: str) -> None:
    """A megabyte without a blank is counted in a thread, and the thread ends."""
    counts: list[int] = []
    worker = threading.Thread(target=lambda: counts.append(counter.count("x" * 1_000_000, model)))
    worker.start()
    worker.join(30)
    assert counts[0] > 10_000


def test_deployment_takes_the_servers_word(counter: Counter) -> None:
    """An Azure deployment is estimated until the server names the model behind it, and exact from then on."""
    counter = Counter()
    assert counter.encoding("my-deployment") == "estimate"
    assert not counter.exact("my-deployment")
    counter.alias("my-deployment", "gpt-4o-2024-08-06")
    assert counter.encoding("my-deployment") == "o200k_base"
    assert counter.exact("my-deployment")
    assert request(counter, EXAMPLE, "my-deployment") == 124


def test_the_servers_full_name_changes_nothing_learnt(counter: Counter) -> None:
    """When the server answers as the dated version of the model that was asked, what was learnt stays."""
    counter = Counter()
    counter.learn("gpt-4o", 100, 140, EXAMPLE)
    learnt = counter.overhead("gpt-4o")
    assert learnt > 30
    counter.alias("gpt-4o", "gpt-4o-2024-08-06")
    assert counter.overhead("gpt-4o") == learnt


def test_silent_tool_calls_are_told_apart(counter: Counter) -> None:
    """Messages without text but with calls are not taken for one another once a server has counted one."""
    counter = Counter()
    calls = [
        Message("assistant", "", extra={"tool_calls": [{"function": {"name": "find", "arguments": "x " * size}}]})
        for size in (1, 200)
    ]
    counter.learn("qwen3-max", 500, 600, [Message("user", "hello " * 90), calls[1]])
    assert counter.message(calls[0], "qwen3-max") < counter.message(calls[1], "qwen3-max") / 4
    assert counter.message(Message("assistant", ""), "qwen3-max") < 20


def test_settings_name_the_encoding(counter: Counter) -> None:
    """An encoding in the settings holds for its model, or for all models of its provider."""
    chosen = {"lab": "o200k_base", "work": "cl100k_base", "odd": "p50k_base"}
    counter = Counter(chosen=lambda provider, _model: chosen.get(provider, ""))
    assert counter.encoding("lab/chat") == "o200k_base"
    assert counter.exact("lab/chat")
    assert counter.encoding("work/anything") == "cl100k_base"
    assert counter.encoding("odd/chat") == "estimate"
    assert request(counter, EXAMPLE, "work/anything") == 129


def test_it_is_a_token_counter(counter: Counter) -> None:
    """The counter is what the rest of the program asks for."""
    port: TokenCounter = counter
    assert port.count("", "gpt-4o") == 0
    assert port.overhead("gpt-4o") == 3


def test_before_the_vocabulary_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the vocabulary loads, counts are estimates and say so; afterwards they are exact."""
    from gptchat.tokens import vocabulary

    monkeypatch.setattr(vocabulary, "_loaded", {})
    counter = Counter()
    assert not counter.ready("gpt-4o")
    assert not counter.exact("gpt-4o")
    assert counter.encoding("gpt-4o") == "estimate"
    early = request(counter, EXAMPLE, "gpt-4o")
    assert early == pytest.approx(124, rel=0.15)
    assert counter.load("gpt-4o")
    assert counter.ready("gpt-4o")
    assert counter.exact("gpt-4o")
    assert request(counter, EXAMPLE, "gpt-4o") == 124


def test_nothing_to_load_for_others() -> None:
    """A model that is estimated is ready at once."""
    counter = Counter()
    assert counter.ready("deepseek-chat")
    assert counter.load("deepseek-chat")
    assert not counter.exact("deepseek-chat")
