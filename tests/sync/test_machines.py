"""Three machines that meet in one place."""

from __future__ import annotations

import os
import random
import shutil

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.model import Encrypted, EncryptedThroughGit, ThreeMachines, ThroughGit

STEPS = int(os.environ.get("GPTCHAT_TEST_SYNC", "120"))
SEED = int(os.environ.get("GPTCHAT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
LENGTH = 40


def run(machine: type[ThreeMachines], steps: int) -> None:
    """Run at least so many steps; a failure names the seed that repeats it."""
    machine.steps = 0
    chosen = settings(
        max_examples=max(1, steps // LENGTH),
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    start = SEED
    while machine.steps < steps:
        print(f"GPTCHAT_TEST_SEED={start} GPTCHAT_TEST_SYNC={steps}: {machine.__name__}")
        run_state_machine_as_test(seed(start)(machine), settings=chosen)
        start += 1
    print(f"{machine.__name__}: {machine.steps} steps")


@pytest.mark.timeout(60 + STEPS)
def test_three_machines_agree() -> None:
    """Whatever three machines do and wherever a run is killed: nothing is lost or doubled, and all agree."""
    run(ThreeMachines, STEPS)


@pytest.mark.timeout(60 + STEPS)
def test_three_machines_agree_in_an_encrypted_place() -> None:
    """The same holds where the place is encrypted."""
    run(Encrypted, STEPS // 2)


@pytest.mark.timeout(60 + STEPS)
@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.parametrize("machine", [ThroughGit, EncryptedThroughGit])
def test_three_machines_agree_through_git(machine: type[ThreeMachines]) -> None:
    """The same holds where they meet in a git repository, plain or encrypted."""
    run(machine, STEPS // 4)
