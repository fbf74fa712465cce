"""Themes: defines every named look once, for both rich and prompt_toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from gptchat.values import dataclass

if TYPE_CHECKING:
    from rich.style import Style

LOOKS: Mapping[str, str] = {
    # the reply
    "text": "",
    "heading1": "bold underline {title}",
    "heading2": "bold {title}",
    "heading3": "bold italic {accent}",
    "heading4": "underline {accent}",
    "heading5": "italic {accent}",
    "heading6": "italic {muted}",
    "strong": "bold",
    "emphasis": "italic",
    "strike": "strike",
    "code": "{code}",
    "link": "underline {link}",
    "host": "{muted}",
    "bullet": "{accent}",
    "task": "{good}",
    "rule": "{muted}",
    "quote": "{muted}",
    "maths": "{maths}",
    "html": "{muted}",
    "footnote": "{muted}",
    "fence": "{muted}",
    "table.header": "bold",
    "table.line": "{muted}",
    "note": "bold {link}",
    "tip": "bold {good}",
    "important": "bold {maths}",
    "warning": "bold {warn}",
    "caution": "bold {bad}",
    # code
    "code.plain": "",
    "code.keyword": "{keyword}",
    "code.name": "{name}",
    "code.string": "{string}",
    "code.number": "{number}",
    "code.comment": "italic {muted}",
    "code.operator": "",
    "code.builtin": "{name}",
    "code.inserted": "{good}",
    "code.deleted": "{bad}",
    "code.heading": "bold",
    # around the reply
    "reasoning": "{muted}",
    "status": "{muted}",
    "spinner": "{accent}",
    "prompt": "bold {good}",
    "user": "bold {good}",
    "assistant": "bold {accent}",
    "toolbar": "{muted}",
    "toolbar.key": "bold {muted}",
    "command": "bold {accent}",
    "hint": "{muted}",
    "notice": "{warn}",
    "error": "bold {bad}",
    "success": "{good}",
}
"""Each named look as style words; a colour in braces comes from the theme's palette."""

_PALETTES: Mapping[str, Mapping[str, str]] = {
    # Those of the terminal's own sixteen colours that are readable on light and on dark backgrounds. None of them
    # is quiet on both (bright black is the background itself in some schemes), so what is muted is dim.
    "auto": {
        "title": "magenta", "accent": "cyan", "code": "cyan", "link": "blue",
        "maths": "magenta", "good": "green", "warn": "yellow", "bad": "red", "keyword": "magenta",
        "name": "blue", "string": "green", "number": "cyan",
    },
    "dark": {
        "title": "#c4a7f5", "accent": "#7fc8e8", "muted": "#9aa0a9", "code": "#8fd3c8", "link": "#82b1ff",
        "maths": "#e0a3d8", "good": "#98c379", "warn": "#e5c07b", "bad": "#f07178", "keyword": "#c792ea",
        "name": "#82aaff", "string": "#a5d67b", "number": "#f2a676",
    },
    "light": {
        "title": "#6f42c1", "accent": "#00708f", "muted": "#656d76", "code": "#00695c", "link": "#0550ae",
        "maths": "#953088", "good": "#22732f", "warn": "#8a5a00", "bad": "#b3261e", "keyword": "#8b2bb0",
        "name": "#0550ae", "string": "#22732f", "number": "#a04400",
    },
    "mono": {},
}  # fmt: skip
NAMES = tuple(_PALETTES)
"""The available themes."""

_MUTED_WITHOUT_COLOUR = "dim"
_PROMPT_TOOLKIT = {"white": "ansigray", "bright_black": "ansibrightblack", "bright_white": "ansiwhite"}


@dataclass(frozen=True)
class Theme:
    """A theme by its name. `theme["error"]` is a rich style, `theme.prompt_toolkit("error")` a style string."""

    name: str

    @cached_property
    def _styles(self) -> dict[str, Style]:
        from rich.style import Style

        return {look: Style.parse(" ".join(words) or "none") for look, words in self._words.items()}

    @cached_property
    def _words(self) -> dict[str, list[str]]:
        palette = _PALETTES[self.name]
        words: dict[str, list[str]] = {}
        for look, text in LOOKS.items():
            words[look] = []
            for word in text.split():
                colour = palette.get(word[1:-1]) if word.startswith("{") else word
                if colour:
                    words[look].append(colour)
                elif word == "{muted}":
                    words[look].append(_MUTED_WITHOUT_COLOUR)
        return words

    def __getitem__(self, look: str) -> Style:
        """The rich style of a look. Raises KeyError for a name that is not in `LOOKS`."""
        return self._styles[look]

    def prompt_toolkit(self, look: str) -> str:
        """A look as a prompt_toolkit style string. Raises KeyError for a name that is not in `LOOKS`."""
        return " ".join(_for_prompt_toolkit(word) for word in self._words[look])

    def prompt_toolkit_rules(self) -> dict[str, str]:
        """All looks by prompt_toolkit class name (with `-` for `.`), for `Style.from_dict`."""
        return {look.replace(".", "-"): self.prompt_toolkit(look) for look in LOOKS}


def choose(name: str, environ: Mapping[str, str]) -> Theme:
    """The theme `name`; `auto` follows COLORFGBG if the terminal sets it. Raises KeyError if unknown.

    The terminal is not queried for its background: its answer may never come, or arrive in the prompt.
    """
    if name not in _PALETTES:
        raise KeyError(name)
    if name == "auto":
        background = environ.get("COLORFGBG", "").rpartition(";")[2]
        if background.isdecimal():
            return Theme("light" if int(background) in (7, *range(9, 16)) else "dark")
    return Theme(name)


def _for_prompt_toolkit(word: str) -> str:
    if word.startswith("#"):
        return word
    if word in ("bold", "dim", "italic", "underline", "strike", "reverse"):
        return word
    return _PROMPT_TOOLKIT.get(word, "ansi" + word.replace("_", ""))
