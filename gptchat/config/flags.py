"""The command line: flags as a typed value; each is declared once, here or beside the setting that it sets."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, NoReturn, TypeVar

from gptchat import __version__
from gptchat.config.schema import SETTINGS
from gptchat.config.setting import Flag
from gptchat.errors import UsageError
from gptchat.words import LANGUAGES, N_, _

T = TypeVar("T")


def option(default: T, sentence: str, metavar: str | None = None, short: str = "", *, name: str = "") -> T:
    """A field of `Options` that an option of the command line gives, in the words of `Flag`."""
    return field(default=default, metadata={"flag": Flag(sentence, metavar, short, name)})


@dataclass(frozen=True, eq=False, repr=False)
class Options:
    """What the command line asks for."""

    prompt: str = ""
    user: str | None = option(None, N_("whose sessions and settings (default: the last user)"), "NAME", "-u")
    values: Mapping[str, Any] = field(default_factory=dict)
    """Settings by key, from the options that are declared with them; the help shows these here."""
    session: str = option("", N_("open a saved session: id, number or words of its title"), "REF", "-s")
    latest: bool = option(False, N_("open this user's latest session"), short="-c", name="--continue")
    system: str | None = option(None, N_("the system prompt"), "TEXT")
    settings: tuple[str, ...] = option(
        (), N_("any setting for this run; may be repeated"), "KEY=VALUE", "-o", name="--set"
    )
    attachments: tuple[str, ...] = option(
        (), N_("attach to the first message; may be repeated"), "FILE|URL", "-a", name="--attach"
    )
    json: bool = option(False, N_("answers and results as one JSON document"))
    stream: bool = option(True, N_("ask for the whole reply at once"), name="--no-stream")
    incognito: bool = option(False, N_("nothing of this run is saved"))
    config: str = option("", N_("settings file instead of the usual one"), "FILE")
    data_dir: str = option("", N_("data folder instead of the usual one"), "DIR")
    debug: bool = option(False, N_("tracebacks, and a log file without keys"))


class Declared(NamedTuple):
    """An option of the command line; `target` is the field of `Options` or the setting that gets its value."""

    target: str
    type: type
    flag: Flag

    @property
    def names(self) -> list[str]:
        """`["-p", "--provider"]`."""
        name = self.flag.name or "--" + self.target.rpartition(".")[2].replace("_", "-")
        return [self.flag.short, name] if self.flag.short else [name]


def declared() -> Iterator[Declared]:
    """Every option but --version and --help, in the order of the help."""
    for entry in fields(Options):
        if entry.name == "values":
            for key, setting in SETTINGS.items():
                if setting.flag is not None:
                    yield Declared(key, type(setting.default), setting.flag)
        elif "flag" in entry.metadata:
            yield Declared(entry.name, type(entry.default), entry.metadata["flag"])


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
        raise UsageError(self._translated(message), hint=_("gptchat --help shows every option"))

    def _translated(self, message: str) -> str:
        """One of argparse's own messages (3.11 to 3.14) in our words; any other message as it is."""
        match = re.fullmatch(
            r"argument (\S+): (expected one|ignored explicit|invalid choice).*", message, re.DOTALL
        )
        if match is None:
            return message
        told = {
            "expected one": _("{option} needs a value"),
            "ignored explicit": _("{option} takes no value"),
            "invalid choice": _("{option} takes one of {choices}"),
        }
        choices = self._option_string_actions[match[1].rpartition("/")[2]].choices or ()
        return told[match[2]].format(option=match[1], choices=_(", ").join(choices))


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; raises UsageError, and SystemExit for --help and --version."""
    parser = _build()
    flags, said = _split(argv)
    namespace, unknown = parser.parse_known_intermixed_args(flags)
    given: dict[str, Any] = vars(namespace)  # only what was said; the rest is as `Options` declares it
    said = given.pop("prompt") + said
    if unknown:
        if not said or not said[0].startswith("/"):
            parser.error(_("unknown option {name}").format(name=unknown[0]))
        # A flag of the slash command itself, as in `gptchat /delete --forever 3`.
        said = _as_typed(flags, said, unknown)
    if "session" in given and not given["session"].strip():
        # A script's unset variable: it must not begin another session without a word.
        parser.error(_("{option} needs a value").format(option="-s/--session"))
    values = {key: value for key in SETTINGS if (value := given.pop(key, None))}
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return Options(" ".join(said), values=values, **{**given, **lists})


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
    add = parser.add_argument_group("options").add_argument
    for one in declared():
        how: dict[str, Any] = {"metavar": one.flag.metavar, "choices": one.flag.choices}
        if one.type is bool:
            how = {"action": "store_false" if one.flag.name.startswith("--no-") else "store_true"}
        elif one.type is tuple:
            how["action"] = "append"
        add(*one.names, dest=one.target, default=argparse.SUPPRESS, help=one.flag.summary, **how)
    add("--version", action="version", version=f"gptchat {__version__}", help=_("show the version and leave"))
    add("-h", "--help", action="help", help=_("show this help and leave"))
    return parser


def wants_json(argv: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; read even from one that cannot be parsed, for its error's sake."""
    return "--json" in _split(argv)[0]
