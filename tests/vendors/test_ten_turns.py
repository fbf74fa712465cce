"""The same ten-turn conversation at every vendor: each request is what its documentation says, field by field."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.core.context import Limits
from gptchat.core.events import Notice, TurnEvent, TurnFinished
from gptchat.manager import Route, Send, SessionManager
from gptchat.providers.registry import open_provider
from gptchat.storage.memory import MemoryStore
from gptchat.tokens.counter import Counter
from tests.providers.asking import KEY, QUICK
from tests.support.server import Server
from tests.vendors.standins import ENTRIES, PARAMETERS, answer, expected, reply, thought

QUESTIONS = [f"Question {number}?" for number in range(10)]
TABLE = [one for one in vendors.table().values() if one.kind not in ("gptplus", "demo")]


async def converse(server: Server, vendor: str, model: str, mode: str) -> list[TurnEvent]:
    """Ten turns of a new session; returns all events."""
    kind = vendor if vendor in ("openai", "azure") else "compatible"
    address = {"endpoint": server.root} if kind == "azure" else {"base_url": server.url}
    entry = ProviderSettings(name=vendor, kind=kind, **address)  # type: ignore[arg-type]
    parameters: dict[str, Any] = {**PARAMETERS, **({"thinking": mode} if mode else {})}
    provider = open_provider(entry, QUICK, KEY)
    manager = SessionManager(MemoryStore(), Counter())
    manager.begin("ann")
    route = Route(provider, model, Limits(100_000), "Be brief.", parameters)
    events = []
    for question in QUESTIONS:
        events += [event async for event in manager.run_turn(Send(question), [route])]
    await provider.close()
    return events


def test_every_vendor_has_a_stand_in() -> None:
    """A vendor that is added to the table is tried, too: with the model that is its default."""
    assert ENTRIES.keys() == {one.name for one in TABLE}
    assert all(one.model in ("", ENTRIES[one.name]["model"]) for one in TABLE)
    assert all(entry["facts"] for entry in ENTRIES.values())


@pytest.mark.parametrize("vendor", ENTRIES)
@pytest.mark.parametrize("mode", ["", "on", "off"])
def test_ten_turns(vendor: str, mode: str) -> None:
    """No request is refused, each field is as documented, reasoning is shown and goes back where it must."""
    entry = ENTRIES[vendor]
    with Server() as server:
        server.default = lambda request: reply(entry, request)
        events = asyncio.run(converse(server, vendor, entry["model"], mode))
        sent = [request.json for request in server.requests]
    for number, body in enumerate(sent):
        assert body == expected(entry, mode, QUESTIONS[: number + 1])
    assert len(sent) == len(QUESTIONS), "nothing had to be learnt from a refusal"
    finished = [event.message for event in events if isinstance(event, TurnFinished)]
    assert [message.text for message in finished] == [answer(number) for number in range(10)]
    seen = [message.reasoning.strip() for message in finished]
    assert seen == [thought(number) if entry.get("field") else "" for number in range(10)]
    notes = [event.text for event in events if isinstance(event, Notice)]
    assert len(notes) == len(set(notes)), "what is left out is told once"
