"""Puts a provider to use that was connected: its key, its place in the settings, and who answers from now on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gptchat.config.write import provider_values, write_provider, write_value
from gptchat.errors import GptchatError
from gptchat.providers import registry
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen


async def save(entry: ProviderSettings, services: Services, screen: Screen, *, first: bool) -> None:
    """Use `entry` from now on, and save it with the key that was typed for it; says where, and what could not be.

    On the `first` screen key and choice are everybody's on this machine, else those of the user.
    """
    if services.run.incognito:
        screen.say(_("incognito: it holds for this run"), "hint")
    else:
        await _save_key(entry, services, screen, shared=first)
        _save_settings(entry, services, screen, first=first)
    settings, file = services.settings, services.settings.layer("file")
    changed = {**file, **provider_values(entry)}
    if first:
        changed["provider"] = entry.name
        changed.pop("model", None)
    settings.replace_layer("file", changed, str(services.paths.config_file))
    if not first and (warning := services.profile.change_provider(entry)):
        screen.say(warning, "notice")


async def _save_key(entry: ProviderSettings, services: Services, screen: Screen, *, shared: bool) -> None:
    try:
        where, other = await asyncio.to_thread(services.keys.keep, entry, shared=shared)
    except GptchatError as error:
        screen.error(error)
        screen.say(_("it holds for this run"), "hint")
        return
    if where:
        screen.say(_("the key is kept in {where}, readable by you alone").format(where=where), "hint")
    if other:
        screen.say(
            _("{source} holds another key, which goes first at the next start: correct it there").format(
                source=other
            ),
            "notice",
        )


def _save_settings(entry: ProviderSettings, services: Services, screen: Screen, *, first: bool) -> None:
    file = services.paths.config_file
    known = entry in (registry.builtin(entry.name), _in_force(entry.name, services))
    try:
        if not known:
            write_provider(file, entry, make_default=first)
        elif first:
            write_value(file, "provider", entry.name)
        else:
            return
        screen.say(_("saved in {file}").format(file=file), "hint")
    except GptchatError as error:
        screen.error(error)
        screen.say(_("it holds for this run"), "hint")


def _in_force(name: str, services: Services) -> ProviderSettings | None:
    """The provider as the settings have it already."""
    try:
        return services.settings.provider(name)
    except GptchatError:
        return None
