"""Questions aside: they see the conversation and are answered, and the conversation goes on without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from gptchat.core.branches import ASIDE
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Content, Message
from gptchat.manager import Answer, Route, SessionManager
from gptchat.manager.beside import TurnsBeside


async def answer_aside(
    manager: SessionManager, content: Content, routes: Sequence[Route], extra: Mapping[str, Any]
) -> AsyncGenerator[TurnEvent, None]:
    """Ask `content` behind the conversation as it stands, which stays there; yields the events of the turn.

    `extra` are further fields of the message, such as the passages that go along.

    Question and answer are in the journal, as a branch of the tree that `core.branches` knows as an aside.
    """
    manager.close_calls()
    beside = TurnsBeside(manager, 1, lambda _session: True)
    asked = Message(
        "user", content, parent=manager.session.head, ts=manager.timestamp(), extra={**extra, ASIDE: True}
    )
    question = await asyncio.to_thread(beside.ask, asked)
    with beside:
        async with aclosing(beside.managers[0].run_turn(Answer(question.id), routes)) as events:
            async for event in events:
                yield event
                if beside.stopped and not beside.managers[0].stopping:
                    beside.managers[0].stop()
