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
from gptchat.core.replies.media import data_address, files_of
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.errors import StorageError, UsageError
from gptchat.files import write_regular
from gptchat.waiting import to_thread
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager


def last_reply(manager: SessionManager) -> Message:
    """The newest reply of the conversation that says something; raises UsageError if there is none."""
    replies = [message for message in reversed(manager.session.path()) if message.role == "assistant"]
    for message in replies:
        if message.text.strip() or "tool_calls" not in message.extra:
            return message
    if replies:
        return replies[0]
    raise UsageError(_("there is no reply yet"))


async def copy(call: Call, manager: SessionManager, code_blocks: Callable[[str], list[str]]) -> AsideEffects:
    """Copy the last reply with its sources, or one of its code blocks, from its source."""
    reply = last_reply(manager)
    if not call.get("n"):
        listed = "\n".join(numbered(sources_of(reply)))
        yield Copy("\n\n".join(filter(None, (reply.text, listed))), _("the reply"))
        return
    number = call.number("n")
    text = await to_thread(_with_data, manager, reply, _code_block(code_blocks, reply, number))
    yield Copy(text, _("code block {n}").format(n=number))


def _with_data(manager: SessionManager, reply: Message, code: str) -> str:
    """`code` with the data addresses that were cut out of it, as the model wrote it."""
    for file in files_of(reply):
        if file.label in code and (data := manager.store.read_file(manager.user, file.name)) is not None:
            code = code.replace(file.label, data_address(file.mime, data), 1)
    return code


def _file(manager: SessionManager, reply: Message, number: int) -> bytes:
    """The contents of file `number` of `reply`. Raises UsageError, StorageError."""
    files = files_of(reply)
    if number > len(files):
        raise UsageError(
            _("the last reply has {n} pictures or other files").format(n=len(files))
            if files
            else _("the last reply has no picture")
        )
    data = manager.store.read_file(manager.user, files[number - 1].name)
    if data is None:
        raise StorageError(_("the file {name} is missing").format(name=files[number - 1].name))
    return data


def _chosen(call: Call, manager: SessionManager, code_blocks: Callable[[str], list[str]]) -> tuple[bytes, str]:
    """What `/save` writes, and the name of the file. Raises UsageError, StorageError.

    `/save image 2 FILE` means a picture. So does `/save 2 FILE` where FILE ends as the picture does, or where
    there is no such code block.
    """
    reply, target = last_reply(manager), call.get("file")
    if call.get("n").lower() in _FILES:
        first, _blank, rest = target.partition(" ")
        if not first.isdecimal() or not rest.strip():
            raise UsageError(
                _("which one, and to which file?"), hint=_("usage: {usage}").format(usage="/save image N FILE")
            )
        return _file(manager, reply, max(int(first), 1)), rest.strip()
    number, files = call.number("n"), files_of(reply)
    if number <= len(files):
        suffix = Path(target).suffix.lower().replace(".jpeg", ".jpg")
        if suffix == Path(files[number - 1].name).suffix or number > len(code_blocks(reply.text)):
            return _file(manager, reply, number), target
    return _with_data(manager, reply, _code_block(code_blocks, reply, number)).encode(errors="replace"), target


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
    """Save a code block or a picture of the last reply as a file."""
    content, target = await asyncio.to_thread(_chosen, call, manager, code_blocks)
    path = await asyncio.to_thread(lambda: Path(target).expanduser())
    exists = await asyncio.to_thread(replaces, path)
    if exists and (yield may_replace(path)) != "y":
        yield nothing_written(run, path)
        return
    try:
        await asyncio.to_thread(write_regular, path, content, new=not exists)
    except OSError as error:
        raise StorageError(
            _("{path} cannot be written: {why}").format(path=path, why=words.reason(error)),
            hint=_("choose another place: /save {n} FILE").format(n=call.get("n")),
        ) from None
    yield Show([Text(_("saved as {path}").format(path=path), "good")], {"file": str(path)})


async def raw(call: Call, manager: SessionManager) -> AsideEffects:
    """Show the last reply as it was received."""
    reply = last_reply(manager)
    yield Show([Source(reply.text)], reply.text)


async def code(
    call: Call,
    manager: SessionManager,
    routing: Routing,
    outbox: Outbox,
    keys: ProviderKeys,
    conversation: Conversation,
) -> AsideEffects:
    """Show the last request as a program."""
    language = call.get("language") or "python"
    route = await conversation.rounds.equipped(routing.route())
    request = programs.shown_request(manager, routing, outbox, keys, route)
    text = redaction.redact_known(programs.write(language, request))
    yield Show([Source(text, programs.highlighted_as(language))], {"language": language, "code": text})


async def json(
    call: Call,
    manager: SessionManager,
    routing: Routing,
    outbox: Outbox,
    keys: ProviderKeys,
    conversation: Conversation,
) -> AsideEffects:
    """Show the last request's body as JSON."""
    route = await conversation.rounds.equipped(routing.route())
    body = programs.shown_request(manager, routing, outbox, keys, route).body
    # a key may have been pasted into the conversation, or into extra_body
    text = redaction.redact_known(json_module.dumps(body, ensure_ascii=False, indent=2))
    yield Show([Source(text, "json")], json_module.loads(text))


_FILES = ("image", "picture", "sound", "video", "file")
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
        brief="to the clipboard",
        session=True,
    ),
    Command(
        "save",
        "output",
        "Save code block N or a picture of the last reply",
        save,
        (Argument("n", "code", required=True), Argument("file", "file", required=True, rest=True)),
        examples=(("/save 1 app.py", "the first block"), ("/save image 1 cat.png", "the first picture")),
        session=True,
    ),
    Command(
        "raw",
        "output",
        "Show the last reply's source",
        raw,
        examples=(("/raw", "as received"),),
        streaming=True,
        session=True,
    ),
    Command(
        "code",
        "output",
        "Show the last request as a program",
        code,
        (Argument("language", "word", choices=programs.LANGUAGES),),
        examples=(("/code curl", "to try it elsewhere; the key stays out of it"), ("/code go", "for the Go SDK")),
        streaming=True,
        session=True,
        about="It asks for the reply to your last message, with the present model and settings; with something "
        "attached, it is the next request.",
    ),
    Command(
        "json",
        "output",
        "Show the last request's body",
        json,
        examples=(("/json", "as sent"),),
        streaming=True,
        session=True,
    ),
)
