"""All slash commands together, in reading order."""

from __future__ import annotations

from gptchat.commands import about, context, exchange, input, models, output, preferences, sessions, turns, users
from gptchat.commands import search as finding
from gptchat.commands.doctor import report as doctor
from gptchat.commands.registry import Registry


def registry() -> Registry:
    """The registry of every command."""
    families = (
        sessions,
        finding,
        exchange,
        turns,
        users,
        models,
        preferences,
        context,
        input,
        output,
        about,
        doctor,
    )
    return Registry([command for family in families for command in family.COMMANDS])
