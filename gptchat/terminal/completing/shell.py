"""Answers a shell's Tab: the candidates for the last word of a command line that runs gptchat."""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING

from gptchat.config.flags import Declared, before_prompt, declared, parse
from gptchat.core.safe import clean
from gptchat.errors import GptchatError
from gptchat.terminal.completing.place import Candidate, Place, offered, place_in, quoted
from gptchat.values import dataclass, field
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gptchat.commands.program import Program
    from gptchat.config.flags import Options

    Compose = Callable[[Options], Program]

_WAIT = 1.0  # seconds at most for names that a thread reads from the disk
_FILES = frozenset(("attachments", "config", "data_dir"))
"""Options whose value is a file or folder."""
_COMMANDS: Mapping[str, str] = {
    "user": "user",
    "session": "resume",
    "settings": "set",
    "provider": "provider",
    "model": "model",
    "preset": "preset",
}
"""The slash command whose argument is the value of an option."""


@dataclass(slots=True)
class Offered:
    """What a shell may offer for the word at the cursor. `files` says that files are possible as well."""

    candidates: list[Candidate] = field(default_factory=list)
    files: bool = False

    @property
    def unfinished(self) -> bool:
        """Whether a candidate is to be typed on, so that no blank belongs behind it."""
        return any(one.text.endswith("=") for one in self.candidates)

    def lines(self, cut: int = 0) -> list[str]:
        """The lines that the shell's script reads; each candidate without its first `cut` characters."""
        lines = [":files"] if self.files else []
        lines += [":nospace"] if self.unfinished else []
        for one in self.candidates:
            note = one.display if one.display not in ("", one.text) else one.meta
            text, note = (clean(" ".join(part.split()), newlines=False) for part in (one.text[cut:], note))
            lines.append(f"{text}\t{note}" if note else text)
        return lines


def main(shell: str, arguments: Sequence[str], compose: Compose, breaks: str = "") -> None:
    """Print the answer to a Tab in `shell`; prints nothing where something is wrong, as nobody asked for words.

    `arguments` are the words behind the program's name, the last one being completed; for bash the whole line
    up to the cursor. `compose` builds the program; `breaks` are the signs at which bash splits words.
    """
    words = split(arguments[0])[1:] if shell == "bash" and arguments else list(arguments)
    current = words[-1] if words else ""
    try:
        answer = complete(words[:-1], current, compose)
    except GptchatError:
        return
    cut = max((current.rfind(sign) for sign in "=:" if sign in breaks), default=-1) + 1
    if shell == "fish":
        answer.candidates = [one for one in answer.candidates if one.text.startswith(current)]
    sys.stdout.write("".join(f"{line}\n" for line in answer.lines(cut if shell == "bash" else 0)))


def split(line: str) -> list[str]:
    """The words of a shell's line up to the cursor; the last one may be empty, or lack its closing quote."""
    import shlex

    words: list[str] = []
    for closing in ("", '"', "'"):
        try:
            words = shlex.split(line + closing)
            break
        except ValueError:
            continue
    if not line or (line[-1].isspace() and not closing):
        words.append("")
    return words or [""]


def complete(before: Sequence[str], current: str, compose: Compose) -> Offered:
    """What `current` may become behind the words `before`. Raises GptchatError for a line that cannot be meant."""
    known = {name: option for option in declared() for name in option.names}
    said, options, pending = before_prompt(before, known)
    if pending is not None:
        return _value(pending, current, "", options, compose)
    if said and said[0].startswith("/"):
        return _of_command(said, current, options, compose)
    if not said and current.startswith("/"):
        registry = _composed(options, compose).registry
        named = [name for name in registry.names() if f"/{name}".startswith(current)]
        commands = [command for name in named if (command := registry.get(name)) and command.name == name]
        return Offered([Candidate(f"/{command.name}", meta=_(command.summary)) for command in commands])
    if current.startswith("@"):
        return Offered(files=True)
    if current.startswith("-"):
        name, equals, _typed = current.partition("=")
        if equals and name in known:
            return _value(known[name], current, f"{name}=", options, compose)
        return Offered(_beginning(_options(known), current))
    return Offered(files=not said)


def _options(known: Mapping[str, Declared]) -> list[Candidate]:
    return [
        *(Candidate(name, meta=option.flag.summary) for name, option in known.items() if name.startswith("--")),
        Candidate("--help"),
        Candidate("--version"),
    ]


def _value(option: Declared, current: str, prefix: str, options: Sequence[str], compose: Compose) -> Offered:
    """Values of `option`; `prefix` is the part of `current` before the value: empty, or `--name=`.

    They are those of the slash command that takes the same.
    """
    if option.flag.choices:
        return Offered(_beginning([Candidate(f"{prefix}{choice}") for choice in option.flag.choices], current))
    if option.target in _FILES:
        return Offered(files=True)
    name = _COMMANDS.get(option.target, "")
    if not name:
        return Offered()
    program, typed, ending = _composed(options, compose), current.removeprefix(prefix), ""
    if name == "preset":
        found: Sequence[Candidate] = [Candidate(one) for one in program.services.settings.preset_names()]
    else:
        key, equals, typed = typed.partition("=") if name == "set" else ("", "", typed)
        if name == "set" and not equals:
            key, typed, ending = "", key, "="
        prefix += f"{key}{equals}"
        command = program.registry.get(name)
        place = place_in(command, f"{key} {typed}".lstrip()) if command is not None else None
        found = _found(place, program) if place is not None else ()
    chosen = [Candidate(f"{prefix}{one.text}{ending}", one.display, one.meta) for one in found]
    return Offered(_beginning(chosen, current))


def _of_command(said: Sequence[str], current: str, options: Sequence[str], compose: Compose) -> Offered:
    """What may follow the slash command that `said` begins with."""
    program = _composed(options, compose)
    command = program.registry.get(said[0])
    if command is None:
        return Offered()
    rest = "".join(f"{quoted(word, '')} " for word in said[1:])
    place = place_in(command, rest + current)
    if place is None:
        return Offered()
    adds = place.argument.kind == "collection" and place.call.get("action") == "add"
    if place.argument.kind == "file" or adds:
        return Offered(files=True)
    found = _found(Place(place.argument, current, place.call), program)
    if not current and command.flags and not place.call.values:
        found = [*found, *(Candidate(flag, meta=_(about)) for flag, about in command.flags.items())]
    return Offered(_beginning(found, current))


def _found(place: Place, program: Program) -> Sequence[Candidate]:
    if place.argument.kind == "user":
        return [Candidate(name) for name in program.services.people.names()]
    from gptchat.terminal.input.candidates import ChatCandidates

    source = ChatCandidates(program)
    read = Event()
    source.ready = read.set
    found = offered(place, program.registry, source)
    if source.reading:
        read.wait(_WAIT)
        found = offered(place, program.registry, source)
    return found


def _beginning(found: Sequence[Candidate], current: str) -> list[Candidate]:
    """Those that begin with `current`, or else those of which a word of the title does."""
    begin = [one for one in found if one.text.startswith(current)]
    wanted = current.lower()
    return begin or [one for one in found if wanted in one.display.lower()]


def _composed(options: Sequence[str], compose: Compose) -> Program:
    return compose(parse(options))
