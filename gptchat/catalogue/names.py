"""Normalises model names: from the name as given to the simplest form that the catalogue may contain."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

_SNAPSHOT = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{6}|\d{4}|\d{3}|latest)$")
"""Suffix of a model snapshot: `-2024-08-06`, `-04-2026`, `-20240806`, `-260215`, `-0613`, `-001`, `-latest`."""

_DOTLESS = re.compile(r"^(gpt-)(\d)(\d)(?=-|$)")
"""Azure deployment names could not contain a dot for a long time: `gpt-35-turbo`, `gpt-41-mini`."""


def is_fine_tuned(name: str) -> bool:
    """Whether `name` is a fine-tuned model: `ft:gpt-4o:org::id`, or the older `davinci:ft-org-date`."""
    return name.lower().rpartition("/")[2].startswith("ft:") or ":ft-" in name.lower()


def spellings(name: str) -> Iterator[str]:
    """Yields `name` in lower case, then simpler forms: without path, tag, fine-tuning and date."""
    seen: set[str] = set()
    queue = [name.strip().lower()]
    while queue:
        spelling = queue.pop(0)
        if not spelling or spelling in seen:
            continue
        seen.add(spelling)
        yield spelling
        queue.extend(_plainer(spelling))


def inside(name: str, known: Container[str]) -> str | None:
    """The longest name of `known` that is part of the dashed `name` (`team-gpt-4o-mini-eu`), else None."""
    pieces = [piece for piece in re.split(r"[-_\s]", name.strip().lower()) if piece]
    for length in range(len(pieces), 0, -1):
        for start in range(len(pieces) - length + 1):
            piece = "-".join(pieces[start : start + length])
            for spelling in (piece, _DOTLESS.sub(r"\1\2.\3", piece)):
                if spelling in known:
                    return spelling
    return None


def _plainer(name: str) -> Iterator[str]:
    if "/" in name:
        # `openai/gpt-4o`, `models/gemini-3.5-flash`, `accounts/x/models/glm-5`, and llama.cpp's file paths
        yield name.partition("/")[2]
        return
    if "\\" in name:
        yield name.rpartition("\\")[2]
        return
    if name.startswith("ft:"):
        yield name.split(":")[1]
        return
    if ":" in name:
        # Ollama's `llama3.1:8b`, OpenRouter's `:free`, the older `davinci:ft-org`
        yield name.replace(":", "-")
        yield name.partition(":")[0]
        return
    dotted = _DOTLESS.sub(r"\1\2.\3", name)
    if dotted != name:
        yield dotted
    if name.endswith(".gguf"):
        yield name.removesuffix(".gguf")
    if _SNAPSHOT.search(name):
        yield _SNAPSHOT.sub("", name)
    else:
        yield f"{name}-latest"
