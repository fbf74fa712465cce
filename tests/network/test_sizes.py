"""Requests and pictures that are too large: told, made smaller, and no trap for the messages after them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gptchat.attachments import images
from gptchat.attachments.limits import SizeLimits
from gptchat.attachments.loading import load
from gptchat.core.messages import Request
from gptchat.errors import UsageError
from gptchat.providers.faults.sizes import size_lesson, size_of, within
from tests.providers.asking import ask, provider
from tests.support.peers import nginx
from tests.support.server import Server

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_300_000}}
LIMIT = SizeLimits(image=400_000, side=800)


def said(*parts: Any) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": list(parts)}


def text(words: str) -> dict[str, str]:
    """A text as a part."""
    return {"type": "text", "text": words}


def test_a_picture_that_nginx_refuses(server: Server, tmp_path: Path) -> None:
    """A picture above nginx's 1 MB is told with the ways out, and the next message is answered without it."""
    with nginx(tmp_path, f"location / {{ proxy_pass {server.root}; proxy_buffering off; }}") as place:
        engine = provider(f"http://{place}/v1")
        refused = ask(engine, Request("m", (said(text("what is it?"), PICTURE),))).failure
        assert refused.status == 413
        for way in ("/undo", "smaller picture", "/compact"):
            assert way in refused.hint
        # The unanswered message is joined to the one after it
        after = ask(engine, Request("m", (said(text("what is it?"), PICTURE, text("hello")),)))
        assert after.error is None
        assert any("1 earlier picture is left out" in notice for notice in after.notices)
        assert "left out" in json.dumps(server.requests[-1].json)
        # A picture in the newest message is sent again: it is the question
        again = ask(engine, Request("m", (said(text("hello")), said(text("and this?"), PICTURE)))).failure
        assert again.status == 413


def test_a_picture_of_an_earlier_turn(server: Server, tmp_path: Path) -> None:
    """A conversation that has grown too large by its pictures goes on at once, without the oldest."""
    turns = [said(text(f"{n}"), PICTURE | {"n": n}) for n in range(2)]
    messages = (turns[0], {"role": "assistant", "content": "a cat"}, said(text("and now?")))
    with nginx(tmp_path, f"location / {{ proxy_pass {server.root}; proxy_buffering off; }}") as place:
        answered = ask(provider(f"http://{place}/v1"), Request("m", messages))
    assert answered.error is None
    assert any("from now on" in notice for notice in answered.notices)


@pytest.mark.parametrize("key", ["messages", "input"])
def test_the_oldest_pictures_go_first(key: str) -> None:
    """As many pictures as must go are left out, the oldest first, and a request without any stays as it is."""
    small = {"type": "image_url" if key == "messages" else "input_image", "image_url": "x" * 1000}
    body = {key: [said(text("a"), small), said(text("b"), small), said(text("c"), small)]}
    lesson = size_lesson({"x": "x" * (size_of(body) - 500)})

    found, number = within(body, (lesson,))
    assert number == 1
    assert small not in found[key][0]["content"]
    assert small in found[key][1]["content"]
    assert size_of(found) < int(lesson.value)
    assert within({key: [said(text("a" * 9999))]}, (lesson,))[1] == 0
    assert within(body, ()) == (body, 0)


def noise(side: int, kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """A picture that does not compress well."""
    file = io.BytesIO()
    picture = Image.effect_noise((side, side * 3 // 4), 90).convert(mode)
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "L"), ("WEBP", "RGB"), ("GIF", "L")],
)
def test_large_pictures_are_made_smaller(tmp_path: Path, kind: str, mode: str) -> None:
    """A picture that is too long or too large is made smaller on attaching, and that is told."""
    path = tmp_path / f"large.{kind.lower()}"
    path.write_bytes(noise(1600, kind, mode))
    loaded = load(str(path), limits=LIMIT)
    data = loaded.attachments[0].data
    assert len(data) <= LIMIT.image
    assert images.recognise(data) == loaded.attachments[0].mime
    assert Image.open(io.BytesIO(data)).size == (800, 600)
    assert "1600 × 1200" in loaded.notes[0]
    assert "800 × 600" in loaded.notes[0]


def test_pictures_that_fit_are_left_alone(tmp_path: Path) -> None:
    """A picture within the limits is sent byte by byte as it is, and nothing is told."""
    path = tmp_path / "small.png"
    path.write_bytes(noise(100, "PNG"))
    loaded = load(str(path), limits=LIMIT)
    assert loaded.attachments[0].data == path.read_bytes()
    assert not loaded.notes


def test_a_picture_lies_as_the_camera_was_held(tmp_path: Path) -> None:
    """The orientation that a camera notes is applied, since the note is lost."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    path.write_bytes(noise(1600, "JPEG", exif=exif))
    assert Image.open(io.BytesIO(load(str(path), limits=LIMIT).attachments[0].data)).size == (600, 800)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pillow a picture that servers refuse is refused at once, with what would help."""
    path, long = tmp_path / "large.jpg", noise(1600, "JPEG", quality=5)
    path.write_bytes(noise(1600, "JPEG", quality=95))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError) as refused:
        load(str(path), limits=LIMIT)
    assert "gptchat[images]" in refused.value.hint
    path.write_bytes(long)
    assert load(str(path), limits=SizeLimits(side=800)).attachments[0].data == long, "servers can do it themselves"


def test_a_damaged_picture(tmp_path: Path) -> None:
    """A damaged picture is told as one."""
    path = tmp_path / "damaged.png"
    path.write_bytes(noise(1600, "PNG")[:5000])
    with pytest.raises(UsageError) as refused:
        load(str(path), limits=LIMIT)
    assert "cannot be read as a picture" in refused.value.message
