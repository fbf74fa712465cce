"""Programs in curl, Python and Node."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from gptchat.commands.programs.quoting import document
from gptchat.commands.programs.request import place

if TYPE_CHECKING:
    from gptchat.commands.programs.request import ShownRequest

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


def curl(request: ShownRequest) -> str:
    """A command line."""
    data = document(request.body)
    lines = [f"curl {shlex.quote(request.url)}"]
    if request.variable:
        lines.append(f'  -H "{request.key_header}${{{request.variable}}}"')
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers.items()]
    lines.append("  -H 'Content-Type: application/json'")
    if len(data.encode(errors="replace")) <= _MOST_ARGUMENT:
        return " \\\n".join((*lines, f"  -d {shlex.quote(data)}"))
    return " \\\n".join((*lines, f"  --data-binary @- <<'END'\n{data}\nEND"))


def python(request: ShownRequest) -> str:
    """A program for the SDK."""
    variable, body, where = request.variable, request.body, place(request.url)
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
    }[where.call]
    key = f'os.environ["{variable}"]' if variable else '"none"'  # the SDK wants one; the server does not look
    opening = "import os\n\n" if variable else ""
    more = f", default_headers={dict(request.headers)!r}" if request.headers else ""
    if where.version:
        name = "AzureOpenAI"
        client = f"AzureOpenAI(api_key={key}, azure_endpoint={where.base!r}, api_version={where.version!r}"
    else:
        name, client = "OpenAI", f"OpenAI(api_key={key}, base_url={where.base!r}"
    if where.query:
        more += f", default_query={where.query!r}"
    return (
        f"{opening}from openai import {name}\n\n"
        f"client = {client}{more})\nreply = client.{where.call}.create(\n{arguments})\nprint({text})\n"
    )


def node(request: ShownRequest) -> str:
    """A module that needs no package."""
    url, variable, body, header, headers, _notes = request
    name, _colon, scheme = header.partition(": ")
    # an object literal takes this name for the prototype, unless it is computed
    data = document(body).replace('"__proto__":', '["__proto__"]:')
    key = f', "{name}": `{scheme}${{process.env.{variable}}}`' if variable else ""
    key += "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in headers.items())
    return (
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{ "Content-Type": "application/json"{key} }},\n'
        f"  body: JSON.stringify({data.replace(chr(10), chr(10) + '  ')}),\n"
        "});\nconsole.log(JSON.stringify(await answer.json(), null, 2));\n"
    )


def _literal(value: Any) -> str:
    """A Python literal, long lists a line an item."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"        {item!r},\n" for item in value) + "    ]"
    return repr(value)
