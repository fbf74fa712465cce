"""The chat's prompt: a prompt_toolkit session with folded pastes, restored drafts, and a toolbar below."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.formatted_text.utils import fragment_list_to_text, fragment_list_width
from prompt_toolkit.input import Input
from prompt_toolkit.layout.processors import TabsProcessor
from prompt_toolkit.output import Output
from prompt_toolkit.shortcuts.prompt import PromptSession

from gptchat import leaving
from gptchat.core.origin import Sourced, whole
from gptchat.errors import UsageError
from gptchat.leaving import LeaveRequested
from gptchat.terminal.columns.layout import stand_in_columns
from gptchat.terminal.columns.moving import stop_between_characters
from gptchat.terminal.input import editor
from gptchat.terminal.input.completion import ChatCompleter
from gptchat.terminal.input.drafts import DraftKeeper
from gptchat.terminal.input.folding import FoldedDraft, FoldedPastes, Folding, OriginTracker, Visible
from gptchat.terminal.input.history import HistorySuggestion, InputHistory
from gptchat.terminal.input.keyboard import ESCAPE_WAIT, mark_pastes, open_keyboard
from gptchat.terminal.input.keys import bindings, mode_shown
from gptchat.terminal.input.menu import CompletionMenu
from gptchat.terminal.output import dumb_terminal as plain
from gptchat.terminal.output.layout import follow_width, open_screen, stand_below, styled, translate_labels
from gptchat.words import _

_HISTORY_WAIT = 0.1  # seconds
_SURROGATES = "[\ud800-\udfff]"


class Prompt:
    """Reads messages; `use` switches to another user.

    `message()` returns the prompt, such as `alice › `; `toolbar(width)` the line below it for a width in cells,
    or None; `on_change(text)` receives each new state of the draft, pastes unfolded, and must return
    at once. `on_clear()` is called when Ctrl-C gives the draft up, and returns a notice. `history` and `draft` are
    the files of the current user (None: nothing is saved).
    `style` maps class names to prompt_toolkit style strings; it overrides `layout.STYLE`.
    """

    def __init__(
        self,
        *,
        message: Callable[[], AnyFormattedText],
        completer: ChatCompleter | None = None,
        toolbar: Callable[[int], StyleAndTextTuples | None] = lambda _width: None,
        history: Path | None = None,
        draft: Path | None = None,
        on_change: Callable[[str], None] = lambda _text: None,
        on_clear: Callable[[], str] = lambda: "",
        style: Mapping[str, str] | None = None,
        keyboard: Input | None = None,
        output: Output | None = None,
        folding: Folding | None = None,
    ) -> None:
        self.folding = folding or Folding()
        self.keyboard = keyboard or open_keyboard()
        self.output = output or open_screen()
        self._toolbar = toolbar
        self._on_change = on_change
        self._on_clear = on_clear
        self._notice = ""
        self._armed = False
        self._elsewhere = False
        self._warned = False
        self.menu: CompletionMenu
        self._last = ""
        self._drafts = DraftKeeper(None)
        self._suggestion = HistorySuggestion(self.folding)
        self._session: PromptSession[str] = PromptSession(
            message,
            multiline=True,
            completer=completer,
            complete_while_typing=Condition(lambda: self.menu.applies()),
            auto_suggest=self._suggestion,
            enable_suspend=True,
            search_ignore_case=True,
            include_default_pygments_style=False,
            input_processors=[Visible(), FoldedPastes(self.folding), TabsProcessor(char1=" ", char2=" ")],
            cursor=ModalCursorShapeConfig(),
            key_bindings=bindings(self),
            interrupt_exception=LeaveRequested,
            eof_exception=LeaveRequested,
            input=self.keyboard,
            output=self.output,
        )
        self._session.app.ttimeoutlen = ESCAPE_WAIT
        self._session.app.renderer.cpr_not_supported_callback = None
        self.menu = CompletionMenu(completer, self._session.app, self._buffer)
        translate_labels(self._session.layout)
        stand_below(self._session.layout, self._toolbar_text, self.menu.room)
        stand_in_columns(self._session.layout, self.output)
        stop_between_characters(self._session.app)
        follow_width(self._session.app)
        self.origins = OriginTracker(self._buffer, lambda text: self._history.parts_of(text))
        self._buffer.on_text_changed += self._changed
        self.set_style(style or {})
        self.use(history, draft)

    @property
    def _buffer(self) -> Buffer:
        return self._session.default_buffer

    @property
    def draft(self) -> FoldedDraft:
        """The text in the prompt, with marks for folded pastes."""
        return FoldedDraft(self._buffer.text, self._buffer.cursor_position, self.origins.draft.parts)

    def use(self, history: Path | None, draft: Path | None = None, place: Callable[[], str] = str) -> None:
        """Switch to another user's history and draft, typed in the session `place()`, from the next `read`."""
        self._drafts.changed("")  # what is typed goes along
        self._drafts.close()
        self._history = InputHistory(history, self.folding, place)
        self._session.history = self._buffer.history = self._history
        self._drafts = DraftKeeper(draft, place=place)
        self._drafts.load()

    def set_style(self, style: Mapping[str, str]) -> None:
        """Change the style, as `style` of the constructor."""
        self._session.style = styled(style)

    def set_vi(self, vi: bool) -> None:
        """Use vi keys, or emacs keys if False."""
        self._session.editing_mode = EditingMode.VI if vi else EditingMode.EMACS

    def set_suggest(self, suggest: bool) -> None:
        """Switch suggestions from the history (in grey while typing) on or off."""
        self._session.auto_suggest = self._suggestion if suggest else None

    def remember(self, entry: Sourced) -> None:
        """Add text to the history that was sent without the prompt, such as a queued message."""
        self._history.add(entry)

    def notice(self, text: str) -> None:
        """Show `text` instead of the toolbar until something is typed."""
        self._notice = text
        self.refresh()

    def refresh(self) -> None:
        """Redraw the prompt and the toolbar. May be called from any thread."""
        loop = self._session.app.loop
        if loop is not None:  # only in its own thread, as the prompt may end meanwhile
            loop.call_soon_threadsafe(self._session.app.invalidate)

    def complete_again(self) -> None:
        """Complete again because more candidates have arrived. May be called from any thread."""
        loop = self._session.app.loop
        if loop is not None:
            loop.call_soon_threadsafe(self.menu.complete_again)

    def keep(self, draft: FoldedDraft, *, at_once: bool = False) -> None:
        """Save a draft typed outside the prompt, while a reply streams; `at_once`: it is in its file on return."""
        self._drafts.changed(self.folding.unfold(draft.text))
        if at_once:
            self._drafts.flush()

    def keep_edited(self, text: str) -> None:
        """Save the text of an editor as the draft at once, because the program ends. Any thread may call it."""
        self.keep(FoldedDraft(text), at_once=True)

    def flush(self) -> None:
        """Write the saved draft to disk at once; called before the program exits."""
        self._drafts.flush()

    async def read(self, *, default: str | FoldedDraft = "") -> Sourced:
        """The next message, pastes unfolded. The prompt starts with `default`, else with last time's unsent draft.

        A `default` that is a plain text may have come from anywhere, as the draft of an earlier run.
        Raises LeaveRequested on Ctrl-D or a second Ctrl-C on an empty line, and if the terminal is gone.
        """
        if self._drafts.unshown and not (default if isinstance(default, str) else default.text):
            default = self._drafts.take()
            self._notice = _("your unsent draft is back")
        if self._history.failure and not self._warned:
            self._warned = True
            self._notice = _("the input history cannot be saved: {reason}").format(reason=self._history.failure)
        if isinstance(default, str):
            default = self.folding.folded(whole(default, "draft"))
        document = Document(default.text, default.cursor)
        self._armed = False
        self._last = document.text
        self.origins.begin(Sourced(default.text, default.parts))
        self._tell()
        try:
            if plain.is_dumb_terminal():
                read = await self._read_plainly(default)
            else:
                # A wait this short is not noticed and lets a quick Up find the history. A slow disk may not block.
                await asyncio.wait([asyncio.ensure_future(self._history.read())], timeout=_HISTORY_WAIT)
                try:
                    text = await self._session.prompt_async(
                        default=document, pre_run=lambda: self._history.give(self._buffer), handle_sigint=False
                    )
                finally:
                    mark_pastes(self.output)
                sent = self.origins.draft
                read = self.folding.unfolded(FoldedDraft(text, None, sent.parts))
                if sent.text != text:  # nobody has said where it came from
                    read = whole(read.text, "recalled")
        except (EOFError, OSError) as end:
            if isinstance(end, OSError) or self.keyboard.closed:  # the terminal was closed, else it is Ctrl-D
                leaving.ask(leaving.GONE)
            raise LeaveRequested from None
        else:
            self._drafts.sent()
        finally:
            self._drafts.flush()
        return _joined(read)

    async def _read_plainly(self, begun: FoldedDraft) -> Sourced:
        """A line from a dumb terminal. Ctrl-C clears it; a second one raises LeaveRequested, as elsewhere."""
        interrupted = False
        while True:
            message = fragment_list_to_text(to_formatted_text(self._session.message))
            try:
                line = await plain.read_line(self.keyboard, self.output, message, begun.text)
            except plain.Interrupted:
                if interrupted:
                    raise LeaveRequested from None
                self.output.write("\n" + _("press Ctrl-C again, or Ctrl-D, to leave") + "\n")
                interrupted, begun = True, FoldedDraft()
                continue
            interrupted = False
            if line.strip():
                # Many lines at once are a paste; what is typed comes line by line.
                typed = whole(line, "pasted" if "\n" in line else "typed")
                entry = typed.replaced(0, len(begun.text), Sourced(begun.text, begun.parts))
                self._history.add(self.folding.unfolded(FoldedDraft(entry.text, None, entry.parts)))
                return self.folding.unfolded(FoldedDraft(entry.text, None, entry.parts))

    # Called by the key bindings (keys.Line).

    def send(self) -> None:
        """Accept the draft; a blank one is not sent."""
        if self._buffer.text.strip():
            self._history.note(self.folding.unfolded(self.draft))
            self._buffer.validate_and_handle()

    def clear_or_leave(self) -> None:
        """Ctrl-C: move the draft to the history, where Up finds it; on an empty line, leave if pressed twice."""
        if self._elsewhere:
            return
        if self._buffer.text:
            self._history.note(self.folding.unfolded(self.draft))
            self._buffer.reset(append_to_history=True)
            self._history.give(self._buffer)
            self._changed()
            self.notice(self._on_clear())
        elif self._armed:
            self.leave()
        else:
            # If a recalled entry was emptied here, restore it in the history, for Up and Ctrl-R.
            self._buffer.reset()
            self._history.give(self._buffer)
            self._armed = True
            self.notice(_("press Ctrl-C again, or Ctrl-D, to leave"))

    def enter(self, text: str) -> None:
        """End `read` with `text`, as if it had been typed."""
        if self._session.app.is_running and not self._session.app.is_done:
            self.origins.begin(Sourced(text))
            self._session.app.exit(result=text)

    def leave(self) -> None:
        """End `read` with LeaveRequested."""
        if self._session.app.is_running and not self._session.app.is_done:
            self._session.app.exit(exception=LeaveRequested())

    def open_editor(self) -> None:
        """Open the draft, unfolded, in the user's editor; afterwards the prompt holds the edited text."""
        if not self._elsewhere:
            self._elsewhere = True
            waiting = ExitStack()
            waiting.enter_context(editor.keys_wait(self._session.app))
            self._session.app.create_background_task(self._edit(waiting))

    async def _edit(self, waiting: ExitStack) -> None:
        draft = self.folding.unfolded(self.draft)
        try:
            with leaving.interrupts(lambda: None):
                edited = await run_in_terminal(
                    lambda: editor.edit_within(self.output, draft.text, self.keep_edited), in_executor=True
                )
        except UsageError as error:
            self.notice(
                _("{name} ({detail})").format(name=error.message, detail=error.hint)
                if error.hint
                else error.message
            )
        else:
            if edited is not None:
                before = Sourced(draft.text, draft.parts)
                folded = self.folding.folded(before.edited(edited, len(edited), "editor"))
                self._buffer.document = Document(folded.text)
                self.origins.begin(Sourced(folded.text, folded.parts))
        finally:
            self._elsewhere = False
            waiting.close()
            if leaving.status() is not None:
                self.leave()

    # Changes of the draft.

    def _changed(self, _buffer: Buffer | None = None) -> None:
        self.origins.changed()
        draft = self._buffer.text
        if draft == self._last:
            return
        self._armed = False
        self._notice = ""
        shorter, self._last = len(draft) < len(self._last), draft
        self._tell()
        if shorter:
            self.menu.after_deletion()

    def _tell(self) -> None:
        text = self.folding.unfold(self._last)
        self._drafts.changed(text)
        self._on_change(text)

    # Drawing.

    def _toolbar_text(self) -> StyleAndTextTuples:
        mode = mode_shown(self._session.app)
        if self._notice:
            return [*mode, ("class:notice", self._notice)]
        return mode + (self._toolbar(self.output.get_size().columns - fragment_list_width(mode)) or [])


def _joined(entry: Sourced) -> Sourced:
    """`entry` with surrogate pairs joined, as Windows consoles deliver them; lone surrogates stay."""
    if not re.search(_SURROGATES, entry.text):
        return entry
    text = entry.text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return Sourced(text) if not entry.parts else whole(text, entry.parts[0].origin)
