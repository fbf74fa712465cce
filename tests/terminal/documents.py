"""Documents as models write them, and as they should not, for properties of the renderer."""

from __future__ import annotations

import random

_WORDS = (
    "alpha", "**bold**", "*em*", "`code`", "$x^2$", "这是**“重点”**内容", "[a](https://e.com/x)", "https://x.org/a_b",
    "<b>", "~~s~~", "[^1]", "\\(a\\)", "[x]", "**", "`", "_", "&amp;", "a  ", "word word word word", "| p", "# h",
    "1*2*3", "f(*a, **k)", "__init__", "`__x__`", "C:\\x\\_y", "\\d+\\.", "5 \\* 3",
    "*.py", "src/*", "a\\", "COUNT(*)",
    "- d", "1. z", "> q", "![i](http://a.b/c)", "<br>", "😀", "日本語。", "===", "$5 and $6", "한국어 문장",
)  # fmt: skip
_STRAY = ("", "-", "1.", ">", "```", "$$", "|", "\t", "  - x", "# h", "---", "* * *", "-\tx", " > y")
_ODD = (
    "---", "***", "<div>", "<!-- x", "-->", "</div>", "===", "[^1]: note", "[ref]: http://a.b", "'t'", "    code",
    "\tcode", "<details>", "<<<<<<< HEAD", "=======", ">>>>>>> x", "||||||| y", ">>> 1", "====", "----  ---",
    "* * * * * job", "+ added", "2024. was", "1. one", "1. two", "07) b", "text\n---", "a\n===", "[b]: c d",
    "[ref]: http://a.b\nmore", "poem\n  goes\n    on", "中文\n中文",
)  # fmt: skip
_CODE = ("x = 1", "", "  indented", "'''doc", "/* c", "- x", "y", "\ttab", "“引号”")


def document(chance: random.Random) -> str:
    """A random document: blocks of every kind, nested, a quarter of them damaged, some with CRLF."""
    lines: list[str] = []
    for _ in range(chance.randint(1, 5)):
        lines += _block(chance, 0)
        if chance.random() < 0.8:
            lines.append("")
    if chance.random() < 0.25:
        for _ in range(chance.randint(1, 4)):
            _damage(chance, lines)
    text = ("\r\n" if chance.random() < 0.15 else "\n").join(lines)
    return text + "\n" if chance.random() < 0.5 else text


def _damage(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines))
    match chance.randint(0, 4):
        case 0:
            lines[at] = " " * chance.randint(0, 5) + lines[at]
        case 1:
            lines.insert(at, chance.choice(_STRAY))
        case 2 if len(lines) > 1:
            del lines[at]
        case 3:
            lines[at] = lines[at][chance.randint(0, len(lines[at])) :]
        case _:
            lines[at] = lines[at].lstrip()


def _inline(chance: random.Random) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(chance.randint(1, 6)))


def _block(chance: random.Random, depth: int) -> list[str]:
    kind = chance.randint(0, 16)
    if 6 <= kind <= 8 and depth < 5:
        return _list(chance, depth)
    if 9 <= kind <= 10 and depth < 5:
        return _quote(chance, depth)
    match kind:
        case 0:
            return ["#" * chance.randint(1, 6) + " " + _inline(chance)]
        case 1 | 2 | 3:
            return [_inline(chance) for _ in range(chance.randint(1, 3))]
        case 4 | 5:
            return _fence(chance)
        case 11 | 12:
            return _table(chance)
        case 13:
            first = chance.choice(["$$", "\\["]) + chance.choice(["", " x"])
            return [first, chance.choice([r"\frac{a}{b}", "- b", "= c"]), chance.choice(["$$", "\\]", "y $$"])]
        case 14:
            return [chance.choice(_ODD)]
        case 15:
            return ["    " + chance.choice(["code", "more"]) for _ in range(chance.randint(1, 3))]
    return [_inline(chance)]


def _fence(chance: random.Random) -> list[str]:
    if chance.random() < 0.2:
        return _document(chance)
    mark = chance.choice(["```", "~~~", "````"])
    body = [chance.choice((*_CODE, "```" if mark == "````" else "z")) for _ in range(chance.randint(0, 6))]
    return [
        mark + chance.choice(["python", "", "js", "c", "yaml"]),
        *body,
        *([mark] if chance.random() < 0.9 else []),
    ]


def _document(chance: random.Random) -> list[str]:
    """A fence that holds a Markdown document with fences of its own, some of them never closed."""
    mark = chance.choice(["```", "```", "~~~", "````"])
    body: list[str] = []
    for _ in range(chance.randint(0, 3)):
        inner, indent = chance.choice(["```", "```", "~~~", "````"]), chance.choice(["", "", "  ", "    "])
        opening = indent[2:] + "- " + inner if indent and chance.random() < 0.4 else indent + inner
        body += [chance.choice(("# t", "text", "")), opening + chance.choice(["js", "md", "", " a | b"])]
        body += [indent + line for line in chance.choices(_CODE, k=chance.randint(0, 2))]
        body += [indent + inner] if chance.random() < 0.9 else []
    return [mark + chance.choice(["markdown", "md", "{.md} x"]), *body, *([mark] if chance.random() < 0.9 else [])]


def _table(chance: random.Random) -> list[str]:
    columns = chance.randint(1, 4)

    def row() -> str:
        count = chance.randint(max(1, columns - 1), columns + 1)
        return "| " + " | ".join(_inline(chance) for _ in range(count)) + " |"

    header = "| " + " | ".join(chance.choice(_WORDS[:6]) for _ in range(columns)) + " |"
    rule = "|" + "|".join(chance.choice(["---", ":-:", "--:"]) for _ in range(columns)) + "|"
    return [header, rule, *(row() for _ in range(chance.randint(0, 14)))]


def _list(chance: random.Random, depth: int) -> list[str]:
    lines: list[str] = []
    ordered, loose, alike = chance.random() < 0.4, chance.random() < 0.3, chance.random() < 0.3
    number, bullet, delimiter = chance.randint(1, 9), chance.choice("-*+"), chance.choice(".)")
    for index in range(chance.randint(1, 4)):
        count = number if alike else number + index if chance.random() < 0.9 else chance.randint(0, 12)
        marker = (f"{count}{delimiter}" if ordered else bullet) + " " * chance.choice([1, 1, 1, 2, 3, 5])
        inner: list[str] = []
        for part in range(chance.choice([1, 1, 1, 2, 3])):
            if part and chance.random() < 0.6:
                inner.append("")
            inner += _block(chance, depth + 1)
        if chance.random() < 0.1:
            inner[0] = chance.choice(["[ ] ", "[x] "]) + inner[0]
        if chance.random() < 0.05:
            inner.insert(0, "")
        width = len(marker) if chance.random() < 0.9 else 2
        lines.append(marker + inner[0])
        lines += [" " * width + line if line else "" for line in inner[1:]]
        if loose:
            lines.append("")
    return lines


def _quote(chance: random.Random, depth: int) -> list[str]:
    inner = ["[!NOTE]"] if chance.random() < 0.3 else []
    for part in range(chance.choice([1, 1, 2, 3])):
        if part:
            inner.append("")
        inner += _block(chance, depth + 1)
    return [("> " + line if chance.random() < 0.93 else line) if line else ">" for line in inner]
