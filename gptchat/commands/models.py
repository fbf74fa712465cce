"""The model family: lists and selects models and providers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gptchat import catalogue, vendors
from gptchat.commands.effects import AsideEffects, Ask, Changed, Connect, Effects, Facts, Show, Table, Text
from gptchat.commands.preferences import not_given
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import window_source
from gptchat.config.key_text import require_name
from gptchat.conversation.known_models import end_words, gone
from gptchat.core.ports import ModelFacts, Rate
from gptchat.errors import ConfigurationError, GptchatError
from gptchat.providers.registry import abilities, summary
from gptchat.vendors.thinking import asked_for
from gptchat.words import _, price, symbol

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions


ANYWAY = "--anyway"
"""The flag that insists on a provider."""
_MOST = 500
"""Models that are shown; `--json` has all of them."""
_MANY = 20
"""From so many models on, a line below them says how to see fewer."""


async def model(call: Call, routing: Routing, profile: Profile) -> Effects:
    """Choose the model, or show the one in use."""
    name = call.get("name")
    if not name:
        current = routing.route().model
        facts = routing.facts(current)
        ending = [Text(end_words(facts), "warning")] if facts.retired else []
        yield Show([Facts(_facts_pairs(routing, facts), title=current), *ending], model_json(facts))
        return
    if name not in routing.names_listed():
        require_name(name)
    facts = routing.facts(name)
    profile.change("model", name)
    yield Changed(frozenset({"settings"}))
    blocks: list[Any] = [Text(_("{model} answers from now on").format(model=name), "good")]
    if facts.retired:
        blocks.append(Text(end_words(facts), "warning"))
    elif facts.source == "default" and abilities(routing.provider_settings()).complete_catalogue:
        near = catalogue.nearest(name)
        if near:
            note = _("{model} is not in the catalogue; similar: {names}")
            blocks.append(Text(note.format(model=name, names=_(", ").join(near)), "quiet"))
    blocks.append(Facts(_facts_pairs(routing, facts)))
    yield Show(blocks, model_json(facts))


async def models(call: Call, routing: Routing) -> AsideEffects:
    """List the models of the provider, with what is known of them."""
    listed = await routing.listed()
    wanted = call.get("text").casefold().split()
    shown = [facts for facts in listed if all(word in facts.name.casefold() for word in wanted)]
    if not shown:
        note = _("no model has {text} in its name") if wanted else _("this provider lists no models")
        yield Show([Text(note.format(text=call.get("text")), "quiet")], [])
        return
    current = routing.model()
    rows = [
        [facts.name, tokens_word(facts.context), _price(facts.input), _price(facts.output), _abilities(facts)]
        for facts in shown[:_MOST]
    ]
    marked = next((i for i, facts in enumerate(shown[:_MOST]) if facts.name == current), None)
    sign = symbol().strip()
    columns = [
        _("model"),
        _("window"),
        _("in {currency}/M").format(currency=sign),
        _("out {currency}/M").format(currency=sign),
        _("abilities"),
    ]
    blocks: list[Any] = [Table(columns, rows, right=frozenset({1, 2, 3}), marked=marked)]
    if len(shown) > _MOST:
        note = _("the first {most} of {n} models; /models TEXT narrows the list")
        blocks.append(Text(note.format(most=_MOST, n=len(shown)), "quiet"))
    elif len(shown) > _MANY:
        blocks.append(Text(_("{n} models; /models TEXT narrows the list").format(n=len(shown)), "quiet"))
    yield Show(blocks, [model_json(facts) for facts in shown])


def tokens_word(tokens: int | None) -> str:
    """A number of tokens, short: `128k`, `1M`; empty where unknown."""
    if not tokens:
        return ""
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.3g}M"
    return f"{tokens / 1000:.3g}k" if tokens >= 1000 else str(tokens)


def _price(dollars: float | None) -> str:
    """A price without its currency, or nothing where it is unknown."""
    return "" if dollars is None else price(dollars).removeprefix(symbol())


def _abilities(facts: ModelFacts) -> str:
    words = []
    if facts.reasoning:
        words.append(_("reasons"))
    if facts.vision:
        words.append(_("sees"))
    if facts.tools:
        words.append(_("tools"))
    if facts.retired:
        words.append((_("retired {date}") if gone(facts) else _("ends {date}")).format(date=facts.retired))
    return _(", ").join(words)


def _facts_pairs(routing: Routing, facts: ModelFacts) -> list[tuple[str, str]]:
    window, source = routing.window(facts.name)
    pairs = [
        (_("provider"), routing.provider_settings().name),
        (_("window"), _("{name} ({detail})").format(name=f"{window:,}", detail=window_source(source))),
    ]
    if thinking := asked_for(routing.route().parameters):
        pairs.append((_("thinking"), thinking))
    if facts.max_output:
        pairs.append((_("longest reply"), f"{facts.max_output:,}"))
    if facts.input is not None or facts.output is not None:
        told = _("{input} in, {output} out, a million tokens")
        costs = told.format(input=price(facts.input or 0), output=price(facts.output or 0))
        pairs.append((_("price"), costs))
        if facts.cached_input is not None:
            pairs.append((_("cached"), price(facts.cached_input)))
        pairs += [(_when(rate), _rate_words(rate, facts)) for rate in facts.rates]
    if able := _abilities(facts):
        pairs.append((_("abilities"), able))
    return pairs


def _when(rate: Rate) -> str:
    """When the prices of a rate hold."""
    if rate.above:
        return _("above {tokens} tokens").format(tokens=tokens_word(rate.above))
    return _("off-peak")


def _rate_words(rate: Rate, facts: ModelFacts) -> str:
    sides = ((rate.input, facts.input), (rate.output, facts.output))
    entering, leaving = (price((usual if told is None else told) or 0) for told, usual in sides)
    return _("{input} in, {output} out, a million tokens").format(input=entering, output=leaving)


def model_json(facts: ModelFacts) -> dict[str, Any]:
    """The facts on a model as `--json` prints them."""
    return {
        "name": facts.name,
        "context": facts.context,
        "max_output": facts.max_output,
        "input": facts.input,
        "cached_input": facts.cached_input,
        "output": facts.output,
        "rates": [_rate_json(rate) for rate in facts.rates],
        "reasoning": facts.reasoning,
        "vision": facts.vision,
        "tools": facts.tools,
        "api": facts.api,
        "retired": facts.retired,
        "successor": facts.successor or None,
        "source": facts.source,
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    prices = {"input": rate.input, "cached_input": rate.cached_input, "output": rate.output}
    return {**prices, "above": rate.above or None, "hours_utc": [list(span) for span in rate.hours]}


async def provider(
    call: Call, settings: Settings, routing: Routing, run: RunOptions, profile: Profile, keys: ProviderKeys
) -> Effects:
    """Choose who answers, once it is known to answer; asks for the key where one is needed."""
    name = call.get("name")
    if not name:
        in_force = settings.chat.provider
        names = settings.provider_names()
        told = [_provider_json(settings, known) for known in names]
        current = names.index(in_force) if in_force in names else None
        rows = [[one["name"], one["is"], one["model"]] for one in told]
        unsure = any(one.get("sure") == "unverified" for one in told)
        yield Show(
            [
                Table([_("provider"), _("is"), _("model")], rows, marked=current),
                *([Text(_("* some of its facts could not be checked"), "quiet")] if unsure else []),
            ],
            [{**one, "current": i == current} for i, one in enumerate(told)],
        )
        return
    insist = ANYWAY in call.flags
    if _is_address(settings, name) or (not run.unattended and _wants_address(settings, routing, name)):
        if (chosen_name := (yield Connect(name, insist))) is not None:
            yield Changed(frozenset({"settings"}))
            yield _answers(routing, chosen_name)
        return
    chosen = settings.provider(name)
    if _wants_address(settings, routing, name):
        routing.require_address(chosen)  # raises, and says what is missing
    if asked := await asyncio.to_thread(keys.missing, chosen):
        key = yield Ask(_("the API key for {name}").format(name=chosen.name), secret=True)
        if not key:
            yield not_given(run, chosen)
            return
        keys.hold(chosen, key)
    try:
        await routing.tried(chosen)
    except GptchatError as error:
        if not insist:
            keys.drop(chosen)
            raise _with_way_to_insist(error, chosen.name) from None
        yield Show([Text(error.message, "warning")])
    if asked and not run.incognito:
        where, _other = await asyncio.to_thread(keys.keep, chosen)
        yield Show([Text(_("the key is kept in {where}").format(where=where), "quiet")])
    warning = profile.change_provider(chosen)
    yield Changed(frozenset({"settings"}))
    if warning:
        yield Show([Text(warning, "warning")])
    yield _answers(routing, chosen.name)


async def connect(call: Call, routing: Routing) -> Effects:
    """Ask how to connect, and try it before it is chosen."""
    name = yield Connect(call.get("place"), ANYWAY in call.flags)
    if name is not None:
        yield Changed(frozenset({"settings"}))
        yield _answers(routing, name)


def _answers(routing: Routing, name: str) -> Show:
    """Who answers from now on, and with which model."""
    in_force = routing.model()
    words = _("{name} answers from now on, with {model}")
    if not in_force:
        words = _("{name} answers from now on; /models lists its models, /model NAME chooses one")
    return Show([Text(words.format(name=name, model=in_force), "good")], {"provider": name, "model": in_force})


def _with_way_to_insist(error: GptchatError, name: str) -> GptchatError:
    words = _("{name} was not chosen; /provider {name} {flag} chooses it all the same")
    told = words.format(name=name, flag=ANYWAY)
    error.hint = _("{hint}; {told}").format(hint=error.hint, told=told) if error.hint else told
    return error


def _is_address(settings: Settings, name: str) -> bool:
    return (":" in name or "/" in name) and settings.provider_name(name) not in settings.provider_names()


def _wants_address(settings: Settings, routing: Routing, name: str) -> bool:
    """Whether a provider lacks an address. Raises ConfigurationError for one that nobody knows."""
    try:
        routing.require_address(settings.provider(name))
    except ConfigurationError:
        settings.provider(name)
        return True
    return False


def _provider_json(settings: Settings, name: str) -> dict[str, Any]:
    """A provider as `--json` prints it, with what the table of vendors knows of it."""
    try:
        entry = settings.provider(name)
    except ConfigurationError as error:
        return {"name": name, "kind": "", "is": error.message, "address": "", "model": ""}
    vendor = vendors.get(name)
    told: dict[str, Any] = {
        "name": name,
        "kind": entry.kind,
        "is": entry.base_url or entry.endpoint or entry.kind,
        "address": entry.base_url or entry.endpoint,
        "model": entry.default_model,
    }
    if vendor is None:
        return told
    mark = "*" if vendor.sure == "unverified" else ""
    moved = "" if told["address"] in ("", vendor.base_url) else f" ({told['address']})"
    return told | {
        "is": summary(vendor) + mark + moved,
        "keys": list(vendor.keys),
        "sure": vendor.sure,
        "checked": vendor.checked,
        "docs": vendor.docs,
        "prices": vendor.prices,
    }


COMMANDS = (
    Command(
        "model",
        "model",
        "Choose the model, or show the one in use",
        model,
        (Argument("name", "model", rest=True),),
        examples=(("/model gpt-6-luna", "it answers from now on"), ("/model", "what is known of the one in use")),
        brief="choose the model",
        shows=lambda call: not call.get("name"),
    ),
    Command(
        "models",
        "model",
        "List the provider's models: window, price, abilities",
        models,
        (Argument("text", "text", rest=True),),
        examples=(("/models", "all"), ("/models mini", "those with mini in the name")),
        streaming=True,
    ),
    Command(
        "provider",
        "model",
        "Choose who answers: OpenAI, Azure, a local server, the demo, ...",
        provider,
        (Argument("name", "provider"),),
        flags={ANYWAY: "even if it does not answer now"},
        examples=(("/provider", "the ones there are"), ("/provider deepseek", "asks for the key and tries it")),
        brief="choose who answers",
        shows=lambda call: not call.get("name"),
    ),
    Command(
        "connect",
        "model",
        "Connect to a service, a server or an address: asks, and tries it first",
        connect,
        (Argument("place", "provider"),),
        flags={ANYWAY: "even if it does not answer, or only with plain http"},
        examples=(
            ("/connect", "the list of the first start"),
            ("/connect localhost:8080", ""),
        ),
        about="Esc goes back at any point, and whoever answered before still does.",
        brief="add a provider or a key",
    ),
)
