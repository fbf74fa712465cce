"""The next request as a small program: curl, Python or Node. The key stays in its variable."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from gptchat.errors import UsageError
from gptchat.manager import build
from gptchat.redaction import redact
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.manager import SessionManager

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


class NextRequest(NamedTuple):
    """The next request as it stands. `variable` holds its key; it is empty if no key is sent."""

    url: str
    variable: str
    body: dict[str, Any]
    key_header: str
    """The header that carries the key, up to the key itself (`Abilities.key_header`)."""


def write(language: str, request: NextRequest) -> str:
    """The program in `language` (`curl`, `python`, `node`) that sends `request`, for the whole reply at once."""
    body = {key: value for key, value in request.body.items() if key not in ("stream", "stream_options")}
    return {"curl": _curl, "python": _python, "node": _node}[language](request._replace(body=body))


def _curl(request: NextRequest) -> str:
    url, variable, body, header = request
    data = shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))
    key = [f'  -H "{header}${{{variable}}}" \\'] if variable else []
    return "\n".join(
        (f"curl {shlex.quote(url)} \\", *key, "  -H 'Content-Type: application/json' \\", f"  -d {data}")
    )


def _python(request: NextRequest) -> str:
    url, variable, body, _header = request
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
    endpoint, deployments, _deployment = base.partition("/openai/deployments/")
    if deployments:
        version = parse_qs(urlsplit(url).query).get("api-version", [""])[0]
        name = "AzureOpenAI"
        client = f"AzureOpenAI(api_key={key}, azure_endpoint={endpoint!r}, api_version={version!r})"
    else:
        name, client = "OpenAI", f"OpenAI(api_key={key}, base_url={base!r})"
    return (
        f"{opening}from openai import {name}\n\n"
        f"client = {client}\nreply = client.{call}.create(\n{arguments})\nprint({text})\n"
    )


def _node(request: NextRequest) -> str:
    url, variable, body, header = request
    name, _colon, scheme = header.partition(": ")
    data = json.dumps(body, ensure_ascii=False, indent=2)
    key = f', "{name}": `{scheme}${{process.env.{variable}}}`' if variable else ""
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


def next_request(manager: SessionManager, routing: Routing, outbox: Outbox, keys: ProviderKeys) -> NextRequest:
    """The next request: its address, the variable for its key, and its body.

    The variable is empty where no key is sent. Raises UsageError for a provider that speaks no OpenAI wire.
    """
    route = routing.route()
    settings = routing.provider_settings()
    abilities = route.provider.abilities
    if abilities.preview is None or abilities.address is None:
        raise UsageError(
            _("{name} has no request that could be shown").format(name=settings.name),
            hint=_("/provider chooses another"),
        )
    plan = manager.plan(route, draft=outbox.waiting())
    path, body = abilities.preview(build(plan, route, manager.session))
    address = redact(abilities.address().rstrip("/"))  # some write their password into it
    return NextRequest(f"{address}{path}", keys.variable(settings), body, abilities.key_header)
