"""Converts LaTeX maths to readable Unicode, if that is possible without loss."""

from __future__ import annotations

import re

from gptchat.grammar.symbols import (
    ACCENTS,
    ALPHABETS,
    FUNCTIONS,
    IGNORED,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
)

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|\s+|.", re.DOTALL)
_SIMPLE = re.compile(
    r"\d+(?:\.\d+)?\Z|[d∂]?[^\W\d_][′²³⁰-₟ⁱ\u0300-\u036f\u20d7ᵢⱼₖₙ]*\Z|[^\W\d_]{3,}\Z|[∂d∞∑∏]?[^\W\d_]?\([^()]*\)\Z"
)
"""Operands of a fraction that need no brackets: a number, a letter with scripts, `dx`, a word, `f(x)`."""
_ENVIRONMENT = re.compile(
    r"\\begin\{(aligned|align\*?|gather\*?|equation\*?|split|cases|matrix|[pbvV]matrix|array)\}(?:\{[lcr|]*\})?(.*?)"
    r"\\end\{\1\}",
    re.DOTALL,
)
_BRACKETS = {"pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "vmatrix": ("|", "|"), "Vmatrix": ("‖", "‖")}
_AROUND_RELATION = re.compile(r"\s*([→=≠≤≥<>∈+−×])\s*")
_SUM = re.compile(r"[\s+−±∓=<>≤≥,/]")
_NESTED = re.compile(r"\([^()]*\)")
_LIMIT = 4000
"""A formula with more characters is shown as its source."""


class _Unknown(Exception):
    """Raised for an unknown or malformed command; the source is then more readable than a guess."""


def to_unicode(source: str) -> str | None:
    """`source` (LaTeX without the dollars) in Unicode; None if it is empty, too long, or partly not convertible.

    Rows of an aligned environment are separated by newlines, rows of a matrix by semicolons.
    """
    if len(source) > _LIMIT:
        return None
    try:
        text = _environments(source)
    except (_Unknown, RecursionError):
        return None
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line) or None


def _environments(source: str) -> str:
    parts: list[str] = []
    at = 0
    for match in _ENVIRONMENT.finditer(source):
        parts.append(_Reader(source[at : match.start()]).read())
        parts.append(_environment(match[1], match[2]))
        at = match.end()
    parts.append(_Reader(source[at:]).read())
    return "".join(parts)


def _environment(name: str, body: str) -> str:
    rows = [
        [_environments(cell).strip() for cell in re.split(r"(?<!\\)&", row)]
        for row in re.split(r"\\\\(?:\[[^]]*\])?", body)
    ]
    rows = [row for row in rows if any(row)]
    if "matrix" in name or name == "array":
        left, right = _BRACKETS.get(name, ("[", "]"))
        return "".join((left, "; ".join(" ".join(row) for row in rows), right))
    if name == "cases":
        return "{ " + "; ".join(", ".join(cell.rstrip(",") for cell in row) for row in rows) + " }"
    return "\n" + "\n".join(" ".join(row) for row in rows) + "\n"


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, source: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(source)
        self._at = 0

    def read(self, *, until: str = "") -> str:
        """The text up to the token `until`, which is consumed, or to the end.

        Raises _Unknown if `until` is missing.
        """
        parts: list[str] = []
        while self._at < len(self._tokens):
            part = self._next()
            if part == until:
                return "".join(parts)
            if part in "^_":
                parts.append(self._script(part))
            else:
                parts.append(self._piece(part))
        if until:
            raise _Unknown(until)
        return "".join(parts)

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _argument(self) -> str:
        while self._at < len(self._tokens) and self._tokens[self._at].isspace():
            self._at += 1
        if self._at >= len(self._tokens):
            raise _Unknown("missing argument")
        return self._piece(self._next())

    def _raw_argument(self) -> str:
        """The argument of `\\text` and similar commands, not converted."""
        if self._at >= len(self._tokens) or self._tokens[self._at] != "{":
            return self._argument()
        depth = 0
        parts: list[str] = []
        while self._at < len(self._tokens):
            part = self._next()
            depth += (part == "{") - (part == "}")
            if not depth:
                return "".join(parts[1:]).replace("\\ ", " ").replace("\\_", "_").replace("\\%", "%")
            parts.append(part)
        raise _Unknown("unclosed")

    def _piece(self, part: str) -> str:
        if part == "{":
            return self.read(until="}")
        if part in ("}", "&"):
            raise _Unknown(part)
        if part == "\\\\":
            return "\n"
        if part == "-":
            return "−"
        if part == "'":
            return "′"
        if part.isspace() or part == "~":
            return " "
        if not part.startswith("\\"):
            return part
        return self._command(part[1:])

    def _command(self, name: str) -> str:
        if name in SYMBOLS:
            if name in ("partial", "Delta") and self._at < len(self._tokens) and self._tokens[self._at].isspace():
                self._at += 1
            return SYMBOLS[name]
        if name in FUNCTIONS:
            follows = self._tokens[self._at] if self._at < len(self._tokens) else ""
            return name + (" " if follows[:1].isalnum() or follows[:1] == "\\" else "")
        if name in IGNORED:
            return ""
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            over, under = self._argument(), self._argument()
            return f"{_grouped(over, product=True)}/{_grouped(under)}"
        if name in ("binom", "dbinom", "tbinom"):
            return f"C({self._argument()}, {self._argument()})"
        if name == "sqrt":
            return self._root()
        if name in (
            "text",
            "textrm",
            "textbf",
            "textit",
            "mathrm",
            "operatorname",
            "operatorname*",
            "mbox",
            "texttt",
        ):
            return self._raw_argument()
        if name in ALPHABETS:
            return "".join(ALPHABETS[name].get(char, char) for char in self._argument())
        if name in ("mathbf", "boldsymbol", "mathit", "mathsf", "mathtt", "bm", "boxed", "mathop"):
            return self._argument()
        if name in ACCENTS:
            return "".join(char + ACCENTS[name] for char in self._argument())
        if name in ("left", "right"):
            bracket = self._next() if self._at < len(self._tokens) else "."
            return "" if bracket == "." else self._piece(bracket)
        if name in ("overset", "stackrel", "underset"):
            mark, base = self._argument(), self._argument()
            return base + _script("_" if name == "underset" else "^", mark)
        if name == "pmod":
            return f" (mod {self._argument()})"
        if name in ("tag", "label"):
            return f"  ({self._raw_argument()})"
        raise _Unknown(name)

    def _root(self) -> str:
        degree = ""
        if self._at < len(self._tokens) and self._tokens[self._at] == "[":
            self._next()
            degree = self.read(until="]")
        body = self._argument()
        sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(degree)
        if sign is None:
            sign = _script("^", degree) + "√"
        return sign + (body if len(body) == 1 or body.isdigit() else f"({body})")

    def _script(self, mark: str) -> str:
        return _script(mark, self._argument())


def _script(mark: str, body: str) -> str:
    """`body` as superscript or subscript: in Unicode characters if all of it has them, else as `^(body)`."""
    body = body.strip()
    if mark == "^" and body and set(body) <= {"′"}:
        return body
    if mark == "^" and body in ("∘", "°"):
        return "°"
    table = SUPERSCRIPTS if mark == "^" else SUBSCRIPTS
    body = _AROUND_RELATION.sub(r"\1", body)
    dense = body.replace(" ", "")
    if dense and all(char in table for char in dense):
        return "".join(table[char] for char in dense)
    return f"{mark}{body}" if len(body) == 1 else f"{mark}({body})"


def _grouped(text: str, *, product: bool = False) -> str:
    """`text` as an operand of a fraction: in brackets unless it is simple or, with `product`, a product."""
    text = text.strip()
    bare = _SIMPLE.match(text) or len(text) == 1 or (product and not _SUM.search(_NESTED.sub("", text)))
    return text if bare else f"({text})"
