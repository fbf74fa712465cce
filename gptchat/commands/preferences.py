"""The model family, settings: values, system prompt, presets and keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gptchat import redaction
from gptchat.commands.effects import Ask, Changed, Effect, Facts, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.workspace import Workspace
from gptchat.config import parse as settings_parse
from gptchat.config.keys import missing_key
from gptchat.core.session import shorten
from gptchat.words import _

Effects = AsyncGenerator[Effect, Any]


async def set_(ws: Workspace, call: Call) -> Effects:
    """Show or change a setting; what is changed stays with you and this session."""
    key, text = call.get("key"), call.get("value")
    if not key:
        shown = list(ws.settings.items(everything=False)) or list(ws.settings.items())
        rows = [[item.key, ws.masked(item.shown), item.source.brief] for item in shown]
        yield Show(
            [
                Table([_("setting"), _("value"), _("from")], rows),
                Text(_("/set KEY shows what a setting means; /config shows all of them"), "quiet"),
            ],
            {item.key: ws.masked(item.shown) if isinstance(item.value, Mapping) else item.value for item in shown},
        )
        return
    setting = settings_parse.require(key)
    if not text:
        value = ws.settings.get(key)
        told = settings_parse.show_value(value)
        if isinstance(value, Mapping):  # headers and the like, whose values may be secrets
            value = told = next((item.shown for item in ws.settings.items() if item.key == key), "")
        yield Show(
            [
                Text(f"{key} = {ws.masked(told)}"),
                Text(_("{summary}; {meaning}").format(summary=setting.summary, meaning=setting.meaning), "quiet"),
            ],
            {key: value},
        )
        return
    value = settings_parse.parse_setting(key, text)
    warning = ws.change(key, value)
    yield Changed(frozenset({"settings"}))
    blocks = [Text(f"{key} = {settings_parse.show_value(value)}", "good")]
    if warning:
        blocks.append(Text(warning, "warning"))
    yield Show(blocks, {key: value})


async def unset(ws: Workspace, call: Call) -> Effects:
    """Give a setting its former value back."""
    key = call.get("key")
    settings_parse.require(key)
    ws.unset(key)
    value = ws.settings.get(key)
    yield Changed(frozenset({"settings"}))
    words = _("{key} is {value} again ({origin})")
    shown = settings_parse.show_value(value)
    yield Show([Text(words.format(key=key, value=shown, origin=ws.settings.source(key)))], {key: value})


async def system(ws: Workspace, call: Call) -> Effects:
    """Show or set the system prompt of this session."""
    text = call.get("text")
    if not text:
        current = ws.answering.route().system
        words = current or _("no system prompt; /system TEXT sets one")
        yield Show([Text(words, "plain" if current else "quiet")], {"system": current})
        return
    if text in ("none", "-"):
        text = ""
    ws.change_session("system", text)
    yield Changed(frozenset({"settings"}))
    note = _("the system prompt is set: {text}") if text else _("no system prompt from now on")
    yield Show([Text(note.format(text=shorten(text, 70)), "good")], {"system": text})


async def preset(ws: Workspace, call: Call) -> Effects:
    """Use a saved bundle of system prompt and parameters."""
    name = call.get("name")
    if not name:
        names = ws.settings.preset_names()
        if not names:
            yield Show([Text(_("no presets yet; add [presets.NAME] to the settings file"), "quiet")], [])
            return
        rows = [[n, shorten(str(ws.settings.preset(n).get("system", "")), 60)] for n in names]
        yield Show([Table([_("preset"), _("system prompt")], rows)], names)
        return
    if name in ("none", "-"):
        ws.change_session("preset", "")
        yield Changed(frozenset({"settings"}))
        yield Show([Text(_("no preset from now on"))], {"preset": ""})
        return
    bundle = ws.settings.preset(name)
    ws.change_session("preset", name)
    yield Changed(frozenset({"settings"}))
    pairs = [(key, shorten(settings_parse.show_value(value), 70)) for key, value in bundle.items()]
    yield Show([Text(_("preset {name} is in use").format(name=name), "good"), Facts(pairs)], {"preset": name})


async def key(ws: Workspace, call: Call) -> Effects:
    """Give, look for, or forget the key of a provider."""
    action = call.get("action") or "show"
    chosen = ws.settings.provider(call.get("provider"))
    if action == "set":
        typed = yield Ask(_("the API key for {name}").format(name=chosen.name), secret=True)
        if not typed:
            yield Show([Text(_("nothing was changed"), "quiet")])
            return
        where = await asyncio.to_thread(ws.store_key, chosen, typed)
        yield Changed(frozenset({"settings"}))
        yield Show([Text(_("the key is kept in {where}").format(where=where), "good")], {"stored": where})
        return
    if action == "forget":
        gone = await asyncio.to_thread(ws.forget_key, chosen)
        note = _("the key for {name} is forgotten") if gone else _("gptchat keeps no key for {name}")
        yield Changed(frozenset({"settings"}))
        yield Show([Text(note.format(name=chosen.name))], {"forgotten": gone})
        return
    found = await asyncio.to_thread(ws.find_key, chosen)
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


COMMANDS = (
    Command(
        "set",
        "model",
        "Show or change a setting",
        set_,
        (Argument("key", "setting"), Argument("value", "value", rest=True)),
        examples=(("/set temperature 0.2", "for you, from now on"), ("/set temperature", "what it means")),
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
    ),
    Command(
        "preset",
        "model",
        "Use a saved bundle of system prompt and parameters",
        preset,
        (Argument("name", "preset"),),
        examples=(("/preset translator", "from [presets.translator] of the settings"), ("/preset none", "")),
    ),
    Command(
        "key",
        "model",
        "Give, show (masked) or forget a provider's key",
        key,
        (Argument("action", "word", choices=("show", "set", "forget")), Argument("provider", "provider")),
        examples=(("/key", "where it was found"), ("/key set", "typed hidden, kept for you alone")),
    ),
)
