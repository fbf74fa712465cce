"""Programs in Ruby for openai-ruby, and in PHP for openai-php/client."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from gptchat.commands.programs import quoting
from gptchat.commands.programs.request import place

if TYPE_CHECKING:
    from gptchat.commands.programs.request import Destination, ShownRequest


def _base(where: Destination) -> str:
    """The base address; for Azure's classic API that of the deployment."""
    return where.base + (f"/openai/deployments/{quote(where.deployment, safe='')}" if where.version else "")


def _query(where: Destination) -> dict[str, str]:
    return {**({"api-version": where.version} if where.version else {}), **where.query}


def ruby(request: ShownRequest) -> str:
    """A program for openai-ruby."""
    where = place(request.url)
    key = f"ENV.fetch({quoting.ruby(request.variable)})" if request.variable else '"none"'
    header, _colon, scheme = request.key_header.partition(": ")
    headers = [f"{quoting.ruby(name)} => {quoting.ruby(value)}" for name, value in request.headers.items()]
    if request.variable and not scheme:  # not a bearer, which the client itself sends
        headers.append(f"{quoting.ruby(header)} => {key}")
    options = [f"extra_headers: {{{', '.join(headers)}}}"] if headers else []
    if query := _query(where):
        pairs = ", ".join(f"{quoting.ruby(name)} => {quoting.ruby(value)}" for name, value in query.items())
        options.append(f"extra_query: {{{pairs}}}")
    last = f"  request_options: {{{', '.join(options)}}},\n" if options else ""
    text = {
        "chat.completions": "puts reply.choices[0].message.content\n",
        "responses": "reply.output.each do |item|\n"
        "  next unless item.type == :message\n\n"
        "  item.content.each { |part| puts part.text if part.type == :output_text }\n"
        "end\n",
        "completions": "puts reply.choices[0].text\n",
    }[where.call]
    body = quoting.ruby(request.body).removeprefix("{\n").removesuffix("}")
    return (
        'require "openai"\n\n'
        f"client = OpenAI::Client.new(api_key: {key}, base_url: {quoting.ruby(_base(where))})\n"
        f"reply = client.{where.call}.create(\n{body}{last})\n{text}"
    )


def php(request: ShownRequest) -> str:
    """A program for openai-php/client."""
    where = place(request.url)
    key = f"getenv({quoting.php(request.variable)})"
    header, _colon, scheme = request.key_header.partition(": ")
    options = [f"->withBaseUri({quoting.php(_base(where))})"]
    if request.variable:
        given = f"->withApiKey({key})" if scheme else f"->withHttpHeader({quoting.php(header)}, {key})"
        options.append(given)
    options += [
        f"->withHttpHeader({quoting.php(name)}, {quoting.php(value)})" for name, value in request.headers.items()
    ]
    options += [
        f"->withQueryParam({quoting.php(name)}, {quoting.php(value)})" for name, value in _query(where).items()
    ]
    resource, text = {
        "chat.completions": ("chat", "$reply->choices[0]->message->content"),
        "responses": ("responses", "$reply->outputText"),
        "completions": ("completions", "$reply->choices[0]->text"),
    }[where.call]
    chained = "".join(f"\n    {option}" for option in options)
    return (
        "<?php\n\nrequire 'vendor/autoload.php';\n\n"
        f"$client = OpenAI::factory(){chained}\n    ->make();\n"
        f"$reply = $client->{resource}()->create({quoting.php(request.body)});\n"
        f"echo {text}, PHP_EOL;\n"
    )
