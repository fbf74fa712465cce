"""Terminal modes between and around prompts: no echo, and the terminal's state restored afterwards."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from prompt_toolkit.input import Input, create_input
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding.key_processor import KeyPress, _Flush
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output
from prompt_toolkit.utils import is_dumb_terminal

from gptchat import leaving

ESCAPE_WAIT = 0.05  # seconds after which a lone ESC means the Esc key, not the beginning of a sequence


def open_keyboard() -> Input:
    """The terminal's keyboard. Use one object for the whole program, or a paste could be split in two."""
    # Alt-Enter, and Shift-Enter in the two forms that terminals report, insert a line break.
    # A key binding on Esc and Enter would do the same, but would make vi's Esc wait for an Enter.
    for sequence in ("\x1b\r", "\x1b[13;2u", "\x1b[27;2;13~"):
        ANSI_SEQUENCES[sequence] = Keys.ControlJ
    for sequence, shifted in zip("abcd", ("Up", "Down", "Right", "Left"), strict=True):  # as rxvt sends them
        ANSI_SEQUENCES[f"\x1b[{sequence}"] = Keys[f"Shift{shifted}"]
    if sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty():
        from gptchat.terminal.input.posix_keyboard import FOCUS, PosixKeyboard

        ANSI_SEQUENCES.update(dict.fromkeys(FOCUS, Keys.Ignore))
        return PosixKeyboard(sys.stdin)
    return create_input()


@contextmanager
def quiet(keyboard: Input, output: Output) -> Generator[None, None, None]:
    """Switch echo off and bracketed paste on between prompts; the previous state is restored afterwards.

    Used around a whole chat, so that between prompts and replies no key is echoed into the text and no
    Ctrl-C ends the program. Does nothing on a dumb terminal, which echoes the input itself.
    """
    if is_dumb_terminal():
        yield
        return
    with leaving.at_the_end(_restoring(output)), keyboard.raw_mode():
        _marking.append(output)
        mark_pastes(output)
        try:
            yield
        finally:
            _marking.remove(output)
            try:
                if output not in _marking:
                    output.disable_bracketed_paste()
                    output.flush()
            except OSError:  # the terminal is gone; there is nothing to restore
                pass


def _restoring(output: Output) -> Callable[[], object]:
    """What gives the terminal back as it is now, where the program is cut off in the midst of something."""
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        return lambda: None
    import termios

    descriptor = sys.stdin.fileno()
    modes = termios.tcgetattr(descriptor)

    def restore() -> None:
        termios.tcsetattr(descriptor, termios.TCSANOW, modes)
        output.disable_bracketed_paste()
        output.show_cursor()
        output.flush()

    return restore


_marking: list[Output] = []
"""The outputs within `quiet`."""


def mark_pastes(output: Output) -> None:
    """Switch bracketed paste on again within `quiet`: a prompt switches it off at its end.

    A paste that arrives between two prompts would else pass for typing.
    """
    if output in _marking:
        output.enable_bracketed_paste()
        output.flush()


@contextmanager
def ordinary(keyboard: Input, output: Output) -> Generator[None, None, None]:
    """The terminal in its normal mode, for a program the user starts (an editor, a shell command).

    Meanwhile Ctrl-C only reaches that program. Call it between prompts.
    """
    with leaving.interrupts(lambda: None), keyboard.cooked_mode():
        output.disable_bracketed_paste()
        output.flush()
        try:
            yield
        finally:
            output.enable_bracketed_paste()
            begin_line(output)


def begin_line(output: Output) -> None:
    """Begin a line anew after another program has had the terminal: what was typed meanwhile was echoed there."""
    output.write_raw("\r")
    output.erase_end_of_line()
    output.flush()


def suspend() -> bool:
    """Suspend the whole process group (SIGTSTP) until it is continued; False if the platform cannot."""
    number = getattr(signal, "SIGTSTP", None)
    if number is None:
        return False
    os.kill(0, number)
    return True


def grouped(keys: Sequence[KeyPress]) -> list[tuple[KeyPress, bool]]:
    """Key presses as (press, alt) pairs.

    ESC directly before another key means Alt. At the end, or before `_Flush`, it is the Esc key.
    """
    result: list[tuple[KeyPress, bool]] = []
    alt = None
    for press in keys:
        if press.key is Keys.Escape or press is _Flush:
            if alt:
                result.append((alt, False))
            alt = None if press is _Flush else press
        else:
            result.append((press, alt is not None))
            alt = None
    return [*result, (alt, False)] if alt else result
