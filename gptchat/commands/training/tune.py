"""`/tune`: begins, lists, shows and cancels fine-tuning jobs at the provider."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Block, Effects, Facts, Progress, Show, Source, Table, Text, Tone
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.training.files import cost_of, measured, report_json, told_of
from gptchat.commands.training.plot import plot
from gptchat.commands.wording import YES, agreed, confirm
from gptchat.core.messages import Usage
from gptchat.core.ports import ONESHOT
from gptchat.core.records import aside_record
from gptchat.core.safe import clean_line
from gptchat.core.typed.options import take_options
from gptchat.core.typed.template import unquoted
from gptchat.errors import GptchatError, NotFoundError, UsageError
from gptchat.files import read_regular
from gptchat.storage.accounts.book import Entry, moment
from gptchat.waiting import to_thread
from gptchat.words import N_, _, money, reason

if TYPE_CHECKING:
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.conversation.spending import Account
    from gptchat.core.ports import Provider
    from gptchat.core.remote import FilesEndpoint, TuningEndpoint, TuningEvent, TuningJob
    from gptchat.exchange.training.checking import TrainingReport
    from gptchat.manager import SessionManager

_USAGE = "/tune create FILE [--model M] [--suffix S] [--epochs N]"
_MOST_EPOCHS = 50
_TONES: Mapping[str, Tone] = {"warn": "warning", "error": "error"}
"""The tone of an event by its level."""
_SHOWN = 12
"""Events that are shown."""


async def tune(
    call: Call, manager: SessionManager, routing: Routing, budget: Budget, account: Account, run: RunOptions
) -> Effects:
    """Begin, list, show or cancel."""
    action, rest = call.get("action") or "list", call.get("what")
    provider = routing.provider()
    try:
        match action:
            case "create":
                steps = _create(call, rest, manager, routing, budget, account, run)
                answer = None
                try:
                    while True:
                        answer = yield await steps.asend(answer)
                except StopAsyncIteration:
                    return
                finally:
                    await steps.aclose()
            case "list":
                yield _listed(await _tuning(provider).jobs(), routing)
            case "show":
                job, events = await _found(_tuning(provider), rest)
                yield _shown(job, events, routing)
            case _cancel:
                job = await _tuning(provider).cancel(_id(rest, "cancel"))
                words = _("{job} is {status}").format(job=job.id, status=_status(job.status))
                yield Show([Text(words, "good")], job_json(job))
    except NotFoundError as error:
        raise _lacking(provider.name, error, rest if action != "create" else "") from error


def _tuning(provider: Provider) -> TuningEndpoint:
    found = provider.abilities.tuning
    if found is None:
        raise _lacking(provider.name)
    return found


def _lacking(name: str, error: NotFoundError | None = None, about: str = "") -> GptchatError:
    """What to tell if the provider has no fine-tuning, or no such job, or refuses something by its name."""
    message = _("{who} has no fine-tuning").format(who=name)
    hint = _("OpenAI and Azure have it; /provider chooses another")
    if error is None:
        return UsageError(message, hint=hint)
    if re.match(r"(?i)ft\w*-", about):
        message, hint = _("{who} knows no job {job}").format(who=name, job=about), _("/tune list names them")
    elif error.said.code or error.said.param:
        return error
    return NotFoundError(message, hint=hint, status=error.status)


async def _create(
    call: Call,
    rest: str,
    manager: SessionManager,
    routing: Routing,
    budget: Budget,
    account: Account,
    run: RunOptions,
) -> Effects:
    """Check the file, ask, send it and begin."""
    usage = _("usage: {usage}").format(usage=_USAGE)
    file, options = take_options(rest, ("--model", "--suffix", "--epochs"), (), usage)
    file = unquoted(file)
    if not file:
        raise UsageError(_("/tune create needs a file"), hint=usage)
    provider = routing.provider()
    tuning, files = _tuning(provider), provider.abilities.files
    if files is None:
        raise _lacking(provider.name)
    model = options.get("--model", [""])[-1] or routing.route().model
    suffix, epochs = options.get("--suffix", [""])[-1], _epochs(options.get("--epochs", []), usage)
    path = await to_thread(lambda: Path(file).expanduser())
    report, price = await to_thread(_checked, path, routing, model)
    cost = cost_of(report, price, epochs)
    if told := await budget.check(cost or 0.0):
        yield Show([Text(told, "warning")])
    yield Show(told_of(report, price, epochs))
    question = _("send {file} to {who} and tune {model}?").format(file=path.name, who=provider.name, model=model)
    answer = None if YES in call.flags else (yield confirm(question, forever=True))
    if not agreed(call, run, answer, _("nothing was sent: tuning costs money"), forever=True):
        yield Show([Text(_("nothing was sent"), "quiet")], {"job": None})
        return
    yield Progress(_("sending {file}").format(file=path.name), 0, 1)
    sent = await _upload(files, path)
    yield Progress(_("sending {file}").format(file=path.name), 1, 1)
    try:
        job = await tuning.create(sent, model, suffix, epochs)
    except GptchatError:
        await asyncio.shield(_remove(files, sent))
        raise
    await to_thread(_note, manager, account, provider.name, model, path.name, report, cost, epochs)
    blocks: list[Block] = [
        Text(_("{job} is {status}").format(job=job.id, status=_status(job.status)), "good"),
        Text(_("/tune show {job} tells how it goes, /tune cancel {job} ends it").format(job=job.id), "quiet"),
    ]
    yield Show(blocks, {**job_json(job), "file": sent, **report_json(report, price, epochs)})


def _epochs(given: Sequence[str], usage: str) -> int:
    if not given or given[-1] == "auto":
        return 0
    if not given[-1].isdecimal() or not 1 <= int(given[-1]) <= _MOST_EPOCHS:
        raise UsageError(_("--epochs takes a number from 1 to {most}").format(most=_MOST_EPOCHS), hint=usage)
    return int(given[-1])


def _checked(path: Path, routing: Routing, model: str) -> tuple[TrainingReport, float | None]:
    """What the file holds, and US$ for a million tokens of training. Blocks. Raises UsageError if it is unfit."""
    from gptchat.exchange.training.checking import LARGEST

    try:
        data = read_regular(path, LARGEST)
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {why}").format(path=path, why=reason(error))) from error
    report, price = measured(data.split(b"\n"), routing, model)
    if not report.examples:
        raise UsageError(
            _("{path} has no examples").format(path=path),
            hint=_("/export training writes such a file: one {example} a line").format(
                example='{"messages": [...]}'
            ),
        )
    if report.problems:
        words = _("{path} is not fit for training, nothing was sent: {what}")
        raise UsageError(
            words.format(path=path, what="; ".join(report.told())), hint=_("mend or remove these lines")
        )
    return report, price


async def _upload(files: FilesEndpoint, path: Path) -> str:
    try:
        return (await files.upload(str(path), "fine-tune")).id
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {why}").format(path=path, why=reason(error))) from error


async def _remove(files: FilesEndpoint, id: str) -> None:
    """Take back a file of which nothing was made; what the server says to that is of no use to anybody."""
    try:
        await files.remove(id)
    except GptchatError:
        return


def _note(
    manager: SessionManager,
    account: Account,
    provider: str,
    model: str,
    file: str,
    report: TrainingReport,
    cost: float | None,
    epochs: int,
) -> None:
    """Note what it is likely to cost, for `/usage` and the day's budget, in a session of its own."""
    tokens = report.tokens * (epochs or report.epochs)
    record = aside_record(provider, model, Usage(tokens, 0, tokens, estimated=True), cost, os.urandom(8).hex())
    record["ts"] = manager.timestamp()
    title = _("tuning {model} with {file}").format(model=model, file=file)
    session = manager.store.create(manager.user, {}, title=title, kind=ONESHOT)
    manager.store.append(session, [record])
    entry = Entry(moment(), record["turn"], provider, model, Usage(tokens, 0, tokens, estimated=True), cost)
    account.book.add(manager.user, entry)


def _id(rest: str, action: str) -> str:
    if not rest:
        raise UsageError(
            _("which job?"),
            hint=_("usage: {usage}").format(usage=f"/tune {action} ID") + "; " + _("/tune list names them"),
        )
    return rest.strip()


async def _found(tuning: TuningEndpoint, rest: str) -> tuple[TuningJob, Sequence[TuningEvent]]:
    id = _id(rest, "show")
    job = await tuning.job(id)
    return job, await tuning.events(id)


def _status(status: str) -> str:
    return {
        "validating_files": _("checking the file"),
        "queued": _("waiting"),
        "running": _("running"),
        "succeeded": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "paused": _("paused"),
    }.get(status, clean_line(status) or _("begun"))


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M") if seconds else ""


def _listed(jobs: Sequence[TuningJob], routing: Routing) -> Show:
    if not jobs:
        return Show([Text(_("there are no fine-tuning jobs yet"), "quiet")], [])
    rows = [
        (
            clean_line(job.id),
            _status(job.status),
            clean_line(job.model),
            clean_line(job.tuned),
            _moment(job.created),
        )
        for job in jobs
    ]
    headings = (_("job"), _("state"), _("base"), _("tuned model"), _("begun at"))
    return Show([Table(headings, rows)], [job_json(job) for job in jobs])


def _shown(job: TuningJob, events: Sequence[TuningEvent], routing: Routing) -> Show:
    cost = None
    if job.tokens:
        price = routing.facts(job.model, routing.provider_settings().name).training
        cost = None if price is None else job.tokens * price / 1_000_000
    pairs = [
        (_("state"), _status(job.status) + (f": {clean_line(job.error)}" if job.error else "")),
        (_("base"), clean_line(job.model)),
        (_("tuned model"), clean_line(job.tuned)),
        (_("begun at"), _moment(job.created)),
        (_("ended at"), _moment(job.finished)),
        (_("epochs"), clean_line(job.epochs)),
        (_("trained on"), _("{tokens} tokens").format(tokens=f"{job.tokens:,}") if job.tokens else ""),
        (_("cost"), money(cost) if cost is not None else ""),
    ]
    blocks: list[Block] = [Facts([pair for pair in pairs if pair[1]], title=clean_line(job.id))]
    losses = [(event.step, event.loss) for event in events if event.step is not None and event.loss is not None]
    if len(losses) > 1:
        blocks += [Text(_("loss by step"), "title"), Source(plot(losses))]
    told = [event for event in events if event.loss is None][-_SHOWN:]
    for event in told:
        line = f"{_moment(event.created)}  {clean_line(event.message)}".strip()
        blocks.append(Text(line, _TONES.get(event.level, "quiet")))
    if job.tuned:
        blocks.append(Text(_("/model {name} uses it").format(name=clean_line(job.tuned)), "good"))
    data = {
        **job_json(job),
        "cost_usd": cost,
        "events": [
            {
                "created": one.created,
                "level": one.level,
                "message": one.message,
                "step": one.step,
                "loss": one.loss,
            }
            for one in events
        ],
    }
    return Show(blocks, data)


def job_json(job: TuningJob) -> dict[str, Any]:
    """A job for `--json`."""
    return {
        "job": job.id,
        "status": job.status,
        "base": job.model,
        "tuned": job.tuned or None,
        "created": job.created or None,
        "finished": job.finished or None,
        "trained_tokens": job.tokens or None,
        "error": job.error or None,
    }


COMMANDS = (
    Command(
        "tune",
        "model",
        N_("Tune a model with your own examples"),
        tune,
        (
            Argument("action", "word", choices=("create", "list", "show", "cancel")),
            Argument("what", "file", rest=True),
        ),
        flags={YES: N_("do not ask before the file is sent and the job costs money")},
        examples=(
            (
                "/tune create t.jsonl --model gpt-4.1-mini",
                N_("says tokens and cost first; --suffix S, --epochs N"),
            ),
            ("/tune list", N_("all jobs")),
            ("/tune show ftjob-abc", N_("how it goes, with its losses")),
        ),
        about=N_("/export training writes such a file. The tuned model is used as any other: /model ft:NAME."),
    ),
)
