"""Prompts of MCP servers as commands: `/SERVER-PROMPT` asks for what it needs and sends the text it gives."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from gptchat.commands.declared import Argument, Call, Command
from gptchat.commands.effects import Effects, Run, Show, Text
from gptchat.commands.templates.own import FAMILY, excerpt
from gptchat.commands.wording import value_for
from gptchat.core.origin import whole
from gptchat.core.safe import clean_line
from gptchat.core.titles import shorten
from gptchat.core.typed.template import assigned
from gptchat.errors import UsageError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.declared import Runner
    from gptchat.conversation.services import RunOptions
    from gptchat.core.tooling import ServerPrompt, ToolBox


def commands_of(prompts: Iterable[ServerPrompt], taken: Container[str]) -> dict[str, Command]:
    """The commands of `prompts`, by name; none takes a name in `taken`, nor that of another."""
    found: dict[str, Command] = {}
    for prompt in prompts:
        name = re.sub(r"[\W_]+", "-", prompt.name).strip("-").lower()[:64]
        if not name[:1].isalpha() or name in taken or name in found:
            continue
        about = _("{description} (MCP server {name})").format(
            description=clean_line(prompt.description) or clean_line(prompt.name),
            name=clean_line(prompt.name.partition(":")[0]),
        )
        found[name] = Command(
            name,
            FAMILY,
            shorten(about, 100),
            _runner(prompt),
            (Argument(" ".join(map(clean_line, prompt.arguments)), "text", rest=True),)
            if prompt.arguments
            else (),
        )
    return found


def _runner(prompt: ServerPrompt) -> Runner:
    """The function of the command for `prompt`."""

    async def served(call: Call, toolbox: ToolBox, run: RunOptions) -> Effects:
        typed = next(iter(call.values.values()), "")
        given = values_in(typed, prompt.arguments)
        for name in prompt.required:
            if given.get(name):
                continue
            if run.unattended:
                raise UsageError(
                    _("/{name} needs a value for {variables}").format(name=call.command.name, variables=name)
                )
            value = yield value_for(name)
            if not value:
                yield Show([Text(_("nothing was sent"), "quiet")])
                return
            given[name] = value
        text = await toolbox.prompt(prompt.name, given)
        if not text.strip():
            raise UsageError(_("the prompt {name} is empty: there is nothing to send").format(name=prompt.name))
        if not run.unattended:
            yield Show([Text(excerpt(text), "quiet")])
        yield Run("send", whole(text, "command"))

    return served


def values_in(typed: str, names: Iterable[str]) -> dict[str, str]:
    """The values for `names` in what was typed: `name=value`, then one word each, the last one the rest."""
    names = list(names)
    spans, end = assigned(typed, names)
    given = {name: typed[start:stop] for name, (start, stop) in spans.items()}
    left = [name for name in names if name not in given]
    words = typed[end:].split(maxsplit=max(len(left) - 1, 0)) if left else []
    return given | {name: word.strip().strip("\"'") for name, word in zip(left, words, strict=False)}
