"""The tools family: lists tools with their tokens and permissions, and shows what a call returned."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Block, Changed, Effects, Show, Source, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.core.safe import clean_line
from gptchat.core.tooling import Permission, ToolBox, ToolSpec
from gptchat.core.tooling.choice import BUILTIN, fits, offered
from gptchat.core.tooling.described import (
    CallResult,
    arguments_whole,
    call_line,
    may,
    result_line,
    result_of,
    with_results,
)
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager

_ACTIONS = ("on", "off", "allow", "ask", "deny", "add", "remove")
_LAST = "last"


@dataclass(frozen=True, slots=True)
class _Row:
    spec: ToolSpec
    offered: bool
    tokens: int
    permission: str


async def tools(
    call: Call,
    toolbox: ToolBox,
    settings: Settings,
    profile: Profile,
    routing: Routing,
    manager: SessionManager,
    paths: Paths,
    run: RunOptions,
    conversation: Conversation,
) -> Effects:
    """List the tools, change what they may do, add or remove a source, or show a call whole."""
    action, name = call.get("action"), call.get("name")
    session = manager.session.id

    def permission(spec: ToolSpec) -> Permission:
        return conversation.rounds.permissions.of(spec, session)

    if action == _LAST or action.isdecimal():
        yield _whole(manager, action)
        return
    if action in ("add", "remove"):
        from gptchat.commands.tools import sources

        added: list[str] = []
        adds = action == "add"
        steps = (
            sources.add(name, settings, paths, run, added) if adds else sources.remove(name, settings, paths, run)
        )
        answer: str | None = None
        try:
            while True:
                answer = yield await steps.asend(answer)
        except StopAsyncIteration:
            pass
        if added:
            rows = await _rows(toolbox, settings, routing, permission)
            yield _listed([row for row in rows if row.spec.group in added], toolbox.troubles(), settings)
        return
    specs = [tool.spec for tool in await toolbox.tools()]
    if action in ("on", "off"):
        warning = profile.change("tools.use", _use(action, name, settings, specs))
        yield Changed(frozenset({"settings"}))
    elif action:
        if not name:
            raise UsageError(
                _("/{name} needs {argument}").format(name=f"tools {action}", argument="NAME"),
                hint=_("/tools lists what there is"),
            )
        warning = _permit(action, name, settings, profile, specs)
        yield Changed(frozenset({"settings"}))
    else:
        warning = ""
    rows = await _rows(toolbox, settings, routing, permission)
    yield _listed(rows, [*toolbox.troubles(), *([warning] if warning else [])], settings)


def _use(action: str, name: str, settings: Settings, specs: Sequence[ToolSpec]) -> str:
    """The value of `tools.use` after `/tools on` or `off`, of everything or of `name`. Raises UsageError."""
    if not name:
        return action
    pattern = _pattern(name, settings, specs)
    boxes: list[Any] = [_Held(spec) for spec in specs]
    now = [tool.spec for tool in offered(boxes, settings.tools.use)[0]]
    left = [spec for spec in now if not fits(pattern, spec)]
    if action == "off":
        return ", ".join(_grouped(left, specs)) or "off"
    return ", ".join([*_grouped(left, specs), pattern])


@dataclass(frozen=True, slots=True)
class _Held:
    """A tool of which only the `spec` is needed."""

    spec: ToolSpec


def _grouped(some: Sequence[ToolSpec], specs: Sequence[ToolSpec]) -> list[str]:
    """The names of `some` tools: that of a group where all its tools are among them."""
    names: list[str] = []
    for spec in some:
        whole = all(one in some for one in specs if one.group == spec.group)
        names.append(spec.group if whole else spec.key)
    return list(dict.fromkeys(names))


def _permit(action: str, name: str, settings: Settings, profile: Profile, specs: Sequence[ToolSpec]) -> str:
    """Put the tool or group `name` among those that are allowed, asked about or denied, and out of the others.

    Returns a sentence if that could not be saved. Raises UsageError.
    """
    pattern = _pattern(name, settings, specs)
    meant = [spec for spec in specs if fits(pattern, spec)]
    if action == "allow" and meant and all(spec.always_asks for spec in meant):
        raise UsageError(
            _("{name} always asks, since it may run anything").format(name=meant[0].name),
            hint=_("you are asked about each call of it"),
        )
    within = {pattern, *(spec.key for spec in meant if pattern == spec.group)}
    lists = {"allow": settings.tools.allow, "ask": settings.tools.ask, "deny": settings.tools.deny}
    warning = ""
    for key, names in lists.items():
        kept = tuple(one for one in names if one not in within)
        if key == action:
            kept = (*kept, pattern)
        if kept != names:
            warning = profile.change(f"tools.{key}", kept) or warning
    return warning


def _pattern(name: str, settings: Settings, specs: Sequence[ToolSpec]) -> str:
    """The group or the key that `name` means: a group, a key, or the name of a tool. Raises UsageError."""
    from gptchat.commands.tools.sources import source_names

    sources = source_names(settings)
    groups = dict.fromkeys([BUILTIN, *sources, *(spec.group for spec in specs)])
    named = [spec for spec in specs if spec.name == name]
    if name in groups or any(spec.key == name for spec in specs):
        return name
    if named:
        return named[0].key
    from difflib import get_close_matches

    near = get_close_matches(name, [*(spec.name for spec in specs), *groups], n=3)
    raise UsageError(
        _("there is no tool {name}").format(name=name),
        hint=_("did you mean {names}?").format(names=_(", ").join(near))
        if near
        else _("/tools lists what there is"),
    )


async def _rows(
    toolbox: ToolBox, settings: Settings, routing: Routing, permission: Callable[[ToolSpec], Permission]
) -> list[_Row]:
    tools = await toolbox.tools()
    model = _counted_as(routing)
    if model:
        await asyncio.to_thread(routing.counter.load, model)
    given = settings.tools
    now = {tool.spec.key for tool in offered(tools, given.use, given.deny)[0]}
    nothing = routing.counter.tools([{"name": "x"}], model) if model and tools else 0
    single = routing.counter.count("x:", model) if model and tools else 0
    rows = []
    for spec in (tool.spec for tool in tools):
        tokens = routing.counter.tools([spec.definition()], model) - nothing + single if model else 0
        rows.append(_Row(spec, spec.key in now, max(tokens, 0), permission(spec)))
    return rows


def _counted_as(routing: Routing) -> str:
    """The model by which tokens are counted; empty where none is chosen yet."""
    from gptchat.errors import GptchatError

    try:
        return routing.route().counted_as
    except GptchatError:
        return ""


def _listed(rows: Sequence[_Row], troubles: Sequence[str], settings: Settings) -> Show:
    words = {"allow": _("runs"), "ask": _("asks"), "deny": _("never runs")}
    blocks: list[Block] = []
    if rows:
        table = [
            [
                clean_line(row.spec.name),
                clean_line(row.spec.source),
                may(row.spec),
                f"{row.tokens:,}" if row.tokens else "",
                words[row.permission] if row.offered or row.permission == "deny" else _("off"),
            ]
            for row in rows
        ]
        blocks.append(
            Table([_("tool"), _("from"), _("effect"), _("tokens"), _("permission")], table, frozenset({3}))
        )
        sent = [row for row in rows if row.offered]
        told = ngettext("{n} tool is offered: {tokens} tokens of each request",
                        "{n} tools are offered: {tokens} tokens of each request", len(sent))  # fmt: skip
        blocks.append(Text(told.format(n=len(sent), tokens=f"{sum(row.tokens for row in sent):,}"), "quiet"))
    elif settings.tools.use.strip().lower() in ("off", "none"):
        blocks.append(Text(_("tools are off; /tools on offers them")))
    else:
        blocks.append(
            Text(_("there are no tools; /tools add sets some up, /tools on offers those that are built in"))
        )
    if settings.tools.approve != "ask":
        always = settings.tools.approve == "always"
        told = (
            _("every call runs unasked (tools.approve)") if always else _("no call is asked about (tools.approve)")
        )
        blocks.append(Text(told, "warning"))
    blocks += [Text(clean_line(line), "warning") for line in troubles]
    if rows and not any(row.spec.group == BUILTIN for row in rows):
        blocks.append(Text(_("/tools on builtin offers those that are built in, too"), "quiet"))
    if rows:
        blocks.append(Text(_("/tools allow, ask or deny NAME; /tools on or off [NAME]; /tools add"), "quiet"))
    return Show(blocks, {
        "use": settings.tools.use,
        "approve": settings.tools.approve,
        "tools": [
            {
                "name": row.spec.name,
                "key": row.spec.key,
                "source": row.spec.source,
                "effect": row.spec.effect,
                "tokens": row.tokens,
                "permission": row.permission,
                "offered": row.offered,
                "description": row.spec.description,
            }
            for row in rows
        ],
        "troubles": list(troubles),
    })  # fmt: skip


def _whole(manager: SessionManager, wanted: str) -> Show:
    """A call of the conversation with its arguments and all of its result; `wanted` is its number, or `last`."""
    pairs = [pair for _message, calls in with_results(manager.session.path()) for pair in calls]
    if not pairs:
        raise UsageError(_("no tool has been called yet"), hint=_("/tools lists what there is"))
    number = len(pairs) if wanted == _LAST else int(wanted)
    if not 0 < number <= len(pairs):
        raise UsageError(_("there is no number {n}; there are {total}").format(n=number, total=len(pairs)))
    called, message = pairs[number - 1]
    result = result_of(message) if message is not None else CallResult("interrupted", "")
    blocks: list[Block] = [Text(f"▸ {number}  {call_line(called.name, called.arguments)}", "title")]
    whole = arguments_whole(called.arguments)
    if whole.count("\n") > 2 or len(whole) > 60:
        blocks.append(Source(whole, "json"))
    blocks.append(Text(result_line(result, 10_000 if not result.text else 78), "quiet"))
    if result.text:
        blocks.append(_source(result.text))
    if result.whole:
        blocks.append(Text(_("a part was sent; all of it: {path}").format(path=result.whole), "quiet"))
    data: dict[str, Any] = {"number": number, "name": called.name, "arguments": called.arguments}
    return Show(blocks, {**data, "outcome": result.outcome or None, "result": result.text})


def _source(text: str) -> Source:
    """A result as it is; JSON on many lines."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Source(text)
    return Source(
        json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else text, "json"
    )


COMMANDS = (
    Command(
        "tools",
        "tools",
        "What the model may call: from where, its tokens, its permission",
        tools,
        (Argument("action", "word", choices=_ACTIONS, others=True), Argument("name", "tool", rest=True)),
        examples=(
            ("/tools", "all of them, and what is wrong with a source"),
            ("/tools add weather.py", "a Python file, a command, an OpenAPI document or an MCP server"),
            ("/tools allow time", "all calls of this source run unasked; a tool's name means it alone"),
            ("/tools off", "offer none"),
            ("/tools 3", "the third call of this conversation with its whole result; /tools last"),
        ),
        brief="what the model may call",
        session=lambda call: call.get("action") == _LAST or call.get("action").isdecimal(),
        shows=lambda call: not call.get("action") or call.get("action") not in _ACTIONS,
        about="You see a call before it runs: y runs it, a always in this session, n not, e edits its arguments.",
    ),
)
