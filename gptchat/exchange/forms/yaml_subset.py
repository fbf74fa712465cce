"""Reads the YAML that programs write by themselves: mappings, lists, quoted and block texts, flow values.

Anchors, tags and several documents are not read: such files are refused with ValueError.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#\[\]{},"'&*!|>%@`-][^#\[\]{},]*?|-[^\s:][^:]*?)\s*:(?:\s+|\Z)"""
)
_NUMBER = re.compile(r"[-+]?(?:\d+|\d*\.\d+|\d+\.\d*)(?:[eE][-+]?\d+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False, "{}": {}, "[]": []}
_DEEPEST = 60


def load(source: str) -> Any:
    """The value of the document `source`. Raises ValueError."""
    lines = source.replace("\r\n", "\n").split("\n")
    reader = _Yaml([line for line in lines if line.strip() != "---"])
    value = reader.block(-1, 0)
    reader.skip()
    if reader.at < len(reader.lines):
        raise ValueError(f"line {reader.at + 1}")
    return value


class _Yaml:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def skip(self) -> None:
        """Go to the next line that is neither blank nor a comment."""
        while self.at < len(self.lines) and (not (line := self.lines[self.at].strip()) or line.startswith("#")):
            self.at += 1

    def block(self, above: int, depth: int) -> Any:
        """The value of the lines that are indented by more than `above`."""
        self.skip()
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if self.at >= len(self.lines):
            return None
        line = self.lines[self.at]
        indent = _indent(line)
        if indent <= above:
            return None
        body = line[indent:]
        if body == "-" or body.startswith("- "):
            return self._list(indent, depth)
        if _KEY.match(body):
            return self._mapping(indent, depth)
        self.at += 1
        return self._scalar(body, above)

    def _list(self, indent: int, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            self.skip()
            if self.at >= len(self.lines) or _indent(self.lines[self.at]) != indent:
                return found
            body = self.lines[self.at][indent:]
            if not (body == "-" or body.startswith("- ")):
                return found
            inner = body[1:].lstrip(" ")
            if not inner:
                self.at += 1
                found.append(self.block(indent, depth + 1))
                continue
            offset = indent + len(body) - len(inner)
            if _KEY.match(inner) or inner.startswith("- "):
                self.lines[self.at] = " " * offset + inner
                found.append(self.block(indent, depth + 1))
            else:
                self.at += 1
                found.append(self._scalar(inner, indent))

    def _mapping(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            self.skip()
            if self.at >= len(self.lines) or _indent(self.lines[self.at]) != indent:
                return found
            body = self.lines[self.at][indent:]
            match = _KEY.match(body)
            if match is None:
                return found
            rest = body[match.end() :].strip()
            self.at += 1
            key = _plain(match[1])
            if rest and not rest.startswith("#"):
                found[str(key)] = self._scalar(rest, indent)
                continue
            self.skip()
            after = self.lines[self.at] if self.at < len(self.lines) else ""
            level = indent - 1 if after[indent:].startswith("-") and _indent(after) == indent else indent
            found[str(key)] = self.block(level, depth + 1)

    def _scalar(self, words: str, indent: int) -> Any:
        if words[0] in "|>":
            return self._text(words, indent)
        if words[0] in "&*!":
            raise ValueError("anchors and tags")
        if words[0] in "\"'":
            while not _closed(words) and self.at < len(self.lines):
                line = self.lines[self.at].strip()
                if words.endswith("\\") and words[0] == '"':
                    words = words[:-1] + line
                else:
                    words = words + ("\n" if not line or words.endswith("\n") else " ") + line
                self.at += 1
            return _plain(words)
        while self.at < len(self.lines) and words[0] not in "[{":  # a plain text that goes on
            line = self.lines[self.at]
            if not line.strip() or _indent(line) <= indent or line.strip().startswith("#"):
                break
            words += " " + line.strip()
            self.at += 1
        return _plain(words)

    def _text(self, head: str, above: int) -> str:
        """The text of a block: `|` keeps line ends, `>` folds them."""
        given = re.search(r"\d", head)
        indent = max(above, 0) + int(given[0]) if given else 0
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip():
                if not indent:
                    indent = _indent(line)
                if _indent(line) <= above or _indent(line) < indent:
                    break
            taken.append(line[indent:] if indent else "")
            self.at += 1
        ends = len(taken)
        while ends and not taken[ends - 1].strip():
            ends -= 1
        words = "\n".join(taken[:ends])
        if head[0] == ">":
            words = re.sub(r"(?<=\S)\n(?=\S)", " ", words)
            words = re.sub(r"\n\n", "\n", words)
        if "-" in head:
            return words
        return words + ("\n" * (len(taken) - ends + 1) if "+" in head else "\n" if words else "")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _closed(words: str) -> bool:
    if words[0] == '"':
        return re.match(r'"(?:[^"\\]|\\.)*"', words, re.DOTALL) is not None
    return re.match(r"'(?:[^']|'')*'(?!')", words, re.DOTALL) is not None


def _plain(words: str) -> Any:
    """The value of a scalar on one line."""
    if words[:1] == '"':
        match = re.match(r'"(?:[^"\\]|\\.)*"', words, re.DOTALL)
        if match is None:
            raise ValueError("a text that does not end")
        body = re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", match[0])
        body = re.sub(r"\\U([0-9a-fA-F]{8})", lambda one: json.dumps(chr(int(one[1], 16)))[1:-1], body)
        body = re.sub(r"\\([0ae v])", lambda one: f"\\u{_ESCAPES[one[1]]:04x}", body)
        return json.loads(body, strict=False)
    if words[:1] == "'":
        return words.rstrip()[1:-1].replace("''", "'")
    words = re.split(r"\s#", words, maxsplit=1)[0].strip()
    if words in _WORDS:
        return _WORDS[words]
    if words[:1] in "[{":
        try:
            return json.loads(words)
        except (ValueError, RecursionError):
            return words
    if _NUMBER.match(words) and len(words) < 40:
        return float(words) if re.search("[.eE]", words) else int(words)
    return words


_ESCAPES = {"0": 0, "a": 7, "e": 27, " ": 32, "v": 11}
