"""`/export training`: chosen turns and sessions as a training file, checked and counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat import notices
from gptchat.commands.effects import Effects, Show, Source, Text
from gptchat.commands.wording import may_replace, nothing_written, replaces
from gptchat.core.typed.options import take_options
from gptchat.core.typed.template import unquoted
from gptchat.errors import ConfigurationError, StorageError, UsageError
from gptchat.files import write_regular
from gptchat.redaction import redact_known
from gptchat.waiting import to_thread
from gptchat.words import _, money, ngettext, reason

if TYPE_CHECKING:
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.core.session import Session
    from gptchat.exchange.training.checking import TrainingReport
    from gptchat.exchange.training.examples import Left
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library
    from gptchat.storage.store import JournalStore

_USAGE = "/export training [FILE] [--turns 2-5,8] [--session REF] [--all]"


async def export_training(
    asked: str,
    manager: SessionManager,
    run: RunOptions,
    journals: JournalStore,
    library: Library,
    routing: Routing,
) -> Effects:
    """Write what `asked` says, a file and options, or show it; `data` of a file has what it holds."""
    usage = _("usage: {usage}").format(usage=_USAGE)
    file, options = take_options(asked, ("--turns", "--session"), ("--all",), usage)
    file = unquoted(file)
    turns = _turns(options["--turns"], usage) if "--turns" in options else None
    sessions = await to_thread(_sessions, options, manager, journals, library)
    if turns is not None and len(sessions) != 1:
        raise UsageError(_("--turns chooses turns of one session"), hint=usage)
    text, left = await to_thread(_rendered, sessions, turns, manager, run)
    if not text:
        raise UsageError(
            _("nothing of it is fit for training"),
            hint=_("left out: {kinds}").format(kinds=_left_words(left))
            if left
            else _("a turn needs a question and its whole answer"),
        )
    report, price = await to_thread(measured, text.encode(errors="replace").split(b"\n"), routing)
    told = told_of(report, price)
    if left:
        told.append(Text(_("left out: {kinds}").format(kinds=_left_words(left)), "warning"))
    if file in ("", "-"):
        for one in told:
            notices.tell(one.text)
        yield Show([Source(text, "json")], text)
        return
    path = await to_thread(_target, file, manager.session.id)
    exists = await to_thread(replaces, path)
    if exists and (yield may_replace(path)) != "y":
        yield nothing_written(run, path)
        return
    try:
        await asyncio.to_thread(write_regular, path, text.encode(errors="replace"), new=not exists)
    except OSError as error:
        raise StorageError(_("{path} cannot be written: {why}").format(path=path, why=reason(error))) from None
    data = {"file": str(path), "format": "training", **report_json(report, price), "left_out": dict(left)}
    yield Show([Text(_("saved as {path}").format(path=path), "good"), *told], data)


def _target(file: str, session: str) -> Path:
    path = Path(file).expanduser()
    if not path.parent.is_dir():
        raise UsageError(
            _("there is no folder {path}").format(path=path.parent), hint=_("make it first, or choose another")
        )
    return path / f"{session}.jsonl" if path.is_dir() else path


def _turns(given: Sequence[str], usage: str) -> frozenset[int]:
    """The numbers in `2-5,8`. Raises UsageError."""
    found: set[int] = set()
    for piece in ",".join(given).split(","):
        first, dash, last = piece.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(first) > 6 or len(last) > 6:
            raise UsageError(_("{text} is no turn; turns are like 2-5,8").format(text=piece or '""'), hint=usage)
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _sessions(
    options: Mapping[str, Sequence[str]], manager: SessionManager, journals: JournalStore, library: Library
) -> list[Session]:
    """The chosen sessions, oldest first, the open one as it stands. Raises UsageError, StorageError."""
    user, opened = manager.user, manager.session
    if "--all" in options:
        ids = [info.id for info in library.list(user)]
    elif "--session" in options:
        ids = [library.find(user, ref).id for ref in options["--session"]]
    else:
        if not opened.messages:
            raise UsageError(_("nothing has been said yet"))
        return [opened]
    found = []
    for id in sorted(set(ids)):
        try:
            found.append(opened if id == opened.id else journals.read(user, id))
        except StorageError:
            if "--all" not in options:
                raise
    return found


def _rendered(
    sessions: Sequence[Session], turns: frozenset[int] | None, manager: SessionManager, run: RunOptions
) -> tuple[str, Mapping[Left, int]]:
    """The lines of the sessions, known secrets masked, and what is left out."""
    from gptchat.exchange.training.examples import example, line

    left: Counter[Left] = Counter()
    lines = []
    for session in sessions:
        if run.incognito and session is manager.session:
            left["incognito"] += 1
            continue
        found, without = example(session, turns)
        left.update(without)
        if found is not None:
            lines.append(redact_known(line(found)))
    return "".join(lines), left


def measured(lines: Sequence[bytes], routing: Routing, model: str = "") -> tuple[TrainingReport, float | None]:
    """What the lines of a training file hold for `model`, and US$ for training it on a million tokens. Blocks."""
    from gptchat.core.ports import counted_as
    from gptchat.exchange.training.checking import check

    try:
        provider = routing.provider_settings().name
        model = model or routing.model()
    except ConfigurationError:
        provider = ""
    facts = routing.facts(model, provider)
    name = counted_as(provider, model)
    routing.counter.load(name)
    report = check(lines, lambda message: routing.counter.count(message.text, name), facts.context)
    return report, facts.training


def cost_of(report: TrainingReport, price: float | None, epochs: int = 0) -> float | None:
    """US$ for training on all examples `epochs` times (0: as often as the server does by itself)."""
    return None if price is None else report.tokens * (epochs or report.epochs) * price / 1_000_000


def told_of(report: TrainingReport, price: float | None, epochs: int = 0) -> list[Text]:
    """What a training file holds, for people."""
    from gptchat.exchange.training.checking import FEWEST

    examples = ngettext("{n} example", "{n} examples", report.examples).format(n=f"{report.examples:,}")
    passes = epochs or report.epochs
    counted = _("≈{tokens} tokens, the longest {longest}")
    parts = [examples, counted.format(tokens=f"{report.tokens:,}", longest=f"{report.longest:,}")]
    cost = cost_of(report, price, epochs)
    parts.append(ngettext("{n} epoch", "{n} epochs", passes).format(n=passes))
    parts.append(
        _("no price for training is known") if cost is None else _("≈{cost} to train").format(cost=money(cost))
    )
    lines = [Text(" · ".join(parts))]
    if report.examples < FEWEST:
        lines.append(Text(_("OpenAI wants at least {n} examples").format(n=FEWEST), "warning"))
    return lines + [Text(words, "warning") for words in report.told()]


def report_json(report: TrainingReport, price: float | None, epochs: int = 0) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "examples": report.examples,
        "messages": report.messages,
        "tokens": report.tokens,
        "longest": report.longest,
        "epochs": epochs or report.epochs,
        "cost_usd": cost_of(report, price, epochs),
        "problems": [{"line": number, "message": words} for number, words in report.problems],
    }


def _left_words(left: Mapping[Left, int]) -> str:
    return _(", ").join(_words(kind, n) for kind, n in left.items())


def _words(kind: Left, n: int) -> str:
    match kind:
        case "aside":
            words = ngettext("{n} question aside", "{n} questions aside", n)
        case "failed":
            words = ngettext("{n} turn that failed or was cut off", "{n} turns that failed or were cut off", n)
        case "unanswered":
            words = ngettext("{n} turn without an answer", "{n} turns without an answer", n)
        case "incognito":
            words = ngettext("{n} incognito session", "{n} incognito sessions", n)
    return words.format(n=n)
