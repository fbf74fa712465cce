"""Compares what the renderer shows with CommonMark's own specification examples.

    python .dev/commonmark.py SPEC.json

SPEC.json is the specification's list of examples (`markdown`, `html`, `example`, `section`), as
`python spec_tests.py --dump-tests` of commonmark-spec prints it; the source distribution of mistletoe has it in
test/specification/commonmark.json. The text of an example's HTML is compared with the text of its rendering,
without bullets, bars and blanks, for both values of `ui.markdown`. Examples that differ are listed in groups.
Links may lead anywhere here: the examples' addresses (`/url`) are none that a terminal may open.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from gptchat.config.schema import UiSettings
from gptchat.grammar.parser import grammar
from gptchat.terminal.markdown import render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.theme import Theme

_DRAWN = re.compile(r"^(?:[ ▎]|[•◦▪+](?: |$)|\d{1,9}[.)](?: |$))*|─{40}|╶ .*", re.MULTILINE)
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


def squeezed(text: str) -> str:
    """The text without blanks."""
    return re.sub(r"\s+", "", text)


def shown(markdown: str, way: str) -> str:
    """What the renderer shows of an example, without what it draws itself."""
    ui = UiSettings(markdown=way, linebreaks="join")  # type: ignore[arg-type] # one of its choices
    lines = render_lines(markdown, 10_000, Theme("mono"), hyperlinks=True, ui=ui)
    return squeezed(_DRAWN.sub("", "\n".join(plain(line) for line in lines)))


def meant(page: str) -> str:
    """The text of an example's HTML: an image is its alternative text."""
    page = re.sub(r'<img [^>]*?alt="([^"]*)"[^>]*>', r"▨\1", page)
    return squeezed(html.unescape(_TAG.sub("", page)))


def why(example: dict[str, str], talk: str, letter: str, wanted: str) -> str:
    """The group of an example that differs."""
    source = example["markdown"]
    if letter == wanted:
        return "a rule of the conversation"
    if squeezed(_TAG.sub("", letter)) == squeezed(_TAG.sub("", wanted)):
        return "HTML is shown as written, and is not hidden"
    if re.search(r"\$|\\[(\[]", source):
        return "maths"
    if "~~" in source or "|" in source:
        return "tables and strike-through"
    return "other" if talk != wanted else "only the conversation agrees"


def main(path: str) -> None:
    """Print the table."""
    groups: dict[str, list[str]] = defaultdict(list)
    agree = {"conversation": 0, "commonmark": 0}
    for talk in (True, False):
        grammar(talk=talk).validateLink = lambda url: isinstance(url, str)  # type: ignore[method-assign] # the documented way
    examples = json.loads(Path(path).read_text(encoding="utf-8"))
    for example in examples:
        wanted = meant(example["html"])
        found = {way: shown(example["markdown"], way) for way in agree}
        for way, text in found.items():
            agree[way] += text == wanted
        if set(found.values()) != {wanted}:
            group = why(example, found["conversation"], found["commonmark"], wanted)
            groups[group].append(f"{example['example']} ({example['section']})")
            if "-v" in sys.argv:
                print(example["example"], group, repr(example["markdown"]), found, wanted, "", sep="\n  ")
    for way, count in agree.items():
        print(f"{way}: {count} of {len(examples)}")
    for group, names in sorted(groups.items()):
        print(f"{group}: {len(names)}: {', '.join(names)}")


if __name__ == "__main__":
    main(sys.argv[1])
