"""Puts the schema of an answer into a request, in one of five forms, and reads the answer back from each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Literal

from gptchat.core.events import Finished, ProviderEvent, TextDelta, ToolCall
from gptchat.core.messages import Request
from gptchat.core.structured import NAME, Structure
from gptchat.values import replace

Form = Literal["strict", "json_schema", "json_object", "tool", "prompt"]

FORMS: tuple[Form, ...] = ("strict", "json_schema", "json_object", "tool", "prompt")
"""The first three are the values of `response_format` (`text.format` of the Responses API), the second without
`strict`; the fourth is a tool that the model must call, and the last asks in words alone."""


def in_form(request: Request, form: Form, api: str) -> Request:
    """`request`, which has a structure, with its schema in `form` for the wire API `api`."""
    structure = request.structure
    assert structure is not None
    parameters = {key: value for key, value in request.parameters.items() if key != "response_format"}
    if form in ("strict", "json_schema"):
        return replace(request, parameters={**parameters, "response_format": _format(structure, form)})
    if form == "tool":
        return _with_tool(replace(request, parameters=parameters), structure, api)
    if form == "json_object":
        parameters["response_format"] = {"type": "json_object"}
    return in_words(replace(request, parameters=parameters))


def in_words(request: Request) -> Request:
    """`request` with its schema at the end of the system prompt; without one it is unchanged."""
    if request.structure is None:
        return request
    told = request.structure.instructions
    first, *others = request.messages or ({},)
    if first.get("role") in ("system", "developer") and isinstance(first.get("content"), str):
        return replace(request, messages=({**first, "content": f"{first['content']}\n\n{told}"}, *others))
    return replace(request, messages=({"role": "system", "content": told}, *request.messages))


def _format(structure: Structure, form: Form) -> Mapping[str, Any]:
    if form == "strict":
        schema: dict[str, Any] = {"name": NAME, "strict": True, "schema": structure.strict}
    else:
        schema = {"name": NAME, "schema": structure.sent}
    return {"type": "json_schema", "json_schema": schema}


def _with_tool(request: Request, structure: Structure, api: str) -> Request:
    """`request` with a tool that takes the answer. Beside other tools it is one of those that must be called."""
    function = {
        "name": NAME,
        "description": "Gives the answer to the user. Call it once, when the answer is complete.",
        "parameters": structure.sent,
    }
    named = {"name": NAME} if api == "responses" else {"function": {"name": NAME}}
    free = bool(request.tools) and request.may_call
    choice: Any = "required" if free else {"type": "function", **named}
    return replace(
        request,
        tools=(*request.tools, {"type": "function", "function": function}),
        parameters={**request.parameters, "tool_choice": choice},
        may_call=True,
    )


async def answered(
    events: AsyncGenerator[ProviderEvent, None], request: Request
) -> AsyncGenerator[ProviderEvent, None]:
    """`events` of a reply to `request`, with the call of the tool that takes the answer as its text."""
    calls = others = spoke = False
    async with aclosing(events):
        async for event in events:
            if request.structure is None:
                yield event
                continue
            match event:
                case ToolCall(name=name, arguments=arguments) if name == NAME:
                    yield TextDelta(f"\n{arguments}" if spoke else arguments)
                    calls = spoke = True
                case Finished(reason="tool_calls") if calls and not others:
                    yield replace(event, reason="stop", extra=None)
                case _:
                    others = others or isinstance(event, ToolCall)
                    spoke = spoke or isinstance(event, TextDelta)
                    yield event
