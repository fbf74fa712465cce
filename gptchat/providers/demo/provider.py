"""The offline demo provider: replies in the manner of ELIZA, and a tour of Markdown, without network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.config.endpoints import ProviderSettings
from gptchat.core.events import Finished, Notice, ProviderEvent, TextDelta, UsageReported
from gptchat.core.messages import Message, Request, Usage
from gptchat.core.ports import Abilities, ModelFacts
from gptchat.providers.demo.data import chinese, english
from gptchat.providers.demo.eliza import Eliza, Script
from gptchat.providers.kinds import ABILITIES
from gptchat.words import _, language

WINDOW = 4096
"""Tokens; small, so that users can see how older turns are omitted."""

_PACE = 36.0  # tokens per second, fast reading speed
_PACED, _FAST = "demo", "demo-fast"
_LONG = 800  # characters; a longer message is treated as a document
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_LETTER = re.compile("[A-Za-z]")
_PIECE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]{1,2}\s*|[^\s\u2e80-\u9fff\uff00-\uffef]{1,12}\s*|\s+")
_WIDE = re.compile("[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]")


class DemoProvider:
    """Replies by rules; the same conversation always gets the same reply."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""
        return self._settings.name

    @property
    def abilities(self) -> Abilities:
        """The abilities of its kind."""
        return ABILITIES["demo"]

    async def stream(self, request: Request) -> AsyncIterator[ProviderEvent]:
        """Yield the reply, with the model `demo` at reading speed, with `demo-fast` without pauses.

        Obeys `max_tokens`, and continues a reply if `request.continuing`. Usage is estimated from the length.
        """
        if request.parameters.get("n", 1) not in (1, None):
            yield Notice(_("the demo gives one answer at a time"))
        text = reply_to(request.messages, continuing=request.continuing)
        pieces = _PIECE.findall(text) if request.stream else [text]
        limit = request.parameters.get("max_tokens")
        kept = list(_within(_PIECE.findall(text), limit)) if isinstance(limit, int) and limit > 0 else pieces
        reason = "length" if len("".join(kept)) < len(text) else "stop"
        if not request.stream:
            kept = ["".join(kept)]
        fast = request.model == _FAST or not request.stream
        loop = asyncio.get_running_loop()
        due, spent = loop.time(), 0
        for piece in kept:
            spent += estimate(piece)
            due += 0.0 if fast else estimate(piece) / _PACE
            # Also sleeps for 0 s, so that the reply can be cancelled after any piece.
            await asyncio.sleep(max(due - loop.time(), 0.0))
            yield TextDelta(piece)
        asked = sum(estimate(Message("user", _content(message)).text) for message in request.messages)
        yield UsageReported(Usage(asked, spent, asked + spent, estimated=True))
        yield Finished(reason, model=_FAST if request.model == _FAST else _PACED)

    async def models(self) -> Sequence[ModelFacts]:
        """The models `demo` and `demo-fast`."""
        return [
            ModelFacts(name, context=WINDOW, vision=False, provider="demo", source="server")
            for name in (_PACED, _FAST)
        ]

    async def close(self) -> None:
        """Does nothing: there are no connections."""


def reply_to(messages: Sequence[Mapping[str, Any]], *, continuing: bool = False) -> str:
    """The demo's reply to chat API messages; the same messages always get the same reply.

    With `continuing`, the last message is the beginning of the reply, and only the rest is returned.
    """
    history = [Message(str(message.get("role")), _content(message)) for message in messages]
    begun = history.pop().text if continuing and history and history[-1].role == "assistant" else ""
    said = [message for message in history if message.role == "user"]
    answered = any(message.role == "assistant" for message in history)
    whole = _conversation(said)
    if not answered and said and not _asks_tour(said[-1].text):
        whole = _script(said).introduction + whole
    if not begun:
        return whole
    return whole[len(begun) :] if whole.startswith(begun) else "\n\n" + whole


def estimate(text: str) -> int:
    """Estimated tokens in `text`: one per four narrow characters and one per wide character."""
    wide = len(_WIDE.findall(text))
    return wide + -(-(len(text) - wide) // 4)


def _conversation(said: Sequence[Message]) -> str:
    """Replay the user's messages in order; returns the reply to the last one."""
    companions = {script.tour: Eliza(script) for script in (english.SCRIPT, chinese.SCRIPT)}
    answer = ""
    for number, message in enumerate(said, 1):
        script = _script(said[:number])
        answer = _answer(companions[script.tour], script, message)
    return answer


def _answer(companion: Eliza, script: Script, message: Message) -> str:
    text = message.text
    if _asks_tour(text):
        return Path(__file__).with_name("data").joinpath(script.tour).read_text(encoding="utf-8")
    if not isinstance(message.content, str) and any(part.get("type") == "image_url" for part in message.content):
        return script.picture
    if len(text) > _LONG:
        return script.long_text.replace("{tokens}", f"{estimate(text):,}")
    if re.search(script.asks_about, text, re.IGNORECASE):
        return companion.rotate("about", script.about)
    return companion.answer(text)


def _asks_tour(text: str) -> bool:
    return any(re.search(script.asks_tour, text, re.IGNORECASE) for script in (english.SCRIPT, chinese.SCRIPT))


def _script(said: Sequence[Message]) -> Script:
    """The script for the language of the newest message with letters or Han characters, else of the interface."""
    for message in reversed(said):
        text = message.text[:_LONG]
        if _HAN.search(text):
            return chinese.SCRIPT
        if _LETTER.search(text):
            return english.SCRIPT
    return chinese.SCRIPT if language() == "zh" else english.SCRIPT


def _within(pieces: Sequence[str], limit: int) -> Iterator[str]:
    for piece in pieces:
        limit -= estimate(piece)
        if limit < 0:
            return
        yield piece


def _content(message: Mapping[str, Any]) -> Any:
    content = message.get("content")
    return content if isinstance(content, str | list | tuple) else ""
