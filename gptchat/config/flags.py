"""The command line: flags as a typed value. Standard library only, so that --help answers at once."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gptchat import __version__
from gptchat.errors import UsageError
from gptchat.words import LANGUAGES, _


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    prompt: str = ""
    user: str | None = None
    provider: str = ""
    model: str = ""
    session: str = ""
    latest: bool = False
    system: str | None = None
    preset: str = ""
    settings: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    json: bool = False
    raw: bool = False
    stream: bool = True
    incognito: bool = False
    config: str = ""
    data_dir: str = ""
    lang: str = ""
    debug: bool = False


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, prefix or _("usage: "))

    def format_help(self) -> str:
        """The whole help; argparse itself puts a colon behind the heading, which is another one in Chinese."""
        return super().format_help().replace("options:", _("options:"), 1)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(_translated(message), hint=_("gptchat --help shows every option"))


def _translated(message: str) -> str:
    """One of argparse's own messages (3.11 to 3.14) in our words; any other message as it is."""
    match = re.fullmatch(r"argument (\S+): (expected one|ignored explicit|invalid choice).*", message, re.DOTALL)
    if match is None:
        return message
    told = {
        "expected one": _("{option} needs a value"),
        "ignored explicit": _("{option} takes no value"),
        "invalid choice": _("{option} takes one of {choices}"),
    }
    return told[match[2]].format(option=match[1], choices=_(", ").join(LANGUAGES))


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; raises UsageError, and SystemExit for --help and --version."""
    parser = _build()
    flags, said = _split(argv)
    given, unknown = parser.parse_known_intermixed_args(flags)
    words: list[str] = given.prompt + said
    if unknown:
        if not words or not words[0].startswith("/"):
            parser.error(_("unknown option {name}").format(name=unknown[0]))
        # A flag of the slash command itself, as in `gptchat /delete --forever 3`.
        words = _as_typed(flags, words, unknown)
    if given.session is not None and not given.session.strip():
        # A script's unset variable: it must not begin another session without a word.
        parser.error(_("{option} needs a value").format(option="-s/--session"))
    return Options(
        prompt=" ".join(words),
        user=given.user,
        provider=given.provider,
        model=given.model,
        session=given.session or "",
        latest=given.latest,
        system=given.system,
        preset=given.preset,
        settings=tuple(given.settings),
        attachments=tuple(given.attachments),
        json=given.json,
        raw=given.raw,
        stream=given.stream,
        incognito=given.incognito,
        config=given.config,
        data_dir=given.data_dir,
        lang=given.lang,
        debug=given.debug,
    )


def _as_typed(flags: Sequence[str], words: Sequence[str], unknown: Sequence[str]) -> list[str]:
    """`words` and the `unknown` flags among them in the order of `flags`; what stands after `--` comes last."""
    left, others, merged = list(words), list(unknown), []
    for flag in flags:
        for queue in (left, others):
            if queue and queue[0] == flag:
                merged.append(queue.pop(0))
                break
    return [*merged, *others, *left]


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before a bare `--`, and what after: words of the prompt, however they begin."""
    end = argv.index("--") if "--" in argv else len(argv)
    return list(argv[:end]), list(argv[end + 1 :])


def asked_language(argv: Sequence[str]) -> str:
    """The language that the flags ask for, read before the parser is built so that --help speaks it.

    Empty where they ask for none that there is: the refusal is then told in the language of the environment.
    """
    flags, _said = _split(argv)
    asked = ""
    for index, word in enumerate(flags):
        if word == "--lang" and index + 1 < len(flags):
            asked = flags[index + 1]
            break
        if word.startswith("--lang="):
            asked = word.removeprefix("--lang=")
            break
    return asked if asked in LANGUAGES else ""


def _build() -> argparse.ArgumentParser:
    usage = "\n".join(
        (
            "gptchat [OPTIONS]                    " + _("chat"),
            "       gptchat [OPTIONS] PROMPT...          " + _("one question, one answer"),
            "       ... | gptchat [OPTIONS] [PROMPT...]  " + _("standard input is the question, or follows it"),
            "       gptchat [OPTIONS] /COMMAND [ARGS]    " + _("run one slash command"),
        )
    )
    parser = _Parser(
        prog="gptchat",
        usage=usage,
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
        description=_("A chat in the terminal: several people, saved sessions, streamed Markdown"),
        epilog=_("in the chat, /help lists the commands"),
    )
    parser.add_argument("prompt", nargs="*", metavar="PROMPT", help=argparse.SUPPRESS)
    options = parser.add_argument_group("options")
    add = options.add_argument
    add("-u", "--user", metavar="NAME", help=_("whose sessions and settings (default: the last user)"))
    add("-p", "--provider", metavar="NAME", default="", help=_("who answers: openai, azure, gptplus, demo, ..."))
    add("-m", "--model", metavar="NAME", default="", help=_("the model (Azure: the deployment)"))
    add(
        "-s",
        "--session",
        metavar="REF",
        default=None,
        help=_("open a saved session: id, number or words of its title"),
    )
    add("-c", "--continue", dest="latest", action="store_true", help=_("open this user's latest session"))
    add("--system", metavar="TEXT", default=None, help=_("the system prompt"))
    add("--preset", metavar="NAME", default="", help=_("a saved bundle of system prompt and parameters"))
    add("-o", "--set", metavar="KEY=VALUE", dest="settings", action="append", default=[],
        help=_("any setting for this run; may be repeated"))  # fmt: skip
    add("-a", "--attach", metavar="FILE|URL", dest="attachments", action="append", default=[],
        help=_("attach to the first message; may be repeated"))  # fmt: skip
    add("--json", action="store_true", help=_("answers and results as one JSON document"))
    add("--raw", action="store_true", help=_("the reply exactly as received"))
    add("--no-stream", dest="stream", action="store_false", help=_("ask for the whole reply at once"))
    add("--incognito", action="store_true", help=_("nothing of this run is saved"))
    add("--config", metavar="FILE", default="", help=_("settings file instead of the usual one"))
    add("--data-dir", metavar="DIR", default="", help=_("data folder instead of the usual one"))
    add("--lang", choices=LANGUAGES, default="", help=_("language of the program (default: from the locale)"))
    add("--debug", action="store_true", help=_("tracebacks, and a log file without keys"))
    add("--version", action="version", version=f"gptchat {__version__}", help=_("show the version and leave"))
    add("-h", "--help", action="help", help=_("show this help and leave"))
    return parser


def wants_json(argv: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; read even from one that cannot be parsed, for its error's sake."""
    return "--json" in _split(argv)[0]
