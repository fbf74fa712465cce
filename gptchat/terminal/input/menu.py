"""The list of completions under the draft: when it opens, what its keys do, how much room it takes."""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.layout.dimension import Dimension

from gptchat.terminal.input.completion import ChatCompleter

_LINES = 8  # a longer list scrolls


class CompletionMenu:
    """The completions of one prompt's `buffer`; without a completer there never are any."""

    def __init__(self, completer: ChatCompleter | None, app: Application[str], buffer: Buffer) -> None:
        self._completer = completer
        self._app = app
        self._buffer = buffer
        self._offered = 0
        self._closing = False

    def applies(self) -> bool:
        """Whether the cursor is where completions are shown while typing."""
        return self._completer is not None and self._completer.applies(self._buffer.document)

    def complete(self) -> None:
        """Tab: take the only completion, or walk through them; what comes from memory is there at once."""
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
        """Enter on a completion: it is in the draft already; close the list, for a look before sending."""
        self._buffer.complete_state = None
        self._offered = 0

    def close(self) -> None:
        """Esc: take back what the list put in, and close it until something is typed."""
        self._closing = True
        self._buffer.cancel_completion()
        self._closing = False
        self._offered = 0

    def after_deletion(self) -> None:
        """Something was deleted: prompt_toolkit itself completes only what grows."""
        if not self._closing and self._app.is_running and self.applies():
            self._buffer.start_completion()

    def complete_again(self) -> None:
        """There is more to offer: show it, unless the person is choosing already."""
        state = self._buffer.complete_state
        if self._app.is_running and not self._app.is_done and not (state and state.current_completion):
            self._buffer.complete_state = None
            if self.applies():
                self._buffer.start_completion()

    def room(self) -> Dimension:
        """The height of the draft: below the cursor there is a line for each completion offered.

        While the next ones are being looked for, the room stays, or the toolbar would jump at every key.
        """
        state = self._buffer.complete_state
        if state:
            self._offered = min(len(state.completions), _LINES)
        elif not self.applies():
            self._offered = 0
        if not self._offered or self._app.is_done:
            return Dimension()
        return Dimension(min=self._buffer.document.cursor_position_row + 1 + self._offered)
