"""Loads attachments from a reference: a file, a folder or a URL."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from gptchat import words
from gptchat.attachments import images
from gptchat.attachments.decoding import decode
from gptchat.attachments.limits import Loaded, SizeLimits, human_size
from gptchat.attachments.policy import Judgement, Policy
from gptchat.attachments.wording import language_of
from gptchat.config.endpoints import NetworkSettings
from gptchat.core.attachments import Attachment
from gptchat.errors import UsageError
from gptchat.words import _

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")


def load(
    reference: str,
    *,
    vision: bool | None = None,
    limits: SizeLimits | None = None,
    cwd: Path | None = None,
    network: NetworkSettings | None = None,
    policy: Policy | None = None,
    private: bool = True,
) -> Loaded:
    """Read `reference`: a file, a folder or an http(s) URL. Blocks.

    `vision` tells whether the model accepts images; if None (unknown), images are accepted. Relative paths
    start from `cwd` (default: that of the process). `network` has the proxy and certificates for a URL
    (default: from the environment). `policy` leaves files of a folder out (default: that of no settings), and
    `private` says that an address may be one of a private network. Raises UsageError with the reason and what to
    do.
    """
    limits = limits or SizeLimits()
    reference = reference.strip()
    if not reference:
        raise UsageError(_("nothing to attach was named"), hint=_("name a file, a folder or an address"))
    scheme = SCHEME.match(reference)
    if scheme is not None:
        if scheme[1].lower() not in ("http", "https"):
            raise UsageError(
                _("addresses of {scheme} cannot be attached").format(scheme=f"{scheme[1]}://"),
                hint=_("use http or https, or a file"),
            )
        from gptchat.attachments.addresses import fetch

        most = max(limits.file, limits.picture)
        fetched = fetch(
            reference, network or NetworkSettings(), limit=most, timeout=limits.timeout, private=private
        )
        item = attachment_of(reference, fetched.data, limits, vision, mime=fetched.mime, charset=fetched.charset)
        return Loaded((item,), (fetched.note, *_notes(item, fetched.data)))
    path = path_of(reference, cwd)
    mode = _mode(path, reference)
    if stat.S_ISDIR(mode):
        from gptchat.attachments.folders import load_folder

        return load_folder(path, reference, limits, policy or Policy(folder=path))
    data = read(path, reference, mode, max(limits.file, limits.picture))
    item = attachment_of(reference, data, limits, vision)
    return Loaded((item,), _notes(item, data))


def judge(reference: str, policy: Policy, cwd: Path | None = None) -> Judgement:
    """What may be done with `reference`, its links and its host's name resolved. Blocks. Raises UsageError."""
    if SCHEME.match(reference.strip()):
        return policy.address(reference.strip())
    return policy.file(path_of(reference.strip(), cwd))


def attachment_of(
    name: str, data: bytes, limits: SizeLimits, vision: bool | None, *, mime: str = "", charset: str = ""
) -> Attachment:
    """`data` as an attachment; its type is detected from the contents. Raises UsageError if not supported."""
    if not data:
        raise UsageError(_("{name} is empty").format(name=name), hint=_("attach a file that holds something"))
    if picture := images.recognise(data):
        return _image(name, data, picture, limits, vision)
    if other := images.other_image(data):
        raise UsageError(
            _("{name} is a {format} image, which models do not take").format(name=name, format=other),
            hint=_("save it as PNG or JPEG first"),
        )
    _check_size(name, len(data), limits.file)
    if data.startswith(b"%PDF-"):
        return _foreign("gptchat.foreign.pdf:read", name, data, limits, "application/pdf")
    if data.startswith(b"PK\x03\x04"):
        return _foreign("gptchat.foreign.office:read", name, data, limits, "application/zip")
    if mime in ("text/html", "application/xhtml+xml"):
        page = _text(name, data, charset).encode(errors="replace")
        return _foreign("gptchat.foreign.pages:read", name, page, limits, "text/html", len(data), encoding="utf-8")
    return Attachment(name, "text", _text(name, data, charset), size=len(data), language=language_of(name))


def _foreign(
    task: str, name: str, data: bytes, limits: SizeLimits, mime: str, size: int = 0, **arguments: Any
) -> Attachment:
    """The text of a document as an attachment, read in a child process. Raises UsageError."""
    from gptchat.foreign.child import ChildLimits, read

    most = ChildLimits(seconds=limits.reading, output=limits.file)
    text = "\n\n".join(read(task, data, name, limits=most, **arguments))
    return Attachment(name, "text", text, mime, size=size or len(data))


def read(path: Path, name: str, mode: int, limit: int) -> bytes:
    """The bytes of a regular file. Raises UsageError for devices and pipes (unopened) and above `limit` bytes."""
    if not stat.S_ISREG(mode):
        raise UsageError(
            _("{name} is not a file but {what}").format(name=name, what=_what(mode)),
            hint=_("copy what you need into a file, or run a command with !"),
        )
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(name, error) from error
    _check_size(name, len(data), limit)
    return data


def _image(name: str, data: bytes, mime: str, limits: SizeLimits, vision: bool | None) -> Attachment:
    if vision is False:
        raise UsageError(
            _("{name} is an image, and this model does not see").format(name=name),
            hint=_("choose a model with vision: /models shows which have it"),
        )
    mime, fitted = images.fitting(name, data, mime, limits)
    return Attachment(name, "image", "", mime, fitted, len(data))


def _text(name: str, data: bytes, charset: str) -> str:
    if charset:
        try:
            return data.decode(charset).replace("\r\n", "\n")
        except (LookupError, UnicodeDecodeError):
            pass  # servers often name a wrong encoding: detect it
    found = decode(data)
    if found is None:
        raise UsageError(
            _("{name} is not text").format(name=name),
            hint=_("attach text, an image (PNG, JPEG, WebP, GIF) or a PDF"),
        )
    return found[0]


def _notes(item: Attachment, data: bytes) -> tuple[str, ...]:
    """What to tell of an attachment: that its image was made smaller, or a guessed encoding."""
    if item.kind == "image" and item.data is not data:
        return (images.smaller_note(item.name, data, item.data),)
    return _encoding_note(item, data)


def _encoding_note(item: Attachment, data: bytes) -> tuple[str, ...]:
    """A note that names a guessed encoding, so that the user can notice a wrong guess."""
    if item.kind != "text" or item.mime != "text/plain":
        return ()
    found = decode(data)
    if found is None or found[1] not in ("gb18030", "cp1252"):
        return ()
    return (
        _("{name} was read as {encoding}").format(name=item.name, encoding=found[1].upper().replace("_", "-")),
    )


def _check_size(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise UsageError(
            _("{name} is larger than {limit}").format(name=name, limit=human_size(limit)),
            hint=_("attach a part of it, for example with !head or !tail"),
        )


def path_of(reference: str, cwd: Path | None = None) -> Path:
    """The path that `reference` means, seen from `cwd`. Raises UsageError for an unknown home folder."""
    try:
        return (cwd or Path()) / Path(reference).expanduser()
    except RuntimeError as error:
        raise UsageError(
            _("the home folder in {name} is not known").format(name=reference), hint=_("write the whole path")
        ) from error


def _mode(path: Path, name: str) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        raise UsageError(_("there is no {name}").format(name=name), hint=_hint_missing(path)) from error
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    return UsageError(
        _("{name} cannot be read: {why}").format(name=name, why=words.reason(error)),
        hint=_("check the path and its permissions"),
    )


def _hint_missing(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return _("check the path; relative ones start from {folder}").format(folder=Path.cwd())
    near = get_close_matches(path.name, names, n=2, cutoff=0.6)
    if near:
        return _("did you mean {names}?").format(names=_(" or ").join(near))
    return _("check the path; Tab completes it")


def _what(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return _("a pipe")
    if stat.S_ISSOCK(mode):
        return _("a socket")
    return _("a device")
