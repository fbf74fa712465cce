"""The cost in the toolbar, which is not added up anew each time, is still the sum."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.conversation.spending import Running, add_up
from gptchat.core.messages import Message, Usage
from gptchat.core.session import Session, continuation_record, move

STEPS = st.lists(st.one_of(st.floats(0, 9), st.none(), st.just("back"), st.just("more")), max_size=40)


@settings(max_examples=150)
@given(STEPS)
def test_cost_is_the_sum_of_the_conversation(steps: list[float | str | None]) -> None:
    """However a person goes on, goes back, branches off or continues, the cost shown is that of the path."""
    session, running, number = Session("20261120-083015-4f2a", "alice"), Running(), 0
    for step in steps:
        path = session.path()
        if step == "back":
            session.apply(move(path[len(path) // 2].id if path else None))
        elif step == "more":
            if path and path[-1].usage is not None:
                piece = Message("assistant", "more", usage=Usage(1, 1, 2), extra={"cost": 0.5})
                session.apply(continuation_record(path[-1].id, piece))
        else:
            number += 1
            extra = {} if step is None else {"cost": step}
            reply = Message(
                "assistant", "x", id=f"m{number}", parent=session.head, usage=Usage(1, 1, 2), extra=extra
            )
            session.apply(reply.to_record())
        whole = add_up("", session.path()).cost
        assert running.cost(session) == (whole if whole is None else pytest.approx(whole))
