"""Writes sessions as one self-contained HTML page without scripts. All text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape

from gptchat.core.messages import Message
from gptchat.core.replies.media import data_address, files_of
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.core.session import Session
from gptchat.exchange.kept_files import Files

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }
article { margin: 1.2em 0; padding: .1em 1em; border-left: .25em solid #8886; }
article.user { border-color: #47a; }
article.assistant { border-color: #4a7; }
header { font-size: .85em; opacity: .7; margin-top: .6em; }
figure { margin: 1em 0; }
img, video { max-width: 100%; }
figcaption { font-size: .85em; opacity: .7; }
p, pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { font: .9em/1.45 ui-monospace, monospace; background: #8881; padding: .7em 1em; border-radius: .4em; }
"""


def write(sessions: Sequence[Session], files: Files | None = None) -> Iterator[str]:
    """Yield the HTML page of `sessions` in pieces, with the pictures that `files` holds in it."""
    title = sessions[0].name or sessions[0].id if len(sessions) == 1 else "gptchat"
    yield (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:; media-src data:">\n'
        f"<title>{_escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    for session in sessions:
        yield f"<h1>{_escape(session.name or session.id)}</h1>\n"
        for message in session.path():
            yield from _article(message, partial(_pictures, session.user, message, files))
    yield "</body>\n</html>\n"


def _article(message: Message, pictures: Callable[[], Iterator[str]]) -> Iterator[str]:
    role = message.role if message.role in ("user", "assistant") else "other"
    about = " · ".join(filter(None, (message.role, message.model, message.ts.replace("T", " ").rstrip("Z"))))
    if message.status != "complete":
        about += f" · {message.status}"
    yield f'<article class="{role}">\n<header dir="auto">{_escape(about)}</header>\n'
    # Text inside code fences is code, even if the last fence is not closed.
    code: list[str] | None = None
    prose: list[str] = []
    for line in message.text.split("\n"):
        fence = line.lstrip().startswith("```")
        if fence and code is None:
            yield _block("p", prose)
            prose, code = [], []
        elif fence and code is not None:
            yield _block("pre", code)
            code = None
        elif code is not None:
            code.append(line)
        else:
            prose.append(line)
    yield _block("pre", code) if code is not None else _block("p", prose)
    yield from pictures()
    yield _block("p", numbered(sources_of(message)))
    yield "</article>\n"


def _pictures(user: str, message: Message, files: Files | None) -> Iterator[str]:
    """The files of `message` as elements of the page, each with its label, which stands in the text, too."""
    for file in files_of(message):
        data = files.read_file(user, file.name) if files is not None else None
        if data is None:
            continue
        address = escape(data_address(file.mime, data))
        label = _escape(file.label)
        match file.kind:
            case "image":
                yield f'<figure><img alt="{_escape(file.alt)}" src="{address}">'
            case "audio" | "video":
                yield f'<figure><{file.kind} controls src="{address}"></{file.kind}>'
            case _:
                yield f'<figure><a download="{escape(file.name)}" href="{address}">{label}</a>'
        yield f"<figcaption>{label}</figcaption></figure>\n"


def _block(tag: str, lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f'<{tag} dir="auto">{_escape(text)}</{tag}>\n' if text.strip() else ""


def _escape(text: str) -> str:
    """`text` escaped for HTML, with control characters and lone surrogates replaced (not valid in HTML)."""
    clean = "".join("\ufffd" if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" else c for c in text)
    return escape(clean.encode(errors="replace").decode())
