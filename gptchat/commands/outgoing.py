"""A message on its way out: what is attached to it or mentioned in it is read and put in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.core.messages import Content, Message
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.attachments import Attachment
    from gptchat.commands.workspace import Workspace

_NAMED = 5
"""Attachments told by their names; a folder may bring hundreds."""


async def outgoing(
    ws: Workspace, text: str, references: Sequence[str] = (), *, piped: str = ""
) -> tuple[Content, list[str]]:
    """The content of the message `text` with everything attached, and notes on what goes with it.

    `piped` follows the text after a blank line, as it is: nobody typed it, so it attaches nothing.

    Attached are `references`, what waits in `ws.attached`, and each `@path` in the text. Raises UsageError
    where something cannot be attached; nothing is lost then. `ws.attached` is emptied by the caller once sent.
    """
    if not references and not ws.attached and "@" not in text:
        return _joined(text, piped), []
    return await asyncio.to_thread(_compose, ws, text, references, piped)


async def attach(ws: Workspace, reference: str) -> str:
    """Read `reference` and let it wait for the next message; returns a note. Raises UsageError."""
    loaded, notes = await asyncio.to_thread(_load, ws, reference)
    ws.attached += loaded
    return _("; ").join([_told(ws, loaded), *notes])


def waiting(ws: Workspace) -> Content:
    """What waits to go with the next message; an empty text where nothing does."""
    if not ws.attached:
        return ""
    from gptchat.attachments import compose

    return compose("", ws.attached)


def _compose(ws: Workspace, text: str, references: Sequence[str], piped: str) -> tuple[Content, list[str]]:
    from gptchat.attachments import compose, expand_mentions

    plain, mentioned = expand_mentions(text, Path.cwd())
    attached, notes = list(ws.attached), []
    for reference in [*references, *mentioned]:
        loaded, more = _load(ws, reference)
        attached += loaded
        notes += more
    if not attached:
        return _joined(text, piped), notes
    return compose(_joined(plain, piped), attached), [_told(ws, attached), *notes]


def _joined(text: str, piped: str) -> str:
    return "\n\n".join(filter(None, (text, piped)))


def _load(ws: Workspace, reference: str) -> tuple[list[Attachment], list[str]]:
    from gptchat.attachments import load

    facts = ws.answering.facts(ws.answering.model())
    vision = facts.vision if facts.source != "default" else None
    loaded = load(reference, vision=vision, proxy=ws.settings.text("network.proxy"))
    return list(loaded.attachments), list(loaded.notes)


def _told(ws: Workspace, attached: Sequence[Attachment]) -> str:
    """What goes with the message and how many tokens it takes, in a line."""
    from gptchat.attachments import compose

    model = ws.answering.model()
    counter = ws.answering.counter
    tokens = counter.message(Message("user", compose("", attached)), model)
    mark = "" if counter.exact(model) else "≈ "
    names = _(", ").join(item.name for item in attached[:_NAMED])
    if len(attached) > _NAMED:
        names = _("{names} and {n} more").format(names=names, n=len(attached) - _NAMED)
    words = ngettext("attached: {names} ({tokens} token)", "attached: {names} ({tokens} tokens)", tokens)
    return words.format(names=names, tokens=f"{mark}{tokens:,}")


def images_of(message: Message) -> list[Attachment]:
    """The images that went with `message`, to go along when it is sent again; links to images stay behind."""
    from gptchat.core.attachments import Attachment

    found: list[Attachment] = []
    for part in message.content if not isinstance(message.content, str) else ():
        url = part.get("image_url")
        address = url.get("url", "") if isinstance(url, dict) else ""
        head, _comma, data = str(address).partition(";base64,")
        if head.startswith("data:image/"):
            name = _("image {n}").format(n=len(found) + 1)
            content = base64.b64decode(data)
            found.append(Attachment(name, "image", mime=head[5:], data=content, size=len(content)))
    return found
