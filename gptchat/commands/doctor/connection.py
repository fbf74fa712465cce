"""What `/doctor` finds of a provider: the way to it, its key and models, and how it answers a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gptchat import redaction, vendors
from gptchat.commands.doctor.finding import Finding, failed
from gptchat.commands.doctor.way import way
from gptchat.commands.models import tokens_word
from gptchat.commands.wording import window_source
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import missing_key
from gptchat.conversation.known_models import end_words
from gptchat.core.events import Finished, Notice, ReasoningDelta, Retrying, TextDelta, UsageReported
from gptchat.core.messages import Request, Usage
from gptchat.core.ports import Provider
from gptchat.errors import AuthenticationError, GptchatError, NotFoundError, QuotaError
from gptchat.providers.probing import elsewhere
from gptchat.providers.registry import abilities, summary
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing

_REASONING_TOKENS = 16
"""The least that a reasoning model, or the Responses API, takes as the length of a reply."""

Findings = AsyncIterator[Finding]


async def connection(settings: Settings, routing: Routing, keys: ProviderKeys, name: str) -> Findings:
    """Look at the way to the provider `name` (empty: the one in force), step by step, until one fails."""
    try:
        entry = settings.provider(name)
        provider = routing.provider(name)
    except GptchatError as error:
        yield failed("provider", error)
        return
    if not provider.abilities.network:
        yield Finding("provider", "ok", _("{name} answers without a network").format(name=entry.name))
        return
    if (told := _vendor(entry)) is not None:
        yield told
    usable = True
    if provider.abilities.address is not None:
        try:
            address = provider.abilities.address()
        except GptchatError as error:
            yield failed("address", error)
            return
        async for finding in way(address, entry, settings.network):
            usable = usable and finding.state != "failed"
            yield finding
    async for finding in _key(keys, entry):
        usable = usable and finding.state != "failed"
        yield finding
    if not usable:
        yield Finding("request", "note", _("no request was tried; first see to what is above"))
        return
    async for finding in _served(settings, routing, entry, provider):
        yield finding


def _vendor(entry: ProviderSettings) -> Finding | None:
    """What the table of vendors knows of a ready-made provider, and how sure that is; None for any other."""
    if (gone := vendors.ended(entry.base_url)) is not None:
        words = _("{name} ended on {date}").format(name=gone.en, date=gone.date)
        hint = _("/provider {name} took its place").format(name=gone.instead) if gone.instead else ""
        return Finding("provider", "warning", words, hint)
    vendor = vendors.get(entry.name)
    if vendor is None or not vendor.base_url or vendor.local:
        return None
    title, more = summary(vendor), {"sure": vendor.sure, "checked": vendor.checked, "docs": vendor.docs}
    facts = {
        "vendor docs": _("{name}: facts of its documentation, {date}"),
        "third party": _("{name}: facts as others tell them, {date}"),
        "unverified": _("{name}: some facts could not be checked, {date}"),
    }
    words = facts[vendor.sure].format(name=title, date=vendor.checked)
    return Finding("provider", "note", words, _("see {address}").format(address=vendor.docs), more)


async def _key(keys: ProviderKeys, entry: ProviderSettings) -> Findings:
    try:
        found = await asyncio.to_thread(keys.find, entry)
    except GptchatError as error:
        yield failed("key", error)
        return
    if found is not None:
        masked = redaction.mask(found.value)
        words = _("key for {name}: {masked}, from {source}")
        more = {"key": masked, "source": found.source}
        yield Finding("key", "ok", words.format(name=entry.name, masked=masked, source=found.source), more=more)
    elif entry.keyless:
        yield Finding("key", "note", _("no key for {name}, which may need none").format(name=entry.name))
    elif abilities(entry).login:  # a login of the machine may take its place; the request will tell
        yield Finding("key", "warning", _("no key for {name}").format(name=entry.name), missing_key(entry).hint)
    else:
        yield failed("key", missing_key(entry))


async def _served(settings: Settings, routing: Routing, entry: ProviderSettings, provider: Provider) -> Findings:
    """What the server has, and whether it answers a request."""
    model = routing.model(entry.name)
    try:
        listed = await routing.listed(entry.name)
    except NotFoundError as error:
        # some servers have no list; the request tells whether the address is right
        other = ""
        if provider.abilities.movable and provider.abilities.address is not None:
            other = await elsewhere(provider.abilities.address(), entry, settings.network)
        advice = _("the API seems to be at {address}: write it as base_url").format(address=other)
        yield Finding("models", "warning", error.message, advice if other else error.hint, {"kind": error.kind})
    except GptchatError as error:
        yield failed("models", error)
        if isinstance(error, AuthenticationError):
            yield Finding("request", "note", _("no request was tried; first see to what is above"))
            return
    else:
        yield _listed(model, [facts.name for facts in listed])
        if not model and len(listed) == 1:
            model = listed[0].name
    if not model:
        yield Finding(
            "model", "failed", _("no model is chosen for {name}").format(name=entry.name),
            _("/models lists them, /model NAME chooses one"),
        )  # fmt: skip
        return
    yield _model(routing, entry, model)
    async for finding in _request(routing, entry, provider, model):
        yield finding
    if settings.chat.moderation != "off":
        yield await _moderation(provider)


def _listed(model: str, names: list[str]) -> Finding:
    if not names:
        return Finding("models", "note", _("the server lists no models"), more={"models": 0})
    count = ngettext("/models lists {n} model", "/models lists {n} models", len(names)).format(n=len(names))
    more: dict[str, Any] = {"models": len(names)}
    if not model or model in names:
        return Finding("models", "ok", count, more=more)
    words = _("{count}, but not {model}").format(count=count, model=model)
    advice = _("choose one with /model: {names}").format(names=_(", ").join(names[:5]))
    return Finding("models", "warning", words, advice, more)


def _model(routing: Routing, entry: ProviderSettings, model: str) -> Finding:
    facts = routing.facts(model, entry.name)
    window, source = routing.window(model, entry.name)
    if facts.retired:
        return Finding("model", "warning", end_words(facts), _("/model chooses another"))
    words = _("{model}: window {window}, {origin}").format(
        model=model, window=tokens_word(window), origin=window_source(source)
    )
    advice = ""
    if source == "default":
        advice = _("where you know it: {line}").format(line=f'[models."{model}"] context = ...')
    return Finding("model", "note" if advice else "ok", words, advice, {"model": model, "window": window})


async def _request(routing: Routing, entry: ProviderSettings, provider: Provider, model: str) -> Findings:
    """One request for the shortest reply there is, streamed."""
    facts = routing.facts(model, entry.name)
    api = provider.abilities.api
    wire = api(model) if api is not None else ""
    length = _REASONING_TOKENS if facts.reasoning or wire == "responses" else 1
    request = Request(model, ({"role": "user", "content": "Say: ok"},), {"max_tokens": length})
    pieces, usage, ended = 0, None, False
    clock: Callable[[], float] = asyncio.get_running_loop().time
    began = clock()
    first = 0.0
    problem: GptchatError | None = None
    try:
        stream: Any = provider.stream(request)
        async with aclosing(stream) as events:
            async for event in events:
                match event:
                    case TextDelta() | ReasoningDelta():
                        first = first or clock() - began
                        pieces += 1
                    case UsageReported(told):
                        usage = told
                    case Finished():
                        ended = True
                    case Notice(text):
                        yield Finding("request", "note", text)
                    case Retrying(error=error):
                        problem = error
                        break
    except GptchatError as error:
        problem = error
    if problem is not None:
        yield _not_sent("request", problem) or failed("request", problem)
        return
    seconds = clock() - began
    words = ngettext(
        "a request for {n} token was answered in {seconds:.2f} s",
        "a request for {n} tokens was answered in {seconds:.2f} s",
        length,
    )
    yield Finding(
        "request", "ok", words.format(n=length, seconds=seconds), more={"api": wire, "seconds": round(seconds, 3)}
    )
    yield _streaming(entry, pieces, first, ended)
    yield _usage(usage)


def _not_sent(about: str, error: GptchatError) -> Finding | None:
    """The finding on a request that the day's budget did not allow; None if it failed otherwise."""
    within = isinstance(error, QuotaError) and error.status is None
    return Finding(about, "note", error.message, error.hint) if within else None


def _streaming(entry: ProviderSettings, pieces: int, first: float, ended: bool) -> Finding:
    if not abilities(entry).streams:
        return Finding("streaming", "note", _("{name} does not stream").format(name=entry.name))
    if not pieces:
        return Finding("streaming", "note", _("the stream ended well, but held no text: too short to tell"))
    words = _("the reply streams; the first piece came after {seconds:.2f} s").format(seconds=first)
    return Finding("streaming", "ok" if ended else "warning", words, more={"first": round(first, 3)})


def _usage(usage: Usage | None) -> Finding:
    if usage is None or usage.estimated:
        return Finding("usage", "note", _("the server tells no usage: tokens and cost are our own estimate"))
    words = _("usage is told: {prompt} prompt and {reply} reply tokens")
    return Finding("usage", "ok", words.format(prompt=usage.prompt_tokens, reply=usage.completion_tokens))


async def _moderation(provider: Provider) -> Finding:
    moderate = provider.abilities.moderate
    if moderate is None:
        return Finding("moderation", "warning", _("{name} has no moderation").format(name=provider.name),
                       _("/set moderation off"))  # fmt: skip
    try:
        await moderate("hello")
    except NotFoundError:
        return Finding("moderation", "warning", _("{name} has no moderation").format(name=provider.name),
                       _("/set moderation off"))  # fmt: skip
    except GptchatError as error:
        return _not_sent("moderation", error) or failed("moderation", error)
    return Finding("moderation", "ok", _("{name} moderates").format(name=provider.name))
