"""The completion menu under the draft: when it opens, what its keys do, and its height."""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.layout.dimension import Dimension

from gptchat.terminal.input.completion import ChatCompleter

_LINES = 8  # a longer list scrolls


class CompletionMenu:
    """The completion menu of one prompt's `buffer`; without a completer it never opens."""

    def __init__(self, completer: ChatCompleter | None, app: Application[str], buffer: Buffer) -> None:
        self._completer = completer
        self._app = app
        self._buffer = buffer
        self._offered = 0
        self._closing = False

    def applies(self) -> bool:
        """Whether completions are shown while typing at the cursor (`ChatCompleter.applies`)."""
        return self._completer is not None and self._completer.applies(self._buffer.document)

    def complete(self) -> None:
        """Tab: apply the only completion, or select the next; completions from memory appear at once."""
        if self._completer is None or not self.applies():
            return
        buffer = self._buffer
        state = buffer.complete_state
        found = state.completions if state else self._completer.at_once(buffer.document)
        if len(found) == 1:
            buffer.apply_completion(found[0])
        elif state:
            buffer.complete_next()
        elif found:
            buffer.complete_state = CompletionState(buffer.document, found)
            buffer.complete_next()
        else:
            buffer.start_completion(select_first=True)

    def choose(self) -> None:
        """Enter on a completion, which is already in the draft: only close the menu, so that it can be checked."""
        self._buffer.complete_state = None
        self._offered = 0

    def close(self) -> None:
        """Esc: undo the completion and close the menu until something is typed."""
        self._closing = True
        self._buffer.cancel_completion()
        self._closing = False
        self._offered = 0

    def after_deletion(self) -> None:
        """Complete again after a deletion: prompt_toolkit itself only completes after an insertion."""
        if not self._closing and self._app.is_running and self.applies():
            self._buffer.start_completion()

    def complete_again(self) -> None:
        """Show new candidates, unless the user has already selected one."""
        state = self._buffer.complete_state
        if self._app.is_running and not self._app.is_done and not (state and state.current_completion):
            self._buffer.complete_state = None
            if self.applies():
                self._buffer.start_completion()

    def room(self) -> Dimension:
        """The height of the draft: below the cursor there is one line for each completion, up to eight.

        The height stays the same during a search, or the toolbar would jump at every key.
        """
        state = self._buffer.complete_state
        if state:
            self._offered = min(len(state.completions), _LINES)
        elif not self.applies():
            self._offered = 0
        if not self._offered or self._app.is_done:
            return Dimension()
        return Dimension(min=self._buffer.document.cursor_position_row + 1 + self._offered)
