"""Files, folders and images attached to a message, and the reasons why some cannot be."""

from __future__ import annotations

import os
import socket
import struct
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.attachments import SizeLimits, compose, load
from gptchat.attachments.decoding import decode
from gptchat.attachments.images import recognise
from gptchat.errors import UsageError

CHINESE = "第一章 总则\n为了规范数据处理活动，保障数据安全。\n"


def png(width: int = 3, height: int = 2) -> bytes:
    """A real PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress((b"\0" + b"\x80\x80\x80" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xff\xc0\x00\x11\x08"
    + struct.pack(">HH", 480, 640)
    + b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"
)
WEBP_LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480)
WEBP_LOSSLESS = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + (639 | 479 << 14).to_bytes(4, "little")
WEBP_EXTENDED = (
    b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"
    + (639).to_bytes(3, "little")
    + (479).to_bytes(3, "little")
)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480) + b"\0\0\0;"


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-32", ""), ("gb18030", "GB18030"), ("gbk", "GB18030")],
)
def test_chinese_text_in_its_encodings(tmp_path: Path, encoding: str, told: str) -> None:
    """A Chinese text is read whole in the encodings it is found in; a guessed one is told."""
    write(tmp_path / "规定.txt", CHINESE.replace("\n", "\r\n").encode(encoding))
    loaded = load("规定.txt", cwd=tmp_path)
    assert loaded.attachments[0].text == CHINESE
    assert loaded.notes == ((f"规定.txt was read as {told}",) if told else ())


def test_western_text_is_not_taken_for_chinese() -> None:
    """Accents of an old Western file come out as accents."""
    text = "Café, naïve, façade, £5: déjà vu à la carte\n"
    assert decode(text.encode("cp1252")) == (text, "cp1252")


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
@settings(max_examples=150)
def test_any_utf8_text_survives(text: str) -> None:
    """Any text saved as UTF-8, with or without a mark, is read as it was written."""
    assert decode(text.encode("utf-8-sig")) == (text, "utf-8")
    if not text.startswith("\ufeff"):
        assert decode(text.encode()) == (text, "utf-8")


@given(st.binary())
@settings(max_examples=150)
def test_any_bytes_are_taken(data: bytes) -> None:
    """Bytes of any kind are recognised as text, as an image, or as neither; nothing fails."""
    decode(data)
    for magic in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF0000WEBPVP8X", b"RIFF0000WEBPVP8L"):
        assert recognise(magic + data) in ("", "image/jpeg", "image/png", "image/gif", "image/webp")


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (png(640, 480), "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (WEBP_LOSSY, "image/webp"),
        (WEBP_LOSSLESS, "image/webp"),
        (WEBP_EXTENDED, "image/webp"),
    ],
)
def test_images_by_what_they_are(tmp_path: Path, data: bytes, mime: str) -> None:
    """An image is known by its bytes whatever its name, and goes as a data URL."""
    write(tmp_path / "holiday.txt", data)
    (image,) = load("holiday.txt", vision=True, cwd=tmp_path).attachments
    assert (image.kind, image.mime) == ("image", mime)
    assert image.data_url.startswith(f"data:{mime};base64,")
    assert compose("", [image]) == (image.part,)


def test_an_image_for_a_model_that_does_not_see(tmp_path: Path) -> None:
    """An image is refused with a reason for a model without vision, and taken where that is unknown."""
    write(tmp_path / "a.png", png())
    with pytest.raises(UsageError, match="does not see") as caught:
        load("a.png", vision=False, cwd=tmp_path)
    assert "/models" in caught.value.hint
    assert load("a.png", cwd=tmp_path).attachments[0].kind == "image"


def test_a_log_of_three_megabytes(tmp_path: Path) -> None:
    """A long log with colours in it is attached whole."""
    text = "\x1b[32m2026-11-20 08:30:15 INFO\x1b[0m all is well\n" * 70_000
    write(tmp_path / "app.log", text)
    (log,) = load("app.log", cwd=tmp_path).attachments
    assert log.text == text
    assert log.size > 3_000_000


def test_what_cannot_be_attached(tmp_path: Path) -> None:
    """Binary, huge, missing, empty, foreign or unnamed: each has its own reason and a way on."""
    write(tmp_path / "notes.txt", "words")
    write(tmp_path / "empty", "")
    write(tmp_path / "data.bin", bytes(range(256)))
    write(tmp_path / "big.txt", "x" * 2000)
    write(tmp_path / "photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0")
    write(tmp_path / "old.bmp", b"BM" + bytes(60))
    expected = {
        "": "nothing to attach",
        "note.txt": "there is no note.txt",
        "empty": "is empty",
        "data.bin": "is not text",
        "big.txt": "larger than 1.0 kB",
        "photo.heic": "HEIC",
        "old.bmp": "BMP",
        "ftp://example.org/a": "ftp://",
        "file:///etc/passwd": "file://",
        "a\0b": "cannot be read",
        "x" * 5000: "cannot be read",
    }
    for reference, reason in expected.items():
        with pytest.raises(UsageError) as caught:
            load(reference, cwd=tmp_path, limits=SizeLimits(file=1000))
        assert reason in caught.value.message
        assert caught.value.hint
    with pytest.raises(UsageError) as caught:
        load("note.txt", cwd=tmp_path)
    assert caught.value.hint == "did you mean notes.txt?"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices in the file system are POSIX")
def test_devices_and_pipes(tmp_path: Path) -> None:
    """A pipe, a socket or a device is refused before it is opened, so nothing waits for ever."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name, what in (("pipe", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
            with pytest.raises(UsageError, match=what):
                load(name, cwd=tmp_path)
    with pytest.raises(UsageError, match=r"no text files .*devices and pipes"):
        load(".", cwd=tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_file_one_may_not_read(tmp_path: Path) -> None:
    """A file without permission is refused with the system's reason."""
    write(tmp_path / "secret.txt", "x").chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        load("secret.txt", cwd=tmp_path)


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~/` means the person's own folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path / "a.py", "x = 1\n")
    (item,) = load("~/a.py").attachments
    assert (item.text, item.language) == ("x = 1\n", "python")


def test_a_folder(tmp_path: Path) -> None:
    """A folder brings its text files in order under their paths, and says what it left out and why."""
    for name in (
        "b.py",
        "sub/a.md",
        ".git/config",
        "node_modules/x/y.js",
        "__pycache__/b.pyc",
        ".hidden",
        "sub/deep/c.txt",
    ):
        write(tmp_path / "project" / name, f"text of {name}\n")
    write(tmp_path / "project/logo.png", png())
    write(tmp_path / "project/data.bin", b"\0\1\2")
    write(tmp_path / "project/wide.txt", CHINESE.encode("utf-16"))
    write(tmp_path / "project/none.txt", "")
    loaded = load("project/", cwd=tmp_path)
    names = ["project/b.py", "project/sub/a.md", "project/sub/deep/c.txt", "project/wide.txt"]
    assert [item.name for item in loaded.attachments] == names
    assert loaded.attachments[0].language == "python"
    assert loaded.attachments[3].text == CHINESE
    (note,) = loaded.notes
    assert note.startswith("project/: 4 files, ")
    why = note.partition("left out: ")[2].split(", ")
    assert sorted(why) == ["1 empty", "1 image", "1 not text", "2 generated", "2 hidden"]


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege there")
def test_a_folder_that_leads_in_a_circle(tmp_path: Path) -> None:
    """Links to folders are not followed, so a circle ends and nothing comes twice; a link to a file is read."""
    write(tmp_path / "f/a.txt", "a")
    (tmp_path / "f/again").symlink_to(tmp_path / "f")
    (tmp_path / "f/b.txt").symlink_to(tmp_path / "f/a.txt")
    (tmp_path / "f/dead").symlink_to(tmp_path / "nowhere")
    loaded = load("f", cwd=tmp_path)
    assert [item.name for item in loaded.attachments] == ["f/a.txt", "f/b.txt"]
    assert "2 links" in loaded.notes[0]


def test_a_folder_that_holds_too_much(tmp_path: Path) -> None:
    """A folder beyond the limits is refused whole rather than sent in part."""
    for number in range(4):
        write(tmp_path / f"f/{number}.txt", "x" * 100)
    for limits in (SizeLimits(files=3), SizeLimits(folder=399)):
        with pytest.raises(UsageError, match="holds more than"):
            load("f", cwd=tmp_path, limits=limits)
    assert len(load("f", cwd=tmp_path, limits=SizeLimits(files=4, folder=400)).attachments) == 4
    assert "4 too large" in _refusal(tmp_path, SizeLimits(file=99))


def _refusal(tmp_path: Path, limits: SizeLimits) -> str:
    with pytest.raises(UsageError) as caught:
        load("f", cwd=tmp_path, limits=limits)
    return caught.value.message


def pdf(text: str) -> bytes:
    """A PDF of one page that says `text`."""
    stream = f"BT /F1 24 Tf 20 100 Td ({text}) Tj ET".encode() if text else b""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"xref\n0 7\n0000000000 65535 f \n%btrailer\n<< /Size 7 /Root 1 0 R >>\n" % table
    return bytes(out) + b"startxref\n%d\n%%%%EOF" % out.index(b"xref\n0 7")


def test_pdfs(tmp_path: Path) -> None:
    """A PDF goes as its text; one without text, or a damaged one, is refused with the reason."""
    pytest.importorskip("pypdf")
    write(tmp_path / "a.pdf", pdf("Grow tea in spring"))
    write(tmp_path / "scan.pdf", pdf(""))
    write(tmp_path / "bad.pdf", b"%PDF-1.4\nnothing of the sort")
    (item,) = load("a.pdf", cwd=tmp_path).attachments
    assert (item.text, item.mime) == ("Grow tea in spring", "application/pdf")
    for name, reason in (("scan.pdf", "only pictures"), ("bad.pdf", "cannot be read as a PDF")):
        with pytest.raises(UsageError, match=reason):
            load(name, cwd=tmp_path)
