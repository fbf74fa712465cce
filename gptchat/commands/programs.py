"""The next request as a small program: curl, Python or Node. The key stays in its variable."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import parse_qs, urlsplit

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


def write(language: str, url: str, variable: str, needed: bool, body: dict[str, Any]) -> str:
    """The program in `language` (`curl`, `python`, `node`) that sends `body` to `url`.

    The key is in `variable`; where it is not `needed`, the program runs without.
    """
    body = {key: value for key, value in body.items() if key not in ("stream", "stream_options")}
    return {"curl": _curl, "python": _python, "node": _node}[language](url, variable, needed, body)


def _curl(url: str, variable: str, needed: bool, body: dict[str, Any]) -> str:
    data = shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))
    key = f"${{{variable}}}" if needed else f"${{{variable}:-none}}"
    return "\n".join(
        (
            f"curl {shlex.quote(url)} \\",
            f'  -H "{_header(url)}{key}" \\',
            "  -H 'Content-Type: application/json' \\",
            f"  -d {data}",
        )
    )


def _python(url: str, variable: str, needed: bool, body: dict[str, Any]) -> str:
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
    key = f'os.environ["{variable}"]' if needed else f'os.environ.get("{variable}", "none")'
    endpoint, deployments, _deployment = base.partition("/openai/deployments/")
    if deployments:
        version = parse_qs(urlsplit(url).query).get("api-version", [""])[0]
        name = "AzureOpenAI"
        client = f"AzureOpenAI(api_key={key}, azure_endpoint={endpoint!r}, api_version={version!r})"
    else:
        name, client = "OpenAI", f"OpenAI(api_key={key}, base_url={base!r})"
    return (
        f"import os\n\nfrom openai import {name}\n\n"
        f"client = {client}\nreply = client.{call}.create(\n{arguments})\nprint({text})\n"
    )


def _node(url: str, variable: str, needed: bool, body: dict[str, Any]) -> str:
    name, _colon, scheme = _header(url).partition(": ")
    data = json.dumps(body, ensure_ascii=False, indent=2)
    key = f"process.env.{variable}" if needed else f'process.env.{variable} ?? "none"'
    value = f"`{scheme}${{{key}}}`"
    return (
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{ "Content-Type": "application/json", "{name}": {value} }},\n'
        f"  body: JSON.stringify({data.replace(chr(10), chr(10) + '  ')}),\n"
        "});\nconsole.log(JSON.stringify(await answer.json(), null, 2));\n"
    )


def _header(url: str) -> str:
    """The header that carries the key, up to the key itself: Azure's own, or the usual one."""
    return "api-key: " if ".azure.com" in url or "/openai/deployments/" in url else "Authorization: Bearer "


def _split(url: str) -> tuple[str, str]:
    path = next(path for path in _CALLS if url.split("?")[0].endswith(path))
    return url.split("?")[0].removesuffix(path), path


def _literal(value: Any) -> str:
    """A Python literal, long lists a line an item."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"        {item!r},\n" for item in value) + "    ]"
    return repr(value)
