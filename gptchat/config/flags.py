"""The command line: flags as a typed value; each is declared once, here or beside the setting that it sets."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from gptchat import __version__
from gptchat.config.schema import SETTINGS
from gptchat.config.setting import Flag, Setting
from gptchat.errors import UsageError
from gptchat.values import dataclass, field, fields
from gptchat.words import LANGUAGES, N_, _

T = TypeVar("T")


SHELLS = ("bash", "zsh", "fish")
"""The shells that there is a completion script for."""


def option(
    default: T, sentence: str, metavar: str = "", short: str = "", *, name: str = "", choices: tuple[str, ...] = ()
) -> T:
    """A field of `Options` that an option of the command line gives, in the words of `Flag`."""
    return field(default=default, metadata={"flag": Flag(sentence, metavar, short, name, choices)})


@dataclass(frozen=True, eq=False, repr=False)
class Options:
    """What the command line asks for."""

    prompt: str = ""
    apart: bool = True
    """Whether the first word of the prompt is an argument of its own."""
    user: str | None = option(
        None, N_("whose sessions and settings, in this run (default: the last user)"), "NAME", "-u"
    )
    create_user: bool = option(False, N_("make a person of a name that -u does not find"))
    values: Mapping[str, Any] = field(default_factory=dict)
    """Settings by key, from the options that are declared with them; the help shows these here."""
    session: str = option("", N_("open a saved session: id, number or words of its title"), "REF", "-s")
    latest: bool = option(False, N_("open this user's latest conversation"), short="-c", name="--continue")
    last: bool = option(False, N_("open this user's last one-shot question"))
    system: str | None = option(None, N_("the system prompt"), "TEXT")
    settings: tuple[str, ...] = option(
        (), N_("any setting for this run; may be repeated"), "KEY=VALUE", "-o", name="--set"
    )
    variables: tuple[str, ...] = option(
        (), N_("fill {KEY} of the preset or own command; may be repeated"), "KEY=VALUE", name="--var"
    )
    piped: str = ""
    """Standard input, where it belongs to the question."""
    attachments: tuple[str, ...] = option(
        (), N_("attach to the first message; may be repeated"), "FILE|URL", "-a", name="--attach"
    )
    schema: str = option(
        "", N_("the answer is JSON that fits: a JSON Schema, or `name, age int, tags: list`"), "FILE|DSL"
    )
    json: bool = option(False, N_("answers and results as one JSON document"))
    stream: bool = option(True, N_("ask for the whole reply at once"), name="--no-stream")
    incognito: bool = option(False, N_("nothing of this run is saved"))
    config: str = option("", N_("settings file instead of the usual one"), "FILE")
    data_dir: str = option("", N_("data folder instead of the usual one"), "DIR")
    debug: bool = option(False, N_("tracebacks, and a log file without keys"))
    completion: str = option("", N_("print the completion script for a shell"), choices=SHELLS)


@dataclass(frozen=True, slots=True)
class Declared:
    """An option of the command line; `target` is the field of `Options` or the setting that gets its value."""

    target: str
    type: type
    flag: Flag
    of_setting: bool = False

    @property
    def names(self) -> list[str]:
        """`["-p", "--provider"]`."""
        name = self.flag.name or "--" + self.target.rpartition(".")[2].replace("_", "-")
        return [self.flag.short, name] if self.flag.short else [name]

    @property
    def usage(self) -> str:
        """`-p, --provider NAME`."""
        return f"{', '.join(self.names)} {self.flag.metavar or '|'.join(self.flag.choices)}".rstrip()

    def refuse(self, problem: str) -> UsageError:
        """The error for a wrong use of the option; `problem` has a placeholder for its name."""
        choices = _(", ").join(self.flag.choices)
        return _refusal(problem.format(option="/".join(self.names), choices=choices))


_LEAVING = (
    Declared("version", bool, Flag(N_("show the version and leave"))),
    Declared("help", bool, Flag(N_("show this help and leave"), short="-h")),
)


def declared() -> Iterator[Declared]:
    """Every option but --version and --help, in the order of the help."""
    for entry in fields(Options):
        if entry.name == "values":
            for key, setting in SETTINGS.items():
                if setting.flag is not None:
                    yield Declared(key, type(setting.default), setting.flag, of_setting=True)
        elif "flag" in entry.metadata:
            yield Declared(entry.name, type(entry.default), entry.metadata["flag"])


def ways(setting: Setting, key: str) -> list[str]:
    """The options of the command line and the environment variable that set `setting`, which is `key` in full."""
    found = []
    if setting.flag is not None:
        found += Declared(key, type(setting.default), setting.flag, of_setting=True).names
    if setting.variable and (not setting.builtin or key.startswith(f"providers.{setting.builtin}.")):
        found += [setting.variable, *setting.older]
    return found


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; raises UsageError, and SystemExit for --help and --version."""
    known = {name: option for option in (*declared(), *_LEAVING) for name in option.names}
    before, after = _split(argv)
    given: dict[str, Any] = {}
    values: dict[str, Any] = {}
    said: list[str] = []
    unknown: list[str] = []
    queue = deque(before)
    while queue:
        word = queue.popleft()
        option, value = _option(word, known)
        into = values if option and option.of_setting else given
        if option is None:
            said.append(word)
            if not _plain(word):
                unknown.append(word)
        elif option in _LEAVING:
            print(_help() if option.target == "help" else f"gptchat {__version__}")
            raise SystemExit(0)
        elif option.type is bool:
            if value and not word.startswith("--") and f"-{value[0]}" in known:
                queue.appendleft(f"-{value}")  # short ones written together: -cs REF
            elif value is not None:
                raise option.refuse(_("{option} takes no value"))
            into[option.target] = not option.flag.name.startswith("--no-")
        else:
            if value is None and queue and _option(queue[0], known)[0] is None and _plain(queue[0]):
                value = queue.popleft()
            # A script's unset variable must not begin another session without a word.
            if value is None or (option.target in ("session", "schema") and not value.strip()):
                raise option.refuse(_("{option} needs a value"))
            if option.flag.choices and value not in option.flag.choices:
                raise option.refuse(_("{option} takes one of {choices}"))
            into[option.target] = (*into.get(option.target, ()), value) if option.type is tuple else value
    if unknown and not said[0].startswith("/"):  # else it is of the slash command: `gptchat /delete --forever 3`
        raise _refusal(_("unknown option {name}").format(name=unknown[0]))
    values = {key: value for key, value in values.items() if value}
    words = [*said, *after]
    return Options(
        " ".join(words), apart=not words or not re.search(r"\s", words[0].strip()), values=values, **given
    )


def _option(word: str, known: Mapping[str, Declared]) -> tuple[Declared | None, str | None]:
    """The option that `word` names, if any, and a value contained in it: `--user=bob`, `-ubob`."""
    name, equals, value = word.partition("=")
    if name in known:
        return known[name], value if equals else None
    if not word.startswith("--") and word[:2] in known:
        return known[word[:2]], word[2:]
    return None, None


def _plain(word: str) -> bool:
    """Whether a word that is not a known option is part of the prompt, rather than an unknown option."""
    return not word.startswith("-") or word == "-" or " " in word or re.fullmatch(r"-\d*\.?\d+", word) is not None


def _refusal(message: str) -> UsageError:
    return UsageError(message, hint=_("gptchat --help shows every option"))


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before a bare `--`, and those after it, which always belong to the prompt."""
    end = argv.index("--") if "--" in argv else len(argv)
    return list(argv[:end]), list(argv[end + 1 :])


def before_prompt(
    argv: Sequence[str], known: Mapping[str, Declared]
) -> tuple[list[str], list[str], Declared | None]:
    """The words of `argv` that are no options, the options with their values, and one that lacks its value.

    That one is the last word, if any, and is not among the options. `known` are all options by all their names.
    For a line that is being typed: nothing is refused.
    """
    flags, after = _split(argv)
    said: list[str] = []
    given: list[str] = []
    pending: Declared | None = None
    for word in flags:
        option, value = (None, None) if pending is not None else _option(word, known)
        if pending is None and option is None:
            said.append(word)
            continue
        given.append(word)
        pending = option if option is not None and option.type is not bool and value is None else None
    if "--" in argv:
        return [*said, "--", *after], given, None
    return said, given[:-1] if pending is not None else given, pending


def asked_language(argv: Sequence[str]) -> str:
    """The language that the flags ask for, read before the parser is built so that --help speaks it.

    Empty where they ask for none that there is: the refusal is then told in the language of the environment.
    """
    flags, _said = _split(argv)
    for word, following in zip(flags, [*flags[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name == "--lang":
            asked = value if equals else following
            return asked if asked in LANGUAGES else ""
    return ""


def _help() -> str:
    """What --help shows, as wide as the terminal."""
    import shutil  # only here: other runs need neither

    from gptchat.core.width import wrapped

    ways = (
        ("gptchat [OPTIONS]", _("chat")),
        ("gptchat [OPTIONS] PROMPT...", _("one question, one answer")),
        ("... | gptchat [OPTIONS] [PROMPT...]", _("standard input is the question, or follows it")),
        ("gptchat [OPTIONS] /COMMAND [ARGS]", _("run one slash command")),
    )
    columns = max(shutil.get_terminal_size().columns - 2, 40)
    options = (*declared(), *_LEAVING)
    indent = max(len(option.usage) for option in options) + 4
    lines = [f"{' ' * 7}{way:<37}{meaning}" for way, meaning in ways]
    lines[0] = _("usage: ") + lines[0].lstrip()
    lines += [
        "",
        *wrapped(_("A chat in the terminal: several people, saved sessions, streamed Markdown"), columns),
    ]
    lines += ["", _("options:")]
    for option in options:
        first, *others = wrapped(option.flag.summary, columns - indent)
        lines.append(f"  {option.usage}".ljust(indent) + first)
        lines += [" " * indent + other for other in others]
    return "\n".join([*lines, "", _("in the chat, /help lists the commands")])


def wants_json(argv: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; read even from one that cannot be parsed, for its error's sake."""
    return "--json" in _split(argv)[0]
