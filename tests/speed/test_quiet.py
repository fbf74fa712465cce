"""Work behind the prompt waits for whoever types."""

from __future__ import annotations

import gc
import sys
import threading

from gptchat.terminal.warming import Quiet, gently


def test_work_waits_for_a_pause_in_the_typing() -> None:
    """What would hold up the keys waits until none has come for a moment."""
    now = 100.0
    quiet = Quiet(lambda: now)
    assert quiet.left() <= 0
    quiet.typed()
    assert quiet.left() > 0
    now += 0.3
    quiet.typed()
    now += 0.3
    assert quiet.left() > 0
    now += 0.2
    assert quiet.left() <= 0


def test_a_message_that_is_sent_waits_for_no_pause() -> None:
    """Whoever sends a message while things load does not wait for their own typing to pause."""
    quiet = Quiet(lambda: 100.0)  # the clock stands still: the typing never pauses by itself
    quiet.typed()
    waiting = threading.Thread(target=quiet.wait, daemon=True)
    waiting.start()
    assert waiting.is_alive()
    quiet.hurry()
    waiting.join(10)
    assert not waiting.is_alive()


def test_loading_leaves_python_as_it_was() -> None:
    """After the loading, even one that failed, the interpreter works as before."""
    before = sys.getswitchinterval(), gc.isenabled(), list(sys.meta_path)
    try:
        with gently(Quiet()):
            assert sys.getswitchinterval() < before[0]
            raise ImportError
    except ImportError:
        pass
    assert (sys.getswitchinterval(), gc.isenabled(), list(sys.meta_path)) == before
    gc.unfreeze()
