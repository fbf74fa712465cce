"""Checks of `/doctor` on sources of tools: each is opened, servers are started, and what fails is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gptchat.commands.doctor.finding import Finding
from gptchat.core.safe import clean_line
from gptchat.core.tooling.choice import offered
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.core.tooling import ToolBox, ToolSpec


async def sources(toolbox: ToolBox, settings: Settings) -> AsyncIterator[Finding]:
    """A finding for each source of tools that is in use, and for each that does not work."""
    tools = await toolbox.tools()
    groups: dict[str, list[ToolSpec]] = {}
    for tool in tools:
        groups.setdefault(tool.spec.group, []).append(tool.spec)
    for group, specs in groups.items():
        told = ngettext("{name}: {n} tool ({source})", "{name}: {n} tools ({source})", len(specs))
        text = told.format(name=group, n=len(specs), source=clean_line(specs[0].source))
        yield Finding("tools", "ok", text, more={"source": group, "tools": [spec.name for spec in specs]})
    for trouble in toolbox.troubles():
        yield Finding("tools", "failed", clean_line(trouble), _("/tools lists what is set up"))
    unknown = offered(tools, settings.tools.use, settings.tools.deny)[1]
    if unknown:
        text = _("tools.use names no tool: {names}").format(names=_(", ").join(unknown))
        yield Finding("tools", "warning", text, _("/tools lists what is set up"))
    if not groups and not unknown:
        yield Finding("tools", "ok", _("no tools are in use; /tools add sets some up"))
