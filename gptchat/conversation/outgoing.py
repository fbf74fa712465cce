"""Outgoing messages: attachments and `@path` mentions are agreed on, read and included in the content."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.conversation.events import Decision, Told
from gptchat.core.messages import Content, Message
from gptchat.core.origin import Sourced, decide
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.waiting import leavable
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.attachments import Attachment, Judgement, Mention, Policy
    from gptchat.config.settings import Settings
    from gptchat.conversation.routing import Routing
    from gptchat.core.tooling import ToolBox

_SHORT = 500
"""Characters of a one-line text up to which a mention that may not act is told."""

_NAMED = 5
"""Number of attachments listed by name; a folder may contain hundreds."""


@dataclass(slots=True)
class Wanted:
    """Something that a message wants to attach: the `mention` in it, or None where it was named expressly."""

    reference: str
    mention: Mention | None
    judgement: Judgement
    asked: bool
    """Whether a person must agree first."""
    attached: bool
    """Whether it is attached; False until a person agrees."""
    served: bool = False
    """Whether it is a resource of an MCP server: `SERVER:uri`."""


class Outbox:
    """Attachments of the next message: pending ones, those named with it, and `@path` mentions.

    `own` are files and folders of gptchat's own. `change` saves a setting, and says why it could not. `box` has
    the resources of MCP servers.
    """

    def __init__(
        self,
        settings: Settings,
        routing: Routing,
        own: Sequence[Path],
        change: Callable[[str, Any], str],
        box: Callable[[], ToolBox],
    ) -> None:
        self._settings = settings
        self._routing = routing
        self._own = own
        self._change = change
        self._box = box
        self.attached: list[Attachment] = []
        """Attachments pending for the next message."""
        self.replaces = ""
        """The message that the next one takes the place of (`/edit`); empty for a message at the end."""

    async def wanted(self, entry: Sourced, references: Sequence[str] = ()) -> list[Wanted]:
        """What the message `entry` attaches by its mentions, and `references`, which were named expressly.

        Raises UsageError for what is never attached, where it was named.
        """
        if not references and not {"@", "＠"} & set(entry.text):
            return []
        return await leavable(self._wanted, entry, references)

    async def settle(self, wanted: Sequence[Wanted]) -> AsyncGenerator[Decision | Told, None]:
        """Ask about each of `wanted` that a person must agree to, and say what stays text.

        Raises UsageError where something that was named expressly may not be attached.
        """
        for one in wanted:
            judgement = one.judgement
            if one.asked:
                decision = self._question(one)
                yield decision
                one.attached = decision.answer in ("y", "a")
                pattern = {"a": judgement.always, "x": judgement.target}.get(decision.answer or "", "")
                if pattern and (told := self._remember(decision.answer == "a", pattern)):
                    yield Told(told, "notice")
            if one.attached:
                continue
            why = judgement.reason or _("it was not typed")
            if one.mention is None:
                raise UsageError(
                    _("{name} is not attached: {why}").format(name=one.reference, why=why),
                    hint=_("if you mean it: -o 'attach.allow=[\"{path}\"]'").format(path=judgement.target)
                    if judgement.freedom != "denied"
                    else "",
                )
            yield Told(
                _("@{name} is sent as text ({why}); /attach or -a attaches it").format(name=one.reference, why=why)
            )

    async def content(
        self, text: str, wanted: Sequence[Wanted] = (), *, piped: str = ""
    ) -> tuple[Content, list[str]]:
        """The content of the message `text` with what of `wanted` is attached, and notes on what goes with it.

        `piped` follows the text after a blank line, as it is: nobody typed it, so it attaches nothing.
        Raises UsageError where something cannot be attached; nothing is lost then. What waits is cleared
        by the caller once it is sent.
        """
        if not self.attached and not any(one.attached for one in wanted):
            return _joined(text, piped), []
        chosen = [one for one in wanted if one.attached]
        return await leavable(self._compose, text, chosen, piped, await self._served(chosen))

    async def attach(self, wanted: Sequence[Wanted]) -> str:
        """Read `wanted` and attach it to the next message; return a note. Raises UsageError."""
        note = ""
        served = await self._served(wanted)
        for one in wanted:
            loaded, notes = await leavable(self._load, one, served)
            self.attached += loaded
            note = _("; ").join([self._told(loaded), *notes])
        return note

    async def _served(self, wanted: Sequence[Wanted]) -> dict[str, Sequence[Attachment]]:
        """The resources of MCP servers among `wanted`, by their references. Raises GptchatError."""
        names = dict.fromkeys(one.reference for one in wanted if one.served)
        return {name: await self._box().resource(name) for name in names}

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

    def _policy(self) -> Policy:
        from gptchat.attachments import Policy

        return Policy(self._settings.attach.allow, self._settings.attach.deny, own=self._own)

    def _wanted(self, entry: Sourced, references: Sequence[str]) -> list[Wanted]:
        from gptchat.attachments import Judgement, find_mentions, judge

        policy, found = self._policy(), []
        servers = [one.name for one in self._settings.mcp_servers()]

        def of_server(reference: str) -> bool:
            return reference.partition(":")[0] in servers and ":" in reference

        for reference in references:
            if of_server(reference):
                found.append(Wanted(reference, None, Judgement("free", reference), False, True, served=True))
                continue
            judgement = judge(reference, policy)
            free = judgement.freedom in ("free", "ask")
            found.append(Wanted(reference, None, judgement, judgement.freedom == "guarded", free))
        if not self._settings.input.expand:
            return found
        # In a long text that was not typed at signs are no hint of a wish, and looking each up takes time.
        least = "text" if "\n" not in entry.text.strip() and len(entry.text) <= _SHORT else "ask"
        may = {"act": ("act",), "ask": ("act", "ask"), "text": ("act", "ask", "text")}[least]
        for mention in find_mentions(
            entry.text, Path.cwd(), lambda at: decide(entry, "attach", at) in may, servers
        ):
            verdict, served = decide(entry, "attach", mention.start), of_server(mention.reference)
            judgement = Judgement("free", mention.reference) if served else judge(mention.reference, policy)
            free = judgement.freedom == "free" and verdict == "act"
            asked = not free and verdict != "text" and judgement.freedom != "denied"
            found.append(Wanted(mention.reference, mention, judgement, asked, free, served))
        return found

    def _question(self, one: Wanted) -> Decision:
        judgement = one.judgement
        what = judgement.target + (f" ({size})" if (size := _size(Path(judgement.target))) else "")
        question = _("{reason}: {what}; send it?").format(
            what=what, reason=judgement.reason or _("it was not typed")
        )
        choices = [("y", _("yes, this once")), ("n", _("no"))]
        if judgement.freedom == "ask":
            choices[1:1] = [("a", _("always: {pattern}").format(pattern=judgement.always))]
            choices.append(("x", _("never, and do not ask again")))
        return Decision("attach", question, choices, "n", answer="n")

    def _remember(self, allowed: bool, pattern: str) -> str:
        """Save that `pattern` is attached always or never; returns why it could not be saved."""
        settings = self._settings.attach
        if allowed:
            return self._change("attach.allow", (*settings.allow, pattern))
        return self._change("attach.deny", (*settings.deny, pattern))

    def _compose(
        self, text: str, wanted: Sequence[Wanted], piped: str, served: Mapping[str, Sequence[Attachment]]
    ) -> tuple[Content, list[str]]:
        from gptchat.attachments import bare, compose

        attached, notes = list(self.attached), []
        for one in {one.reference: one for one in reversed(wanted)}.values():
            loaded, more = self._load(one, served)
            attached += loaded
            notes += more
        plain = bare(text, [one.mention for one in wanted if one.mention is not None])
        return compose(_joined(plain, piped), attached), [self._told(attached), *notes]

    def _load(self, one: Wanted, served: Mapping[str, Sequence[Attachment]]) -> tuple[list[Attachment], list[str]]:
        from gptchat.attachments import load

        if one.served:
            return list(served[one.reference]), []

        facts = self._routing.facts(self._routing.model())
        loaded = load(
            one.reference,
            vision=facts.vision if facts.source != "default" else None,
            network=self._settings.network,
            policy=self._policy(),
            private=one.judgement.private,
        )
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


def _size(path: Path) -> str:
    """The size of the file `path`; empty if there is none."""
    from gptchat.attachments.limits import human_size

    try:
        return human_size(path.stat().st_size) if path.is_file() else ""
    except (OSError, ValueError):
        return ""


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
