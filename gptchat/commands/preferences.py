"""Settings: values, system prompt, keys, and the program's colours and language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gptchat import redaction, words
from gptchat.commands.effects import Ask, Block, Changed, Effects, Markdown, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import left_out, require_session, setting_as_json
from gptchat.config import parse as settings_parse
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.flags import ways
from gptchat.config.keys import clean_key, missing_key
from gptchat.config.schema import SETTINGS
from gptchat.config.setting import Setting
from gptchat.core.session import shorten
from gptchat.errors import AuthenticationError, GptchatError, PermissionDeniedError, UsageError
from gptchat.providers.address import require_private
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager
    from gptchat.providers.faults.quirks import Learnt


async def set_(
    call: Call,
    settings: Settings,
    routing: Routing,
    run: RunOptions,
    profile: Profile,
    learnt: Callable[[], Learnt],
) -> Effects:
    """Show or change a setting; what is changed stays with you and this session."""
    key, text = call.get("key"), call.get("value")
    if not key:
        shown = list(settings.items(everything=False)) or list(settings.items())
        rows = [[item.key, item.shown, item.source.brief] for item in shown]
        yield Show(
            [
                Table([_("setting"), _("value"), _("from")], rows),
                Text(_("/set KEY shows what a setting means; /config shows all of them"), "quiet"),
            ],
            dict(_json(settings, item.key) for item in shown),
        )
        return
    setting = settings_parse.require(key)
    if not text:
        yield Show(
            [
                Text(f"{key} = {settings.shown(key)}"),
                Text(_("{summary}; {meaning}").format(summary=setting.summary, meaning=setting.meaning), "quiet"),
                *_also(setting, key),
                *_left_out(routing, learnt, key),
            ],
            dict([_json(settings, key)]),
        )
        return
    value = settings_parse.parse_setting(key, text)
    warning = _change(settings, profile, key, value)
    yield Changed(frozenset({"settings", "language"} if key == "ui.lang" else {"settings"}))
    blocks = [Text(f"{key} = {settings.shown(key)}", "good")]
    blocks += _left_out(routing, learnt, key)
    if warning:
        blocks.append(Text(warning, "warning"))
    if key == "provider" and value and not run.unattended:
        # What is set is set, but who sits here learns at once that nobody answers.
        try:
            await routing.tried(settings.provider())
        except GptchatError as error:
            blocks += [Text(error.message, "warning"), Text(error.hint, "quiet")]
    if key == "ui.currency" and not settings.currency()[1]:
        blocks.append(Text(_("say how much of it a US$ is: /set ui.currency_rate 7.1"), "warning"))
    yield Show(blocks, dict([_json(settings, key)]))


def _also(setting: Setting, key: str) -> list[Text]:
    """What sets the setting from outside the chat, beside the settings file."""
    found = ways(setting, key)
    return [Text(_("also set by {ways}").format(ways=_(", ").join(found)), "quiet")] if found else []


def _left_out(routing: Routing, learnt: Callable[[], Learnt], key: str) -> list[Text]:
    """A warning where the model in force is known not to take the setting `key`."""
    if key not in left_out(routing, learnt):
        return []
    words = _("{model} does not take {key}: it is left out; /doctor --forget {name} tries it again")
    return [Text(words.format(model=routing.model(), key=key, name=routing.provider_settings().name), "warning")]


def _change(settings: Settings, profile: Profile, key: str, value: Any) -> str:
    """Change a setting and what depends on it; returns a sentence if it could not be saved.

    Raises ConfigurationError for a provider that nobody knows: without this, no message could be sent.
    """
    if key == "provider" and value:
        return profile.change_provider(settings.provider(value))
    if key.startswith("providers.") and key.endswith((".base_url", ".endpoint")):
        require_private(value)
    if key == "fallback":
        for name in value:
            settings.provider(name)
    return profile.change(key, value)


def _json(settings: Settings, key: str) -> tuple[str, Any]:
    """A setting and its value for `--json`."""
    return key, setting_as_json(settings.get(key), settings.shown(key))


async def unset(call: Call, settings: Settings, profile: Profile) -> Effects:
    """Give a setting its former value back."""
    key = call.get("key")
    settings_parse.require(key)
    warning = profile.unset(key)
    yield Changed(frozenset({"settings"}))
    told = _("{key} is {value} again ({origin})").format(
        key=key, value=settings.shown(key), origin=settings.source(key)
    )
    yield Show([Text(told), *([Text(warning, "warning")] if warning else [])], dict([_json(settings, key)]))


async def system(
    call: Call, manager: SessionManager, routing: Routing, run: RunOptions, profile: Profile
) -> Effects:
    """Show or set the system prompt of this session."""
    text = call.get("text")
    if not text:
        current = routing.route().system
        words = current or _("no system prompt; /system TEXT sets one")
        yield Show([Text(words, "plain" if current else "quiet")], {"system": current})
        return
    if text in ("none", "-"):
        text = ""
    require_session(manager, run)
    profile.change_session("system", text)
    yield Changed(frozenset({"settings"}))
    note = _("the system prompt is set: {text}") if text else _("no system prompt from now on")
    yield Show([Text(note.format(text=shorten(text, 70)), "good")], {"system": text})


def not_given(run: RunOptions, provider: ProviderSettings) -> Show:
    """What to show where a key was asked for and not given. Raises ConfigurationError in a run of one command."""
    if run.unattended:
        raise missing_key(provider)
    return Show([Text(_("nothing was changed"), "quiet")], {"stored": None})


async def key(call: Call, settings: Settings, routing: Routing, run: RunOptions, keys: ProviderKeys) -> Effects:
    """Give, look for, or forget the key of a provider."""
    action = call.get("action") or "show"
    chosen = settings.provider(call.get("provider"))
    if action == "set" and run.incognito:
        raise UsageError(
            _("an incognito run keeps nothing, not even a key"), hint=_("set the provider's variable for this run")
        )
    if action == "set":
        typed = yield Ask(_("the API key for {name}").format(name=chosen.name), secret=True)
        if not typed:
            yield not_given(run, chosen)
            return
        keys.hold(chosen, typed)
        try:
            # A script may set up a machine that has no network yet.
            doubt = "" if run.unattended else await _doubt(routing, chosen)
        finally:
            keys.drop(chosen)
        where = await asyncio.to_thread(keys.store, chosen, typed)
        yield Changed(frozenset({"settings"}))
        blocks = [Text(_("the key is kept in {where}").format(where=where), "good")]
        if doubt:
            blocks.append(Text(_("it could not be tried: {why}").format(why=doubt), "warning"))
        found = await asyncio.to_thread(keys.find, chosen)
        if found is not None and found.value != clean_key(typed):
            words = _("but {source} holds another key, and goes first")
            blocks.append(Text(words.format(source=found.source), "warning"))
        yield Show(blocks, {"stored": where})
        return
    if action == "forget":
        gone = await asyncio.to_thread(keys.forget, chosen)
        note = _("the key for {name} is forgotten") if gone else _("gptchat keeps no key for {name}")
        yield Changed(frozenset({"settings"}))
        yield Show([Text(note.format(name=chosen.name))], {"forgotten": gone})
        return
    found = await asyncio.to_thread(keys.find, chosen)
    if found is None:
        error = missing_key(chosen)
        yield Show([Text(error.message), Text(error.hint, "quiet")], {"provider": chosen.name, "key": None})
        return
    words = _("the key for {name} is {masked}, from {source}")
    masked = redaction.mask(found.value)
    blocks = [Text(words.format(name=chosen.name, masked=masked, source=found.source))]
    if found.warning:
        blocks.append(Text(found.warning, "warning"))
    yield Show(blocks, {"provider": chosen.name, "key": masked, "source": found.source})


async def _doubt(routing: Routing, provider: ProviderSettings) -> str:
    """Why a key could not be tried; empty if the provider takes it. Raises GptchatError if it is refused."""
    try:
        await routing.tried(provider)
    except (AuthenticationError, PermissionDeniedError) as error:
        error.hint = _("the key was not kept; /key set asks for it again")
        raise
    except GptchatError as error:
        return error.message
    return ""


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


COMMANDS = (
    Command(
        "set",
        "model",
        "Show or change a setting",
        set_,
        (Argument("key", "setting"), Argument("value", "value", rest=True)),
        examples=(("/set temperature 0.2", "for you, from now on"), ("/set temperature", "what it means")),
        brief="any setting",
        shows=lambda call: not call.get("value"),
    ),
    Command(
        "unset",
        "model",
        "Give a setting its former value back",
        unset,
        (Argument("key", "setting", required=True),),
        examples=(("/unset temperature", "the model's own again"),),
    ),
    Command(
        "system",
        "model",
        "Show or set this session's system prompt",
        system,
        (Argument("text", "text", rest=True),),
        examples=(("/system You answer in one sentence.", ""), ("/system none", "without one")),
        brief="how to answer",
        shows=lambda call: not call.get("text"),
        session=True,
    ),
    Command(
        "key",
        "model",
        "Give, show (masked) or forget a provider's key",
        key,
        (Argument("action", "word", choices=("show", "set", "forget")), Argument("provider", "provider")),
        examples=(("/key", "where it was found"), ("/key set", "typed hidden, kept for you alone")),
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
)
