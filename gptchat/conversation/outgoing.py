"""Outgoing messages: attachments and `@path` mentions are read and included in the content."""

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
    from gptchat.config.settings import Settings
    from gptchat.conversation.routing import Routing

_NAMED = 5
"""Number of attachments listed by name; a folder may contain hundreds."""


class Outbox:
    """Attachments of the next message: pending ones, those named with it, and `@path` mentions."""

    def __init__(self, settings: Settings, routing: Routing) -> None:
        self._settings = settings
        self._routing = routing
        self.attached: list[Attachment] = []
        """Attachments pending for the next message."""
        self.replaces = ""
        """The message that the next one takes the place of (`/edit`); empty for a message at the end."""

    async def content(
        self, text: str, references: Sequence[str] = (), *, piped: str = ""
    ) -> tuple[Content, list[str]]:
        """The content of the message `text` with everything attached, and notes on what goes with it.

        `piped` follows the text after a blank line, as it is: nobody typed it, so it attaches nothing.
        Raises UsageError where something cannot be attached; nothing is lost then. What waits is cleared
        by the caller once it is sent.
        """
        if not references and not self.attached and "@" not in text:
            return _joined(text, piped), []
        return await asyncio.to_thread(self._compose, text, references, piped)

    async def attach(self, reference: str) -> str:
        """Read `reference` and attach it to the next message; return a note. Raises UsageError."""
        loaded, notes = await asyncio.to_thread(self._load, reference)
        self.attached += loaded
        return _("; ").join([self._told(loaded), *notes])

    def leave_edit(self) -> bool:
        """Send the next message at the end again. False if no message was being edited."""
        if not self.replaces:
            return False
        self.replaces = ""
        self.attached.clear()  # they were those of the edited message
        return True

    def waiting(self) -> Content:
        """The pending attachments as message content; an empty string if there are none."""
        if not self.attached:
            return ""
        from gptchat.attachments import compose

        return compose("", self.attached)

    def _compose(self, text: str, references: Sequence[str], piped: str) -> tuple[Content, list[str]]:
        from gptchat.attachments import compose, expand_mentions

        plain, mentioned = expand_mentions(text, Path.cwd())
        attached, notes = list(self.attached), []
        for reference in [*references, *mentioned]:
            loaded, more = self._load(reference)
            attached += loaded
            notes += more
        if not attached:
            return _joined(text, piped), notes
        return compose(_joined(plain, piped), attached), [self._told(attached), *notes]

    def _load(self, reference: str) -> tuple[list[Attachment], list[str]]:
        from gptchat.attachments import load

        facts = self._routing.facts(self._routing.model())
        vision = facts.vision if facts.source != "default" else None
        loaded = load(reference, vision=vision, network=self._settings.network)
        return list(loaded.attachments), list(loaded.notes)

    def _told(self, attached: Sequence[Attachment]) -> str:
        """One line that names the attachments and their tokens."""
        from gptchat.attachments import compose

        model, counter = self._routing.counted_as(), self._routing.counter
        tokens = counter.message(Message("user", compose("", attached)), model)
        mark = "" if counter.exact(model) else "≈ "
        names = _(", ").join(item.name for item in attached[:_NAMED])
        if len(attached) > _NAMED:
            names = _("{names} and {n} more").format(names=names, n=len(attached) - _NAMED)
        words = ngettext("attached: {names} ({tokens} token)", "attached: {names} ({tokens} tokens)", tokens)
        return words.format(names=names, tokens=f"{mark}{tokens:,}")


def _joined(text: str, piped: str) -> str:
    return "\n\n".join(filter(None, (text, piped)))


def images_of(message: Message) -> list[Attachment]:
    """The images of `message`, for sending it again; links to images are not included."""
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
