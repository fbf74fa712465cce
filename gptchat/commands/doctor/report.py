"""`/doctor`: checks everything that a chat depends on and reports each result at once, with advice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from gptchat.commands.doctor.finding import Finding, heading
from gptchat.commands.effects import Effects, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.core.tooling import ToolBox
    from gptchat.manager import SessionManager
    from gptchat.providers.faults.quirks import Learnt
    from gptchat.storage.index.library import Library
    from gptchat.tokens.windows import Windows


async def doctor(
    call: Call,
    manager: SessionManager,
    settings: Settings,
    library: Library,
    routing: Routing,
    paths: Paths,
    environ: Mapping[str, str],
    run: RunOptions,
    keys: ProviderKeys,
    windows: Windows,
    keep: Callable[[], None],
    learnt: Callable[[], Learnt],
    abilities: Callable[[], Sequence[tuple[str, str, str]]],
    toolbox: ToolBox,
) -> Effects:
    """Check settings, connection, tools, terminal and store."""
    from gptchat.commands.doctor import connection as doctor_connection  # they load what only they need
    from gptchat.commands.doctor import sources as doctor_sources
    from gptchat.commands.doctor import store as doctor_store

    name = call.get("provider")
    if name:
        settings.provider(name)
    if "--forget" in call.flags:
        yield forget(windows, learnt, name)
        await asyncio.to_thread(keep)
        return
    problems = 0
    yield Show([Text(_("Settings"), "title")])
    for show in doctor_store.settings(settings, routing, paths, name):
        problems += show.failed
        yield show
    yield heading(_("Connection"))
    async for finding in doctor_connection.connection(settings, routing, keys, name):
        problems += finding.state == "failed"
        yield finding.show()
    yield heading(_("What was learnt of servers"))
    for finding in lessons(windows, learnt):
        yield finding.show()
    if not name:
        yield heading(_("Tools"))
        async for finding in doctor_sources.sources(toolbox, settings):
            problems += finding.state == "failed"
            yield finding.show()
    yield heading(_("Terminal"))
    for check, value, advice in abilities():
        yield Finding(
            "terminal",
            "warning" if advice else "ok",
            _("{check}: {value}").format(check=check, value=value),
            advice,
        ).show()
    yield heading(_("Store"))
    for finding in await asyncio.to_thread(
        lambda: list(doctor_store.store(manager, settings, library, paths, environ, run))
    ):
        problems += finding.state == "failed"
        yield finding.show()
    if problems:
        words = ngettext("{n} thing needs your attention", "{n} things need your attention", problems)
        yield Show([Text(""), Text(words.format(n=problems), "error")], failed=True)
    else:
        yield Show([Text(""), Text(_("everything that was looked at works"), "good")])


def lessons(windows: Windows, learnt: Callable[[], Learnt]) -> list[Finding]:
    """Lessons from servers' refusals, and how requests are adapted."""
    found = [
        Finding(
            "learnt", "note",
            _("{check}: {value}").format(check=f"{entry.provider}/{entry.model}", value=entry.lesson.sentence()),
            more={"provider": entry.provider, "model": entry.model},
        )
        for entry in learnt().entries()
    ]  # fmt: skip
    words = _("{model}: the window is {tokens} tokens, learnt from a refusal")
    found += [
        Finding(
            "learnt", "note", words.format(model=f"{provider}/{model}", tokens=f"{limit:,}"),
            more={"provider": provider, "model": model, "window": limit},
        )
        for provider, model, limit in windows.entries()
    ]  # fmt: skip
    if found:
        return [*found, Finding("learnt", "note", _("/doctor --forget forgets it, /doctor --forget NAME of one"))]
    return [Finding("learnt", "ok", _("nothing had to be adapted so far"))]


def forget(windows: Windows, learnt: Callable[[], Learnt], provider: str) -> Show:
    """Forget the lessons of one provider's models, or of all."""
    number = learnt().forget(provider)
    for name, model, _limit in windows.entries():
        if not provider or name == provider:
            number += windows.forget(name, model)
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
        brief="what is wrong",
    ),
)
