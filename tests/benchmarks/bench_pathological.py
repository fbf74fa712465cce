"""What hostile shapes cost: the longest stall of the event loop, time and memory for each megabyte, and Esc.

Run: python -m tests.benchmarks.bench_pathological [WORD ...]     only the shapes whose names have one of the words

The event loop beats every millisecond; a stall is the most processor time of its thread between two beats, so that
other programs do not count. `esc` is the time from cancelling, a tenth of a second after the start, to having the
prompt back, in processor time and on the clock: `-` where the shape was done before.
Each shape has a process of its own, so that memory is its own; the memory of reader processes is bounded apart.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from gptchat.errors import GptchatError

MB = 1_000_000
SIZE = MB // 4
STALL, MEMORY, ESC = 0.2, 20.0, 0.1

MARKDOWN = {
    "one paragraph": "word ",
    "one word": "a",
    "![": "![",
    "[": "[",
    "[a](": "[a](",
    "*a": "*a ",
    "**a": "**a",
    "_a": "_a",
    "<a": "<a ",
    "&": "&",
    "$a": "$a",
    "short lines": "a\n",
    "- - -": "- ",
    "1. 1. 1.": "1. ",
    ">>>": ">",
    "list": "- item\n",
    "headings": "# h\n",
    "indented code": "    code\n",
    "combining marks": "\u0301",
    "joiners": "\U0001f468\u200d",
    "overrides": "\u202e",
    "blank lines": "\n",
    "fences": "```\n",
    "definitions": "[r]: http://x.y\n",
}
WHOLE = {
    "table of 10,000 columns": "|" + "a|" * 10_000 + "\n|" + "-|" * 10_000 + "\n|" + "b|" * 10_000 + "\n",
    "100,000 list levels": "".join(" " * min(2 * n, 600) + "- x\n" for n in range(3000)) + "- " * 100_000,
    "code line of 2 MB": "```python\nx = '" + "a" * 2 * MB + "'\n```\n",
    "backticks": "".join("`" * (n % 60 + 1) + "a" for n in range(SIZE // 30)),
    "maths block": "$$\n" + "a+b\n" * (SIZE // 4),
    "blank lines of a list": "- item\n" + "\n" * SIZE,
    "blank lines of a quote": "> a\n" + ">\n" * (SIZE // 2),
    "HTML block": "<div>\n" + "text\n" * (SIZE // 5),
}
PAGES = ["<a ", '<a href="', "<!--", "<script", "<svg>", "</", "&am", "<!"]
OUTPUTS = {
    "!aaaa": "a",
    "!minified JSON": '{"a":1,"b":[2]},',
    "!returns": "a\r",
    "!escapes": "\x1b[",
    "!titles": "\x1b]",
}


def repeated(piece: str) -> str:
    """A text of a quarter of a megabyte."""
    return piece * (SIZE // len(piece.encode()))


async def draw(text: str) -> None:
    """Paint `text` as a reply that comes at once."""
    from gptchat.core.events import TextDelta, TurnEvent
    from gptchat.terminal.output.capabilities import Terminal
    from gptchat.terminal.output.painter import Painter
    from gptchat.terminal.output.theme import Theme
    from gptchat.terminal.turn import paint

    async def events() -> AsyncIterator[TurnEvent]:
        yield TextDelta(text)

    painter = Painter(
        lambda _text: None, size=lambda: (80, 24), theme=Theme("dark"), terminal=Terminal(depth="256")
    )
    try:
        await paint(events(), painter)
    except asyncio.CancelledError:
        painter.skip()
        raise


async def attach(path: Path, mime: str = "") -> None:
    """Read `path` as an attachment, in the background as the program does."""
    from gptchat import waiting
    from gptchat.attachments.limits import SizeLimits
    from gptchat.attachments.loading import attachment_of

    await waiting.leavable(
        lambda: attachment_of(path.name, path.read_bytes(), SizeLimits(reading=5), None, mime=mime)
    )


async def take_in(path: Path) -> None:
    """Import `path`, in the background as the program does."""
    from gptchat import waiting
    from gptchat.exchange.readers import read

    await waiting.leavable(lambda: [None for _item in read(path)])


async def show_output(text: str) -> None:
    """Read what a command wrote, and lay it out."""
    from gptchat.attachments.shell import _plain
    from gptchat.core.width import wrapped

    wrapped(await asyncio.to_thread(_plain, text.encode()[:100_000]), 79)


async def rank(count: int) -> None:
    """List that many models, and complete a name by keys."""
    from gptchat.commands.effects import Table
    from gptchat.providers.listing import models_in
    from gptchat.terminal.input.fuzzy import Ranking
    from gptchat.terminal.output.blocks import lines_of

    found = models_in({"data": [{"id": f"model-{n}-{n % 7}"} for n in range(count)]}, "x")
    await asyncio.sleep(0)
    ranking = Ranking([facts.name for facts in found], lambda name: name)
    for end in range(1, 8):
        await asyncio.sleep(0)
        ranking.best("model-9"[:end])
    await asyncio.sleep(0)
    lines_of([Table(["model"], [[facts.name] for facts in found[:500]])], 79)


def pdf(pages: int) -> bytes:
    """A PDF of many pages that share one stream of a megabyte, packed."""
    stream = zlib.compress(b"BT /F1 9 Tf (a) Tj ET " * 50_000)
    kids = b" ".join(b"%d 0 R" % number for number in range(5, 5 + pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /MediaBox [0 0 9 9] /Kids [%b] /Count %d >>" % (kids, pages),
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *[b"<</Type /Page /Parent 2 0 R /Contents 3 0 R /Resources << /Font << /F1 4 0 R >> >>>>"] * pages,
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size, place = len(objects) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n" % (size, table, size)
    return bytes(out) + b"startxref\n%d\n%%%%EOF" % place


def zipped(name: str, text: bytes) -> bytes:
    """A zip of one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return out.getvalue()


def png_bomb() -> bytes:
    """A PNG that unpacks to 200 MB."""
    packed = zlib.compress(bytes(200 * MB), 1)
    head = (20_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big") + b"\x08\0\0\0\0"
    body = b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


def shapes(folder: Path) -> dict[str, tuple[int, Callable[[], Awaitable[None]]]]:
    """The size of each shape in bytes, and what reads it."""
    found: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {}

    def text(name: str, source: str) -> None:
        found[f"reply: {name}"] = (len(source.encode()), lambda: draw(source))

    def file(
        name: str, ending: str, data: Callable[[], bytes], size: int, read: Callable[[Path], Awaitable[None]]
    ) -> None:
        def run() -> Awaitable[None]:
            return read(path)

        path = folder / (name.replace(" ", "-").replace("/", "") + ending)
        found[name] = (size, run)
        if any(word in name for word in sys.argv[1:] or [name]):
            path.write_bytes(data())

    for name, piece in MARKDOWN.items():
        text(name, repeated(piece))
    for name, source in WHOLE.items():
        text(name, source)
    for piece in PAGES:
        page = repeated(piece).encode()
        file(f"page: {piece}", "", lambda page=page: page, SIZE, lambda path: attach(path, "text/html"))  # type: ignore[misc]
    file("PDF of 2,000 pages", ".pdf", lambda: pdf(2000), MB, attach)
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12)).encode()
    laugh = b"<!DOCTYPE d [" + entities + b"]><d>&e11;</d>"
    file("docx of entities", ".docx", lambda: zipped("word/document.xml", laugh), MB, attach)
    file("docx bomb", ".docx", lambda: zipped("word/document.xml", b" " * 200 * MB), MB, attach)
    file("PNG bomb", ".png", png_bomb, MB, attach)
    talks = "conversations.json"
    file("import: zip bomb", ".zip", lambda: zipped(talks, b"[" + b" " * 200 * MB), MB, take_in)
    start = b'[{"title": "", "mapping": '
    for name, data in {
        "blanks": b"[" + b" " * 10 * MB + b'{"mapping":1}]',
        "depth 100,000": start + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        "unfinished": b'[{"mapping":' * 1 + b'{"title":' * 100_000,
        "stray brackets": start + b"{}}" + b"}" * MB,
        "string of 20 MB": start + b'"' + b"a" * 20 * MB,
        "escapes": start + b'"' + b"\\" * 5 * MB,
        "empty conversations": b"[" + b'{"mapping":{}},' * 60_000 + b"1]",
    }.items():
        file(f"import: {name}", ".json", lambda data=data: data, len(data), take_in)  # type: ignore[misc]
    for name, piece in OUTPUTS.items():
        source = repeated(piece)
        found[name] = (100_000, lambda source=source: show_output(source))  # type: ignore[misc]
    found["100,000 models"] = (len(json.dumps("model-1234-5")) * 100_000, lambda: rank(100_000))
    return found


async def measured(
    work: Callable[[], Awaitable[None]], stop_after: float
) -> tuple[float, float, tuple[float, float] | None]:
    """The longest stall, the whole time, and how long stopping took after `stop_after` seconds (None: done)."""
    task = asyncio.ensure_future(work())
    begun, last, stall = time.perf_counter(), time.thread_time(), 0.0
    stopped: tuple[float, float] | None = None
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.thread_time()
        stall, last = max(stall, now - last), now
        if stopped is None and time.perf_counter() - begun > stop_after and not task.done():
            stopped = now, time.perf_counter()
            task.cancel()
    ended = time.thread_time(), time.perf_counter()
    try:
        await task
    except (asyncio.CancelledError, GptchatError, ValueError):
        pass
    return stall, ended[1] - begun, (ended[0] - stopped[0], ended[1] - stopped[1]) if stopped else None


def kilobytes(name: str) -> int:
    """A size of this process, as Linux tells it."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found is not None, "Linux tells it"
    return int(found[1])


def one(name: str) -> None:
    """Measure one shape and print its line."""
    with tempfile.TemporaryDirectory() as folder:
        size, work = shapes(Path(folder))[name]
        asyncio.run(measured(lambda: draw("a **b**\n\n1. a\n\n|a|\n|-|\n"), 9))  # imports are not what is measured
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
        before = kilobytes("VmRSS")
        stall, seconds, _none = asyncio.run(measured(work, 10.0))
        memory = (kilobytes("VmHWM") - before) / 1000
        _stall, _seconds, esc = asyncio.run(measured(work, 0.1))
    each = max(size / MB, 1.0)
    bad = stall > STALL or memory / each > MEMORY or (esc is not None and esc[0] > ESC)
    shown = f"{esc[0] * 1000:6.0f} {esc[1] * 1000:6.0f}" if esc is not None else "     -      -"
    print(
        f"{name:32} {size / MB:6.2f} {stall * 1000:7.0f} {seconds / (size / MB):8.2f} "
        f"{memory / each:8.1f} {shown}{'  !' if bad else ''}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--one"]:
        del sys.argv[1]
        one(sys.argv[1])
        return
    print(f"{'shape':32} {'MB':>6} {'stall ms':>7} {'s a MB':>8} {'MB a MB':>8} {'esc cpu':>7} {'clock':>5}")
    words, sys.argv[1:] = sys.argv[1:], ["nothing is written"]
    with tempfile.TemporaryDirectory() as folder:
        names = [name for name in shapes(Path(folder)) if not words or any(word in name for word in words)]
    for name in names:
        subprocess.run([sys.executable, "-m", __spec__.name, "--one", name], check=False)


if __name__ == "__main__":
    main()
