"""Builds a request from a context plan, with messages in an order that every server accepts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gptchat.core.context import ContextPlan
from gptchat.core.events import ToolCall
from gptchat.core.messages import Message, Request
from gptchat.core.ports import SessionStore, TokenCounter
from gptchat.core.replies.media import data_address, files_of, text_alone
from gptchat.core.replies.passages import cited as cited
from gptchat.core.replies.passages import with_passages
from gptchat.core.session import Session
from gptchat.errors import ContextLengthError
from gptchat.manager.route import Route
from gptchat.values import replace
from gptchat.words import _


def split_system(path: Sequence[Message], system: str) -> tuple[str, list[Message]]:
    """The system prompt, and the path without it.

    An imported session may contain its prompt as its first message. It is then used as the system prompt,
    unless `system` is set.
    """
    if path and path[0].role in ("system", "developer"):
        return system or path[0].text, list(path[1:])
    return system, list(path)


def build(
    plan: ContextPlan,
    route: Route,
    session: Session,
    *,
    continuing: bool = False,
    store: SessionStore | None = None,
) -> Request:
    """The request that `plan` describes, for `route`. Pictures of tools are read from `store`, which blocks.

    Each call of a tool has exactly one result right behind it, in the order of the calls, and an id of its own: a
    result without its call is left out, and a call without a result gets one that says that it was interrupted.
    Where the model takes no tools, calls and results are left out.
    """
    takes = route.provider.abilities.takes_tools
    plain = takes is None or not takes(route.model)
    messages: list[dict[str, Any]] = []
    used: set[str] = set()
    everything = plan.everything()
    at = 0
    while at < len(everything):
        message = everything[at]
        at += 1
        if message.role == "tool":
            continue  # its call is missing, or has been answered before
        calls = [] if plain else calls_of(message)
        wire = _wire(message, route.provider.name)
        if calls:
            results = []
            while at < len(everything) and everything[at].role == "tool":
                results.append(everything[at])
                at += 1
            reply = wire or {"role": "assistant", **_returned(message, route.provider.name)}
            messages += _exchange(reply, calls, results, used)
            if (
                store is not None
                and route.pictures
                and (shown := [part for one in results for part in _pictures(one, store, session.user)])
            ):
                messages.append({"role": "user", "content": shown})  # a result can only be text
            continue
        if wire is None:
            continue
        last = messages[-1] if messages else None
        if last and last["role"] == wire["role"] == "user":
            # After an unanswered or pinned message: many servers reject two user messages in a row.
            last["content"] = _joined(last["content"], wire["content"])
        else:
            messages.append(wire)
    return Request(
        model=route.model,
        messages=tuple(messages),
        parameters=route.parameters,
        stream=route.stream,
        conversation=_conversation(plan, route, session),
        continuing=continuing,
        alone=route.alone and sum(message["role"] in ("user", "assistant") for message in messages) == 1,
        tools=route.tools,
        may_call=route.may_call,
        structure=route.structure,
    )


def overhead(route: Route, counter: TokenCounter) -> int:
    """Tokens of a request on `route` besides its messages and tools."""
    told = route.structure.instructions if route.structure is not None else ""
    return counter.overhead(route.counted_as) + (counter.count(told, route.counted_as) if told else 0)


INTERRUPTED = "[this call was interrupted: it has no result, and may have had an effect]"
"""The result of a call that has none. Not translated, because models read it."""


def calls_of(message: Message) -> list[ToolCall]:
    """The calls of tools in a reply, as it was received or imported; calls without a name are none."""
    found = message.extra.get("tool_calls") if message.role == "assistant" else None
    calls = []
    for call in found if isinstance(found, list | tuple) else ():
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str) or not function["name"]:
            continue
        arguments, name = function.get("arguments", "{}"), call.get("id")
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        calls.append(ToolCall(name if isinstance(name, str) else "", function["name"], arguments or "{}"))
    return calls


def _exchange(
    reply: dict[str, Any], calls: Sequence[ToolCall], results: Sequence[Message], used: set[str]
) -> list[dict[str, Any]]:
    """A reply that calls tools, and the result of each call. Ids that are missing or `used` are replaced."""
    left = list(results)
    sent: list[dict[str, Any]] = []
    wanted: list[dict[str, Any]] = []
    for call in calls:
        result = next((one for one in left if one.extra.get("tool_call_id", "") == call.id), None)
        if result is not None:
            left.remove(result)
        name = call.id
        while not name or name in used:
            name = f"call_{len(used) + 1}" if not name else f"{call.id or 'call'}_{len(used) + 1}"
        used.add(name)
        wanted.append(
            {"id": name, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        )
        said = text_alone(result) if result is not None else ""
        text = (said if isinstance(said, str) else "") or (INTERRUPTED if result is None else "[no output]")
        sent.append({"role": "tool", "tool_call_id": name, "content": text})
    return [{**reply, "content": reply.get("content") or None, "tool_calls": wanted}, *sent]


def _pictures(result: Message, store: SessionStore, user: str) -> list[Any]:
    """The pictures that a tool returned, behind a line that says so; none if it returned none."""
    kept = [(file.mime, store.read_file(user, file.name)) for file in files_of(result) if file.kind == "image"]
    found = [{"type": "image_url", "image_url": {"url": data_address(mime, data)}} for mime, data in kept if data]
    told = {"type": "text", "text": f"[returned by the tool {result.extra.get('name')}, not sent by the user:]"}
    return [told, *found] if found else []


def count_joined(plan: ContextPlan, saved: int) -> ContextPlan:
    """`plan` with `saved` tokens fewer for each message of the person that `build` joins to another."""
    if not saved:
        return plan
    sent = [message for message in plan.messages if message.content]
    firsts = [before for before, after in pairwise(sent) if before.role == after.role == "user"]
    pinned = sum(message.id in plan.pinned for message in firsts)
    return replace(
        plan,
        pinned_tokens=plan.pinned_tokens - saved * pinned,
        turn_tokens=plan.turn_tokens - saved * (len(firsts) - pinned),
    )


def _wire(message: Message, provider: str) -> dict[str, Any] | None:
    """The message in the format of the chat API, for `provider`; None if it has no content."""
    wire: dict[str, Any] = {"role": message.role}
    if "name" in message.extra:
        wire["name"] = message.extra["name"]
    content = with_passages(message, text_alone(message))
    if not content:
        return None
    if message.role == "assistant" and isinstance(content, str) and "base64," in content:
        from gptchat.core.replies.data_addresses import without_data  # of an older or imported session

        content = without_data(content)
    wire["content"] = content if isinstance(content, str) else [dict(part) for part in content]
    wire.update(_returned(message, provider))
    return wire


def _returned(message: Message, provider: str) -> dict[str, Any]:
    """What came with a reply and goes back to `provider`, if it is the one that it came from."""
    kept = message.extra.get("returned")
    if message.role != "assistant" or message.provider != provider or not isinstance(kept, dict):
        return {}
    return {"returned": {**kept, "reasoning": message.reasoning}}


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _conversation(plan: ContextPlan, route: Route, session: Session) -> str | None:
    """The server-side conversation id to continue: that of the last reply, if nothing else follows it yet."""
    if len(plan.messages) < 2:
        return None
    newest, last = plan.messages[-1], plan.messages[-2]
    kept = last.extra.get("conversation")
    if last.provider != route.provider.name or not isinstance(kept, str):
        return None
    others = [child for child in session.children_of(last.id) if child != newest.id]
    answered = session.children_of(newest.id) if newest.id else ()
    return None if others or answered else kept


def too_large(plan: ContextPlan, *, exact: bool) -> tuple[str, str]:
    """What to tell when even the newest message does not fit: what happened, and three ways out.

    `exact` says that the tokens are counted, and not estimated; so in what follows.
    """
    if plan.limits.binding == "max_tokens" or plan.limits.guessed:
        hint = _("shorten it, /unpin or shorten /system, or raise the limit with /set context.max_tokens")
    else:
        hint = _("shorten it, /unpin or shorten /system, or take a model with a larger window (/models)")
    return (
        _("this message does not fit: the request would take {tokens} tokens, and {budget} are free").format(
            tokens=_tokens(plan, exact), budget=f"{plan.limits.most:,}"
        ),
        hint,
    )


def over_a_guess(plan: ContextPlan, model: str, *, exact: bool) -> str:
    """What to tell when the newest message is sent though it exceeds a window that nobody told."""
    return _(
        "the window of {model} is not known: {window} tokens is a guess, and this request has {tokens}"
    ).format(model=model, window=f"{plan.limits.window:,}", tokens=_tokens(plan, exact))


def sent_again(error: ContextLengthError, plan: ContextPlan, *, exact: bool) -> str:
    """What to tell when the server refused a request as too large, in its words, and `plan` is sent instead."""
    if error.limit:
        words = _("{refusal}; with a window of {window} tokens, {tokens} are sent now")
    else:
        words = _("{refusal}; it names no limit, so fewer turns are sent, this once")
    return words.format(refusal=error.message, window=f"{error.limit or 0:,}", tokens=_tokens(plan, exact))


def _tokens(plan: ContextPlan, exact: bool) -> str:
    return f"{'' if exact and plan.text_alone else '≈ '}{plan.tokens:,}"
