"""The text of office files that are zips of XML: Word, Excel, PowerPoint, OpenDocument."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from xml.parsers import expat

from gptchat.errors import UsageError
from gptchat.foreign.archives import check, limited
from gptchat.words import _

_PARTS = re.compile(
    r"word/document\.xml|xl/sharedStrings\.xml|xl/worksheets/sheet\d+\.xml|ppt/slides/slide\d+\.xml|content\.xml"
)
_LINES = frozenset(("p", "h", "br", "cr", "row", "table-row", "line-break"))
"""Elements that end a line, by their names without a namespace."""
_CELLS = frozenset(("tc", "c", "table-cell", "tab"))
_TEXTS = frozenset(("t", "v", "p", "h", "span", "a"))
"""Elements that hold text; in OpenDocument the paragraphs themselves do."""


def read(file: IO[bytes], arguments: dict[str, Any], _step: object) -> Iterator[str]:
    """Yield the text of each part of an office file (a reader, see `process`). Raises UsageError."""
    name, found = arguments["name"], False
    try:
        with zipfile.ZipFile(file) as archive:
            parts = sorted((info for info in archive.infolist() if _PARTS.fullmatch(info.filename)), key=_order)
            check(name, archive, parts)
            if not parts:
                raise UsageError(
                    _("{name} is an archive, which models do not take").format(name=name),
                    hint=_("unpack it and attach the files you mean"),
                )
            shared: list[str] = []
            for info in parts:
                with archive.open(info) as member:
                    text = _Text(shared)
                    text.parse(limited(name, member))
                if info.filename == "xl/sharedStrings.xml":
                    shared += text.items
                elif words := text.text():
                    found = True
                    yield words
    except (zipfile.BadZipFile, expat.ExpatError, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        raise UsageError(
            _("{name} cannot be read: {why}").format(name=name, why=str(error)[:300] or type(error).__name__),
            hint=_("open it in its own program and save it anew, or copy the part you need as text"),
        ) from error
    if not found:
        raise UsageError(_("{name} is empty").format(name=name), hint=_("attach a file that holds something"))


def _order(info: zipfile.ZipInfo) -> tuple[bool, int, str]:
    """Shared strings first, then sheets and slides by their numbers."""
    number = re.search(r"\d+", info.filename)
    return (info.filename != "xl/sharedStrings.xml", int(number[0][:9]) if number else 0, info.filename)


class _Text:
    """Collects the text of one XML part. Declarations of entities are refused: such files have none."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self._pieces: list[str] = []
        self._item: list[str] = []
        self._inside = 0
        self._by_number = False
        self.items: list[str] = []
        """The strings of a list of shared strings."""
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def parse(self, file: Iterator[bytes]) -> None:
        """Read the whole part. Raises ExpatError."""
        for piece in file:
            self._parser.Parse(piece, False)
        self._parser.Parse(b"", True)

    def text(self) -> str:
        """The text so far, without blanks at the ends of lines and long gaps."""
        lines = (line.rstrip() for line in "".join(self._pieces).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def _refuse(self, *_declaration: object) -> None:
        raise expat.ExpatError(_("it declares entities, which no office program writes"))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._inside += local in _TEXTS
        if local == "si":
            self._item = []
        elif local == "c":
            self._by_number = attributes.get("t") == "s"
        elif local in ("tab", "br", "cr", "line-break"):
            self._pieces.append("\t" if local == "tab" else "\n")

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        self._inside -= local in _TEXTS
        if local == "si":
            self.items.append("".join(self._item))
        elif local in _CELLS and local != "tab":
            if self._pieces[-1:] == ["\n"]:
                self._pieces.pop()  # of the paragraph in the cell
            self._pieces.append("\t")
        elif local in _LINES:
            self._pieces.append("\n")

    def _characters(self, text: str) -> None:
        if not self._inside:
            return
        if self._by_number and text.isdecimal() and len(text) < 9 and int(text) < len(self._shared):
            text = self._shared[int(text)]
        self._pieces.append(text)
        self._item.append(text)
