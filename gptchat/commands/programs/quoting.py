"""Strings and values as literals of programming languages."""

from __future__ import annotations

import json
import re
from typing import Any

_ODD = re.compile(r"[^ -~\w\n]|[^\S \n]")


def _hidden(character: str) -> bool:
    return character != "\n" and not character.isprintable()


def joined(text: str) -> str:
    """`text` with surrogates joined to characters; a single one, which no UTF-8 has, becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def document(value: Any, *avoided: str) -> str:
    """`value` as an indented JSON document, all of whose characters can be seen; `avoided` ones are escaped, too.

    What a language's literal cannot hold is thus written as JSON writes it.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(
        json.dumps(one)[1:-1] if _hidden(one) else f"\\u{ord(one):04x}" if one in avoided else one for one in text
    )


def escaped(text: str, special: str, short: str, wide: str) -> str:
    """`text` between double quotes: characters of `special` behind a backslash, hidden ones by their number.

    `short` and `wide` are formats for code points up to U+FFFF and above.
    """
    plain = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}

    def one(character: str) -> str:
        if character in plain:
            return plain[character]
        if character in special:
            return "\\" + character
        if _hidden(character):
            number = ord(character)
            return (short if number < 1 << 16 else wide).format(number)
        return character

    return '"' + "".join(map(one, joined(text))) + '"'


def go(text: str) -> str:
    """A string of Go."""
    return escaped(text, '"\\', "\\u{:04x}", "\\U{:08x}")


def java(text: str) -> str:
    """A string of Java or C#, which both escape as JSON does."""
    return json.dumps(joined(text))


def ruby(value: Any, indent: int = 0) -> str:
    """A value of Ruby; keys of hashes are symbols where they can be without quotes, else strings."""
    match value:
        case None:
            return "nil"
        case str():
            return escaped(value, '"\\#', "\\u{{{:x}}}", "\\u{{{:x}}}")
        case dict():
            return _nested("{", [f"{_ruby_key(key)}{ruby(one, indent + 2)}" for key, one in value.items()], indent)
        case list():
            return _nested("[", [ruby(one, indent + 2) for one in value], indent)
        case _:
            return json.dumps(value)


def _ruby_key(key: str) -> str:
    return f"{key}: " if re.fullmatch(r"[a-z_][a-z0-9_]*", key, re.ASCII) else f"{ruby(key)} => "


def php(value: Any, indent: int = 0) -> str:
    """A value of PHP: a list is an array, and so is an object where it is encoded as one again."""
    match value:
        case None:
            return "null"
        case str():
            if any(map(_hidden, value)) or "\n" in value:
                return escaped(value, '"\\$', "\\u{{{:x}}}", "\\u{{{:x}}}")
            return "'" + joined(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
        case dict():
            rows = [f"{php(key)} => {php(one, indent + 4)}" for key, one in value.items()]
            text = _nested("[", rows, indent, 4)
            # an empty array, or one with whole numbers for keys, would be encoded as a list
            listed = all(re.fullmatch(r"-?[0-9]+", key, re.ASCII) for key in value)
            return f"(object) {text}" if listed else text
        case list():
            return _nested("[", [php(one, indent + 4) for one in value], indent, 4)
        case _:
            return json.dumps(value)


def _nested(opening: str, rows: list[str], indent: int, step: int = 2) -> str:
    closing = {"[": "]", "{": "}"}[opening]
    if not rows:
        return opening + closing
    blank = " " * (indent + step)
    return f"{opening}\n" + "".join(f"{blank}{row},\n" for row in rows) + " " * indent + closing
