"""The command that answers every line of a file."""

from __future__ import annotations

import re
import shlex
import time
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.commands.effects import Effects, Progress, Show, Source, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.core.typed.template import unquoted
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import N_, _, money, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gptchat.conversation.batches.lines import Answered, BatchQuestion, Output
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.routing import Routing
    from gptchat.manager import SessionManager

_JOBS, _MOST_JOBS = 4, 64
_OPTION = re.compile(r"(?:^|\s)--(?:jobs|output|unordered)\b")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `/batch` was asked for. Without `output` the answers are shown, in order unless `unordered`."""

    file: Path
    output: Path | None = None
    jobs: int = _JOBS
    unordered: bool = False


def _read(call: Call) -> _Asked:
    """The file and the options behind it. Raises UsageError."""
    rest = call.get("file")
    found = _OPTION.search(rest)
    file = unquoted(rest[: found.start()] if found else rest)
    try:
        words = shlex.split(rest[found.start() :]) if found else []
    except ValueError:
        words = []
    options: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options[name] = value
            name = "" if equals or name == "--unordered" else name
        elif name:
            options[name], name = word, ""
        else:
            raise UsageError(_("/batch does not know what to do with {rest}").format(rest=word), hint=_usage())
    jobs, output = options.pop("--jobs", str(_JOBS)), options.pop("--output", None)
    unordered = options.pop("--unordered", None) is not None
    if options:
        raise UsageError(_("unknown option {name}").format(name=next(iter(options))), hint=_usage())
    if not file or output == "":
        raise UsageError(_("/batch needs {argument}").format(argument="FILE"), hint=_usage())
    if not jobs.isdecimal() or not 1 <= int(jobs) <= _MOST_JOBS:
        raise UsageError(_("--jobs takes a number from 1 to {most}").format(most=_MOST_JOBS), hint=_usage())
    place = Path(output).expanduser() if output else None
    return _Asked(Path(file).expanduser(), place, int(jobs), unordered)


def _usage() -> str:
    return _("usage: {usage}").format(usage="/batch FILE [--jobs N] [--output FILE] [--unordered]")


async def batch(call: Call, manager: SessionManager, routing: Routing, outbox: Outbox, budget: Budget) -> Effects:
    """Ask every line of a file; answers come as lines of JSON."""
    from gptchat.conversation.batches.lines import open_output, read_questions
    from gptchat.conversation.batches.running import Batch

    asked = _read(call)
    questions = read_questions(asked.file)
    routing.route()  # what keeps every question from being sent is told at once
    with ExitStack() as stack:
        output = stack.enter_context(open_output(asked.output)) if asked.output else None
        left = [one for one in questions if output is None or not output.answered(one)]
        running = Batch(manager.store, manager.user, routing, outbox, budget, manager.timestamp)
        tally = _Tally(len(left))
        ordered = _Ordered(left)
        title = _("batch {file}").format(file=asked.file.name)
        async with aclosing(running.run(left, asked.jobs, title)) as answers:
            async for answer in answers:
                tally.add(answer)
                if output is not None:
                    output.add(answer)
                else:
                    for one in [answer] if asked.unordered else ordered.next(answer):
                        yield Show([Source(one.line())], dict(one.document))
                yield Progress(tally.label(), tally.done, tally.total)
        if output is not None:
            output.sort(questions)
            yield _report(asked.output, questions, output, tally)
        elif tally.failed:
            yield Show([], failed=True)


class _Ordered:
    """Holds answers back until those before them have come."""

    def __init__(self, questions: Iterable[BatchQuestion]) -> None:
        self._lines = iter([one.line for one in questions])
        self._next = next(self._lines, 0)
        self._held: dict[int, Answered] = {}

    def next(self, answer: Answered) -> list[Answered]:
        """The answers that may be shown now that `answer` has come."""
        self._held[answer.question.line] = answer
        ready = []
        while self._next in self._held:
            ready.append(self._held.pop(self._next))
            self._next = next(self._lines, 0)
        return ready


class _Tally:
    """How far the batch is: answers, rate, cost and time left."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.failed, self.cost = total, 0, 0, 0.0
        self._priced = False
        self._began = time.monotonic()

    def add(self, answer: Answered) -> None:
        self.done += 1
        self.failed += answer.failed
        if answer.cost is not None:
            self.cost, self._priced = self.cost + answer.cost, True

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def label(self) -> str:
        rate = self.done / max(self.seconds, 0.001)
        left = round((self.total - self.done) / rate)
        parts = [
            f"{self.done:,}/{self.total:,}",
            _("{rate} a second").format(rate=f"{rate:.1f}"),
            _("{minutes} min left").format(minutes=left // 60) if left >= 120 else _("{n} s left").format(n=left),
        ]
        if self._priced:
            parts.insert(2, money(self.cost))
        if self.failed:
            parts.append(_("{n} failed").format(n=self.failed))
        return " · ".join(parts)

    def spent(self) -> str:
        return money(self.cost) if self._priced else ""


def _report(path: Path | None, questions: list[BatchQuestion], output: Output, tally: _Tally) -> Show:
    answered = sum(map(output.answered, questions))
    words = ngettext("{n} answer in {path}", "{n} answers in {path}", answered)
    parts = [words.format(n=f"{answered:,}", path=path)]
    if earlier := len(questions) - tally.total:
        parts.append(_("{n} from before").format(n=f"{earlier:,}"))
    if spent := tally.spent():
        parts.append(spent)
    parts.append(_("{seconds} s").format(seconds=f"{tally.seconds:.1f}"))
    blocks = [Text(" · ".join(parts), "good")]
    if tally.failed:
        words = ngettext(
            "{n} question failed; the same command asks it again",
            "{n} questions failed; the same command asks them again",
            tally.failed,
        )
        blocks.append(Text(words.format(n=f"{tally.failed:,}"), "warning"))
    data = {"output": str(path), "answers": answered, "failed": tally.failed, "cost_usd": tally.cost}
    return Show(blocks, data, failed=bool(tally.failed))


COMMANDS = (
    Command(
        "batch",
        "input",
        N_("Answer every line of a file, several at once"),
        batch,
        (Argument("file", "file", required=True, rest=True),),
        examples=(
            ("/batch questions.txt", N_("answers are shown, or go where the shell sends them")),
            ("/batch q.jsonl --jobs 8 --output a.jsonl", N_("the same command goes on where it stopped")),
        ),
        about=N_(
            "A line is a question, or a JSON object: prompt, and id, system, model, attachments, schema, "
            "temperature, ... where it has them. Answers are lines of JSON, in order with --output FILE or "
            "without --unordered."
        ),
    ),
)
