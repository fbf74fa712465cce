"""Pages, office files and archives give their text, and those that were made to do harm give a reason."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.attachments import load
from gptchat.errors import UsageError
from gptchat.foreign.pages import page_text

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OPEN = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def office(path: Path, parts: dict[str, str]) -> Path:
    """A zip of XML parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def test_a_page_is_its_text() -> None:
    """A page comes as lines of text, without scripts, navigation and comments."""
    page = (
        "<!DOCTYPE html><title>A &amp; B</title><nav>menu<form>x</nav><h1 id='a>b'>Tea</h1><!-- no -->"
        "<script>if (a<b) {}</script><ul><li>one<li>two</ul><svg/><table><tr><td>1</td><td>2</table>"
        "<style>p{}</style>a < b &lt;c"
    )
    assert page_text(page) == "A & B\n\nTea\n\n- one\n- two\n\n1 2\na < b <c"


BAD_PAGES = [
    "<a ",
    '<a href="',
    "<!--",
    "<script",
    "<svg>",
    "<",
    "</",
    "<title>",
    "&am",
    "<!",
    "<a href='\">",
    "&#99999",
]


@pytest.mark.parametrize("piece", BAD_PAGES)
def test_a_page_costs_what_its_length_says(piece: str) -> None:
    """A page of four times the length takes no more than some four times as long, whatever it repeats."""

    def spent(count: int) -> float:
        times = []
        for _try in range(3):
            began = time.perf_counter()
            page_text(piece * count)
            times.append(time.perf_counter() - began)
        return min(times)

    spent(100)
    assert spent(40_000) < 0.05 + 12 * spent(10_000)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from([*BAD_PAGES, "text", ">", "-->", "</script>", "</nav>", "<p>", "&#" + "9" * 5000]),
        max_size=12,
    )
)
def test_any_page_is_read(pieces: list[str]) -> None:
    """No page is so broken that reading it fails."""
    page_text("".join(pieces))


def test_office_files(tmp_path: Path) -> None:
    """Word, Excel, PowerPoint and OpenDocument files are attached as their text."""
    office(
        tmp_path / "a.docx",
        {
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:p><w:r><w:t>Dear</w:t><w:tab/><w:t>Ann</w:t>'
            "</w:r></w:p><w:p><w:r><w:t>你好</w:t></w:r></w:p></w:document>"
        },
    )
    office(
        tmp_path / "b.xlsx",
        {
            "xl/worksheets/sheet1.xml": '<s><row><c t="s"><v>1</v></c><c><v>42</v></c></row></s>',
            "xl/sharedStrings.xml": "<sst><si><t>no</t></si><si><t>price</t></si></sst>",
        },
    )
    office(tmp_path / "c.pptx", {f"ppt/slides/slide{n}.xml": f"<a><p><t>slide {n}</t></p></a>" for n in (10, 2)})
    office(
        tmp_path / "d.odt",
        {"content.xml": f'<o xmlns:t="{OPEN}"><t:h>Title</t:h><t:p>some <t:span>bold</t:span> text</t:p></o>'},
    )
    texts = {
        name: load(name, cwd=tmp_path).attachments[0].text for name in ("a.docx", "b.xlsx", "c.pptx", "d.odt")
    }
    assert texts["a.docx"] == "Dear\tAnn\n你好"
    assert texts["b.xlsx"] == "price\t42"
    assert texts["c.pptx"] == "slide 2\n\nslide 10"
    assert texts["d.odt"] == "Title\nsome bold text"


def test_office_files_made_to_do_harm(tmp_path: Path) -> None:
    """Entities, members that unpack to a thousand times their size, and archives of other things are refused."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
    office(tmp_path / "laugh.docx", {"word/document.xml": f"<!DOCTYPE d [{entities}]><d>&e11;</d>"})
    office(tmp_path / "bomb.docx", {"word/document.xml": "<d>" + " " * 60_000_000})
    office(tmp_path / "deep.docx", {"word/document.xml": "<d>" * 100_000})
    office(tmp_path / "other.zip", {"photo.png": "x"})
    (tmp_path / "torn.docx").write_bytes((tmp_path / "laugh.docx").read_bytes()[:200])
    for name, why in {
        "laugh": "entities",
        "bomb": "trap",
        "deep": "cannot be read",
        "torn": "cannot be read",
    }.items():
        with pytest.raises(UsageError, match=why):
            load(f"{name}.docx", cwd=tmp_path)
    with pytest.raises(UsageError, match="archive"):
        load("other.zip", cwd=tmp_path)


def test_a_pdf_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pypdf is missing, the person is told how to get it."""
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    from gptchat.foreign import pdf

    with pytest.raises(UsageError) as caught:
        list(pdf.read(io.BytesIO(), {"name": "a.pdf"}, None))
    assert caught.value.hint == 'pip install "gptchat[pdf]"'
