"""Reads lines on a dumb terminal (`TERM=dumb`), with only the terminal's own line editing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from prompt_toolkit.input import Input
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output
from prompt_toolkit.utils import is_dumb_terminal

from gptchat import leaving
from gptchat.terminal.input.editing import LineEditor

__all__ = ["Interrupted", "is_dumb_terminal", "read_hidden", "read_line"]


_TOGETHER = 0.015  # seconds within which the next line of a paste follows


class Interrupted(Exception):
    """Raised when Ctrl-C is pressed instead of entering a line."""


async def read_line(keyboard: Input, output: Output, message: str, begun: str = "") -> str:
    """Show `message` and the text `begun`, and read the rest of the line; returns both without the line end.

    Several lines that arrive at once, as a paste does here, are returned together.
    Raises EOFError at the end of the input (Ctrl-D on an empty line), Interrupted on Ctrl-C.
    """

    def show() -> None:
        output.write(message + begun)
        output.flush()

    with keyboard.cooked_mode():
        try:
            line = await _next_line(keyboard, show)
        except NotImplementedError:  # Windows' event loop cannot watch the console
            show()
            line = await asyncio.get_running_loop().run_in_executor(None, _blocking_line)
    if not line:
        raise EOFError
    encoding = (sys.stdin and sys.stdin.encoding) or "utf-8"
    return begun + line.decode(encoding, "surrogateescape").rstrip("\r\n")


async def read_hidden(keyboard: Input, output: Output, message: str) -> str:
    """Show `message` and read a line without echo. Raises the same errors as `read_line`."""
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    editor = LineEditor()

    def ready() -> None:
        for press in keyboard.read_keys():
            if line.done():
                return
            if press.key is Keys.ControlM:
                line.set_result(editor.text)
            elif press.key is Keys.ControlC:
                line.set_exception(Interrupted())
            elif press.key is Keys.ControlD and not editor.text:
                line.set_exception(EOFError())
            elif press.key is Keys.ControlH:
                editor.delete_before()
            elif press.key is Keys.BracketedPaste or not isinstance(press.key, Keys):
                editor.insert(press.data)
        if keyboard.closed and not line.done():
            line.set_exception(EOFError())

    try:
        with keyboard.raw_mode(), keyboard.attach(ready):
            output.write(message)  # only after echo was switched off
            output.flush()
            return await line
    finally:
        output.write("\n")
        output.flush()


async def _next_line(keyboard: Input, show: Callable[[], None]) -> bytes:
    """One line from a terminal in its normal mode, which delivers whole lines; empty at the end of the input.

    `show` draws the prompt; it is called once Ctrl-C no longer ends the program. Raises Interrupted on Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()
    descriptor = keyboard.fileno()

    def ready() -> None:
        if line.done():
            return
        try:
            pieces = [os.read(descriptor, 65536)]
            while pieces[-1].endswith(b"\n") and len(pieces[-1]) > 1 and _more(descriptor):
                pieces.append(os.read(descriptor, 65536))
            line.set_result(b"".join(pieces))
        except OSError:  # the terminal is gone
            line.set_result(b"")

    def interrupt() -> None:
        if not line.done():
            line.set_exception(Interrupted())

    loop.add_reader(descriptor, ready)
    try:
        with leaving.interrupts(interrupt):
            show()
            return await line
    finally:
        loop.remove_reader(descriptor)


def _more(descriptor: int) -> bool:
    """Whether another line follows at once. The end of the input (Ctrl-D) is none, and is left there."""
    import fcntl
    import select
    import struct
    import termios

    if sys.platform == "win32" or not select.select([descriptor], [], [], _TOGETHER)[0]:
        return False
    waiting = fcntl.ioctl(descriptor, termios.FIONREAD, struct.pack("i", 0))
    return bool(struct.unpack("i", waiting)[0] > 0)


def _blocking_line() -> bytes:
    try:
        return (input() + "\n").encode("utf-8", "surrogatepass")
    except EOFError:
        return b""
