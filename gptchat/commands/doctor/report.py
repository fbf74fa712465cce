"""`/doctor`: looks at everything a chat depends on, tells each thing as it is known, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gptchat.commands.doctor.finding import Finding, heading
from gptchat.commands.effects import Effect, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.workspace import Workspace
from gptchat.words import _, ngettext

Effects = AsyncGenerator[Effect, Any]


async def doctor(ws: Workspace, call: Call) -> Effects:
    """Check settings, connection, terminal and store."""
    from gptchat.commands.doctor import connection as doctor_connection  # they load what only they need
    from gptchat.commands.doctor import store as doctor_store

    name = call.get("provider")
    if name:
        ws.settings.provider(name)
    if "--forget" in call.flags:
        yield forget(ws, name)
        await asyncio.to_thread(ws.keep)
        return
    problems = 0
    yield heading(_("Settings"))
    for show in doctor_store.settings(ws, name):
        problems += show.failed
        yield show
    yield heading(_("Connection"))
    async for finding in doctor_connection.connection(ws, name):
        problems += finding.state == "failed"
        yield finding.show()
    yield heading(_("What was learnt of servers"))
    for finding in learnt(ws):
        yield finding.show()
    yield heading(_("Terminal"))
    for check, value, advice in ws.abilities():
        yield Finding(
            "terminal",
            "warning" if advice else "ok",
            _("{check}: {value}").format(check=check, value=value),
            advice,
        ).show()
    yield heading(_("Store"))
    for finding in await asyncio.to_thread(lambda: list(doctor_store.store(ws))):
        problems += finding.state == "failed"
        yield finding.show()
    if problems:
        words = ngettext("{n} thing needs your attention", "{n} things need your attention", problems)
        yield Show([Text(""), Text(words.format(n=problems), "error")], failed=True)
    else:
        yield Show([Text(""), Text(_("everything that was looked at works"), "good")])


def learnt(ws: Workspace) -> list[Finding]:
    """What servers have refused or told, and what is done about it since."""
    found = [
        Finding(
            "learnt", "note",
            _("{check}: {value}").format(check=f"{entry.provider}/{entry.model}", value=entry.lesson.sentence()),
            more={"provider": entry.provider, "model": entry.model},
        )
        for entry in ws.learnt().entries()
    ]  # fmt: skip
    words = _("{model}: the window is {tokens} tokens, learnt from a refusal")
    found += [
        Finding(
            "learnt", "note", words.format(model=f"{provider}/{model}", tokens=f"{limit:,}"),
            more={"provider": provider, "model": model, "window": limit},
        )
        for provider, model, limit in ws.routing.windows.entries()
    ]  # fmt: skip
    if found:
        return [*found, Finding("learnt", "note", _("/doctor --forget forgets it, /doctor --forget NAME of one"))]
    return [Finding("learnt", "ok", _("nothing had to be adapted so far"))]


def forget(ws: Workspace, provider: str) -> Show:
    """Forget what was learnt of one provider's models, or of all."""
    number = ws.learnt().forget(provider)
    for name, model, _limit in ws.routing.windows.entries():
        if not provider or name == provider:
            number += ws.routing.windows.forget(name, model)
    words = ngettext("{n} thing learnt was forgotten", "{n} things learnt were forgotten", number)
    return Show([Text(words.format(n=number))], {"forgotten": number})


COMMANDS = (
    Command(
        "doctor",
        "about",
        "Check settings, key, connection, terminal and store; say what to do",
        doctor,
        (Argument("provider", "provider"),),
        flags={"--forget": "forget what servers have refused, so that it is tried again"},
        examples=(
            ("/doctor", "one request of a token or so is sent"),
            ("/doctor deepseek", "another provider"),
            ("/doctor --forget", "as after a server was updated"),
        ),
    ),
)
