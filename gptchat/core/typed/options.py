"""Options behind the words of a command: `FILE --jobs 8 --output a.jsonl`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping

from gptchat.errors import UsageError
from gptchat.words import _


def take_options(
    rest: str, valued: Collection[str], flags: Collection[str], usage: str
) -> tuple[str, Mapping[str, list[str]]]:
    """What stands before the first option in `rest`, and the options with their values, in order.

    Options of `valued` take the next word or what follows `=`; those of `flags` none. A file's name may have
    blanks and dashes, so that an option begins where one of these names stands. Raises UsageError with `usage`.
    """
    names = "|".join(re.escape(name) for name in (*valued, *flags))
    found = re.search(rf"(?:^|\s)(?:{names})(?=[\s=]|$)", rest)
    head = (rest[: found.start()] if found else rest).strip()
    try:
        words = shlex.split(rest[found.start() :]) if found else []
    except ValueError:
        raise UsageError(_("the quote in {rest} is not closed").format(rest=rest), hint=usage) from None
    options: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if name:
            options.setdefault(name, []).append(word)
            name = ""
            continue
        key, equals, value = word.partition("=")
        if key in flags and not equals:
            options.setdefault(key, []).append("")
        elif key in valued and equals:
            options.setdefault(key, []).append(value)
        elif key in valued:
            name = key
        elif key.startswith("--"):
            raise UsageError(_("unknown option {name}").format(name=key), hint=usage)
        else:
            raise UsageError(_("nobody knows what to do with {rest}").format(rest=word), hint=usage)
    if name:
        raise UsageError(_("{name} needs a value").format(name=name), hint=usage)
    return head, options
