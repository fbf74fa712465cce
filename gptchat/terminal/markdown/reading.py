"""How Markdown is read as the settings say: the environment of a document for the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gptchat.grammar.rules import READING, MarkdownReading

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings


def environment(ui: UiSettings | None = None) -> dict[str, Any]:
    """A new document's environment, which the parser fills with link definitions; None: read as by default."""
    if ui is None:
        return {}
    talk = ui.markdown == "conversation"
    return {READING: MarkdownReading(talk, talk and ui.linebreaks == "keep", ui.width)}
