"""A picture of a megabyte in a reply: keys are answered throughout, and its line is all that is seen of it."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from gptchat import AsyncChat
from tests.chat.home import Home, asked
from tests.replies.shapes import ADDRESS, PAGE, chunk, pictures, sources, streamed
from tests.support.program import settings_for
from tests.support.server import Gate, Reply, Server, raw, say

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

DATA = base64.b64encode(random.Random(11).randbytes(900_000)).decode()
PATIENCE = 0.05
"""Seconds within which a key is answered."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A machine on which gptchat has never run."""
    return Home(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    """A model server."""
    with Server() as server:
        yield server


def _megabyte(size: int, start: Gate) -> Reply:
    """A reply with a picture of 1.2 MB of base64 in pieces of `size` characters, and text around it."""
    text = f"![x](data:image/png;base64,{DATA})"
    steps: list[str | Gate] = [f"data: {json.dumps(chunk({'content': 'Here.'}))}\n\n", start]
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    steps += [f"data: {json.dumps(chunk({'content': piece}))}\n\n" for piece in pieces]
    end = chunk({"content": "\n\nDone."}, "stop")
    return raw(*steps, f"data: {json.dumps(end)}\n\n", "data: [DONE]\n\n")


@pytest.mark.parametrize("size", [40, 5_000, 2_000_000])
def test_keys_are_answered_while_a_megabyte_arrives(home: Home, server: Server, size: int) -> None:
    """While 1 MB of data streams in, what is typed appears at once; then the line and the text stand there."""
    home.connect(server.url)
    start = Gate()
    server.script(_megabyte(size, start), say("next"))
    with home.chat() as screen:
        screen.send("draw\r")
        screen.wait_for("Here.")
        waits: list[float] = []
        start.open()
        typed = ""
        while "Done." not in screen.text and len(typed) < 60:
            typed += "abcdefghij"[len(typed) % 10]
            begun = time.monotonic()
            screen.send(typed[-1])
            screen.wait_for(f"› {typed}")
            waits.append(time.monotonic() - begun)
        screen.wait_for("Done.")
        screen.wait_for("▨ image (png, 0.9 MB) · 1")
        assert median(waits) < PATIENCE
        assert DATA[:30] not in "".join(screen.transcript)
        assert len(screen.raw) < 60_000
        screen.send("\x15and now?\r")
        screen.wait_for("next")
    (kept,) = home.data.rglob("files/*.png")
    assert kept.read_bytes() == base64.b64decode(DATA)
    assert len(asked(server)[-1].body) < 2000


@pytest.mark.parametrize("size", [40, 5_000, 2_000_000])
def test_nothing_else_waits_while_a_megabyte_arrives(tmp_path: Path, size: int) -> None:
    """While 1 MB of data streams in, the program is never busy for 50 ms at a stretch; keys are read between."""
    start = Gate()
    start.open()

    async def run(url: str) -> list[float]:
        config = tmp_path / "config.toml"
        config.write_text(settings_for(url, key_optional="true"), encoding="utf-8")
        stretches: list[float] = []

        async def watch() -> None:
            last = time.thread_time()  # of this thread alone: the machine may be busy with other things
            while True:
                await asyncio.sleep(0)
                now = time.thread_time()
                stretches.append(now - last)
                last = now

        async with AsyncChat(user="ann", config=config, data_dir=tmp_path / "data") as chat:
            await chat.send("warm up")
            watching = asyncio.create_task(watch())
            assert "· 1" in (await chat.send("draw")).text
            watching.cancel()
        return stretches

    with Server() as server:
        server.script(say("warm"), _megabyte(size, start))
        assert max(asyncio.run(run(server.url))) < PATIENCE


def test_the_line_stands_in_history_and_on_resuming(home: Home, server: Server) -> None:
    """The picture's line and the sources are there in /history and when the session is opened again."""
    home.connect(server.url)
    server.script(pictures()["openrouter delta"], sources()["perplexity"])
    with home.chat() as screen:
        screen.send("draw\r")
        screen.wait_for("Done.")
        screen.wait_for("▨ image (png, 1 kB) · 1")
        screen.send("where\r")
        screen.wait_for(f"[1] {PAGE['title']} {PAGE['url']}")
        screen.wait_for("[2] Hills https://hills.example/")
        screen.send("/exit\r")
        screen.wait_for_exit()
    with home.chat("-c", rows=40) as screen:
        screen.wait_for("▨ image (png, 1 kB) · 1")
        screen.wait_for("[2] Hills https://hills.example/")
    told = home.ask("-c", "/history").stdout
    assert "▨ image (png, 1 kB) · 1" in told
    assert "1 file" in told
    assert "2 sources" in told


def test_pipes_and_json(home: Home, server: Server) -> None:
    """A pipe gets a data address as it was received; `--json` lists files and sources."""
    home.connect(server.url)
    server.script(say("a ", f"![x]({ADDRESS})", " b"), pictures()["openrouter delta"], sources()["annotations"])
    assert home.ask("draw").stdout == f"a ![x]({ADDRESS}) b"
    document = json.loads(home.ask("--json", "draw").stdout)
    (file,) = document["files"]
    assert Path(file["path"]).read_bytes().startswith(b"\x89PNG")
    assert (file["mime"], file["kind"]) == ("image/png", "image")
    assert "sources" not in document
    document = json.loads(home.ask("--json", "where").stdout)
    assert [one["url"] for one in document["sources"]] == [PAGE["url"], "https://hills.example/"]


def test_a_picture_apart_from_the_text_is_told_beside_a_pipe(home: Home, server: Server) -> None:
    """A picture that comes apart from the text is named with its place on standard error."""
    home.connect(server.url)
    server.script(streamed(chunk({"images": [{"image_url": {"url": ADDRESS}}]}, "stop")))
    answer = home.ask("draw")
    (kept,) = home.data.rglob("files/*.png")
    assert f"▨ image (png, 1 kB) · 1: {kept}" in answer.stderr
    assert "empty" not in answer.stderr
    assert answer.returncode == 0
