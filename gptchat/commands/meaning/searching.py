"""Search by meaning: asks before texts go to a server, and shows what was found by meaning and by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Ask, Effect, Effects, Pick, Progress, Show, Table, Text
from gptchat.commands.wording import in_thread
from gptchat.core.session import shorten
from gptchat.errors import UsageError
from gptchat.words import _, money, ngettext

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gptchat.commands.registry import Call
    from gptchat.conversation.meaning.embedder import ServerEmbedder
    from gptchat.conversation.meaning.filling import Missing
    from gptchat.conversation.meaning.fusing import FoundSession
    from gptchat.conversation.meaning.meaning import MeaningSearch
    from gptchat.conversation.services import RunOptions

MEANING, FILL, STOP = "--meaning", "--fill", "--stop"
"""Flags of `/search`."""


async def search_by_meaning(
    call: Call, user: str, run: RunOptions, meaning: MeaningSearch
) -> AsyncGenerator[Effect | tuple[str, str], str | None]:
    """What `/search` does with one of the flags above.

    After a `Pick` it yields the (session, message) that was chosen; all else are effects.
    """
    if STOP in call.flags:
        stopped = await meaning.filling.stop()
        words = _("stopped; the vectors so far are kept") if stopped else _("no vectors are being fetched")
        yield Show([Text(words)], {"stopped": stopped})
        return
    text = call.get("text")
    embedder = meaning.embedder(attempts=2)
    async for step in in_thread(meaning.passages.update, user, label=_("reading sessions")):
        if isinstance(step, Progress):
            yield step
        elif not step:
            raise UsageError(
                _("the folder of the cache cannot be used, where vectors are kept"),
                hint=_("/doctor shows where it is"),
            )
    todo = await meaning.missing(user, embedder)
    if FILL in call.flags and run.unattended:
        async for effect in _fill(meaning, user, embedder, todo):
            yield effect
        todo = await meaning.missing(user, embedder)
    elif todo.places:
        answer = None
        if FILL not in call.flags and not meaning.may_fill(embedder) and not run.unattended:
            yield Show([Text(line, "quiet") for line in _estimate(embedder, todo)])
            default = "y" if embedder.free else "n"
            answer = yield Ask(_("get these vectors now?"), (("y", _("yes")), ("n", _("no"))), default)
        async for effect in _begin(call, run, meaning, user, embedder, todo, answer):
            yield effect
    if not text:
        if not todo.places:
            yield Show([Text(_("every passage of your sessions has its vector"), "good")], _state(embedder, todo))
        return
    findings = await meaning.find(user, text, embedder)
    if findings.trouble is not None:
        yield Show([Text(_("found by words alone: {why}").format(why=findings.trouble.message), "warning")])
        if findings.trouble.hint:
            yield Show([Text(findings.trouble.hint, "quiet")])
    data = [_json(one) for one in findings.sessions]
    if not findings.sessions:
        yield Show([Text(_("nothing was found for {text}").format(text=text), "quiet")], data)
        return
    rows = [[shorten(one.title, 28) or one.session, one.line, _by(one)] for one in findings.sessions]
    yield Show([Table([_("session"), _("line"), _("found by")], rows)], data)
    found = [(one.session, one.title or one.session, _by(one), one.line) for one in findings.sessions]
    chosen = yield Pick(text, found)
    for one in findings.sessions:
        if one.session == chosen:
            yield one.session, one.message


async def _begin(
    call: Call,
    run: RunOptions,
    meaning: MeaningSearch,
    user: str,
    embedder: ServerEmbedder,
    todo: Missing,
    answer: str | None,
) -> Effects:
    """Begin to fetch what is missing, if somebody agreed; else say that it is missing."""
    if answer == "y" or FILL in call.flags or meaning.may_fill(embedder):
        meaning.agreed.add(embedder.model)
        if run.unattended:  # one request, so that a search stays quick; the rest waits for the word
            async for effect in _fill(meaning, user, embedder, todo.first(embedder.most)):
                yield effect
            todo = await meaning.missing(user, embedder)
            if not todo.places:
                return
        else:
            before = meaning.filling.trouble
            if not meaning.filling.running:
                meaning.start(user, embedder, todo)
            words = _("vectors are fetched behind the prompt ({count} to go); /search --stop stops it")
            yield Show([Text(words.format(count=f"{len(todo.places):,}"), "quiet")])
            if before is not None:
                yield Show([Text(_("last time it ended early: {why}").format(why=before.message), "warning")])
            return
    words = ngettext(
        "{count} passage has no vector yet and is found by its words alone; {command} fetches it",
        "{count} passages have no vectors yet and are found by their words alone; {command} fetches them",
        len(todo.places),
    )
    command = "gptchat /search --fill" if run.unattended else "/search --fill"
    yield Show([Text(words.format(count=f"{len(todo.places):,}", command=command), "quiet")])


async def _fill(meaning: MeaningSearch, user: str, embedder: ServerEmbedder, todo: Missing) -> Effects:
    """Fetch what is missing while the person waits. Raises what the provider raises; what came stays."""
    label = _("vectors of {model}").format(model=embedder.name)
    steps = meaning.fill(user, embedder, todo)
    try:
        async for done in steps:
            yield Progress(label, done, len(todo.places))
    finally:
        await steps.aclose()


def _estimate(embedder: ServerEmbedder, todo: Missing) -> list[str]:
    """What is missing, and what it would cost."""
    cost = embedder.cost(todo.tokens)
    price = _("it costs nothing") if embedder.free else _("about {cost}").format(cost=money(cost or 0.0))
    if cost is None:
        price = _("at a price that is not known")
    passages = ngettext("{n} passage", "{n} passages", len(todo.places)).format(n=f"{len(todo.places):,}")
    sessions = ngettext("{n} session", "{n} sessions", todo.sessions).format(n=f"{todo.sessions:,}")
    return [
        _("{passages} of {sessions} have no vectors of {model} yet").format(
            passages=passages, sessions=sessions, model=embedder.name
        ),
        _("to get them, their text goes to {provider}: about {tokens} tokens, {price}").format(
            provider=embedder.provider, tokens=f"{todo.tokens:,}", price=price
        ),
    ]


def _by(found: FoundSession) -> str:
    return {"words": _("words"), "meaning": _("meaning"), "both": _("words and meaning")}[found.by]


def _state(embedder: ServerEmbedder, todo: Missing) -> dict[str, Any]:
    return {"model": embedder.model, "passages": todo.total, "missing": len(todo.places)}


def _json(found: FoundSession) -> dict[str, Any]:
    similarity = None if found.similarity is None else round(found.similarity, 4)
    return {
        "session": found.session,
        "title": found.title,
        "message": found.message,
        "role": found.role,
        "line": found.line,
        "by": found.by,
        "score": round(found.score, 5),
        "similarity": similarity,
    }
