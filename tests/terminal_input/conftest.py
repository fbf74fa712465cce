"""Pseudo-terminals are POSIX: elsewhere the tests that need one are left out."""

from __future__ import annotations

import sys

collect_ignore = (
    [f"test_{name}.py" for name in ("keyboard", "listener", "manners", "picker", "prompt", "whole_characters")]
    if sys.platform == "win32"
    else []
)
