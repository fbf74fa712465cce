"""A request as a small program: curl, Python or Node. The key stays in its variable."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from gptchat.errors import UsageError
from gptchat.manager import build
from gptchat.redaction import redact
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.manager import Route, SessionManager

_CALLS = {"/chat/completions": "chat.completions", "/responses": "responses", "/completions": "completions"}
"""The SDK's method for each path below the base address."""

_ARGUMENTS = frozenset(
    (
        *(
            "model",
            "messages",
            "input",
            "prompt",
            "instructions",
            "reasoning",
            "reasoning_effort",
            "text",
            "store",
        ),
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "max_output_tokens", "stop", "n", "seed"),
        *("frequency_penalty", "presence_penalty", "logit_bias", "response_format", "echo", "include"),
    )
)
"""What the SDK's methods take by name, as far as gptchat sends it."""


_MOST_ARGUMENT = 100_000
"""Bytes of a body up to which it is an argument of curl; Linux takes 131,072 in one."""


class ShownRequest(NamedTuple):
    """A request as it is sent. `variable` holds its key; it is empty if no key is sent."""

    url: str
    variable: str
    body: dict[str, Any]
    key_header: str
    """The header that carries the key, up to the key itself (`Abilities.key_header`)."""
    headers: Mapping[str, str] = {}
    """Further headers, by name."""
    notes: Sequence[str] = ()
    """What a person should know before the program runs."""


def write(language: str, request: ShownRequest) -> str:
    """The program in `language` (`curl`, `python`, `node`) that sends `request`, for the whole reply at once."""
    body = {key: value for key, value in request.body.items() if key not in ("stream", "stream_options")}
    program = {"curl": _curl, "python": _python, "node": _node}[language](request._replace(body=body))
    sign = "//" if language == "node" else "#"
    return "".join(f"{sign} {note}\n" for note in request.notes) + program


def _curl(request: ShownRequest) -> str:
    data = json.dumps(request.body, ensure_ascii=False, indent=2)
    lines = [f"curl {shlex.quote(request.url)}"]
    if request.variable:
        lines.append(f'  -H "{request.key_header}${{{request.variable}}}"')
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers.items()]
    lines.append("  -H 'Content-Type: application/json'")
    if len(data.encode(errors="replace")) <= _MOST_ARGUMENT:
        return " \\\n".join((*lines, f"  -d {shlex.quote(data)}"))
    return " \\\n".join((*lines, f"  --data-binary @- <<'END'\n{data}\nEND"))


def _python(request: ShownRequest) -> str:
    url, variable, body, *_others = request
    base, path = _split(url)
    call = _CALLS[path]
    known = {key: value for key, value in body.items() if key in _ARGUMENTS}
    # what the SDK has no argument for goes as it is
    other = {key: value for key, value in body.items() if key not in _ARGUMENTS}
    if other:
        known["extra_body"] = other
    arguments = "".join(f"    {key}={_literal(value)},\n" for key, value in known.items())
    text = {
        "chat.completions": "reply.choices[0].message.content",
        "responses": "reply.output_text",
        "completions": "reply.choices[0].text",
    }[call]
    key = f'os.environ["{variable}"]' if variable else '"none"'  # the SDK wants one; the server does not look
    opening = "import os\n\n" if variable else ""
    more = f", default_headers={dict(request.headers)!r}" if request.headers else ""
    query = dict(parse_qsl(urlsplit(url).query))
    endpoint, deployments, _deployment = base.partition("/openai/deployments/")
    if deployments:
        version = query.pop("api-version", "")
        name = "AzureOpenAI"
        client = f"AzureOpenAI(api_key={key}, azure_endpoint={endpoint!r}, api_version={version!r}"
    else:
        name, client = "OpenAI", f"OpenAI(api_key={key}, base_url={base!r}"
    if query:
        more += f", default_query={query!r}"
    return (
        f"{opening}from openai import {name}\n\n"
        f"client = {client}{more})\nreply = client.{call}.create(\n{arguments})\nprint({text})\n"
    )


def _node(request: ShownRequest) -> str:
    url, variable, body, header, headers, _notes = request
    name, _colon, scheme = header.partition(": ")
    data = json.dumps(body, ensure_ascii=False, indent=2)
    key = f', "{name}": `{scheme}${{process.env.{variable}}}`' if variable else ""
    key += "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in headers.items())
    return (
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{ "Content-Type": "application/json"{key} }},\n'
        f"  body: JSON.stringify({data.replace(chr(10), chr(10) + '  ')}),\n"
        "});\nconsole.log(JSON.stringify(await answer.json(), null, 2));\n"
    )


def _split(url: str) -> tuple[str, str]:
    path = next(path for path in _CALLS if url.split("?")[0].endswith(path))
    return url.split("?")[0].removesuffix(path), path


def _literal(value: Any) -> str:
    """A Python literal, long lists a line an item."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"        {item!r},\n" for item in value) + "    ]"
    return repr(value)


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
