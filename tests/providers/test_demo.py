"""The offline demo: honest, bilingual, the same to the same conversation, and a pleasure to look at."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gptchat.config.endpoints import ProviderSettings
from gptchat.core.events import Finished, Notice, ProviderEvent, TextDelta, UsageReported
from gptchat.core.messages import Request
from gptchat.core.ports import Provider
from gptchat.providers.demo import provider as demo

Messages = list[Mapping[str, Any]]


def provider() -> Provider:
    return demo.DemoProvider(ProviderSettings(name="demo", kind="demo"))


def collect(request: Request) -> list[ProviderEvent]:
    async def run() -> list[ProviderEvent]:
        return [event async for event in provider().stream(request)]

    return asyncio.run(run())


def text_of(events: Sequence[ProviderEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def talk(*lines: str) -> tuple[Messages, list[str]]:
    """A conversation of a person saying `lines`; the messages and the demo's replies."""
    messages: Messages = []
    replies = []
    for line in lines:
        messages.append({"role": "user", "content": line})
        replies.append(text_of(collect(Request("demo-fast", tuple(messages)))))
        messages.append({"role": "assistant", "content": replies[-1]})
    return messages, replies


def test_the_first_reply_is_honest() -> None:
    """The first reply says that this is a demo which understands nothing, and how to connect a real model."""
    _messages, (english, second) = talk("Hello", "I feel fine")
    assert "offline demo" in english
    assert "understand nothing" in english
    assert "/connect" in english
    assert "offline demo" not in second
    _messages, (chinese, second) = talk("你好", "我觉得还行")
    assert "离线演示" in chinese
    assert "什么也不懂" in chinese
    assert "/connect" in chinese
    assert "离线演示" not in second


@pytest.mark.parametrize(
    "question",
    [
        "what model are you?",
        "Who are you",
        "are you a real person?",
        "Are you ChatGPT?",
        "help",
        "what can you do",
        "do you understand me?",
        "你是谁？",
        "你是真人吗",
        "这是什么模型？",
        "帮助",
        "你能做什么",
        "你听得懂我吗？",
        "怎么接入 GPT？",
    ],
)
def test_asked_about_itself_it_is_honest(question: str) -> None:
    """Asked what it is or for help, at any time and twice, the demo says that no model is behind it."""
    _messages, replies = talk("I need rest", question, "and then?", question)
    for reply in (replies[1], replies[3]):
        assert "no model" in reply or "没有模型" in reply
        assert "/connect" in reply
    assert replies[1] != replies[3]


def test_it_reflects_in_english() -> None:
    """A sentence comes back with its pronouns turned, by the keyword of the highest rank."""
    _messages, replies = talk(
        "x", "My brother does not trust me", "I think you are right", "I want you to love me"
    )
    assert replies[1:] == [
        "Who else in your family does not trust you?",
        "How sure are you that I am right?",
        "What would it change for you to have me to love you?",
    ]


def test_it_reflects_in_chinese() -> None:
    """中文里「我」与「你」互换，句末语气词去掉。"""
    _messages, replies = talk("嗯", "我觉得你不懂我吧", "我想学编程了")
    assert replies[1:] == ["你有多确定我不懂你？", "要是学编程成了，会有什么不同？"]


def test_replies_rotate_and_memory_returns() -> None:
    """The same sentence gets another answer each time, and what was said of "my" comes up again later."""
    _messages, replies = talk(
        "x", "I need tea", "I need tea", "I need tea", "my garden is full of weeds", "hmm", "hmm"
    )
    assert len(set(replies[1:4])) == 3
    assert "your garden" not in replies[6]
    assert replies[5] == "Earlier you said that your garden is full of weeds. Let us go back to it."


def test_languages_mix() -> None:
    """Each message is answered in its own language; one without letters in that of the one before."""
    _messages, replies = talk("hello", "我很累", "……", "I am tired", "42")
    chinese = [bool(re.search("[\u4e00-\u9fff]", reply)) for reply in replies]
    assert chinese == [False, True, True, False, False]


@given(
    st.lists(st.text(max_size=80) | st.sampled_from(["I need you", "我想要你", "show me", "my cat"]), max_size=5)
)
@settings(max_examples=60)
def test_the_same_conversation_gets_the_same_answer(lines: list[str]) -> None:
    """Whatever is said gets a reply, and asking again (as `/retry` does) gets the very same one."""
    messages: Messages = []
    for line in [*lines, "end"]:
        messages.append({"role": "user", "content": line})
        reply = demo.reply_to(messages)
        assert reply.strip()
        assert "{" not in reply or "{" in "".join(lines) or "```" in reply
        assert reply == demo.reply_to(messages)
        messages.append({"role": "assistant", "content": reply})


@pytest.mark.parametrize(
    "words", ["show me", "Show me!", "please show me everything", "tour", "展示", "演示", "请展示一下"]
)
def test_the_tour_has_every_element(words: str) -> None:
    """`show me` brings a document in which every element a reply may hold is really there."""
    text = demo.reply_to([{"role": "user", "content": words}])
    assert bool(re.search("^## 选茶", text, re.MULTILINE)) is bool(re.search("[展演]", words))
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    blocks = {token.type for token in tokens}
    inline = {child.type for token in tokens for child in token.children or ()}
    assert {
        "heading_open",
        "table_open",
        "bullet_list_open",
        "ordered_list_open",
        "blockquote_open",
        "hr",
    } <= blocks
    assert {"strong_open", "em_open", "s_open", "code_inline", "link_open"} <= inline
    assert {token.tag for token in tokens if token.type == "heading_open"} == {"h1", "h2", "h3", "h4"}
    assert len({token.info for token in tokens if token.type == "fence"} - {""}) == 3
    assert max(token.level for token in tokens if token.type == "bullet_list_open") >= 2
    for piece in (
        "- [x] ",
        "- [ ] ",
        "[^1]",
        "\n[^1]: ",
        "> [!TIP]",
        "> [!WARNING]",
        "$$",
        "**“水为茶之母。”**这",
        "🍵",
    ):
        assert piece in text
    assert "demo" in text or "演示" in text
    assert "/connect" in text


def test_the_code_in_the_tour_runs() -> None:
    """The tour's Python does what its comment promises."""
    for words, unit in (("show me", "minutes"), ("展示", "分钟")):
        code = re.findall("```python\n(.*?)```", demo.reply_to([{"role": "user", "content": words}]), re.DOTALL)
        result = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code[0]], capture_output=True, encoding="utf-8", check=True
        )
        assert result.stdout == f"21 {unit}\n"


def test_events_in_order() -> None:
    """A reply comes in small pieces, then its estimated usage, then the end mark with the demo's own name."""
    request = Request("gpt-4o", ({"role": "system", "content": "Be brief"}, {"role": "user", "content": "thanks"}))
    events = collect(Request("demo-fast", request.messages))
    pieces = [event.text for event in events if isinstance(event, TextDelta)]
    assert len(pieces) > 20
    assert max(len(piece) for piece in pieces) <= 20
    usage, finished = events[-2:]
    assert isinstance(usage, UsageReported)
    assert usage.usage.estimated
    assert usage.usage.prompt_tokens == 2 + 2
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + usage.usage.completion_tokens
    assert finished == Finished("stop", model="demo-fast")
    whole = collect(Request("gpt-4o", request.messages, stream=False))
    assert [type(event) for event in whole] == [TextDelta, UsageReported, Finished]
    assert text_of(whole) == "".join(pieces)
    assert whole[-1] == Finished("stop", model="demo")


def test_reading_pace() -> None:
    """With the model `demo` a reply takes its time; a person can read along."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        request = Request("demo", ({"role": "assistant", "content": "."}, {"role": "user", "content": "hello"}))
        tokens = 0
        async for event in provider().stream(request):
            if isinstance(event, UsageReported):
                tokens = event.usage.completion_tokens
        return tokens / (loop.time() - begin)

    assert asyncio.run(run()) <= 41


def test_it_stops_at_once() -> None:
    """A reply that is stopped ends at the next piece and leaves nothing running."""

    async def run() -> int:
        count = 0
        request = Request("demo", ({"role": "user", "content": "show me"},))

        async def read() -> None:
            nonlocal count
            async for _event in provider().stream(request):
                count += 1
                started.set()

        started = asyncio.Event()
        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return count

    assert asyncio.run(run()) < 5


def test_length_and_continuing() -> None:
    """A reply cut off by `max_tokens` says so, and going on brings exactly the rest."""
    user = {"role": "user", "content": "show me"}
    first = collect(Request("demo-fast", (user,), {"max_tokens": 100}))
    assert first[-1] == Finished("length", model="demo-fast")
    begun = text_of(first)
    usage = first[-2]
    assert isinstance(usage, UsageReported)
    assert 80 <= usage.usage.completion_tokens <= 100
    rest = collect(Request("demo-fast", (user, {"role": "assistant", "content": begun}), continuing=True))
    assert begun + text_of(rest) == demo.reply_to([user])
    other = ({"role": "user", "content": "I need tea"}, {"role": "assistant", "content": "Well,"})
    assert text_of(collect(Request("demo-fast", other, continuing=True))).strip()


def test_long_texts_and_pictures() -> None:
    """A document or an image is answered with the plain word that the demo cannot take it in."""
    _messages, replies = talk("x", "word " * 400, "茶" * 900)
    assert "about 500 tokens" in replies[1]
    assert "900 个 token" in replies[2]
    picture = [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
    ]
    assert "see nothing" in demo.reply_to([{"role": "user", "content": picture}])


def test_one_answer_at_a_time() -> None:
    """Asked for several choices, the demo says that it gives one."""
    events = collect(Request("demo-fast", ({"role": "user", "content": "hello"},), {"n": 3}))
    assert isinstance(events[0], Notice)


def test_models() -> None:
    """Both paces are listed with a window small enough to watch the trimming."""
    listed = asyncio.run(provider().models())
    assert [(model.name, model.context, model.vision) for model in listed] == [
        ("demo", 4096, False),
        ("demo-fast", 4096, False),
    ]


def test_no_client_is_loaded() -> None:
    """The demo starts without the client library and any HTTP library."""
    code = (
        "import sys, gptchat.providers.demo.provider\nprint([n for n in ('openai', 'httpx2') if n in sys.modules])"
    )
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert heavy.strip() == "[]"
