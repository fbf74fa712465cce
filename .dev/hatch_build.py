"""Compiles the translations when gptchat is installed, for use or for work on it: gptchat.po to gptchat.mo."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def compile_translations(root: Path) -> None:
    """Write the .mo file beside every .po file below `root`, where it does not hold the same already."""
    for po in root.glob("gptchat/locale/*/LC_MESSAGES/*.po"):
        compiled = io.BytesIO()
        with po.open("rb") as source:
            write_mo(compiled, read_po(source))
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.read_bytes() != compiled.getvalue():
            whole = mo.with_name(f"{mo.name}.{os.getpid()}")  # others may read it, or write it, at the same time
            whole.write_bytes(compiled.getvalue())
            whole.replace(mo)


class TranslationsHook(BuildHookInterface[Any]):
    """Runs before the files of a wheel are gathered; an editable install has them in the checkout."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; `version` is `standard` or `editable`."""
        compile_translations(Path(self.root))
