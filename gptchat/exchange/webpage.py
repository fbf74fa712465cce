"""Writes sessions as one self-contained HTML page without scripts, for reading and printing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from gptchat.core.events import ToolCall
from gptchat.core.messages import Message
from gptchat.core.replies.media import data_address, files_of
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.core.safe import clean, clean_line
from gptchat.core.session import Session
from gptchat.core.tooling.described import arguments_whole, told_calls, with_results
from gptchat.exchange.html_blocks import html_of, plain_html
from gptchat.exchange.kept_files import Files
from gptchat.words import _

_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #fff; --muted: #6a737d; --soft: #f4f5f7;
  --line: #d8dbe0; --link: #0550ae; --user: #22732f; --keyword: #8b2bb0; --name: #0550ae; --string: #22732f;
  --number: #a04400;
  --good: #22732f; --warn: #8a5a00; --bad: #b3261e; --maths: #953088; }
@media (prefers-color-scheme: dark) { :root { --text: #dfe2e7; --page: #16181d; --muted: #8a8f98; --soft: #20232a;
  --line: #363a43; --link: #82b1ff; --user: #98c379; --keyword: #c792ea; --name: #82aaff; --string: #a5d67b;
  --number: #f2a676; --good: #98c379; --warn: #e5c07b; --bad: #f07178; --maths: #e0a3d8; } }
* { box-sizing: border-box; }
body { font: 16px/1.6 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 46rem;
  margin: 2.5rem auto; padding: 0 1.2rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .2rem; }
.about, article > header { color: var(--muted); font-size: .85rem; }
.about { margin: 0 0 2rem; padding-bottom: 1rem; border-bottom: 1px solid var(--line); }
article { margin: 1.8rem 0; }
article > header { display: flex; gap: .6rem; align-items: baseline; margin-bottom: .4rem; }
article > header h2 { font-size: .95rem; margin: 0; color: var(--link); }
article.user > header h2 { color: var(--user); }
article.user > .plain { background: var(--soft); border-radius: .6rem; padding: .7rem 1rem; margin: 0; }
.plain, .maths.block, pre.html { white-space: pre-wrap; }
h3, h4, h5, h6 { line-height: 1.3; margin: 1.5em 0 .5em; }
h3 { font-size: 1.3rem; } h4 { font-size: 1.15rem; } h5, h6 { font-size: 1rem; }
p { margin: .7em 0; }
ul, ol { padding-left: 1.6em; margin: .7em 0; }
li > p, li > ul, li > ol { margin: .2em 0; }
li.task { list-style: none; margin-left: -1.4em; }
li.task > p:first-of-type { display: inline; }
a { color: var(--link); }
code { font: .9em/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; background: var(--soft);
  padding: .1em .3em; border-radius: .3em; }
figure { margin: 1em 0; }
img, video { max-width: 100%; }
figcaption { color: var(--muted); font: .8rem ui-monospace, monospace; }
pre { background: var(--soft); padding: .8rem 1rem; border-radius: .5rem; overflow-x: auto; overflow-wrap: normal;
  tab-size: 4; }
pre code { background: none; padding: 0; font-size: .875rem; }
pre.html { color: var(--muted); font: .875rem/1.5 ui-monospace, monospace; }
.keyword { color: var(--keyword); } .name, .builtin { color: var(--name); } .string { color: var(--string); }
.number { color: var(--number); } .comment { color: var(--muted); font-style: italic; }
.inserted { color: var(--good); } .deleted { color: var(--bad); } .heading { font-weight: bold; }
.maths { color: var(--maths); } .maths.block { margin-left: 1.5em; }
.mark, .footnote { color: var(--muted); } .footnote { font-size: .9em; }
.wide { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .35em .8em; text-align: start; vertical-align: top; }
th.right, td.right { text-align: right; } th.center, td.center { text-align: center; }
blockquote { margin: 1em 0; padding: .1em 1em; border-left: .25em solid var(--line); color: var(--muted); }
blockquote.callout { color: inherit; border-color: var(--link); }
.callout > .title { font-weight: bold; margin: .4em 0; }
blockquote.tip { border-color: var(--good); } blockquote.warning { border-color: var(--warn); }
blockquote.caution { border-color: var(--bad); } blockquote.important { border-color: var(--maths); }
details { color: var(--muted); margin: .5em 0; } summary { cursor: pointer; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
.stopped { color: var(--warn); }
@media print { :root { color-scheme: light; --text: #000; --page: #fff; --soft: #f4f5f7; --muted: #555;
  --line: #ccc; --link: #0550ae; --user: #22732f; --keyword: #8b2bb0; --name: #0550ae; --string: #22732f;
  --number: #a04400;
  --maths: #953088; } body { max-width: none; margin: 0; font-size: 11pt; }
  pre, pre code { white-space: pre-wrap; }
  pre, table, blockquote { break-inside: avoid; } h2, h3, h4, h5, h6 { break-after: avoid; } }
"""


def write(sessions: Sequence[Session], files: Files | None = None) -> Iterator[str]:
    """Yield the HTML page of `sessions` in pieces, with the pictures that `files` holds in it."""
    title = _title(sessions[0]) if len(sessions) == 1 else "gptchat"
    yield (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:; media-src data:">\n'
        f"<title>{_line(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    for session in sessions:
        messages = session.path()
        yield f'<h1 dir="auto">{_line(_title(session))}</h1>\n{_about(session, messages)}'
        for message, calls in with_results(messages):
            yield from _article(message, session.user, files, calls)
    yield "</body>\n</html>\n"


def _title(session: Session) -> str:
    return session.name or session.id


def _about(session: Session, messages: Sequence[Message]) -> str:
    """The line below the title: who spoke, and when it began."""
    people = [session.user, *(message.model for message in messages if message.role == "assistant")]
    parts = [*dict.fromkeys(filter(None, people)), _time(session.created)]
    return f'<p class="about" dir="auto">{_line(" · ".join(filter(None, parts)))}</p>\n'


def _article(
    message: Message, user: str, files: Files | None, calls: Sequence[tuple[ToolCall, Message | None]]
) -> Iterator[str]:
    role = message.role if message.role in ("user", "assistant") else "other"
    who = {"user": user, "assistant": message.model}.get(role) or message.role
    yield (
        f'<article class="{role}">\n<header><h2 dir="auto">{_line(who)}</h2>'
        f"<time>{_line(_time(message.ts))}</time></header>\n"
    )
    if message.reasoning.strip():
        yield f"<details>\n<summary>{_line(_('reasoning'))}</summary>\n{plain_html(message.reasoning)}</details>\n"
    if role == "assistant":
        yield from html_of(message.text)
    else:
        yield plain_html(message.text)
    for call, result in calls:
        line, *below = told_calls([(call, result)])
        yield f"<details>\n<summary>{_line(line)}<br>{_line(below[0])}</summary>\n"
        yield plain_html(arguments_whole(call.arguments))
        yield (plain_html(result.text) if result is not None else "") + "</details>\n"
    if message.status != "complete":
        ended = _("stopped") if message.status == "interrupted" else _("cut off; what came is kept")
        yield f'<p class="stopped">■ {_line(ended)}</p>\n'
    yield from _pictures(user, message, files)
    if sources := numbered(sources_of(message)):
        yield plain_html("\n".join(sources))
    yield "</article>\n"


def _time(ts: str) -> str:
    """A record's time to the minute, such as `2026-11-20 08:30 UTC`."""
    return f"{ts[:10]} {ts[11:16]} UTC" if len(ts) >= 16 and ts.endswith("Z") else ts.replace("T", " ")


def _pictures(user: str, message: Message, files: Files | None) -> Iterator[str]:
    """The files of `message` as elements of the page, each with its label, which stands in the text, too."""
    for file in files_of(message):
        data = files.read_file(user, file.name) if files is not None else None
        if data is None:
            continue
        address = escape(data_address(file.mime, data))
        label = _line(file.label)
        match file.kind:
            case "image":
                yield f'<figure><img alt="{_line(file.alt)}" src="{address}">'
            case "audio" | "video":
                yield f'<figure><{file.kind} controls src="{address}"></{file.kind}>'
            case _:
                yield f'<figure><a download="{escape(file.name)}" href="{address}">{label}</a>'
        yield f"<figcaption>{label}</figcaption></figure>\n"


def _line(text: str) -> str:
    return escape(clean_line(clean(text)))
