"""How often a question finds its file within five passages: `python -m tests.benchmarks.retrieval [FOLDER]`.

English: 200 functions of the standard library. The question is the first sentence of a docstring, and the file is
indexed without it, so that it must be found by what else it says. Chinese: 200 manual pages of FOLDER, such as
Debian's package manpages-zh has in `/usr/share/man/zh_CN` (the default); the question is the line in which a page
says what it is about, and that line is cut out.
"""

from __future__ import annotations

import ast
import gzip
import random
import re
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gptchat.knowledge.cutting import cut
from gptchat.knowledge.documents import DocumentIndex, Stamp

QUESTIONS, WITHIN, SEED = 200, 5, 7
_LEAST = 4  # words, or Chinese characters, of a question


def english() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The files of the standard library by name, and questions with the file that answers each."""
    folder = Path(sysconfig.get_path("stdlib"))
    files: dict[str, str] = {}
    asked: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(("test/", "site-packages/", "idlelib/", "lib2to3/", "turtledemo/")) or "/test" in name:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        files[name] = text
        asked += [(sentence, name) for sentence in _sentences(text)]
    chosen = random.Random(SEED).sample(asked, QUESTIONS)
    for sentence, name in chosen:
        files[name] = files[name].replace(sentence, "")
    return files, [(" ".join(sentence.split()), name) for sentence, name in chosen]


def _sentences(text: str) -> list[str]:
    """The first sentences of the docstrings of public functions, as they stand in the source."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            first = re.split(r"(?<=\.)\s|\n\n", ast.get_docstring(node, clean=False) or "")[0].strip()
            if len(first.split()) >= _LEAST and first in text:
                found.append(first)
    return found


def chinese(folder: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The Chinese manual pages below `folder` by name, and what each says of itself, which is cut out of it."""
    files: dict[str, str] = {}
    asked: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        match = re.search(r"^\.SH [^\n]*\n(?:\.[^\n]*\n)*[^\n]*?\\?- *([^\n]+)$", text, re.MULTILINE)
        files[path.name] = text
        if match and sum("\u4e00" <= char <= "\u9fff" for char in match[1]) >= _LEAST:
            files[path.name] = text.replace(match[1], "")
            asked.append((match[1], path.name))
    return files, random.Random(SEED).sample(asked, min(QUESTIONS, len(asked)))


def measure(
    files: Mapping[str, str], asked: Sequence[tuple[str, str]], folder: Path
) -> tuple[int, int, float, float]:
    """Hits within `WITHIN` and at the first place, seconds to index, milliseconds a question."""
    with DocumentIndex(folder / "index.sqlite3") as index:
        begun = time.perf_counter()
        index.put([(name, name, Stamp(0, 0), cut(text, name)) for name, text in files.items()])
        built = time.perf_counter() - begun
        begun, hits, firsts = time.perf_counter(), 0, 0
        for question, name in asked:
            found = [one.path for one in index.search(question, 40)[:WITHIN]]
            hits += name in found
            firsts += found[:1] == [name]
        return hits, firsts, built, (time.perf_counter() - begun) / max(len(asked), 1) * 1000


def main() -> None:
    """Print one line for each language."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/man/zh_CN")
    for language, (files, asked) in (("English", english()), ("Chinese", chinese(folder))):
        if not asked:
            sys.stdout.write(f"{language}: no documents\n")
            continue
        with tempfile.TemporaryDirectory() as place:
            hits, firsts, built, each = measure(files, asked, Path(place))
        size = sum(map(len, files.values())) / 1e6
        sys.stdout.write(
            f"{language}: {len(files)} files ({size:.1f} M characters), {len(asked)} questions: by words {hits} "
            f"within {WITHIN} ({hits / len(asked):.0%}), {firsts} first; "
            f"indexed in {built:.1f} s, {each:.1f} ms each\n"
        )


if __name__ == "__main__":
    main()
