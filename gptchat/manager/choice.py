"""One choice of a streaming reply: its text, reasoning, files and sources, as received so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gptchat.core.events import FileReceived, ReasoningDelta, SourcesFound, TextDelta, TextWasReasoning, TurnEvent
from gptchat.core.replies.sources import CitedSource, merged
from gptchat.core.thinking import Piece, ThinkSplitter
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.replies.data_addresses import Cut, DataCutter
    from gptchat.core.replies.media import KeptFile

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Choice:
    """Collects one choice. Each method that takes a piece calls `show` with the events to display.

    `closer` is the tag with which the model is known to end reasoning that it does not open. Files are numbered
    from `first_file`.
    """

    def __init__(
        self, number: int, show: Callable[[TurnEvent], None], *, closer: str = "", first_file: int = 1
    ) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.files: list[KeptFile] = []
        self.sources: list[CitedSource] = []
        self.finish_reason: str | None = None
        self.extra: dict[str, Any] = {}
        self.closer = closer
        """The tag that has ended reasoning which no tag began."""
        self.unkept: list[tuple[str, bytes]] = []
        """Names and contents of files that are not stored yet."""
        self.number = number
        self._show = show
        self._thinking = ThinkSplitter(closer)
        self._halves = {"text": "", "reasoning": ""}
        self._first_file = first_file
        self._cutters: dict[str, DataCutter] = {}
        self._apart = False
        """Whether a file was the last piece, so that text begins a new paragraph."""

    def said(self, text: str) -> None:
        """Take a piece of the reply."""
        self._split(self._thinking.feed(self._whole(text)))

    def thought(self, text: str) -> None:
        """Take a piece of reasoning that the server sends apart."""
        self._cut("reasoning", self._whole(text, "reasoning"))

    def received(self, address: str) -> None:
        """Take a file that the server sends apart, by its address."""
        self._flush("text")
        written = "".join(self.text)
        if written and not written.endswith("\n\n"):
            self._say("text", "\n" if written.endswith("\n") else "\n\n")
        if address[:5].lower() == "data:":
            cutter = self._cutter("text")
            for found in [*cutter.feed(address), *cutter.finish()]:
                if not isinstance(found, str):
                    self._file(found, source="")
        else:
            self._say("text", f"![{_('image')}](<{address}>)" if " " in address else f"![{_('image')}]({address})")
        self._apart = True

    def cites(self, sources: Iterable[CitedSource]) -> None:
        """Take sources; those that are known already change nothing."""
        known = self.sources
        self.sources = merged(known, sources)
        if self.sources != known:
            self._show(SourcesFound(tuple(self.sources), self.number))

    def cites_first(self, sources: Iterable[CitedSource]) -> None:
        """Take the sources that the question brought along, whose numbers the model was told."""
        self.sources = merged(list(sources), self.sources)
        self._show(SourcesFound(tuple(self.sources), self.number))

    def finish(self, *, complete: bool) -> None:
        """End the choice: take the text that was held back. `complete`: it was not broken off."""
        half, thought = self._halves["text"], self._halves["reasoning"]
        self._halves = dict.fromkeys(self._halves, "")
        self._cut("reasoning", thought)
        self._split([*self._thinking.feed(half), *self._thinking.finish(complete=complete)])
        self._flush("reasoning")
        self._flush("text")

    def _split(self, pieces: Iterable[Piece]) -> None:
        for kind, piece in pieces:
            match kind:
                case "text" | "reasoning":
                    self._cut(kind, piece)
                case "was_reasoning":
                    self._was_reasoning(piece)
                case "was_text":
                    self._flush("reasoning")
                    self.closer = ""
                    self.reasoning = ["".join(self.reasoning).removesuffix(piece).rstrip()]
                    self._cut("text", piece)

    def _was_reasoning(self, closer: str) -> None:
        self._flush("text")
        self.closer = closer
        text = "".join(self.text).strip()
        self.text = []
        if text:
            self.reasoning += ["\n\n"] * bool(self.reasoning) + [text]
        self._show(TextWasReasoning(text, self.number))

    def _cut(self, kind: str, text: str) -> None:
        """Take text in which there may be data addresses."""
        if not text:
            return
        for found in self._cutter(kind).feed(text):
            self._take(kind, found)

    def _flush(self, kind: str) -> None:
        if kind in self._cutters:
            for found in self._cutters[kind].finish():
                self._take(kind, found)

    def _take(self, kind: str, found: str | Cut) -> None:
        if isinstance(found, str):
            self._say(kind, found)
        elif kind == "reasoning":
            self._say(kind, found.label)  # a picture that was only thought of is not kept
        else:
            self._file(found, found.source)

    def _file(self, found: Cut, source: str) -> None:
        from gptchat.core.replies import media

        label, file = found.label, None
        if found.payload:
            try:
                data = media.decoded(found.payload)
            except ValueError:
                label = media.refusal(found.mime, _("not readable, not kept"))
            else:
                name = media.name_of(data, found.mime)
                file = media.KeptFile(media.kind_of(found.mime), name, found.mime, len(data), label, found.alt)
                self.files.append(file)
                self.unkept.append((name, data))
        self._separate()
        self.text.append(label)
        self._show(FileReceived(label, file, source, self.number))

    def _separate(self) -> None:
        if self._apart:
            self._apart = False
            self._say("text", "\n\n")

    def _say(self, kind: str, text: str) -> None:
        if not text:
            return
        if kind == "reasoning":
            self.reasoning.append(text)
            self._show(ReasoningDelta(text, self.number))
            return
        if self._apart:
            self._apart = False
            text = "\n\n" + text.lstrip("\n")
        self.text.append(text)
        self._show(TextDelta(text, self.number))

    def _cutter(self, kind: str) -> DataCutter:
        if kind not in self._cutters:
            from gptchat.core.replies.data_addresses import DataCutter

            self._cutters[kind] = DataCutter(self._first_file if kind == "text" else 0)
        return self._cutters[kind]

    def _whole(self, text: str, kind: str = "text") -> str:
        """`text` with its halves of characters joined; a half at its end is held until the other arrives.

        Servers that split text by UTF-16 code units, as JavaScript does, cut an emoji in two.
        """
        text = self._halves[kind] + text
        self._halves[kind] = ""
        if not text.isascii():
            text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._halves[kind] = text[:-1], text[-1]
        return text
