"""The about family: usage and cost, status, settings, help, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gptchat import words
from gptchat.commands.effects import (
    AsideEffects,
    Block,
    Changed,
    Effects,
    Facts,
    Leave,
    Markdown,
    Show,
    Table,
    Text,
)
from gptchat.commands.registry import FAMILIES, Argument, Call, Command, Registry
from gptchat.commands.wording import left_out, setting_as_json, window_source
from gptchat.config import parse as settings_parse
from gptchat.config.schema import SETTINGS
from gptchat.errors import UsageError
from gptchat.values import fields
from gptchat.waiting import to_thread
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.registry import Registry
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.conversation.spending import Account
    from gptchat.manager import SessionManager
    from gptchat.providers.faults.quirks import Learnt


async def usage(call: Call, account: Account) -> AsideEffects:
    """Show tokens and cost."""
    report = await to_thread(account.report)
    rows = [
        [
            row.label,
            f"{row.usage.prompt_tokens:,}",
            f"{row.usage.cached_tokens:,}",
            f"{row.usage.completion_tokens:,}",
            "" if row.cost is None else words.money(row.cost),
        ]
        for row in report
    ]
    blocks: list[Any] = [
        Table(["", _("prompt"), _("cached"), _("reply"), _("cost")], rows, right=frozenset({1, 2, 3, 4}))
    ]
    if any(row.usage.estimated for row in report):
        blocks.append(Text(_("some counts are our own estimate: the server told none"), "quiet"))
    yield Show(
        blocks, [{"label": row.label, "usage": row.usage.to_json(), "cost_usd": row.cost} for row in report]
    )


async def status(
    call: Call,
    manager: SessionManager,
    routing: Routing,
    run: RunOptions,
    outbox: Outbox,
    learnt: Callable[[], Learnt],
) -> AsideEffects:
    """Show who, where, which model, and how full the window is."""
    route = routing.route()
    plan = await to_thread(manager.plan, route, draft=outbox.waiting())
    window, source = routing.window(route.model)
    from gptchat.core.session import spent

    total = spent(manager.session.path())
    pairs = [
        (_("user"), manager.user),
        (_("session"), manager.session.name or _("new")),
        (_("saved as"), manager.session.id if manager.session.messages else _("not yet")),
        (_("provider"), routing.provider_settings().name),
        (_("model"), route.model),
        (
            _("window"),
            _("{name} ({detail})").format(name=f"{plan.tokens:,} / {window:,}", detail=window_source(source)),
        ),
        (_("spent here"), f"{total.prompt_tokens:,} + {total.completion_tokens:,}"),
        *_limits(routing),
    ]
    without = sorted(left_out(routing, learnt) & route.parameters.keys())
    if without:
        advice = _("{names} (this model does not take it; /doctor --forget {provider} tries it again)")
        name = routing.provider_settings().name
        pairs.append((_("left out"), advice.format(names=_(", ").join(without), provider=name)))
    if run.incognito:
        pairs.append((_("incognito"), _("nothing of this run is saved")))
    data = {
        "user": manager.user,
        "session": manager.session.id,
        "title": manager.session.name,
        "provider": routing.provider_settings().name,
        "model": route.model,
        "tokens": plan.tokens,
        "window": window,
        "left_out": without,
        "rate_limits": _limits_json(routing),
    }
    yield Show([Facts(pairs)], data)


def _limits(routing: Routing) -> list[tuple[str, str]]:
    """The rate limits that the provider told last, if it tells them."""
    limits = routing.provider().abilities.rate_limits
    if limits is None:
        return []
    pairs = []
    for name, left, of, reset in (
        (_("requests left"), limits.remaining_requests, limits.limit_requests, limits.reset_requests),
        (_("tokens left"), limits.remaining_tokens, limits.limit_tokens, limits.reset_tokens),
    ):
        if left is not None:
            whole = f" / {of:,}" if of is not None else ""
            again = _(" (full again in {time})").format(time=reset) if reset else ""
            pairs.append((name, f"{left:,}{whole}{again}"))
    return pairs


def _limits_json(routing: Routing) -> dict[str, Any] | None:
    """The same for `--json`; None where the provider tells nothing."""
    limits = routing.provider().abilities.rate_limits
    return None if limits is None else {entry.name: getattr(limits, entry.name) for entry in fields(limits)}


async def config(call: Call, settings: Settings, paths: Paths) -> AsideEffects:
    """Show every setting and where it came from."""
    items = list(settings.items())
    rows = [[item.key, item.shown, item.source.brief] for item in items]
    yield Show(
        [
            Facts([(_("settings file"), str(paths.config_file)), (_("data"), str(paths.data_dir))]),
            Table([_("setting"), _("value"), _("from")], rows),
        ],
        {
            item.key: {"value": setting_as_json(item.value, item.shown), "from": item.source.layer}
            for item in items
        },
    )


async def theme(call: Call, settings: Settings, profile: Profile) -> Effects:
    """Choose the colours, and show a sample."""
    if name := call.get("name"):
        profile.change("ui.theme", settings_parse.parse_setting("ui.theme", name))
        yield Changed(frozenset({"settings", "theme"}))
    now = settings.ui.theme
    blocks: list[Block] = [Text(_("theme: {name}").format(name=now))]
    if not name:
        names = _(", ").join(SETTINGS["ui.theme"].choices)
        blocks.append(Text(_("/theme NAME chooses one of {names}").format(names=names), "quiet"))
    yield Show([*blocks, Markdown(_sample())], {"theme": now})


def _sample() -> str:
    return _(
        "### A sample\n\nPlain, **strong**, *emphasised*, `code` and a [link](https://example.com).\n\n"
        "> A quiet quote\n\n"
        '```python\ndef greet(name: str) -> str:\n    return f"Hello, {name}!"  # a comment\n```\n'
    )


async def lang(call: Call, profile: Profile) -> Effects:
    """Choose the language of the program."""
    if name := call.get("name"):
        if name not in words.LANGUAGES:
            raise UsageError(_("there is no language {name} yet; en and zh there are").format(name=name))
        profile.change("ui.lang", name)
        yield Changed(frozenset({"settings", "language"}))
    yield Show([Text(_("language: {name}").format(name=words.language()))], {"lang": words.language()})


async def help_(call: Call, registry: Registry) -> AsideEffects:
    """List the commands, or explain one."""
    name = call.get("command").removeprefix("/")
    if not name:
        yield Show(_overview(registry), [command_json(command) for command in registry.commands])
        return
    command = registry.get(name)
    if command is None:
        near = _(", ").join(f"/{known}" for known in registry.nearest(name))
        raise UsageError(
            _("there is no command /{name}").format(name=name),
            hint=_("did you mean {names}?").format(names=near) if near else _("/help lists them all"),
        )
    blocks: list[Any] = [Text(command.usage), Text(_(command.summary))]
    if command.about:
        blocks.append(Text(_(command.about)))
    if command.aliases:
        names = _(", ").join(f"/{alias}" for alias in command.aliases)
        blocks.append(Text(_("also: {names}").format(names=names), "quiet"))
    pairs = [(flag, _(meaning)) for flag, meaning in command.flags.items()]
    pairs += [(example, _(note) if note else "") for example, note in command.examples]
    blocks.append(Facts(pairs))
    yield Show(blocks, command_json(command))


def _overview(registry: Registry) -> list[Any]:
    """All commands by family, then the keys."""
    titles = {
        "sessions": _("Sessions"),
        "turns": _("Turns"),
        "users": _("People"),
        "model": _("Model and settings"),
        "context": _("What the model is sent"),
        "input": _("Input"),
        "output": _("Output"),
        "about": _("About"),
    }
    blocks: list[Any] = []
    for family in FAMILIES:
        members = [command for command in registry.commands if command.family == family]
        if members:
            blocks.append(
                Facts([(command.usage, _(command.summary)) for command in members], title=titles[family])
            )
    keys = [
        ("Enter", _("send")),
        ("Alt-Enter, Ctrl-J", _("a new line")),
        ("Esc, Ctrl-C", _("stop a reply and keep it")),
        ("Up, Ctrl-R", _("recall what you typed")),
        ("Tab", _("complete")),
        ("Ctrl-X Ctrl-E", _("write in your editor")),
        ("Ctrl-D", _("leave")),
        ("!COMMAND", _("run it and offer its output")),
        ("@PATH", _("attach that file to the message")),
        ("//TEXT", _("send /TEXT to the model")),
    ]
    blocks.append(Facts(keys, title=_("Keys and signs")))
    return blocks


def command_json(command: Command) -> dict[str, Any]:
    """A command as `--json` prints it."""
    return {
        "name": command.name,
        "aliases": list(command.aliases),
        "family": command.family,
        "usage": command.usage,
        "summary": command.summary,
        "examples": [example for example, _note in command.examples],
    }


async def exit_(call: Call) -> Effects:
    """Leave."""
    yield Leave()


COMMANDS = (
    Command(
        "usage",
        "about",
        "Tokens and cost: this turn, session, day, model, user",
        usage,
        aliases=("cost",),
        examples=(("/usage", ""),),
        streaming=True,
    ),
    Command(
        "status",
        "about",
        "Who is chatting, with which model, how full the window is",
        status,
        examples=(("/status", ""),),
        streaming=True,
    ),
    Command(
        "config",
        "about",
        "Every setting, and where it came from",
        config,
        examples=(("/config", ""),),
        streaming=True,
    ),
    Command(
        "theme",
        "about",
        "Choose the colours, with a sample",
        theme,
        (Argument("name", "theme"),),
        examples=(("/theme light", "auto, dark, light or mono"),),
        shows=lambda call: not call.get("name"),
    ),
    Command(
        "lang",
        "about",
        "Choose the program's language: en or zh",
        lang,
        (Argument("name", "language"),),
        examples=(("/lang zh", "中文"),),
        shows=lambda call: not call.get("name"),
    ),
    Command(
        "help",
        "about",
        "List the commands, or explain one",
        help_,
        (Argument("command", "command"),),
        ("?",),
        examples=(("/help resume", "usage and examples"),),
        streaming=True,
    ),
    Command(
        "exit",
        "about",
        "Leave; everything is saved",
        exit_,
        aliases=("quit", "bye"),
        examples=(("/exit", "as do Ctrl-D, and the words exit and quit"),),
    ),
)
