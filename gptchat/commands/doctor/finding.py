"""The result of one check: a line with its state and, if needed, advice."""

from __future__ import annotations

from typing import Any, Literal

from gptchat.commands.effects import Block, Marked, Show, Text, Tone
from gptchat.errors import GptchatError
from gptchat.values import dataclass, field
from gptchat.words import _

State = Literal["ok", "note", "warning", "failed"]

_MARKS: dict[State, tuple[str, Tone]] = {
    "ok": ("✓", "good"),
    "note": ("·", "quiet"),
    "warning": ("!", "warning"),
    "failed": ("✗", "error"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `/doctor`. `check` is the stable name of the check, `advice` what the user can do."""

    check: str
    state: State
    text: str
    advice: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    """Further facts for `--json`."""

    def show(self) -> Show:
        """The line, and its advice below."""
        mark, tone = _MARKS[self.state]
        blocks: list[Block] = [Marked(mark, self.text, tone)]
        if self.advice:
            blocks.append(Marked(" ", _("→ {advice}").format(advice=self.advice)))
        data = {"check": self.check, "state": self.state, "message": self.text, "hint": self.advice or None}
        return Show(blocks, {**data, **self.more}, failed=self.state == "failed")


def failed(check: str, error: GptchatError) -> Finding:
    """The finding for an error, with its hint as advice."""
    return Finding(check, "failed", error.message, error.hint, {"kind": error.kind})


def heading(title: str) -> Show:
    """A heading below a blank line, between findings; `--json` has none."""
    return Show([Text(""), Text(title, "title")])
