"""Loads a folder as one attachment per text file, and reports skipped (hidden, generated, binary) files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gptchat import words
from gptchat.attachments import images
from gptchat.attachments.decoding import decode
from gptchat.attachments.limits import Loaded, SizeLimits, count_files, human_size
from gptchat.attachments.policy import Policy
from gptchat.attachments.wording import language_of
from gptchat.core.attachments import Attachment
from gptchat.errors import UsageError
from gptchat.words import _, ngettext

GENERATED = frozenset(("node_modules", "__pycache__", "venv", "env.bak", "site-packages"))
"""Folders with generated content. Names that begin with a dot are skipped as hidden."""

_LOOK = 8192
"""Bytes read to detect that a file is not text."""


def load_folder(folder: Path, name: str, limits: SizeLimits, policy: Policy) -> Loaded:
    """The text files under `folder`, sorted by name, with a note of how many were skipped and why.

    Symbolic links to folders are not followed, which excludes duplicates and loops, nor are links out of the
    folder. What `policy` guards or denies is left out, unless `folder` itself is guarded, which was asked about.
    Raises UsageError if the folder exceeds `limits`, contains no text, or cannot be read.
    """
    left_out: Counter[str] = Counter()
    found: list[Attachment] = []
    total = 0
    base = name.rstrip("/\\") or name
    real = Path(os.path.realpath(folder))
    insisted = bool(policy.guarded(real))
    for path in _files(folder, left_out, top=True):
        if real not in Path(os.path.realpath(path)).parents:
            left_out["links that lead out of it"] += 1
            continue
        text = _text_of(path, limits.file, left_out, None if insisted else policy)
        if text is None:
            continue
        size = path.stat().st_size
        total += size
        relative = path.relative_to(folder).as_posix()
        found.append(Attachment(f"{base}/{relative}", "text", text, size=size, language=language_of(relative)))
        if len(found) > limits.files or total > limits.folder:
            raise UsageError(
                _("{name} holds more than {files} or {size} of text").format(
                    name=name, files=count_files(limits.files), size=human_size(limits.folder)
                ),
                hint=_("attach a folder within it, or single files"),
            )
    if not found:
        why = summary(left_out)
        raise UsageError(
            _("{name} holds no text files").format(name=name) + (f" ({why})" if why else ""),
            hint=_("attach the files you mean by their names"),
        )
    note = _("{name}: {files}, {size}").format(name=name, files=count_files(len(found)), size=human_size(total))
    why = summary(left_out)
    return Loaded(tuple(found), (note + (_("; left out: {why}").format(why=why) if why else ""),))


def _files(folder: Path, left_out: Counter[str], *, top: bool = False) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if top:
            raise UsageError(
                _("{name} cannot be read: {why}").format(name=folder, why=words.reason(error)),
                hint=_("check the path and its permissions"),
            ) from error
        left_out["unreadable"] += 1
        return
    for entry in listed:
        if entry.name.startswith("."):
            left_out["hidden"] += 1
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in GENERATED:
                left_out["generated"] += 1
            else:
                yield from _files(Path(entry.path), left_out)
        elif entry.is_file():
            yield Path(entry.path)
        elif entry.is_symlink():
            left_out["links"] += 1
        else:
            left_out["devices and pipes"] += 1


def _text_of(path: Path, limit: int, left_out: Counter[str], policy: Policy | None) -> str | None:
    """The text of one file; None if it is skipped, with the reason counted in `left_out`."""
    try:
        with path.open("rb") as file:
            data = file.read(_LOOK)
            if images.recognise(data) or images.other_image(data):
                left_out["images"] += 1
                return None
            if b"\0" not in data or data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
                data += file.read(limit + 1 - len(data))
    except OSError:
        left_out["unreadable"] += 1
        return None
    if policy is not None and (why := policy.leaves_out(path, data)):
        left_out[why] += 1
        return None
    if len(data) > limit:
        left_out["too large"] += 1
        return None
    decoded = None if data.startswith(b"%PDF-") else decode(data)
    if decoded is None:
        left_out["not text"] += 1
        return None
    if not decoded[0].strip():
        left_out["empty"] += 1
        return None
    return decoded[0]


def summary(left_out: Counter[str]) -> str:
    """What was left out, as translated text: the count of each reason."""
    return _(", ").join(f"{count} {_why(why, count)}" for why, count in left_out.most_common())


def _why(why: str, count: int) -> str:
    """The translated reason why `count` entries were skipped."""
    return {
        "unreadable": _("unreadable"),
        "hidden": _("hidden"),
        "generated": _("generated"),
        "ignored": _("ignored by .gitignore"),
        "missing": _("missing"),
        "links": ngettext("link", "links", count),
        "links that lead out of it": ngettext("link that leads out of it", "links that lead out of it", count),
        "secret": ngettext("file with keys or passwords", "files with keys or passwords", count),
        "denied": _("denied by attach.deny"),
        "devices and pipes": ngettext("device or pipe", "devices and pipes", count),
        "images": ngettext("image", "images", count),
        "too large": _("too large"),
        "not text": _("not text"),
        "empty": _("empty"),
    }[why]
