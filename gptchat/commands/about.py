"""The about family: usage and cost, status, every setting, help, and leaving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gptchat import words
from gptchat.commands.effects import (
    AsideEffects,
    Bars,
    Block,
    Effects,
    Facts,
    Leave,
    Sheet,
    Show,
    Table,
    Text,
)
from gptchat.commands.registry import FAMILIES, Argument, Call, Command, Registry, Unknown
from gptchat.commands.wording import about, left_out, setting_as_json, why_unsaved, window_source
from gptchat.values import fields
from gptchat.vendors.thinking import asked_for
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.registry import Registry
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.conversation.spending import Account, AccountRow
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
            _cost(row),
        ]
        for row in report
    ]
    blocks: list[Any] = [
        Table(["", _("prompt"), _("cached"), _("reply"), _("cost")], rows, right=frozenset({1, 2, 3, 4}))
    ]
    if days := await to_thread(account.days):
        blocks.append(_daily(days))
    if any(row.usage.estimated for row in report):
        blocks.append(Text(_("some counts are our own estimate: the server told none"), "quiet"))
    if any(row.unpriced for row in report):
        blocks.append(Text(_("? no price is known for some requests: they are not in the sum"), "quiet"))
    yield Show(
        blocks,
        [
            {
                "label": row.label,
                "usage": row.usage.to_json(),
                "cost_usd": row.cost,
                **({"unpriced": row.unpriced} if row.unpriced else {}),
            }
            for row in report
        ],
    )


def _cost(row: AccountRow) -> str:
    """What a row cost; with a question mark where the price of some requests is not known."""
    known = "" if row.cost is None else words.money(row.cost)
    return " + ".join(filter(None, (known, "?"))) if row.unpriced else known


def _daily(days: Sequence[AccountRow]) -> Bars:
    """A bar for each day: of its cost, or of its tokens where a price is unknown."""
    priced = all(row.cost is not None for row in days if row.usage.total_tokens)
    rows = []
    for row in days:
        tokens = ngettext("{count} token", "{count} tokens", row.usage.total_tokens)
        figures = [tokens.format(count=f"{row.usage.total_tokens:,}")]
        figures.append(_cost(row))
        rows.append((row.label, (row.cost or 0.0) if priced else float(row.usage.total_tokens), figures))
    return Bars(rows)


async def status(
    call: Call,
    manager: SessionManager,
    routing: Routing,
    run: RunOptions,
    outbox: Outbox,
    learnt: Callable[[], Learnt],
    conversation: Conversation,
) -> AsideEffects:
    """Show who, where, which model, and how full the window is."""
    route = await conversation.rounds.equipped(routing.route())
    plan = await to_thread(manager.plan, route, draft=outbox.waiting())
    window, source = routing.window(route.model)
    used = f"{about(routing.counter.exact(route.counted_as) and plan.text_alone)}{plan.tokens:,}"
    room = f"{used} / {about(source != 'default')}{window:,}"
    from gptchat.core.session import spent

    total = spent(manager.session.path())
    why = why_unsaved(manager, run)
    pairs = [
        (_("user"), manager.user),
        (_("session"), manager.session.name or _("new")),
        (_("saved"), _("no: {why}").format(why=why))
        if why
        else (_("saved as"), manager.session.id if manager.session.messages else _("not yet")),
        (_("provider"), routing.provider_settings().name),
        (_("model"), route.model),
        (_("window"), _("{name} ({detail})").format(name=room, detail=window_source(source))),
        (
            _("spent here"),
            _("{n} tokens in, {m} out").format(n=f"{total.prompt_tokens:,}", m=f"{total.completion_tokens:,}"),
        ),
        *_limits(routing),
    ]
    if route.tools:
        told = ngettext("{n} is offered ({tokens} tokens)", "{n} are offered ({tokens} tokens)", len(route.tools))
        pairs.append((_("tools"), told.format(n=len(route.tools), tokens=f"{plan.tool_tokens:,}")))
    if thinking := asked_for(route.parameters):
        pairs.append((_("thinking"), thinking))
    without = sorted(left_out(routing, learnt) & route.parameters.keys())
    if without:
        advice = _("{names} (this model does not take it; /doctor --forget {provider} tries it again)")
        name = routing.provider_settings().name
        pairs.append((_("left out"), advice.format(names=_(", ").join(without), provider=name)))
    data = {
        "user": manager.user,
        "session": None if run.incognito else manager.session.id,
        "incognito": run.incognito,
        "title": manager.session.name,
        "provider": routing.provider_settings().name,
        "model": route.model,
        "tokens": plan.tokens,
        "window": window,
        "left_out": without,
        "tools": len(route.tools),
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


async def help_(call: Call, registry: Registry, run: RunOptions) -> AsideEffects:
    """Show the commands by task on one screen, list them all, or explain one."""
    name = call.get("command").removeprefix("/")
    if not name or name == "all":
        blocks = _everything(registry) if name or run.unattended else _by_task(registry)
        yield Show(blocks, [command_json(command) for command in registry.commands])
        return
    command = registry.get(name)
    if command is None:
        raise Unknown(name, registry.nearest(name)).error()
    explained: list[Any] = [Text(command.usage), Text(_(command.summary))]
    if command.about:
        explained.append(Text(_(command.about)))
    if command.aliases:
        names = _(", ").join(f"/{alias}" for alias in command.aliases)
        explained.append(Text(_("also: {names}").format(names=names), "quiet"))
    pairs = [(flag, _(meaning)) for flag, meaning in command.flags.items()]
    pairs += [(example, _(note) if note else "") for example, note in command.examples]
    explained.append(Facts(pairs))
    yield Show(explained, command_json(command))


_OWN = 6
"""Names of the user's own commands on the one screen of `/help`."""


def _by_task(registry: Registry) -> list[Block]:
    """The commands that are needed most, by task, in one screen of 80 columns and 24 rows."""
    tasks = (
        (_("Answers"), ("turns",)),
        (_("Sessions and people"), ("sessions", "users")),
        (_("Who answers, and how"), ("model",)),
        (_("What the model is sent"), ("context", "input", "tools")),
        (_("Output"), ("output",)),
        (_("About"), ("about",)),
    )
    shown = [command for command in registry.commands if command.brief]
    sections = [
        (title, [(f"/{command.name}", _(command.brief)) for command in shown if command.family in families])
        for title, families in tasks
    ]
    own = list(registry.own.all()) if registry.own is not None else []
    listed = _(", ").join([*(f"/{name}" for name in own[:_OWN]), *(["…"] if len(own) > _OWN else [])])
    return [
        Sheet(sections),
        *([Text(_("your own: {names}").format(names=listed), "quiet")] if own else []),
        Text(
            _("Enter sends, Ctrl-J a new line · Esc stops a reply · Up recalls · Tab completes")
            + "\n"
            + _("!COMMAND runs it · @PATH attaches it · //TEXT sends /TEXT · Ctrl-D leaves")
            + "\n"
            + _("/help all lists everything, /help COMMAND explains one"),
            "quiet",
        ),
    ]


def _everything(registry: Registry) -> list[Block]:
    """All commands by family, then the keys."""
    titles = {
        "sessions": _("Sessions"),
        "turns": _("Turns"),
        "users": _("People"),
        "model": _("Model and settings"),
        "context": _("What the model is sent"),
        "tools": _("Tools"),
        "input": _("Input"),
        "output": _("Output"),
        "about": _("About"),
        "own": _("Your own commands"),
    }
    sections = [
        (
            titles[family],
            [(command.usage, _(command.summary)) for command in registry.commands if command.family == family],
        )
        for family in FAMILIES
    ]
    if (own := registry.own) is not None:
        told = _("not used: /{name} is built in")
        sections[-1][1].extend((f"commands/{name}.md", told.format(name=name)) for name in own.unused)
    from gptchat.commands.input import KEYS, SIGNS  # a start loads one family's module

    keys = [(key, _(meaning)) for key, meaning in (*KEYS, *SIGNS)]
    return [Sheet([*(section for section in sections if section[1]), (_("Keys and signs"), keys)])]


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
        brief="tokens and money",
        session=True,
    ),
    Command(
        "status",
        "about",
        "Who is chatting, with which model, how full the window is",
        status,
        examples=(("/status", ""),),
        streaming=True,
        session=True,
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
        "help",
        "about",
        "List the commands, or explain one",
        help_,
        (Argument("command", "command"),),
        ("?",),
        examples=(
            ("/help", "by task, on one screen"),
            ("/help all", "everything"),
            ("/help resume", "how to use it"),
        ),
        streaming=True,
    ),
    Command(
        "exit",
        "about",
        "Leave the chat",
        exit_,
        aliases=("quit", "bye"),
        examples=(("/exit", "as do Ctrl-D, and the words exit and quit"),),
    ),
)
