"""The text of a draft: long pastes are folded in it, and where each piece came from is followed.

A long paste is one mark in the draft, shown as `[pasted 214 lines]` and sent in full.

A mark is a single private-use character that stands for the pasted text. Editing keys therefore treat it as one
character, and the draft stays small however long the paste is. Nobody types a mark by accident:
the words `[pasted 214 lines]` typed by hand are ordinary text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate, islice

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_len, fragment_list_to_text
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from gptchat.core.origin import Origin, Part, Sourced, changed, whole
from gptchat.core.safe import marked
from gptchat.values import dataclass
from gptchat.words import _, ngettext

_FIRST, _LAST = 0x100000, 0x10FFFD  # Unicode's last private-use plane: 65,534 marks
_MARKS = f"[{chr(_FIRST)}-{chr(_LAST)}]"
_STATES = 300  # states of the draft that undo and the kill ring may bring back
_LENGTH = 20_000  # characters; a longer state is not kept
_HEAD = 200  # characters; a first line up to this length stays visible in a folded recalled text


@dataclass(frozen=True, slots=True)
class FoldedDraft:
    """Text typed and not sent, marks included, and the cursor position in code points (None: at the end).

    `parts` are the pieces of it that were not typed, as those of `Sourced`.
    """

    text: str = ""
    cursor: int | None = None
    parts: tuple[Part, ...] = ()


class Folding:
    """The pasted texts of this run, by their marks.

    A paste of more than `lines` lines or more than `characters` characters is folded; with `lines=0` none is.
    A recalled draft, which the user may want to edit, is only folded beyond four times these limits; its first
    line stays visible if it is short.
    """

    def __init__(self, lines: int = 20, characters: int = 1500) -> None:
        self.lines = lines
        """May be changed at any time; texts already folded stay folded."""
        self._characters = characters
        self._texts: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._lines_of: dict[str, int] = {}

    def fold(self, pasted: str) -> str:
        """The text to insert for a paste: a mark if it is long or contains mark characters, else `pasted`."""
        if self._is_long(pasted) or re.search(_MARKS, pasted):
            return self._mark(pasted)
        return pasted

    def recall(self, text: str) -> str:
        """A whole draft (from the history, a file or the editor), folded if it is too long to edit."""
        if re.search(_MARKS, text):  # private-use characters of the text itself must not be taken for marks
            return self._mark(text)
        if not self._is_long(text, factor=4):
            return text
        head, newline, rest = text.partition("\n")
        if len(head) <= _HEAD and rest:
            return head + newline + self._mark(rest)
        return self._mark(text)

    def folded(self, entry: Sourced) -> FoldedDraft:
        """`recall` for a text that knows where it came from."""
        return self.traced(self.recall(entry.text), entry)

    def traced(self, draft: str, entry: Sourced) -> FoldedDraft:
        """`draft`, which stands for the text of `entry`, with its origins; a mark has the first of its text's."""
        result, longer = entry, 0
        spans = []
        for match in re.finditer(_MARKS, draft) if self._texts else ():
            start, text = match.start() + longer, self._texts.get(match[0], match[0])
            spans.append((start, start + len(text), match[0]))
            longer += len(text) - 1
        for start, end, mark in reversed(spans):
            origins = entry.within(start, end)
            result = result.replaced(start, end, whole(mark, origins[0] if origins else "typed"))
        return FoldedDraft(draft, None, result.parts)

    def unfolded(self, draft: FoldedDraft) -> Sourced:
        """`unfold` for a draft: what a mark stands for has the origin of the mark."""
        result = Sourced(draft.text, draft.parts)
        for match in reversed(list(re.finditer(_MARKS, draft.text)) if self._texts else []):
            text = self._texts.get(match[0], match[0])
            result = result.replaced(match.start(), match.end(), whole(text, result.at(match.start())))
        return result

    def unfold(self, draft: str) -> str:
        """`draft` with each mark replaced by the text it stands for."""
        return re.sub(_MARKS, lambda match: self._texts.get(match[0], match[0]), draft) if self._texts else draft

    def shown(self, draft: str) -> str:
        """`draft` with each mark replaced by its label."""
        return re.sub(_MARKS, lambda match: self.label(match[0]), draft) if self._texts else draft

    def label(self, character: str) -> str:
        """The label shown for a mark, such as `[pasted 214 lines]`; any other character is returned unchanged."""
        lines = self._lines_of.get(character)
        if lines is None:
            return character
        if lines > 1:
            words = ngettext("pasted {count} line", "pasted {count} lines", lines).format(count=lines)
        else:
            words = _("pasted {count} characters").format(count=len(self._texts[character]))
        return f"[{words}]"

    def has_marks(self, draft: str) -> bool:
        """Whether `draft` contains a mark."""
        return bool(self._texts) and re.search(_MARKS, draft) is not None

    def _is_long(self, text: str, factor: int = 1) -> bool:
        if not self.lines:
            return False
        return len(text) > self._characters * factor or text.count("\n") >= self.lines * factor

    def _mark(self, text: str) -> str:
        mark = self._marks.get(text)
        if mark is None:
            if _FIRST + len(self._texts) > _LAST:
                return text  # all 65,534 marks are in use: show the text itself
            mark = chr(_FIRST + len(self._texts))
            self._texts[mark] = text
            self._marks[text] = mark
            self._lines_of[mark] = text.count("\n") + (not text.endswith("\n"))
        return mark


class FoldedPastes(Processor):
    """Shows marks as their labels and maps cursor columns between the draft and the display."""

    def __init__(self, folding: Folding) -> None:
        self._folding = folding

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Called by prompt_toolkit for every line it draws."""
        fragments = transformation_input.fragments
        if not any(self._folding.has_marks(fragment[1]) for fragment in fragments):
            return Transformation(fragments)
        shown: StyleAndTextTuples = []
        widths: list[int] = []
        for style, text, *_rest in fragments:
            for character in text:
                label = self._folding.label(character)
                shown.append((f"{style} class:pasted" if label != character else style, label))
                widths.append(len(label))
        starts = [0, *accumulate(widths)]
        total = fragment_list_len(shown)

        def to_display(index: int) -> int:
            return starts[index] if index < len(starts) else total + index - len(widths)

        def to_source(column: int) -> int:
            return bisect_right(starts, column) - 1 if column <= total else len(widths) + column - total

        return Transformation(shown, to_display, to_source)


class Visible(Processor):
    """Shows invisible characters and those that change the text direction as visible signs (`safe.marked`)."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Called by prompt_toolkit for every line it draws; each character keeps its position."""
        fragments = transformation_input.fragments
        text = fragment_list_to_text(fragments)
        shown = marked(text)
        if shown == text:
            return Transformation(fragments)
        signs = iter(shown)
        return Transformation([(fragment[0], "".join(islice(signs, len(fragment[1])))) for fragment in fragments])


class OriginTracker:
    """Call `changed` on each change of `buffer`. `recalled(text)` are the parts of a history's entry, or None.

    One character at a time is typing, since keys come one at a time, those of an input method too. A paste, a
    completion and the editor announce themselves (`inserting`). Whatever else appears, such as an undone deletion,
    has the origin that it had when it last stood there, else is `recalled`.
    """

    def __init__(self, buffer: Buffer, recalled: Callable[[str], tuple[Part, ...] | None]) -> None:
        self._buffer = buffer
        self._recalled = recalled
        self._states: dict[str, tuple[Part, ...]] = {}
        self._place = 1
        self._source: Origin | None = None
        self.draft = Sourced("")
        """The text of the buffer."""
        for name in ("go_to_completion", "apply_completion"):
            self._announce(name)

    def begin(self, draft: Sourced) -> None:
        """The buffer holds `draft` from now on, as after `Buffer.reset`."""
        self.draft = draft
        self._place = self._position()
        self._states = {draft.text: draft.parts}

    @contextmanager
    def inserting(self, origin: Origin) -> Iterator[None]:
        """What is put into the buffer meanwhile is of this origin."""
        before, self._source = self._source, origin
        try:
            yield
        finally:
            self._source = before

    def changed(self) -> None:
        """The buffer has changed."""
        buffer, old = self._buffer, self.draft
        text, cursor = buffer.text, buffer.cursor_position
        moved, self._place = self._position() != self._place, self._position()
        if text == old.text:
            return
        start, end = changed(old.text, text, cursor)
        inserted = len(text) - len(old.text) + end - start
        if self._source is not None and not moved:
            self.draft = old.edited(text, cursor, self._source)
        elif inserted <= 1 and not moved:
            self.draft = old.edited(text, cursor, "typed")
        else:
            parts = self._states.get(text)
            if parts is None:
                parts = self._recalled(text)
            if parts is not None:
                self.draft = Sourced(text, parts)
            else:
                self.draft = whole(text, "recalled") if moved else old.edited(text, cursor, "recalled")
        if len(text) <= _LENGTH:
            self._states.pop(text, None)
            self._states[text] = self.draft.parts
            if len(self._states) > _STATES:
                del self._states[next(iter(self._states))]

    def _position(self) -> int:
        """Which entry is shown, counted from the newest; older ones may be added at any time."""
        return len(self._buffer._working_lines) - self._buffer.working_index

    def _announce(self, name: str) -> None:
        """Let the buffer's method `name` announce that it completes."""
        method = getattr(self._buffer, name)

        def complete(*arguments: object) -> None:
            with self.inserting("completed"):
                method(*arguments)

        setattr(self._buffer, name, complete)
