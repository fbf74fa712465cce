"""Measuring what the programs cover that tests start, where the test run itself is measured (`--cov`)."""

from __future__ import annotations

import os

_NAME = "COVERAGE_PROCESS_CONFIG"
_config = os.environ.pop(_NAME, "")

MEASURED = {_NAME: _config} if _config else {}
"""For the environment of a program that is to be measured, and no other: it makes a start slower and load more."""
