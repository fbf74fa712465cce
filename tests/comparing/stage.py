"""What tests of comparisons look at: the conversation, the journal, and how the answers ended."""

from __future__ import annotations

import json
from typing import Any

from gptchat.commands.program import Program
from gptchat.conversation.events import ComparisonEnded
from tests.support.front_end import FrontEnd


def path_of(program: Program) -> list[tuple[str, str]]:
    """The conversation as it stands: role and text of each message."""
    return [(message.role, message.text) for message in program.services.manager.session.path()]


def records(program: Program) -> list[dict[str, Any]]:
    """The records of the open session's journal."""
    path = program.services.journals.path(program.services.manager.session)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ended(front: FrontEnd) -> ComparisonEnded:
    """How the answers of a comparison ended."""
    return next(event for event in front.events if isinstance(event, ComparisonEnded))
