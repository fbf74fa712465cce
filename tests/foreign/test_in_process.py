"""The readers of office files and pictures, called as the child process calls them."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from gptchat.commands.registry import Call
from gptchat.errors import UsageError
from gptchat.foreign import office, pictures
from gptchat.terminal.input.candidates import ChatCandidates
from tests.support.program import compose_program


def archive(parts: dict[str, str]) -> io.BytesIO:
    """An office file with these parts."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, text in parts.items():
            made.writestr(name, text)
    data.seek(0)
    return data


def texts(parts: dict[str, str]) -> list[str]:
    """What is read of an office file with these parts."""
    return list(office.read(archive(parts), {"name": "x"}, None))


def test_office_files_give_their_text() -> None:
    """Paragraphs, cells and slides come as text, in their order."""
    assert texts({"word/document.xml": "<a><p><t>one</t></p><p><t>two</t><tab/><t>three</t></p></a>"}) == [
        "one\ntwo\tthree"
    ]
    slides = {f"ppt/slides/slide{number}.xml": f"<a><p><t>slide {number}</t></p></a>" for number in (10, 2)}
    assert [text.strip() for text in texts(slides)] == ["slide 2", "slide 10"]
    sheet = '<a><row><c t="s"><v>1</v></c><c><v>42</v></c></row></a>'
    shared = "<a><si><t>first</t></si><si><t>second</t></si></a>"
    found = texts({"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": shared})
    assert "second" in found[0]
    assert "42" in found[0]
    assert "open" in texts({"content.xml": "<a><p>open <span>document</span></p></a>"})[0]


@pytest.mark.parametrize(
    "parts", [{}, {"other.txt": "x"}, {"word/document.xml": "<a"}, {"word/document.xml": "<a></a>"}]
)
def test_office_files_that_hold_nothing_say_so(parts: dict[str, str]) -> None:
    """A file without text, or that cannot be read, is refused with a next step."""
    with pytest.raises(UsageError) as refused:
        texts(parts)
    assert refused.value.hint


KINDS = [("RGB", "PNG"), ("RGB", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("L", "BMP")]


@pytest.mark.parametrize(("mode", "kind"), KINDS)
def test_pictures_become_small_enough(mode: str, kind: str) -> None:
    """A picture of any kind is made as small as was asked for, and stays a picture."""
    data = io.BytesIO()
    Image.new(mode, (900, 300)).save(data, kind)
    data.seek(0)
    [[mime, text, width, height]] = pictures.shrink(data, {"name": "x", "side": 300, "most": 50_000}, None)
    assert (width, height) == (300, 100)
    assert Image.open(io.BytesIO(base64.b64decode(text))).size == (300, 100)
    assert mime.startswith("image/")


@pytest.mark.parametrize("most", [10, 50_000])
def test_pictures_that_cannot_be_made_small_are_refused(most: int) -> None:
    """A damaged picture, and one that no compression makes small enough, are refused with a next step."""
    data = io.BytesIO(b"no picture")
    if most == 10:
        data = io.BytesIO()
        Image.effect_noise((200, 200), 80).save(data, "PNG")
        data.seek(0)
    with pytest.raises(UsageError) as refused:
        list(pictures.shrink(data, {"name": "x", "side": 200, "most": most}, None))
    assert refused.value.hint


def test_every_kind_of_argument_has_candidates(tmp_path: Path) -> None:
    """Each kind of argument is completed from what there is, and an unknown one from nothing."""
    config = 'provider = "demo"\n[presets.brief]\nsystem = "In {language}."\n'
    program = compose_program(tmp_path, config)
    candidates = ChatCandidates(program)

    command = program.registry.get("help")
    assert command is not None

    def offered(kind: str, text: str = "", **values: str) -> list[str]:
        return [one.text for one in candidates.of(kind, text, Call(command, values))]

    assert {"openai", "demo"} <= set(offered("provider"))
    assert "temperature" in offered("setting")
    assert offered("value", key="thinking") == ["auto", "on", "off"]
    assert "openai" in offered("value", key="provider")
    assert "brief" in offered("preset")
    assert offered("preset", name="brief") == ["language="]
    assert "markdown" in offered("format")
    assert "help" in offered("command")
    assert offered("theme")
    assert offered("language")
    assert offered("code") == offered("no such kind") == []
    for kind in ("session", "trashed", "user", "model"):
        assert isinstance(offered(kind), list)
    candidates.refresh()
