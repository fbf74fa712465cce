"""Short questions in the chat: a line of text, a choice, or a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output
from prompt_toolkit.shortcuts.prompt import PromptSession

from gptchat import leaving
from gptchat.core.width import wrapped
from gptchat.leaving import LeaveRequested
from gptchat.terminal.answers import chosen, leaves
from gptchat.terminal.columns.layout import stand_in_columns
from gptchat.terminal.columns.moving import add_editing, stop_between_characters
from gptchat.terminal.input.keyboard import ESCAPE_WAIT, mark_pastes
from gptchat.terminal.output import dumb_terminal as plain
from gptchat.terminal.output.layout import styled
from gptchat.words import _

# prompt_toolkit draws the whole message in the look of a prompt; only the sign of the input line is one.
_QUESTION = "noinherit class:question"
_KEY = "noinherit class:question.key class:command"
_MEANING = "noinherit"
_DEFAULT = "noinherit class:question.default"


class _Declined(Exception):
    """Raised when the user declines to answer."""


async def ask(
    question: str,
    *,
    keyboard: Input,
    output: Output,
    choices: Sequence[tuple[str, str]] = (),
    default: str = "",
    secret: bool = False,
    style: Mapping[str, str] | None = None,
    keep: Callable[[str], object] | None = None,
    free: Callable[[str], bool] | None = None,
    begun: str = "",
) -> str | None:
    """Ask a question; returns the answer without surrounding blanks, None if declined by Esc or Ctrl-C.

    `choices` are (key, meaning) pairs: only a key or a meaning is accepted, and the key is returned; yes, no, 是
    and 否 stand for y and n, and the arrows go through the keys. Other answers that `free` accepts are returned as
    typed. An empty answer means `default`. `begun` is text to begin with, which can be edited. A `secret` is not
    shown nor saved. `question` must be safe to draw (`core.safe`). `keep` takes what is pasted or typed and is no
    choice, also if the user then declines, or a signal ends the program: nobody pastes a choice.
    Raises LeaveRequested on Ctrl-D with nothing typed, for /exit, and if the terminal is gone.
    """
    # prompt_toolkit only wraps the last line of a prompt and cuts the others off.
    width = 10_000 if plain.is_dumb_terminal() else max(output.get_size().columns, 20)
    message = _message(question, choices, default if not secret else "", width)
    while True:
        left = keep if choices else None
        answer = await _read(
            message,
            keyboard,
            output,
            secret=secret,
            style=style or {},
            keep=left,
            begun=begun,
            steps=([key for key, _meaning in choices], default),
        )
        if answer is None:
            return None
        if leaves(answer):
            raise LeaveRequested
        answer = answer.strip() or default
        if not choices:
            return answer
        key = chosen(answer, choices)
        if key is not None:
            return key
        if free is not None and free(answer):
            return answer
        keys = _(", ").join(key for key, _meaning in choices)
        told = _("please answer one of {keys}").format(keys=keys)
        if keep is not None:
            keep(answer)
            told = _("please answer one of {keys}; what you typed is kept for the prompt").format(keys=keys)
        message = [
            ("noinherit class:notice", "\n".join(wrapped(told, width))),
            ("", "\n"),
            *_prompt(default),
        ]


def prepare(app: Application[str] | Application[str | None], output: Output) -> None:
    """Make `app`, which asks something on `output`, act on Esc at once, and draw and edit by whole characters."""
    app.ttimeoutlen = app.timeoutlen = ESCAPE_WAIT
    app.renderer.cpr_not_supported_callback = None
    stand_in_columns(app.layout, output)
    stop_between_characters(app)


def _message(question: str, choices: Sequence[tuple[str, str]], default: str, width: int) -> StyleAndTextTuples:
    if not choices:
        return [(_QUESTION, question), ("", " "), *_default(default)]
    result: StyleAndTextTuples = [(_QUESTION, "\n".join(wrapped(question, width))), ("", "\n")]
    column = max(len(key) for key, _meaning in choices)
    for key, meaning in choices:
        lines = wrapped(meaning, max(width - column - 4, 10))
        told = ("\n" + " " * (column + 4)).join(lines)
        result += [(_KEY, f"  {key:<{column}}"), (_MEANING, f"  {told}\n")]
    return [*result, *_prompt(default)]


def _prompt(default: str) -> StyleAndTextTuples:
    """The input line for a choice."""
    return [("class:prompt", "› "), *_default(default)]


def _default(default: str) -> StyleAndTextTuples:
    return [(_DEFAULT, f"[{default}] ")] if default else []


async def _read(
    message: StyleAndTextTuples,
    keyboard: Input,
    output: Output,
    *,
    secret: bool,
    style: Mapping[str, str],
    keep: Callable[[str], object] | None,
    begun: str,
    steps: tuple[Sequence[str], str],
) -> str | None:
    if plain.is_dumb_terminal():
        reader = plain.read_hidden if secret else plain.read_line
        try:
            return await reader(keyboard, output, "".join(part[1] for part in message))
        except EOFError:
            raise LeaveRequested from None
        except plain.Interrupted:
            return None
    session: PromptSession[str] = PromptSession(
        message,
        is_password=secret,
        key_bindings=_bindings(keep, *steps),
        style=styled(style),
        include_default_pygments_style=False,
        interrupt_exception=_Declined,
        eof_exception=LeaveRequested,
        input=keyboard,
        output=output,
    )
    prepare(session.app, output)
    answered = False
    try:
        answer = await session.prompt_async(default=begun, handle_sigint=False)
        answered = True
        return answer
    except _Declined:
        return None
    except (EOFError, OSError):  # the terminal is gone
        leaving.ask(leaving.GONE)
        raise LeaveRequested from None
    finally:
        if not answered and keep is not None and (typed := session.default_buffer.text).strip():
            keep(typed)
        mark_pastes(output)


def _bindings(keep: Callable[[str], object] | None, choices: Sequence[str], default: str) -> KeyBindings:
    """The keys of a question; with `keep` a paste goes there, since nobody pastes a choice.

    The arrows go through `choices`, from `default` on.
    """
    keys = KeyBindings()

    if keep is not None:

        @keys.add(Keys.BracketedPaste)
        def _paste(event: KeyPressEvent) -> None:
            keep(event.data.replace("\r\n", "\n").replace("\r", "\n"))

    @keys.add("escape")
    def _decline(event: KeyPressEvent) -> None:
        event.app.exit(exception=_Declined())

    @keys.add("c-r")
    @keys.add("c-s")
    def _no_search(event: KeyPressEvent) -> None:
        """Does nothing: a question has no history to search."""

    add_editing(keys)
    if choices:
        _add_steps(keys, choices, default)
    return keys


def _add_steps(keys: KeyBindings, choices: Sequence[str], default: str) -> None:
    """Let the arrows go through `choices`, unless something else is typed."""
    steps = Condition(lambda: not (typed := get_app().current_buffer.text) or typed in choices)

    def step(event: KeyPressEvent, by: int) -> None:
        at = event.current_buffer.text or default
        now = choices.index(at) if at in choices else -max(by, 0)
        event.current_buffer.text = choices[(now + by) % len(choices)]
        event.current_buffer.cursor_position = len(event.current_buffer.text)

    @keys.add("down", filter=steps)
    @keys.add("right", filter=steps)
    def _next(event: KeyPressEvent) -> None:
        step(event, 1)

    @keys.add("up", filter=steps)
    @keys.add("left", filter=steps)
    def _previous(event: KeyPressEvent) -> None:
        step(event, -1)
