"""Describes the terminal's capabilities in words, for users who wonder why something looks wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from gptchat.terminal.output import capabilities
from gptchat.terminal.output.clipboard import commands
from gptchat.words import _

NARROW = 60
"""Columns; in narrower windows tables and code wrap badly."""

Ability = tuple[str, str, str]
"""(name, state, advice); advice is empty if nothing needs to be done."""


def abilities(environ: Mapping[str, str]) -> list[Ability]:
    """Capabilities of the terminal behind standard output as (name, state, advice) tuples."""
    stream = sys.stdout
    terminal = capabilities.Terminal.detect(stream, environ)
    if not terminal.is_tty:
        return [(_("output"), _("a pipe or a file: plain text"), "")]
    name = environ.get("TERM_PROGRAM") or environ.get("TERM", "")
    found: list[Ability] = []
    if terminal.dumb:
        advice = _("set TERM to what your terminal is, such as xterm-256color")
        found.append((_("terminal"), _("{name}: it cannot move the cursor").format(name=name or "?"), advice))
    else:
        found.append((_("terminal"), name, ""))
    columns, rows = capabilities.size(stream)
    advice = _("make the window wider") if columns < NARROW else ""
    found.append((_("size"), _("{columns} columns, {rows} rows").format(columns=columns, rows=rows), advice))
    encoding = getattr(stream, "encoding", "") or "?"
    advice = "" if encoding.lower().replace("-", "") == "utf8" else _("set LANG to a UTF-8 locale: LANG=C.UTF-8")
    found.append((_("encoding"), encoding, advice))
    colours = {"none": _("none"), "16": "16", "256": "256", "truecolor": _("all")}[terminal.depth]
    why = " (NO_COLOR)" if environ.get("NO_COLOR") else ""
    found.append((_("colours"), colours + why, ""))
    found.append((_("links"), _("yes") if terminal.hyperlinks else _("not known to"), ""))
    tools = commands(environ, sys.platform)
    way = tools[0][0] if tools else _("through the terminal, where it allows that")
    found.append((_("clipboard"), way, ""))
    return found
