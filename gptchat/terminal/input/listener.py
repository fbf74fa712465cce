"""Keyboard input while a reply streams: typing becomes a draft or a queued message, Esc and Ctrl-C stop the reply.

No prompt_toolkit Application runs, because the reply owns the screen. Keys are read in raw mode, edited in a
`LineEditor`, and drawn by the caller (`on_draft`). Nothing typed is echoed, and nothing typed is lost: the
remaining text becomes the next prompt's draft.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output
from prompt_toolkit.utils import is_dumb_terminal

from gptchat import leaving
from gptchat.core.origin import Origin, Sourced
from gptchat.terminal.input.editing import LineEditor
from gptchat.terminal.input.folding import FoldedDraft, Folding
from gptchat.terminal.input.keyboard import ESCAPE_WAIT, grouped, quiet, suspend

QUIET = 0.6
"""Seconds without a key after which a person has paused typing."""


def _nothing(*_arguments: object) -> None:
    """The default of a callback."""


def _decline(_entry: Sourced) -> bool:
    return False


class Listener:
    """Use as `async with Listener(...)` while a reply streams. All callbacks run in the event loop.

    - `on_draft(text, column)` after each change: the draft on one line (line breaks as ↵, folded pastes as
      labels) and the cursor in it in code points; `editing.footer` cuts it to a width in cells.
    - `on_submit(entry)` on Enter with the unfolded text: True if it was handled; otherwise it is queued.
    - `on_queue(queued)` whenever the queued messages change.
    - `on_stop()` on Esc or Ctrl-C; `on_clear()` on Ctrl-L; `on_leave()` on Ctrl-D with nothing typed;
      `on_hang_up()` when the terminal is gone.
    - `on_suspend()` and `on_resume()` before and after Ctrl-Z.
    """

    def __init__(
        self,
        keyboard: Input,
        output: Output,
        folding: Folding,
        *,
        on_stop: Callable[[], object],
        on_draft: Callable[[str, int], object] = _nothing,
        on_submit: Callable[[Sourced], bool] = _decline,
        on_queue: Callable[[tuple[Sourced, ...]], object] = _nothing,
        on_clear: Callable[[], object] = _nothing,
        on_leave: Callable[[], object] = _nothing,
        on_hang_up: Callable[[], object] = _nothing,
        on_suspend: Callable[[], object] = _nothing,
        on_resume: Callable[[], object] = _nothing,
        draft: FoldedDraft | None = None,
        queued: tuple[Sourced, ...] = (),
        escape_wait: float = ESCAPE_WAIT,
    ) -> None:
        self._keyboard = keyboard
        self._output = output
        self._folding = folding
        self._on_stop = on_stop
        self._on_draft = on_draft
        self._on_submit = on_submit
        self._on_queue = on_queue
        self._on_clear = on_clear
        self._on_leave = on_leave
        self._on_hang_up = on_hang_up
        self._on_suspend = on_suspend
        self._on_resume = on_resume
        self._escape_wait = escape_wait
        self._editor = LineEditor()
        self._entry = Sourced("")
        """The text of the editor, and where it came from."""
        if draft is not None:
            self._put(draft)
        self._queued = list(queued)
        self._flush: asyncio.TimerHandle | None = None
        self._typed = float("-inf")
        """When the last key came, by the loop's clock."""
        self._held = ExitStack()
        self._editing = _editing_keys(self._editor)
        if is_dumb_terminal():  # it stays in line mode, where the Enter key arrives as a line feed
            self._editing[Keys.ControlJ, False] = self._submit

    @property
    def draft(self) -> FoldedDraft:
        """Text typed and not submitted; pass it to `Prompt.read`."""
        return FoldedDraft(self._editor.text, self._editor.cursor, self._entry.parts)

    @property
    def queued(self) -> tuple[Sourced, ...]:
        """The queued messages, oldest first, unfolded."""
        return tuple(self._queued)

    def quiet_in(self) -> float:
        """Seconds until the keyboard counts as quiet, if no further key comes; 0 or less if it does already."""
        self._ready()
        return self._typed + QUIET - asyncio.get_running_loop().time()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Leave the keyboard to a question; what was typed before is in the draft, and stays there."""
        if self._flush:
            self._flush.cancel()
            self._flush = None
        self._handle(self._keyboard.flush_keys(), ended=True)
        self._held.close()
        try:
            yield
        finally:
            self._hold()

    def next_queued(self) -> Sourced | None:
        """Remove and return the oldest queued message; None if there is none."""
        if not self._queued:
            return None
        text = self._queued.pop(0)
        self._on_queue(self.queued)
        return text

    async def __aenter__(self) -> Listener:
        self._hold()
        waiting = get_typeahead(self._keyboard)  # keys that the prompt has read but not handled
        if waiting:
            self._handle(waiting)
        elif self._editor.text:
            self._show()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._flush:
            self._flush.cancel()
            # An Esc pressed at the last moment has nothing left to stop, and would decline the next question.
            self._handle(self._keyboard.flush_keys(), ended=True)
        self._held.close()

    def _hold(self) -> None:
        """Take over the keyboard; `_held.close()` restores them in reverse order."""
        with ExitStack() as stack:
            stack.enter_context(quiet(self._keyboard, self._output))
            if is_dumb_terminal():  # in its normal mode, where Ctrl-C is SIGINT
                stack.enter_context(leaving.interrupts(self._on_stop))
            try:
                stack.enter_context(self._keyboard.attach(self._ready))
            except EOFError:  # this input cannot be read: the reply streams anyway
                pass
            self._held = stack.pop_all()

    def _ready(self) -> None:
        """Called when keys have arrived."""
        keys = self._keyboard.read_keys()
        if keys:
            self._typed = asyncio.get_running_loop().time()
        if self._flush:
            self._flush.cancel()
            self._flush = None
        self._handle(keys)
        if self._keyboard.closed:
            self._on_hang_up()
            return
        self._flush = asyncio.get_running_loop().call_later(self._escape_wait, self._flushed)

    def _flushed(self) -> None:
        """Called when no key followed for `escape_wait` seconds: a pending ESC was the Esc key."""
        self._flush = None
        self._handle(self._keyboard.flush_keys())

    def _handle(self, keys: list[KeyPress], *, ended: bool = False) -> None:
        before = (self._editor.text, self._editor.cursor)
        for press, alt in grouped(keys):
            if not (ended and press.key is Keys.Escape):
                self._press(press, alt)
        if (self._editor.text, self._editor.cursor) != before:
            self._show()

    def _press(self, press: KeyPress, alt: bool) -> None:
        self._act(press, alt)
        if self._editor.text != self._entry.text:
            origin: Origin = "pasted" if press.key is Keys.BracketedPaste else "typed"
            self._entry = self._entry.edited(self._editor.text, self._editor.cursor, origin)

    def _act(self, press: KeyPress, alt: bool) -> None:
        key = press.key
        if key is Keys.ControlD and not self._editor.text:
            self._on_leave()
            return
        edit = self._editing.get((key, alt))
        if edit:
            edit()
        elif key is Keys.BracketedPaste:
            text = press.data.replace("\r\n", "\n").replace("\r", "\n")
            self._editor.insert(self._folding.fold(text))
        elif key is Keys.ControlM:
            self._submit()
        elif key in (Keys.Escape, Keys.ControlC):
            self._on_stop()
        elif key is Keys.Up and not self._editor.text:
            self._take_back()
        elif key is Keys.ControlL:
            self._on_clear()
        elif key is Keys.ControlZ:
            self._suspend()
        elif not isinstance(key, Keys) and (" " <= key < "\x7f" or key > "\x9f"):
            self._editor.insert(self._folding.fold(key))

    def _submit(self) -> None:
        entry = self._folding.unfolded(self.draft)
        if not entry.text.strip():
            return
        self._put(FoldedDraft())
        if not self._on_submit(entry):
            self._queued.append(entry)
            self._on_queue(self.queued)

    def _take_back(self) -> None:
        if self._queued:
            self._put(self._folding.folded(self._queued.pop()))
            self._on_queue(self.queued)

    def _put(self, draft: FoldedDraft) -> None:
        self._editor.put(draft.text)
        self._entry = Sourced(draft.text, draft.parts)

    def _suspend(self) -> None:
        self._on_suspend()
        self._held.close()
        try:
            # Echo is off between prompts even without this listener, but the shell needs it on.
            with self._keyboard.cooked_mode():
                suspend()
        finally:
            self._hold()
            self._on_resume()
            self._show()

    def _show(self) -> None:
        shown = self._folding.shown(self._editor.text).replace("\n", "↵")
        column = len(self._folding.shown(self._editor.text[: self._editor.cursor]))
        self._on_draft(shown, column)


def _editing_keys(editor: LineEditor) -> dict[tuple[Keys | str, bool], Callable[[], None]]:
    """The editor's methods by (key, whether Alt is held)."""
    return {
        (Keys.ControlH, False): editor.delete_before,
        (Keys.ControlH, True): editor.delete_word_before,
        (Keys.Delete, False): editor.delete_after,
        (Keys.ControlD, False): editor.delete_after,
        (Keys.ControlW, False): editor.delete_word_before,
        ("d", True): editor.delete_word_after,
        (Keys.ControlU, False): editor.delete_to_start,
        (Keys.ControlK, False): editor.delete_to_end,
        (Keys.Left, False): editor.left,
        (Keys.ControlB, False): editor.left,
        (Keys.Right, False): editor.right,
        (Keys.ControlF, False): editor.right,
        (Keys.ControlLeft, False): editor.word_left,
        ("b", True): editor.word_left,
        (Keys.ControlRight, False): editor.word_right,
        ("f", True): editor.word_right,
        (Keys.Home, False): editor.home,
        (Keys.ControlA, False): editor.home,
        (Keys.End, False): editor.end,
        (Keys.ControlE, False): editor.end,
        (Keys.ControlJ, False): lambda: editor.insert("\n"),
        (Keys.ControlM, True): lambda: editor.insert("\n"),
    }
