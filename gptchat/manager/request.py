"""Builds a request from a context plan, with messages in an order that every server accepts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from gptchat.core.context import ContextPlan
from gptchat.core.messages import Message, Request
from gptchat.core.replies.media import text_alone
from gptchat.core.session import Session
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


def build(plan: ContextPlan, route: Route, session: Session, *, continuing: bool = False) -> Request:
    """The request that `plan` describes, for `route`."""
    messages: list[dict[str, Any]] = []
    for message in plan.everything():
        wire = _wire(message, route.provider.name)
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
    )


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
    for key in ("name", "tool_calls", "tool_call_id"):
        if key in message.extra:
            wire[key] = message.extra[key]
    if message.role == "assistant" and "tool_calls" in wire:
        # gptchat runs no functions, so no result can follow; servers reject a call without its result.
        del wire["tool_calls"]
    content = text_alone(message)
    if not content:
        return None
    if message.role == "assistant" and isinstance(content, str) and "base64," in content:
        from gptchat.core.replies.data_addresses import without_data  # of an older or imported session

        content = without_data(content)
    wire["content"] = content if isinstance(content, str) else [dict(part) for part in content]
    kept = message.extra.get("returned")
    if message.role == "assistant" and message.provider == provider and isinstance(kept, dict):
        wire["returned"] = {**kept, "reasoning": message.reasoning}
    return wire


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


def too_large(plan: ContextPlan) -> tuple[str, str]:
    """What to tell when even the newest message does not fit: what happened, and three ways out."""
    if plan.limits.binding == "max_tokens" or plan.limits.guessed:
        hint = _("shorten it, /unpin or shorten /system, or raise the limit with /set context.max_tokens")
    else:
        hint = _("shorten it, /unpin or shorten /system, or take a model with a larger window (/models)")
    return (
        _("this message does not fit: the request would take {tokens} tokens, and {budget} are free").format(
            tokens=f"{plan.tokens:,}", budget=f"{plan.limits.most:,}"
        ),
        hint,
    )


def over_a_guess(plan: ContextPlan, model: str) -> str:
    """What to tell when the newest message is sent though it exceeds a window that nobody told."""
    return _(
        "the window of {model} is not known: {window} tokens is a guess, and this request has {tokens}"
    ).format(model=model, window=f"{plan.limits.window:,}", tokens=f"{plan.tokens:,}")
