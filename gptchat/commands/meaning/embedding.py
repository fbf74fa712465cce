"""The command that turns lines into vectors, for scripts."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Effects, Progress, Show, Source, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.rewriting.reading import read_text
from gptchat.core.typed.template import unquoted
from gptchat.errors import StorageError, UsageError
from gptchat.words import N_, _, money, ngettext, reason

if TYPE_CHECKING:
    from gptchat.conversation.meaning.embedder import ServerEmbedder
    from gptchat.conversation.meaning.meaning import MeaningSearch
    from gptchat.conversation.services import RunOptions

_OPTION = re.compile(r"(?:^|\s)--(?:model|output)\b")


async def embed(call: Call, run: RunOptions, meaning: MeaningSearch) -> Effects:
    """Turn every line of a file, or of standard input, into a vector; these come as lines of JSON."""
    from gptchat.conversation.meaning.lines import read_lines

    file, model, output = _options(call)
    if not output and not run.unattended:
        raise UsageError(
            _("vectors would fill the screen"), hint=_("--output FILE writes them; gptchat /embed is for scripts")
        )
    embedder = meaning.embedder(model)
    lines = read_lines((await asyncio.to_thread(read_text, file, "/embed", _usage())).text)
    if not lines:
        raise UsageError(_("there is no text: the input is empty"), hint=_usage())
    documents: list[dict[str, Any]] = []
    left = [line.text for line in lines]
    while left:
        found = await embedder.first(left)
        del left[: len(found)]
        for vector in found:
            documents.append(lines[len(documents)].document(embedder.name, list(vector)))
            if not output:
                yield Show([Source(_line(documents[-1]))])
        label = _("vectors of {model}").format(model=embedder.name)
        yield Progress(label, len(documents), len(lines))
    if output:
        await asyncio.to_thread(_write, output, documents)
        yield _report(output, embedder, len(documents))
    else:
        yield Show([], documents)


def _options(call: Call) -> tuple[str, str, str]:
    """The file, the model and the output that were named; empty where they were not. Raises UsageError."""
    rest = call.get("file")
    found = _OPTION.search(rest)
    file = unquoted(rest[: found.start()].strip() if found else rest)
    try:
        words = shlex.split(rest[found.start() :]) if found else []
    except ValueError:
        raise UsageError(_("the quote in {rest} is not closed").format(rest=rest), hint=_usage()) from None
    options: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--") and not name:
            name, equals, value = word.partition("=")
            if equals:
                options[name], name = value, ""
        elif name:
            options[name], name = word, ""
        elif not file:
            file = word
        else:
            raise UsageError(_("/embed does not know what to do with {rest}").format(rest=word), hint=_usage())
    model, output = options.pop("--model", ""), options.pop("--output", "")
    if name or options:
        raise UsageError(_("unknown option {name}").format(name=name or next(iter(options))), hint=_usage())
    return file, model, output


def _usage() -> str:
    return _("usage: {usage}").format(usage="/embed [FILE] [--model PROVIDER:MODEL] [--output FILE]")


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _write(output: str, documents: list[dict[str, Any]]) -> None:
    from gptchat.files import write_regular

    path = Path(output).expanduser()
    data = "".join(_line(document) + "\n" for document in documents).encode("utf-8", "replace")
    try:
        write_regular(path, data, new=not path.exists())
    except OSError as error:
        raise StorageError(_("{path} cannot be written: {why}").format(path=path, why=reason(error))) from error


def _report(output: str, embedder: ServerEmbedder, count: int) -> Show:
    words = ngettext("{n} vector in {path}", "{n} vectors in {path}", count).format(n=f"{count:,}", path=output)
    spent = embedder.spent
    told = [words, *([money(spent)] if spent else [])]
    data = {"output": output, "vectors": count, "tokens": embedder.usage.total_tokens, "cost_usd": spent}
    return Show([Text(" · ".join(told), "good")], data)


COMMANDS = (
    Command(
        "embed",
        "input",
        N_("Turn every line of a file into a vector, for scripts"),
        embed,
        (Argument("file", "file", rest=True),),
        examples=(
            ("/embed texts.txt --output vectors.jsonl", N_("a vector for each line")),
            ("/embed texts.jsonl --model ollama:nomic-embed-text", N_("by another model than search.embeddings")),
        ),
        about=N_(
            "A line is a text, or a JSON object with text and perhaps an id. Vectors are lines of JSON; "
            "without FILE the lines come from standard input."
        ),
    ),
)
