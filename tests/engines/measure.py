"""Measures characters and clusters in each engine: `python -m tests.engines.measure FILE.json`.

The file has `characters`, {hex: {engine: columns}}, where the engines disagree with each other or with `standard`,
and `clusters`, [{name, text, columns: {engine: columns}}]. Each text is measured between `a` and `b`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from wcwidth import wcswidth

from tests.engines.clusters import CLUSTERS
from tests.engines.engine import Engine
from tests.engines.engines import all_engines

_LAST = 0xF0000
"""The planes from here on are for private use."""


def standard(character: str) -> int:
    """The columns of a character by its category and East Asian width alone."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def assigned() -> list[str]:
    """Every assigned character that is no control and no surrogate."""
    return [
        character
        for character in map(chr, range(0xA0, _LAST))
        if unicodedata.category(character) not in ("Cc", "Cs", "Cn")
    ]


def measured(engines: Sequence[Engine], texts: Sequence[str]) -> list[dict[str, int]]:
    """The columns of each text in each engine, and by rich and wcwidth."""
    found: list[dict[str, int]] = [{} for _ in texts]
    framed = [f"a{text}b" for text in texts]
    for engine in engines:
        for columns, width in zip(found, engine.widths(framed), strict=True):
            columns[engine.name] = width - 2
    for columns, text in zip(found, framed, strict=True):
        columns["wcwidth"] = wcswidth(text) - 2
        columns["rich"] = cell_len(text) - 2
    return found


def measure(engines: Sequence[Engine]) -> dict[str, Any]:
    """All measurements, as they are written to the file."""
    characters = assigned()
    disputed: dict[str, dict[str, int]] = {}
    for character, columns in zip(characters, measured(engines, characters), strict=True):
        expected = standard(character)
        if any(width != expected for width in columns.values()):
            disputed[f"{ord(character):04X}"] = {**columns, "standard": expected}
    names, texts = zip(*CLUSTERS, strict=True)
    clusters = [
        {"name": name, "text": text, "columns": columns}
        for name, text, columns in zip(names, texts, measured(engines, texts), strict=True)
    ]
    return {"characters": disputed, "clusters": clusters}


def main(target: Path) -> None:
    """Measure, and write the file."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        result = measure(stack.enter_context(all_engines(folder)))
    characters = ",\n".join(
        f"{json.dumps(code)}: {json.dumps(found)}" for code, found in result["characters"].items()
    )
    clusters = ",\n".join(json.dumps(cluster, ensure_ascii=False) for cluster in result["clusters"])
    text = f'{{"characters": {{\n{characters}\n}},\n"clusters": [\n{clusters}\n]}}\n'
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
