"""The context family: shows and changes what is sent to the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import (
    AsideEffects,
    Ask,
    Changed,
    Edit,
    Effect,
    Effects,
    Facts,
    Markdown,
    Meter,
    Show,
    Text,
)
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import about, window_source
from gptchat.core.context import ContextPlan
from gptchat.core.messages import Message
from gptchat.core.replies.passages import passages_of, passages_text
from gptchat.core.session import shorten
from gptchat.errors import UsageError
from gptchat.manager import Route
from gptchat.words import _, money, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.compaction import Compaction
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager


_PLACES = 10
"""Number of passages that are listed, the newest."""


async def context(
    call: Call,
    manager: SessionManager,
    routing: Routing,
    outbox: Outbox,
    conversation: Conversation,
    settings: Settings,
) -> AsideEffects:
    """Draw what the next request holds."""
    route = await conversation.rounds.equipped(routing.route())
    await asyncio.to_thread(routing.counter.load, route.counted_as)
    plan = await asyncio.to_thread(manager.plan, route, draft=outbox.waiting())
    window, source = routing.window(route.model)
    exact = routing.counter.exact(route.counted_as) and plan.text_alone
    mark, guess = about(exact), about(source != "default")
    parts = [
        (_("system prompt"), plan.system_tokens),
        (_("summary"), plan.summary_tokens),
        (_("pinned"), plan.pinned_tokens),
        (_("turns"), plan.turn_tokens),
        (_("tools"), plan.tool_tokens),
        (_("format"), plan.overhead),
    ]
    pairs = [(name, f"{mark}{tokens:,}") for name, tokens in parts if tokens]
    pairs += [
        (_("together"), f"{mark}{plan.tokens:,}"),
        (_("kept for the reply"), f"{plan.limits.reserve:,}"),
        (_("window"), _("{name} ({detail})").format(name=f"{guess}{window:,}", detail=window_source(source))),
    ]
    if manager.session.pinned:
        words = ngettext("{n} message, always sent", "{n} messages, always sent", len(manager.session.pinned))
        pairs.append((_("pins"), words.format(n=len(manager.session.pinned))))
    if outbox.attached:
        pairs.append((_("attached"), _(", ").join(item.name for item in outbox.attached)))
    pairs += await asyncio.to_thread(_documents, plan, routing, route, mark)
    if use := settings.docs.use:
        pairs.append((_("collection"), _("#{name}, which every message asks").format(name=use)))
    cost = routing.prompt_cost(route.model, plan.tokens)
    if cost is not None:
        pairs.append((_("cost of sending it"), money(cost)))
    blocks: list[Any] = [
        Meter(
            [
                (_("system"), plan.system_tokens, "quiet"),
                (_("summary"), plan.summary_tokens, "warning"),
                (_("pinned"), plan.pinned_tokens, "warning"),
                (_("turns"), plan.turn_tokens + plan.overhead, "good"),
                (_("tools"), plan.tool_tokens, "quiet"),
                (_("reply"), plan.limits.reserve, "plain"),
            ],
            window,
        ),
        Facts(pairs),
        *(Text(line, "warning" if plan.left_out else "quiet") for line in left_out(plan, mark)),
    ]
    yield Show(blocks, context_json(plan, window, source, route, cost, exact=exact))


def _documents(plan: ContextPlan, routing: Routing, route: Route, mark: str) -> list[tuple[str, str]]:
    """The passages of documents in the request, by their places; nothing if there are none. Blocks."""
    found = [passage for message in plan.messages for passage in passages_of(message)]
    if not found:
        return []
    tokens, n = routing.counter.count(passages_text(found), route.counted_as), len(found)
    words = ngettext("{n} passage ({tokens} tokens): {places}", "{n} passages ({tokens} tokens): {places}", n)
    places = _(", ").join(passage.place for passage in found[-_PLACES:])
    return [(_("documents"), words.format(n=n, tokens=f"{mark}{tokens:,}", places=places))]


def left_out(plan: ContextPlan, mark: str = "") -> list[str]:
    """One sentence about omitted messages for each reason; `mark` goes before their tokens."""
    if not plan.left_out:
        return [_("nothing is left out")]
    # What a summary stands for comes first in the conversation.
    groups = (plan.unsent[: plan.summarised], "summary"), (plan.unsent[plan.summarised :], plan.reason)
    return [_left_out(plan, messages, reason, mark) for messages, reason in groups if messages]


def _left_out(plan: ContextPlan, messages: Sequence[Message], reason: str | None, mark: str) -> str:
    why = {
        "window": _("the model's window is full"),
        "max_tokens": _("context.max_tokens is {n}").format(n=f"{plan.limits.max_tokens:,}"),
        "max_turns": _("context.max_turns is {n}").format(n=plan.limits.max_turns),
        "summary": _("a summary stands for them"),
        None: "",
    }[reason]
    n, tokens = len(messages), sum(map(plan.count, messages))
    count = ngettext("{n} older message ({tokens} tokens) is left out: {why}",
                     "{n} older messages ({tokens} tokens) are left out: {why}", n)  # fmt: skip
    return count.format(n=n, tokens=f"{mark}{tokens:,}", why=why)


def context_json(
    plan: ContextPlan, window: int, source: str, route: Route, cost: float | None, *, exact: bool
) -> dict[str, Any]:
    """The plan as `--json` prints it."""
    return {
        "model": route.model,
        "window": window,
        "window_source": source,
        "reserve": plan.limits.reserve,
        "budget": plan.limits.budget,
        "tokens": plan.tokens,
        "exact": exact,
        "system_tokens": plan.system_tokens,
        "summary_tokens": plan.summary_tokens,
        "pinned_tokens": plan.pinned_tokens,
        "turn_tokens": plan.turn_tokens,
        "tool_tokens": plan.tool_tokens,
        "overhead_tokens": plan.overhead,
        "messages": [message.id for message in plan.messages if message.id],
        "passages": [one.place for message in plan.messages for one in passages_of(message)],
        "left_out": plan.left_out,
        "left_out_tokens": plan.left_out_tokens,
        "reason": plan.reason,
        "cost_usd": cost,
    }


async def tokens(call: Call, manager: SessionManager, routing: Routing, outbox: Outbox) -> AsideEffects:
    """Count the tokens of a text, or of the conversation."""
    route, counter = routing.route(), routing.counter
    model, text = route.counted_as, call.get("text")
    await asyncio.to_thread(counter.load, model)
    exact = counter.exact(model)
    how = _("counted with {encoding}") if exact else _("an estimate: {model} publishes no vocabulary")
    served = await _served(route, text) if text and not exact else None
    if served is not None:
        count, exact, how = served, True, _("counted by the server's own tokenizer")
    elif text:
        count = await asyncio.to_thread(counter.count, text, model)
    else:
        plan = await asyncio.to_thread(manager.plan, route, draft=outbox.waiting())
        count, exact = plan.tokens, exact and plan.text_alone
    what = ngettext("{n} token", "{n} tokens", count).format(n=f"{about(exact)}{count:,}")
    how = how.format(encoding=counter.encoding(model), model=route.model)
    line = _("{name} ({detail})").format(name=what, detail=how)
    yield Show([Text(line)], {"tokens": count, "exact": exact, "model": route.model})


async def _served(route: Route, text: str) -> int | None:
    """The tokens of `text` as the model's server counts them itself, or None where it does not."""
    tokenize = route.provider.abilities.tokenize
    counts = await tokenize([text], route.model) if tokenize is not None else None
    return counts[0] if counts else None


def _message_of(manager: SessionManager, number: int) -> str:
    """The id of the person's message `number` turns from the end (1: the newest)."""
    users = manager.session.user_ids()
    if number > len(users):
        raise UsageError(
            _("there is no turn {n}; this conversation has {total}").format(n=number, total=len(users))
            if users
            else _("nothing has been said yet")
        )
    return users[-number]


async def pin(call: Call, manager: SessionManager) -> Effects:
    """Keep a message in every request, however long the conversation grows."""
    for effect in _pin(call, manager, pinned=True):
        yield effect


async def unpin(call: Call, manager: SessionManager) -> Effects:
    """Let a pinned message go with its turn again."""
    for effect in _pin(call, manager, pinned=False):
        yield effect


def _pin(call: Call, manager: SessionManager, *, pinned: bool) -> list[Effect]:
    if not pinned and not call.get("n"):
        targets = list(manager.session.pinned)
    else:
        targets = [_message_of(manager, call.number("n", 1))]
    if not pinned and not any(id in manager.session.pinned for id in targets):
        raise UsageError(_("that message is not pinned") if call.get("n") else _("nothing is pinned"))
    manager.record(*({"type": "pin", "message": id, "pinned": pinned} for id in targets))
    lines = []
    for id in targets:
        note = _("pinned, and always sent: {text}") if pinned else _("no longer pinned: {text}")
        lines.append(Text(note.format(text=shorten(manager.session.messages[id].text))))
    return [Show(lines, {"pinned": list(manager.session.pinned)}), Changed(frozenset({"session"}))]


async def compact(call: Call, run: RunOptions, compaction: Compaction) -> Effects:
    """Let the model summarise the older turns; the summary replaces them in requests."""
    folded, text = await compaction.summarise(call.get("hint"))
    before, after = await compaction.weigh(folded, text)
    data = {"summary": text, "until": folded.until, "tokens_before": before, "tokens_after": after}
    yield Show([Markdown(text)], data)
    answer = yield Ask(
        ngettext(
            "let this stand for {n} older turn? ({figures})",
            "let this stand for {n} older turns? ({figures})",
            folded.turns,
        ).format(n=folded.turns, figures=compaction.figures(before, after)),
        choices=(("y", _("yes")), ("e", _("edit first")), ("n", _("no"))),
        default="y",
    )
    if answer == "e":
        text = (yield Edit(text)) or text
        yield Show([Markdown(text)])  # what was written is on the screen, even if it proves too long
        before, after = await compaction.weigh(folded, text)
    elif answer != "y" and not (answer is None and run.unattended):
        yield Show([Text(_("nothing was changed"), "quiet")])
        return
    compaction.keep(folded, text)
    yield Changed(frozenset({"session"}))
    note = ngettext(
        "the summary stands for {n} older turn ({figures}); it stays in the session, and /undo takes it back",
        "the summary stands for {n} older turns ({figures}); they stay in the session, and /undo takes it back",
        folded.turns,
    )
    yield Show([Text(note.format(n=folded.turns, figures=compaction.figures(before, after)), "good")])


_N = Argument("n", "number")

COMMANDS = (
    Command(
        "context",
        "context",
        "Show what the next request holds, and what it leaves out",
        context,
        examples=(("/context", "each part with its tokens"),),
        streaming=True,
        brief="what goes along",
        session=True,
    ),
    Command(
        "tokens",
        "context",
        "Count the tokens of a text, or of the conversation",
        tokens,
        (Argument("text", "text", rest=True),),
        examples=(("/tokens 你好，世界", "as the model counts"), ("/tokens", "the next request")),
        streaming=True,
        session=lambda call: not call.get("text"),
    ),
    Command(
        "pin",
        "context",
        "Always send a message, however long the conversation grows",
        pin,
        (_N,),
        examples=(("/pin", "your last message"), ("/pin 3", "the third from the end")),
        session=True,
    ),
    Command(
        "unpin",
        "context",
        "Let a pinned message go",
        unpin,
        (_N,),
        examples=(("/unpin", "all that are pinned"), ("/unpin 3", "the third from the end")),
        session=True,
    ),
    Command(
        "compact",
        "context",
        "Let a summary stand for the older turns",
        compact,
        (Argument("hint", "text", rest=True),),
        examples=(("/compact", "shown before it counts"), ("/compact keep the numbers", "with a wish")),
        about="The two newest turns stay as they are. A summary that is no shorter than the turns is not used.",
        brief="sum up older turns",
        session=True,
    ),
)
