"""How a typed line is read: full-width characters, slash words, and a command's flags and quoted words."""

from __future__ import annotations

import unicodedata
from collections.abc import Container

from gptchat.core.origin import SIGN_OF


def half_width(text: str) -> str:
    """`text` with its full-width letters, digits and signs as those of ASCII, as commands and answers are read."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def slash_word(word: str) -> str:
    """The name in `word` if that is a slash and what could be a command's name, known or not; else empty.

    A name is of letters, in any script, and digits; `?` is one, too. A path or a comment is none.
    """
    name = half_width(word[1:])
    if SIGN_OF.get(word[:1]) != "command" or not (name[:1].isalpha() or name[:1] == "?"):
        return ""
    return name if all(map(_is_of_names, name[1:])) else ""


def _is_of_names(character: str) -> bool:
    """Whether `character` may stand in a name: a letter, its mark, a digit, `-` or `_`."""
    return character.isalnum() or character in "-_" or unicodedata.category(character)[0] == "M"


def take_flags(known: Container[str], rest: str, actions: Container[str] = ()) -> tuple[frozenset[str], str]:
    """The flags, of those `known`, and the words of `rest` without them.

    Flags stand before the words, after them as in a shell, or behind the first word if that is one of `actions`.
    """
    flags: set[str] = set()
    while rest:
        first, last = rest.split(None, 1), rest.rsplit(None, 1)
        if (flag := _dashes(first[0])) in known:
            rest = "".join(first[1:])
        elif (flag := _dashes(last[-1])) in known:
            rest = "".join(last[:-1])
        elif first[0] in actions and (flag := _dashes(first[-1].split(None, 1)[0])) in known:
            rest = " ".join([first[0], *first[-1].split(None, 1)[1:]])
        else:
            break
        flags.add(flag)
    return frozenset(flags), rest


def _dashes(word: str) -> str:
    """`word` with its dashes as those of ASCII; input methods for Chinese type a dash of two columns."""
    return half_width(word).replace("—", "-")


def take_word(rest: str) -> tuple[str, str]:
    """The first word of `rest`, quoted as in a shell, and what follows it. Raises ValueError for an open quote."""
    if not rest:
        return "", ""
    if rest[0] == "“" and "”" in rest:
        word, _end, rest = rest[1:].partition("”")
        return word, rest.strip()
    if rest[0] not in "'\"":
        # A backslash is left alone here: it is what Windows paths are made of.
        parts = rest.split(None, 1)
        return parts[0], parts[1] if len(parts) > 1 else ""
    import shlex

    lexer = shlex.shlex(rest, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    word = lexer.get_token() or ""
    return word, "".join(iter(lambda: lexer.instream.read(1), "")).strip()
