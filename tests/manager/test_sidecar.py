"""What streaming leaves beside a journal, where the program ends at the worst moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gptchat.core.context import Limits
from gptchat.core.events import TextDelta
from gptchat.manager import Route, Send, SessionManager
from gptchat.storage.store import JournalStore
from gptchat.tokens.counter import Counter
from tests.providers.asking import provider
from tests.support.server import Server, say


def test_a_reply_is_there_once_though_its_sidecar_stayed(tmp_path: Path) -> None:
    """A program that ends after the reply is saved, and before its sidecar is removed, leaves one reply."""
    manager = SessionManager(JournalStore(tmp_path), Counter())
    manager.begin("ada")
    left: dict[Path, bytes] = {}

    async def turn(server: Server) -> None:
        engine = provider(server.url)
        async for event in manager.run_turn(Send("hello"), [Route(engine, "m", Limits(8000, 100))]):
            if isinstance(event, TextDelta):
                left.update({path: path.read_bytes() for path in tmp_path.rglob("*.partial")})
        await engine.close()

    with Server() as server:
        server.script(say("one", " two"))
        asyncio.run(turn(server))
    assert left
    for path, sidecar in left.items():
        path.write_bytes(sidecar)
    again = JournalStore(tmp_path).open("ada", manager.session.id)
    assert [message.text for message in again.messages.values()] == ["hello", "one two"]
    assert not list(tmp_path.rglob("*.partial"))
