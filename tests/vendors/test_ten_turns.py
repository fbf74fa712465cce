"""The same ten-turn conversation at every vendor: each request is what its documentation says, field by field."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.core.context import Limits
from gptchat.core.events import Notice, TurnEvent, TurnFinished
from gptchat.manager import Continue, Route, Send, SessionManager
from gptchat.providers.registry import open_provider
from gptchat.storage.memory import MemoryStore
from gptchat.storage.store import JournalStore
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


def test_another_provider_gets_none_of_it(tmp_path: Path) -> None:
    """After /provider nothing of another's reasoning travels; back at the first, its own goes on where it was."""
    entries = [ENTRIES["zhipu-coding"], ENTRIES["mistral"]]
    store = JournalStore(tmp_path)
    manager = SessionManager(store, Counter())
    session = manager.begin("ann")
    with Server() as one, Server() as other:
        one.default = lambda request: reply(entries[0], request)
        other.default = lambda request: reply(entries[1], request)

        async def run() -> None:
            routes = []
            for server, name, entry in zip((one, other), ("zhipu-coding", "mistral"), entries, strict=True):
                settings = ProviderSettings(name=name, kind="compatible", base_url=server.url)
                routes.append(Route(open_provider(settings, QUICK, KEY), entry["model"], Limits(100_000)))
            for turn, number in enumerate((0, 1, 0, 1)):
                if turn:
                    manager.open("ann", session.id)  # what is kept survives on disk
                async for _event in manager.run_turn(Send("q"), [routes[number]]):
                    pass
            async for _event in manager.run_turn(Continue(), [routes[1]]):
                pass
            for route in routes:
                await route.provider.close()

        asyncio.run(run())
        replies = [one.requests[-1].json["messages"][1::2], other.requests[1].json["messages"][1::2]]
    assert [message.keys() for message in replies[0]] == [
        {"role", "content", "reasoning_content"},
        {"role", "content"},
    ]
    assert [type(message["content"]) for message in replies[1]] == [str, list, str]
    kept = [message.extra.get("returned") for message in manager.session.path() if message.role == "assistant"]
    assert [one and one["by"] for one in kept] == ["zhipu-coding", "mistral", "zhipu-coding", None]
    assert kept[-1] is None, "a reply that was continued is not the one that was signed"
