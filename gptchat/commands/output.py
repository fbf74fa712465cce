"""The output family: copy, save and look at replies and requests as they are."""

from __future__ import annotations

import asyncio
import json as json_module
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat import redaction, words
from gptchat.commands import programs
from gptchat.commands.effects import AsideEffects, Copy, Effects, Show, Source, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import may_replace, nothing_written, replaces
from gptchat.core.messages import Message
from gptchat.errors import StorageError, UsageError
from gptchat.files import write_regular
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager


def last_reply(manager: SessionManager) -> Message:
    """The newest reply of the conversation; raises UsageError if there is none."""
    for message in reversed(manager.session.path()):
        if message.role == "assistant":
            return message
    raise UsageError(_("there is no reply yet"))


async def copy(call: Call, manager: SessionManager, code_blocks: Callable[[str], list[str]]) -> AsideEffects:
    """Copy the last reply, or one of its code blocks, from its source."""
    reply = last_reply(manager)
    if not call.get("n"):
        yield Copy(reply.text, _("the reply"))
        return
    number = call.number("n")
    yield Copy(_code_block(code_blocks, reply, number), _("code block {n}").format(n=number))


def _code_block(code_blocks: Callable[[str], list[str]], reply: Message, number: int) -> str:
    blocks = code_blocks(reply.text)
    if number > len(blocks):
        raise UsageError(
            _("the last reply has {n} code blocks").format(n=len(blocks))
            if blocks
            else _("the last reply has no code block")
        )
    return blocks[number - 1]


async def save(
    call: Call, manager: SessionManager, run: RunOptions, code_blocks: Callable[[str], list[str]]
) -> Effects:
    """Save a code block of the last reply as a file."""
    text = _code_block(code_blocks, last_reply(manager), call.number("n"))
    path = await asyncio.to_thread(lambda: Path(call.get("file")).expanduser())
    exists = await asyncio.to_thread(replaces, path)
    if exists and (yield may_replace(path)) != "y":
        yield nothing_written(run, path)
        return
    try:
        await asyncio.to_thread(write_regular, path, text.encode("utf-8", "replace"), new=not exists)
    except OSError as error:
        raise StorageError(
            _("{path} cannot be written: {why}").format(path=path, why=words.reason(error)),
            hint=_("choose another place: /save {n} FILE").format(n=call.number("n")),
        ) from None
    yield Show([Text(_("saved as {path}").format(path=path), "good")], {"file": str(path)})


async def raw(call: Call, manager: SessionManager) -> AsideEffects:
    """Show the last reply as it was received."""
    reply = last_reply(manager)
    yield Show([Source(reply.text)], reply.text)


async def code(
    call: Call, manager: SessionManager, routing: Routing, outbox: Outbox, keys: ProviderKeys
) -> AsideEffects:
    """Show the next request as a program."""
    language = call.get("language") or "python"
    text = redaction.redact_known(programs.write(language, programs.next_request(manager, routing, outbox, keys)))
    yield Show([Source(text, "bash" if language == "curl" else language)], {"language": language, "code": text})


async def json(
    call: Call, manager: SessionManager, routing: Routing, outbox: Outbox, keys: ProviderKeys
) -> AsideEffects:
    """Show the next request's body as JSON."""
    body = programs.next_request(manager, routing, outbox, keys).body
    # a key may have been pasted into the conversation, or into extra_body
    text = redaction.redact_known(json_module.dumps(body, ensure_ascii=False, indent=2))
    yield Show([Source(text, "json")], json_module.loads(text))


_BLOCK = Argument("n", "code")

COMMANDS = (
    Command(
        "copy",
        "output",
        "Copy the last reply, or code block N of it",
        copy,
        (_BLOCK,),
        examples=(("/copy", "the reply's Markdown"), ("/copy 2", "its second code block")),
        streaming=True,
    ),
    Command(
        "save",
        "output",
        "Save code block N of the last reply",
        save,
        (Argument("n", "code", required=True), Argument("file", "file", required=True, rest=True)),
        examples=(("/save 1 app.py", "the first block"),),
    ),
    Command(
        "raw", "output", "Show the last reply's source", raw, examples=(("/raw", "as received"),), streaming=True
    ),
    Command(
        "code",
        "output",
        "Show the next request as curl, Python or Node",
        code,
        (Argument("language", "word", choices=("curl", "python", "node")),),
        examples=(("/code curl", "to try it elsewhere; the key stays out of it"),),
        streaming=True,
    ),
    Command(
        "json", "output", "Show the next request's body", json, examples=(("/json", "as sent"),), streaming=True
    ),
)
