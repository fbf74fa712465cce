"""Cuts data addresses (`data:image/png;base64,...`) out of streamed text: their data reaches no display."""

from __future__ import annotations

import re
from typing import Literal

from gptchat.core.replies import media
from gptchat.core.replies.code_spans import CodeSpans
from gptchat.values import dataclass
from gptchat.words import _

_DATA = r"data:(?P<mime>[\w.+-]{1,60}/[\w.+-]{1,80})(?:;[\w.+-]{1,40}=[\w.+\"-]{1,80}){0,4};base64,"
_START = re.compile(
    rf"(?P<image>!\[(?P<alt>[^\]\n]{{0,300}})\]\([ \t]{{0,4}}<?)?(?<![\w])(?P<data>{_DATA})"
    r"|(?P<tag><(?:img|audio|video|source|embed|object)\b[^>\n]{0,300}?)"
    rf"(?P<tagged>{_DATA.replace('mime', 'type')})",
    re.IGNORECASE,
)
_PARTLY = r"d(?:a(?:t(?:a(?::[\w.+/;=\"-]{0,260})?)?)?)?"
_MAYBE = re.compile(
    rf"(?:!(?:\[[^\]\n]{{0,300}}(?:\](?:\([ \t]{{0,4}}<?(?:{_PARTLY})?)?)?)?"
    r"|<(?:[iavseo](?:[a-z]{0,5}|(?:mg|udio|ideo|ource|mbed|bject)\b[^>\n]{0,600}))?"
    rf"|(?<!\w){_PARTLY})\Z",
    re.IGNORECASE,
)
"""The end of a text that may be the beginning of a data address."""
_SIGNS = re.compile(r"[!<]|\b[dD]")
"""What is in every text in which there is, or begins, a data address."""
_PAYLOAD = re.compile(r"[A-Za-z0-9+/=_%-]*")
_CLOSES = re.compile(r"[ \t]*>?(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'))?[ \t]*\)")
_MAY_CLOSE = re.compile(r"[ \t]*>?(?:[ \t]+(?:\"[^\"\n]{0,300}\"?|'[^'\n]{0,300}'?)?)?[ \t]*\Z")
_LONG = 1024
"""Characters of data from which an address inside code is cut out; a shorter one is part of the code."""
_LONGEST_TAG = 2000
_BLOCK = 16384


@dataclass(frozen=True, slots=True)
class Cut:
    """Data that was cut out, with the label that stands in its place.

    `payload` is its base64 text, empty if it cannot be kept; `alt` is the description of a picture in Markdown.
    """

    label: str
    source: str
    """The text as it was received."""
    mime: str
    payload: str = ""
    alt: str = ""


class DataCutter:
    """Cuts data addresses out of one text that arrives in pieces of any size.

    Pictures in Markdown and HTML, and addresses that stand alone, are replaced by their label; inside code only
    long ones are, and only the address. The label has the number `first` and following; 0 gives no numbers.
    The cost is linear in the text.
    """

    def __init__(self, first: int = 1) -> None:
        self._next = first
        self._spans = CodeSpans()
        self._held = ""
        self._last = ""
        """The last character of the text so far."""
        self._form: Literal["", "image", "tag", "bare", "code"] = ""
        """What the address being read belongs to; empty outside of one."""
        self._ended = False
        """Whether the data has ended and what closes the picture is awaited."""
        self._before = ""
        self._mime = self._alt = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, text: str) -> list[str | Cut]:
        """Add `text`; returns the text and the cuts that are now certain, in order."""
        if not self._held and not self._form and not _SIGNS.search(text):
            said: list[str | Cut] = []
            self._text(said, text)
            return said
        found: list[str | Cut] = []
        for at in range(
            0, len(text), _BLOCK
        ):  # addresses are cut off the front, which costs the length of the rest
            self._held += text[at : at + _BLOCK]
            self._read(found)
        return found

    def _read(self, found: list[str | Cut]) -> None:
        while self._held:
            before = self._form, self._ended, len(self._held)
            if not self._form:
                self._outside(found)
            elif not self._ended:
                self._payload()
            else:
                self._closing(found)
            if before == (self._form, self._ended, len(self._held)):
                break

    def finish(self) -> list[str | Cut]:
        """End the text; returns what was held back."""
        found: list[str | Cut] = []
        if self._form:
            self._ended = True
            self._end(found, whole=self._form in ("bare", "code"))
        self._text(found, self._held)
        self._held = ""
        return found

    def _text(self, found: list[str | Cut], text: str) -> None:
        if text:
            self._spans.feed(text)
            self._last = text[-1]
            found.append(text)

    def _outside(self, found: list[str | Cut]) -> None:
        held = self._held
        if held[0] in "dD" and (self._last.isalnum() or self._last == "_"):  # the end of a word
            self._text(found, held[0])
            self._held = held[1:]
            return
        match = _START.search(held)
        if match is None:
            maybe = _MAYBE.search(held)
            certain = maybe.start() if maybe else len(held)
            self._text(found, held[:certain])
            self._held = held[certain:]
            return
        self._text(found, held[: match.start()])
        self._mime = (match["mime"] or match["type"]).lower()
        self._alt = match["alt"] or ""
        self._data, self._size, self._ended = [], 0, False
        data = match["data"] or match["tagged"]
        self._before = held[match.start() : match.end()]
        if self._spans.code:
            self._form = "code"
            self._text(found, self._before[: -len(data)])
            self._before = data
        else:
            self._form = "image" if match["image"] else "tag" if match["tag"] else "bare"
        self._held = held[match.end() :]

    def _payload(self) -> None:
        match = _PAYLOAD.match(self._held)
        assert match is not None, "the pattern also matches nothing"
        if match[0]:
            self._size += len(match[0])
            if self._size <= media.MOST:
                self._data.append(match[0])
            self._held = self._held[match.end() :]
        self._ended = bool(self._held)

    def _closing(self, found: list[str | Cut]) -> None:
        if self._form in ("bare", "code"):
            self._end(found, whole=True)
        elif self._form == "image":
            if match := _CLOSES.match(self._held):
                self._end(found, whole=True, closing=match.end())
            elif not _MAY_CLOSE.match(self._held):
                self._end(found, whole=False)
        else:
            at = self._held.find(">")
            if at >= 0 and "<" not in self._held[:at]:
                self._end(found, whole=True, closing=at + 1)
            elif "<" in self._held or len(self._held) > _LONGEST_TAG:
                self._end(found, whole=False)

    def _end(self, found: list[str | Cut], *, whole: bool, closing: int = 0) -> None:
        """End the address; `whole` says that it is complete, `closing` how much of the held text belongs to it."""
        payload = "".join(self._data)
        form, self._form, self._ended = self._form, "", False
        source = self._before + payload + self._held[:closing]
        self._held = self._held[closing:]
        self._data = []
        if form == "code" and self._size < _LONG:
            self._text(found, source)
            return
        mime = media.type_of(payload, self._mime)
        size = media.size_of(payload)
        if self._size > media.MOST:
            why = _("larger than {limit}, not kept").format(limit=media.size_words(media.MOST * 3 // 4))
        elif not whole:
            why = _("it broke off, not kept")
        elif size < 0 or "=" in payload.rstrip("="):
            why = _("not readable, not kept")
        else:
            label = media.label(mime, size, self._next)
            self._next += 1 if self._next else 0
            found.append(Cut(label, source, mime, payload, self._alt))
            self._spans.feed(label)
            self._last = label[-1]
            return
        shown = media.refusal(mime, why)
        found.append(Cut(shown, source, mime))
        self._spans.feed(shown)
        self._last = shown[-1]


def without_data(text: str) -> str:
    """`text` with a label in place of each data address, of which no file is made: for text kept by others."""
    if "base64," not in text:
        return text
    cutter = DataCutter(0)
    found = [*cutter.feed(text), *cutter.finish()]
    return "".join(one if isinstance(one, str) else one.label for one in found)
