"""Presets: use, show, save and remove bundles of system prompt, model and parameters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Ask, Changed, Effect, Effects, Facts, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import YES, agreed, require_session, value_for
from gptchat.config.parse import show_value
from gptchat.config.write import remove_table
from gptchat.core.session import shorten
from gptchat.core.typed.template import Template, assigned, names
from gptchat.errors import UsageError
from gptchat.manager.variables import AUTOMATIC, automatic, missing_values
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.people import People
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager

_ACTIONS = ("save", "show", "remove")
_NONE = ("none", "-")


async def preset(
    call: Call,
    manager: SessionManager,
    settings: Settings,
    profile: Profile,
    people: People,
    paths: Paths,
    run: RunOptions,
) -> Effects:
    """Use, list, show, save or remove a preset."""
    word, rest = call.get("name"), call.get("values")
    if not word:
        yield _listed(settings)
        return
    if word in _NONE:
        require_session(manager, run)
        profile.use_preset("", {})
        yield Changed(frozenset({"settings"}))
        yield Show([Text(_("no preset from now on"))], {"preset": ""})
        return
    if word in _ACTIONS and (rest or word not in settings.preset_names()):
        if not rest:
            raise UsageError(
                _("/preset {action} needs a name").format(action=word),
                hint=_("usage: {usage}").format(usage=f"/preset {word} NAME"),
            )
        match word:
            case "save":
                steps = _save(rest, settings, profile, run)
            case "remove":
                steps = _remove(call, rest, settings, profile, paths, run)
            case _:
                yield _shown(rest, settings)
                return
    else:
        require_session(manager, run)
        steps = _use(word, rest, settings, profile, people, run)
    answer: str | None = None
    try:
        while True:
            answer = yield await steps.asend(answer)
    except StopAsyncIteration:
        return


Steps = AsyncGenerator[Effect, str | None]


def _listed(settings: Settings) -> Show:
    found = settings.preset_names()
    if not found:
        told = _("no presets yet; /preset save NAME saves the present model, system prompt and parameters")
        return Show([Text(told, "quiet")], [])
    rows = []
    for name in found:
        system = str(settings.preset(name).get("system", ""))
        rows.append([name, _variables(system), shorten(system, 60)])
    marked = found.index(settings.chat.preset) if settings.chat.preset in found else None
    return Show([Table([_("preset"), _("variables"), _("system prompt")], rows, marked=marked)], found)


def _variables(text: str) -> str:
    """The variables of `text` in braces, but for those that fill themselves."""
    return _(", ").join(f"{{{name}}}" for name in names(text) if name not in AUTOMATIC)


def _shown(name: str, settings: Settings) -> Show:
    bundle = settings.preset(name)
    first = next(iter(bundle), "")
    origin = str(settings.source(f"presets.{name}.{first}")) if first else ""
    pairs = [(key, show_value(value)) for key, value in bundle.items()]
    if wanted := _variables(str(bundle.get("system", ""))):
        pairs.append((_("variables"), wanted))
    blocks: list[Any] = [Facts(pairs, name)]
    if origin:
        blocks.append(Text(_("from: {source}").format(source=origin), "quiet"))
    return Show(blocks, {"preset": name, **_plain(bundle)})


async def _use(
    name: str, rest: str, settings: Settings, profile: Profile, people: People, run: RunOptions
) -> Steps:
    bundle = settings.preset(name)
    text = str(bundle.get("system", ""))
    values = _given(name, rest, text)
    known = Template(text, {**settings.variables(), **values}, automatic(people.current))
    missing = known.missing
    if missing and run.unattended:
        raise missing_values(name, missing)
    for variable in missing:
        value = yield value_for(variable)
        if value is None:
            yield Show([Text(_("nothing was changed"), "quiet")])
            return
        values[variable] = value or f"{{{variable}}}"
    profile.use_preset(name, values)
    yield Changed(frozenset({"settings"}))
    pairs = [(key, shorten(show_value(value), 70)) for key, value in bundle.items() if key != "system"]
    if text:
        shown = Template(text, {**known.given, **values}, known.automatic).shown
        pairs.insert(0, ("system", shorten(shown, 70)))
    yield Show(
        [Text(_("preset {name} is in use").format(name=name), "good"), Facts(pairs)],
        {"preset": name, **({"vars": values} if values else {})},
    )


def _given(name: str, rest: str, text: str) -> dict[str, str]:
    """The values that the arguments give for the variables of `text`: `KEY=VALUE` words, or one value alone."""
    wanted = names(text)
    spans, end = assigned(rest, wanted)
    values = {key: rest[start:stop] for key, (start, stop) in spans.items()}
    left = rest[end:].strip()
    alone = Template(text, values, automatic("")).missing
    if left and len(alone) == 1:
        values[alone[0]] = left
    elif left:
        listed = _variables(text) or _("none")
        raise UsageError(
            _("the preset {name} does not know what to do with {rest}").format(name=name, rest=shorten(left, 60)),
            hint=_("its variables: {names}").format(names=listed),
        )
    return values


async def _save(name: str, settings: Settings, profile: Profile, run: RunOptions) -> Steps:
    if name in (*_ACTIONS, *_NONE) or not all(part.replace("_", "a").isalnum() for part in name.split("-")):
        raise UsageError(
            _("a preset cannot be called {name}").format(name=shorten(name, 60)),
            hint=_("letters, digits, - and _ make a name"),
        )
    layers = settings.preset_layers(name)
    if "file" in layers:
        place = settings.source(f"presets.{name}.{next(iter(settings.preset(name)))}")
        raise UsageError(
            _("{name} is a preset already ({origin})").format(name=name, origin=place),
            hint=_("choose another name, or change it there"),
        )
    bundle = {"system": settings.chat.system, "model": settings.model()}
    bundle = {key: value for key, value in bundle.items() if value}
    bundle |= settings.parameters()
    if not bundle:
        raise UsageError(_("there is nothing to save yet"), hint=_("set a system prompt first: /system TEXT"))
    if layers and not run.unattended:
        question = _("there is a preset {name} already; replace it?").format(name=name)
        if (yield Ask(question, choices=(("y", _("yes")), ("n", _("no"))), default="n")) != "y":
            yield Show([Text(_("nothing was changed"), "quiet")])
            return
    warning = profile.save_preset(name, bundle)
    yield Changed(frozenset({"settings"}))
    blocks: list[Any] = [
        Text(_("saved as preset {name}; /preset {name} or --preset {name} uses it").format(name=name), "good"),
        Facts([(key, shorten(show_value(value), 70)) for key, value in bundle.items()]),
    ]
    if wanted := _variables(str(bundle.get("system", ""))):
        blocks.append(Text(_("its variables: {names}").format(names=wanted), "quiet"))
    if warning:
        blocks.append(Text(warning, "warning"))
    yield Show(blocks, {"preset": name, "saved": _plain(bundle)})


def _plain(bundle: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in bundle.items()}


async def _remove(
    call: Call, name: str, settings: Settings, profile: Profile, paths: Paths, run: RunOptions
) -> Steps:
    settings.preset(name)  # an unknown name is refused here, with the nearest
    layers = settings.preset_layers(name)
    if "file" in layers:
        question = _("{name} is in {file}, for everybody who uses this file; remove it there?").format(
            name=name, file=paths.config_file
        )
        answer = None
        if YES not in call.flags:
            answer = yield Ask(question, choices=(("y", _("yes")), ("n", _("no"))), default="n")
        if not agreed(call, run, answer, _("nothing was changed"), forever=True):
            yield Show([Text(_("nothing was changed"), "quiet")], {"removed": None})
            return
        remove_table(paths.config_file, "presets", name)
        for key in [key for key in settings.layer("file") if key.startswith(f"presets.{name}.")]:
            settings.unset("file", key)
    in_use = settings.chat.preset == name
    warning = profile.remove_preset(name)
    if in_use:
        profile.use_preset("", {})
    yield Changed(frozenset({"settings"}))
    note = (
        _("the preset {name} is removed")
        if not in_use
        else _("the preset {name} is removed, and no longer in use")
    )
    blocks = [Text(note.format(name=name), "good"), *([Text(warning, "warning")] if warning else [])]
    yield Show(blocks, {"removed": name})


COMMANDS = (
    Command(
        "preset",
        "model",
        "Use, save, show or remove a bundle of system prompt, model and parameters",
        preset,
        (Argument("name", "preset"), Argument("values", "preset", rest=True)),
        examples=(
            ("/preset", "those there are"),
            ("/preset translator", "asks for its {variables}"),
            ("/preset translator language=French", ""),
            ("/preset save terse", "what is in force now"),
            ("/preset show terse", ""),
            ("/preset remove terse", ""),
            ("/preset none", "without one"),
        ),
        about="A preset is your own, or one of [presets.NAME] in the settings file. In its system prompt {date}, "
        "{time}, {cwd}, {user}, {os} and {shell} fill themselves, {text} is the message to be answered, {input} "
        "is standard input, and other names in single braces are asked for; {{name}} and other braces stay.",
        flags={YES: "do not ask"},
        session=lambda call: call.get("name") not in ("", *_ACTIONS),
        shows=lambda call: not call.get("name") or (call.get("name") == "show" and bool(call.get("values"))),
    ),
)
