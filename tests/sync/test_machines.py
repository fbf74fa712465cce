"""Three machines that meet in one place."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.model import ThreeMachines

STEPS = int(os.environ.get("GPTCHAT_TEST_SYNC", "120"))
SEED = int(os.environ.get("GPTCHAT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
LENGTH = 40


def run(machine: type[ThreeMachines], steps: int) -> None:
    """Run so many steps; a failure names the seed that repeats it."""
    machine.steps = 0
    chosen = settings(
        max_examples=max(1, steps // LENGTH),
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    print(f"GPTCHAT_TEST_SEED={SEED} GPTCHAT_TEST_SYNC={STEPS}")
    run_state_machine_as_test(seed(SEED)(machine), settings=chosen)
    print(f"{machine.steps} steps")


@pytest.mark.timeout(60 + STEPS)
def test_three_machines_agree() -> None:
    """Whatever three machines do and wherever a run is killed: nothing is lost or doubled, and all agree."""
    run(ThreeMachines, STEPS)
