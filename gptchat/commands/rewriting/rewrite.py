"""The command that rewrites a text by an instruction: a file, or what is piped in."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.commands.effects import Block, Effects, Progress, Show, Source, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.rewriting.reading import ReadText, read_text
from gptchat.commands.wording import confirm
from gptchat.errors import StorageError, UsageError
from gptchat.providers.registry import abilities
from gptchat.words import N_, _, money, ngettext, reason

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.routing import Routing

_WRITE = "--write"


async def rewrite(call: Call, settings: Settings, routing: Routing, paths: Paths) -> Effects:
    """Rewrite a file or standard input; shows what has changed, and writes a file where that is wanted."""
    from gptchat.conversation.moderation import Moderation
    from gptchat.conversation.rewriting.rewriting import Rewriting
    from gptchat.conversation.rewriting.rewriting import rewrite as rewritten

    instruction, file, write = _asked(call.get("what"))
    provider = routing.provider_settings()
    if not abilities(provider).network:
        raise UsageError(
            _("{name} is no language model: it cannot rewrite").format(name=provider.name),
            hint=_("/connect connects one that can"),
        )
    if file:
        _require_free(file, settings, paths)
    original = await asyncio.to_thread(read_text, file, "/rewrite", _usage())
    if not original.text.strip():
        raise UsageError(_("there is no text: the input is empty"), hint=_usage())
    state = Rewriting()
    async with aclosing(rewritten(routing, Moderation(settings, routing), instruction, original.text)) as steps:
        async for state in steps:
            if state.total > 1:
                yield Progress(_("rewriting"), state.done, state.total)
    changed = state.text != original.text
    data = {
        "text": state.text,
        "changed": changed,
        "pieces": state.total,
        "usage": state.usage.to_json(),
        "cost_usd": state.cost,
    }
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if not terminal and not write:
        yield Show([Source(state.text.removesuffix("\n"))], data)
        return
    blocks = await asyncio.to_thread(_difference, original.text, state.text)
    if state.cost:
        blocks.append(Text(money(state.cost), "quiet"))
    yield Show(blocks, None if file else data)
    if not file:
        yield Show([Text(_("nothing is written; `> FILE` behind the command keeps the new text"), "quiet")])
        return
    if changed and not write:
        write = (yield confirm(_("write it to {file}?").format(file=file), forever=True)) == "y"
    if changed and write:
        await asyncio.to_thread(_write, file, original, state.text)
        yield Show([Text(_("{file} is rewritten").format(file=file), "good")], {**data, "file": file})
    else:
        yield Show([Text(_("nothing was changed"), "quiet")], data)


def _asked(rest: str) -> tuple[str, str, bool]:
    """The instruction, the file (empty: standard input), and whether to write it. Raises UsageError."""
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()  # an apostrophe of the instruction, as in `don't`
    write = _WRITE in words
    words = [word for word in words if word != _WRITE]
    file = ""
    if len(words) > 1 and (words[-1] == "-" or Path(words[-1]).expanduser().is_file()):
        file = words.pop().removeprefix("-")
    elif len(words) == 2 and " " in words[0]:
        raise UsageError(_("there is no file {file}").format(file=words[1]), hint=_usage())
    if not words:
        raise UsageError(
            _("{command} needs {argument}").format(command="/rewrite", argument="INSTRUCTION"), hint=_usage()
        )
    if write and not file:
        raise UsageError(_("{option} needs a file to write").format(option=_WRITE), hint=_usage())
    return " ".join(words), file, write


def _usage() -> str:
    return _("usage: {usage}").format(usage='/rewrite "INSTRUCTION" [FILE] [--write]')


def _require_free(file: str, settings: Settings, paths: Paths) -> None:
    """Raise UsageError for a file that is not sent: one with keys, or one that `attach.deny` names."""
    from gptchat.attachments import Policy

    policy = Policy(settings.attach.allow, settings.attach.deny, own=paths.own())
    judgement = policy.file(Path(file).expanduser())
    if judgement.freedom in ("guarded", "denied"):
        raise UsageError(_("{path} is not sent: {why}").format(path=file, why=judgement.reason))


def _write(file: str, original: ReadText, text: str) -> None:
    from gptchat.files import write_regular

    try:
        write_regular(Path(file).expanduser(), original.encoded(text), new=False)
    except UnicodeEncodeError as error:
        raise StorageError(
            _("the new text has characters that {encoding} lacks; nothing was written").format(
                encoding=original.encoding
            ),
            hint=_("without a terminal the text is printed instead: `| cat > FILE` behind the command"),
        ) from error
    except OSError as error:
        raise StorageError(_("{path} cannot be written: {why}").format(path=file, why=reason(error))) from error


def _difference(old: str, new: str) -> list[Block]:
    """The lines that have changed, old above new, with a line of what stands around them."""
    from difflib import unified_diff

    lines = [*unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm="")][2:]
    if not lines:
        return [Text(_("nothing is to be changed"), "quiet")]
    tones = {"-": "error", "+": "good", "@": "quiet"}
    blocks: list[Block] = [Text(line, tones.get(line[:1], "plain")) for line in lines]  # type: ignore[arg-type]  # tones are checked by the table
    count = sum(line.startswith("+") for line in lines)
    blocks.append(Text(ngettext("{n} new line", "{n} new lines", count).format(n=count), "quiet"))
    return blocks


COMMANDS = (
    Command(
        "rewrite",
        "input",
        N_("Rewrite a text by an instruction, a file or what is piped in"),
        rewrite,
        (Argument("what", "text", rest=True),),
        examples=(
            ('/rewrite "correct the grammar" notes.md', N_("shows what would change, and asks before it writes")),
            ('/rewrite "translate into English" notes.md --write', N_("writes without a question")),
        ),
        about=N_(
            'In the shell: gptchat /rewrite "correct the grammar" < file. The text is data: nothing in it acts. '
            "Long texts go in pieces."
        ),
    ),
)
