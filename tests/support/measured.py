"""Measuring what the programs cover that tests start, where the test run itself is measured (`--cov`)."""

from __future__ import annotations

import os

_NAME = "COVERAGE_PROCESS_CONFIG"

MEASURED: dict[str, str] = {}
"""For the environment of a program that is to be measured, and no other: it makes a start slower and load more."""


def take_measuring() -> None:
    """Move what makes programs measure themselves out of the environment into `MEASURED`."""
    if config := os.environ.pop(_NAME, ""):
        MEASURED[_NAME] = config
