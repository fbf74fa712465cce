"""Long pastes are one mark in the draft, shown as `[pasted 214 lines]` and sent whole.

A mark is a single private-use character that stands for the pasted text. Every editing key therefore moves over it
or deletes it as one, the draft stays small however much was pasted, and nobody can type one by accident:
the words `[pasted 214 lines]` typed by hand are only words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, islice

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_len, fragment_list_to_text
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from gptchat.terminal.output.safe import marked
from gptchat.values import dataclass
from gptchat.words import _, ngettext

_FIRST, _LAST = 0x100000, 0x10FFFD  # Unicode's last plane for private use: 65,534 marks
_MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_HEAD = 200  # characters; the first line of a long recalled text stays readable up to here


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed and not sent, with its marks, and the cursor in code points (None: at the end)."""

    text: str
    cursor: int | None = None


class Folding:
    """The pasted texts of this run, by their marks.

    A paste of more than `lines` lines, or more than `characters` characters, is folded; with 0 `lines` none is.
    A recalled draft, which a person may want to edit, is only folded beyond four times that, below its first line.
    """

    def __init__(self, lines: int = 20, characters: int = 1500) -> None:
        self.lines = lines
        """May be changed at any time; what is folded already stays folded."""
        self._characters = characters
        self._texts: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._lines_of: dict[str, int] = {}

    def fold(self, pasted: str) -> str:
        """What to insert for a pasted text: a mark where it is long, else the text itself."""
        if self._is_long(pasted) or _MARKS.search(pasted):
            return self._mark(pasted)
        return pasted

    def recall(self, text: str) -> str:
        """A whole draft (from the history, a file or the editor) with what would be too long to edit folded."""
        if _MARKS.search(text):  # characters of somebody's own, which must not be taken for marks
            return self._mark(text)
        if not self._is_long(text, factor=4):
            return text
        head, newline, rest = text.partition("\n")
        if len(head) <= _HEAD and rest:
            return head + newline + self._mark(rest)
        return self._mark(text)

    def unfold(self, draft: str) -> str:
        """`draft` with each mark replaced by the text it stands for."""
        return _MARKS.sub(lambda match: self._texts.get(match[0], match[0]), draft) if self._texts else draft

    def shown(self, draft: str) -> str:
        """`draft` with each mark replaced by the words that are shown for it."""
        return _MARKS.sub(lambda match: self.label(match[0]), draft) if self._texts else draft

    def label(self, character: str) -> str:
        """The words shown for a mark; any other character is itself."""
        lines = self._lines_of.get(character)
        if lines is None:
            return character
        if lines > 1:
            words = ngettext("pasted {count} line", "pasted {count} lines", lines).format(count=lines)
        else:
            words = _("pasted {count} characters").format(count=len(self._texts[character]))
        return f"[{words}]"

    def has_marks(self, draft: str) -> bool:
        """Whether anything in `draft` is folded."""
        return bool(self._texts) and _MARKS.search(draft) is not None

    def _is_long(self, text: str, factor: int = 1) -> bool:
        if not self.lines:
            return False
        return len(text) > self._characters * factor or text.count("\n") >= self.lines * factor

    def _mark(self, text: str) -> str:
        mark = self._marks.get(text)
        if mark is None:
            if _FIRST + len(self._texts) > _LAST:
                return text  # out of marks, which takes 65,534 different pastes: shown as it is
            mark = chr(_FIRST + len(self._texts))
            self._texts[mark] = text
            self._marks[text] = mark
            self._lines_of[mark] = text.count("\n") + (not text.endswith("\n"))
        return mark


class FoldedPastes(Processor):
    """Shows the marks of a draft as words, and keeps the cursor's column right around them."""

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
    """Shows what would reverse the reading order or hide in a draft (a paste, a message imported) as a sign."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Called by prompt_toolkit for every line it draws; each character keeps its place."""
        fragments = transformation_input.fragments
        text = fragment_list_to_text(fragments)
        shown = marked(text)
        if shown == text:
            return Transformation(fragments)
        signs = iter(shown)
        return Transformation([(fragment[0], "".join(islice(signs, len(fragment[1])))) for fragment in fragments])
