"""A request as a small program: curl, Python or another language's SDK. The key stays in its variable."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gptchat.commands.programs.request import ShownRequest
from gptchat.errors import UsageError
from gptchat.manager import build
from gptchat.redaction import redact
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.manager import Route, SessionManager

_WRITERS = {
    "curl": "scripts",
    "python": "scripts",
    "node": "scripts",
    "go": "typed",
    "java": "typed",
    "csharp": "typed",
    "ruby": "dynamic",
    "php": "dynamic",
}
"""The module that writes programs of each language, in a function of its name; it is loaded when asked for."""

LANGUAGES = tuple(_WRITERS)
_SIGNS = {"curl": "#", "python": "#", "ruby": "#"}
"""What begins a comment; `//` elsewhere."""
_HIGHLIGHTED = {"curl": "bash", "node": "javascript"}


def highlighted_as(language: str) -> str:
    """The name by which a highlighter knows `language`."""
    return _HIGHLIGHTED.get(language, language)


def write(language: str, request: ShownRequest) -> str:
    """The program in `language`, one of LANGUAGES, that sends `request`, for the whole reply at once.

    Raises UsageError if the language's SDK lacks what the request needs.
    """
    body = {key: value for key, value in request.body.items() if key not in ("stream", "stream_options")}
    module = import_module(f"gptchat.commands.programs.{_WRITERS[language]}")
    writer: Callable[[ShownRequest], str] = getattr(module, language)
    program, sign = writer(request._replace(body=body)), _SIGNS.get(language, "//")
    notes = "".join(f"{sign} {' '.join(note.split()).replace('?>', '')}\n" for note in request.notes)
    opening = "<?php\n"
    if language == "php":  # whatever stands before it is printed
        return opening + notes + program.removeprefix(opening)
    return notes + program


def shown_request(
    manager: SessionManager, routing: Routing, outbox: Outbox, keys: ProviderKeys, route: Route
) -> ShownRequest:
    """The request on `route` for the newest message of the user, or where something is attached the next one.

    It has the present model and settings, and ends with that message, answered or not. Raises UsageError for a
    provider that speaks no OpenAI wire.
    """
    settings = routing.provider_settings()
    abilities = route.provider.abilities
    if abilities.preview is None or abilities.address is None:
        raise UsageError(
            _("{name} has no request that could be shown").format(name=settings.name),
            hint=_("/provider chooses another"),
        )
    draft, path, notes = outbox.waiting(), manager.session.path(), list[str]()
    if not draft:
        while path and path[-1].role != "user":
            path.pop()
        if not path:  # a request without a message is refused by every server
            draft, notes = _("Hello!"), [_("nothing has been said yet; a greeting stands for your message")]
    plan = manager.plan(route, draft=draft, path=path)
    wire, body = abilities.preview(build(plan, route, manager.session, store=manager.store))
    address = redact(abilities.address().rstrip("/"))  # some write their password into it
    url = f"{address}{wire}"
    if settings.query:
        url += ("&" if "?" in url else "?") + urlencode(settings.query)
    headers = {"OpenAI-Organization": settings.organization, "OpenAI-Project": settings.project}
    headers = {name: value for name, value in {**headers, **settings.headers}.items() if value}
    variable = keys.variable(settings)
    if variable and (place := keys.kept_in(settings)):
        note = _("first let {variable} hold the key, which gptchat has from {place}")
        notes.append(note.format(variable=variable, place=place))
    return ShownRequest(url, variable, body, abilities.key_header, headers, notes)
