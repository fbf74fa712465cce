"""The catalogue of words: gathers every sentence of the program, keeps its translations, compiles them.

`python .dev/translations.py` brings `gptchat.po` up to date with the program, and compiles it for this checkout.
Sentences are what stands in `_("...")`, `N_("...")` and `ngettext("...", "...", n)`, and the words of the
commands, which are declared as data and translated when they are shown, as the system's reasons are.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from gptchat import words
from gptchat.commands.program import registry
from hatch_build import compile_translations

ROOT = Path(__file__).resolve().parents[1]
PO = ROOT / "gptchat" / "locale" / "zh" / "LC_MESSAGES" / "gptchat.po"

_HEADER = """# Simplified Chinese for gptchat; `python .dev/translations.py` brings it up to date.
msgid ""
msgstr ""
"Project-Id-Version: gptchat\\n"
"POT-Creation-Date: 2026-11-20 00:00+0000\\n"
"PO-Revision-Date: 2026-11-20 00:00+0000\\n"
"Language: zh\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""The same at every run, so that the file changes only where a sentence does."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the program, its plural where it counts something, and the file it stands in."""

    text: str
    plural: str
    place: str

    @property
    def id(self) -> str | tuple[str, str]:
        """The message's id as Babel has it."""
        return (self.text, self.plural) if self.plural else self.text


@dataclass(frozen=True, slots=True)
class Marked:
    """A call of `_`, `ngettext` or `N_`; `texts` are its arguments where they are words, else None."""

    name: str
    texts: tuple[str | None, ...]
    arguments: tuple[ast.expr, ...]
    place: str
    line: int


def marked() -> Iterator[Marked]:
    """Every call of `_`, `ngettext` and `N_` in the program, by file and line."""
    for path in sorted((ROOT / "gptchat").rglob("*.py")):
        if path.name == "words.py":
            continue
        place = path.relative_to(ROOT).as_posix()
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name in ("_", "ngettext", "N_"):
                given = node.args[: 2 if name == "ngettext" else 1]
                texts = tuple(
                    word.value if isinstance(word, ast.Constant) and isinstance(word.value, str) else None
                    for word in given
                )
                yield Marked(name, texts, tuple(given), place, node.lineno)


def sentences() -> list[Sentence]:
    """Every sentence that people may read, each once, in the order of the files."""
    found: dict[str, Sentence] = {}
    for call in marked():
        text, plural = (*call.texts, "")[:2]
        if text:
            found.setdefault(text, Sentence(text, plural or "", call.place))
    for command in registry().commands:
        notes = (note for _example, note in command.examples)
        for text in (command.summary, command.about, command.brief, *command.flags.values(), *notes):
            if text:
                found.setdefault(text, Sentence(text, "", "gptchat/commands"))
    for text in words.REASONS:
        found.setdefault(text, Sentence(text, "", "gptchat/words.py"))
    return list(found.values())


def read() -> Catalog:
    """The catalogue as it stands in `gptchat.po`; empty where there is none yet."""
    text = PO.read_text("utf-8") if PO.exists() else _HEADER
    return read_po(io.StringIO(text), locale="zh")


def updated(old: Catalog) -> Catalog:
    """A catalogue of exactly the program's sentences, with the translations that `old` has for them."""
    new = read_po(io.StringIO(_HEADER), locale="zh")
    for sentence in sentences():
        known = old.get(sentence.text)
        string = forms(known)[0] if known else ""
        new.add(
            sentence.id,
            (string,) if sentence.plural else string,
            locations=[(sentence.place, None)],  # type: ignore[list-item] # a line number would change too often
            flags=["python-brace-format"] if "{" in sentence.text else [],
        )
    return new


def written(catalogue: Catalog) -> str:
    """`catalogue` as the text of a .po file."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=0, omit_header=True, include_lineno=False)
    return _HEADER + stream.getvalue().decode("utf-8")


def forms(message: Message) -> list[str]:
    """The translations of a message: Chinese has one form, whatever the number."""
    string = message.string
    return [string] if isinstance(string, str) else list(string or [""])


def source(message: Message) -> str:
    """The English of a message; of a plural the singular, which is what the catalogue finds it by."""
    return message.id if isinstance(message.id, str) else message.id[0]


def missing(catalogue: Catalog) -> list[str]:
    """The sentences that `catalogue` has no translation for."""
    return [source(message) for message in catalogue if message.id and not all(forms(message))]


def main() -> int:
    """Bring the catalogue up to date and say what still lacks a translation; returns 1 where something does."""
    catalogue = updated(read())
    PO.write_text(written(catalogue), encoding="utf-8", newline="\n")
    compile_translations(ROOT)
    print(f"{len(catalogue)} sentences, {len(missing(catalogue))} without a translation")
    for text in missing(catalogue):
        print(f"  {text!r}")
    return 1 if missing(catalogue) else 0


if __name__ == "__main__":
    sys.exit(main())
