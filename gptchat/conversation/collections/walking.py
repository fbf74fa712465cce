"""Lists the files of a collection without reading them, and counts what is left out by its name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from gptchat.attachments.folders import GENERATED
from gptchat.conversation.collections.ignoring import NAME, IgnoreRule, ignored, rules_in
from gptchat.values import dataclass

MOST = 200_000
"""Files of a collection; whoever adds more has named the wrong folder."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a collection. `name` is how people are told it: from the collection's own folder on."""

    path: str
    name: str
    size: int
    mtime: int


Rules = Sequence[tuple[str, Sequence[IgnoreRule]]]
"""The rules of each folder, outermost first, with its path below the outermost, which ends in a slash."""


def walk(roots: Sequence[str], left_out: Counter[str]) -> Iterator[Listed]:
    """The files of `roots`, which are absolute paths of files and folders. Blocks.

    Hidden, generated and ignored ones are left out and counted in `left_out`, as are links out of a root.
    """
    for root in roots:
        path = Path(root)
        if path.is_dir():
            top = _repository(path)
            base = "" if top == path else f"{path.relative_to(top).as_posix()}/"
            above = [folder for folder in reversed(path.parents) if folder == top or top in folder.parents]
            rules = [("" if one == top else f"{one.relative_to(top).as_posix()}/", rules_in(one)) for one in above]
            yield from _below(path, Path(os.path.realpath(path)), base, path.name or str(path), rules, left_out)
        elif path.is_file():
            found = path.stat()
            yield Listed(str(path), path.name, found.st_size, found.st_mtime_ns)
        else:
            left_out["missing"] += 1


def _repository(folder: Path) -> Path:
    """The root of the git repository that `folder` lies in; `folder` itself outside of one."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _below(
    folder: Path, real: Path, base: str, name: str, rules: Rules, left_out: Counter[str]
) -> Iterator[Listed]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        left_out["unreadable"] += 1
        return
    if any(entry.name == NAME for entry in listed):
        rules = [*rules, (base, rules_in(folder))]
    for entry in listed:
        if entry.name.startswith("."):
            left_out["hidden"] += 1
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and entry.name in GENERATED:
            left_out["generated"] += 1
        elif rules and ignored(base + entry.name, is_folder, rules):
            left_out["ignored"] += 1
        elif is_folder:
            inner = f"{base}{entry.name}/"
            yield from _below(Path(entry.path), real, inner, f"{name}/{entry.name}", rules, left_out)
        else:
            yield from _file(entry, real, f"{name}/{entry.name}", left_out)


def _file(entry: os.DirEntry[str], real: Path, name: str, left_out: Counter[str]) -> Iterator[Listed]:
    try:
        if not entry.is_file():
            left_out["links" if entry.is_symlink() else "devices and pipes"] += 1
        elif entry.is_symlink() and real not in Path(os.path.realpath(entry.path)).parents:
            left_out["links that lead out of it"] += 1
        else:
            found = entry.stat()
            yield Listed(entry.path, name, found.st_size, found.st_mtime_ns)
    except OSError:
        left_out["unreadable"] += 1
