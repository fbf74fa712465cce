"""The turns family: answers of several models side by side, one turn by another model, and a question aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import Effects, Run
from gptchat.commands.registry import Argument, Call, Command
from gptchat.config.key_text import require_name
from gptchat.core.origin import Sourced
from gptchat.core.typed.models import take_models
from gptchat.errors import GptchatError
from gptchat.providers.registry import abilities
from gptchat.words import N_

if TYPE_CHECKING:
    from gptchat.conversation.routing import Routing


async def compare(call: Call, routing: Routing) -> Effects:
    """Have several models answer one message."""
    first = [_named(call.get(name), routing) for name in ("model", "other")]
    rest = call.get("text")
    further, text = take_models(rest, routing.known)
    if rest and len(further) < 2 and await _list(routing):
        further, text = take_models(rest, routing.known)
    yield Run("compare", _behind(call, text), models=(*first, *(_named(name, routing) for name in further)))


async def ask(call: Call, routing: Routing) -> Effects:
    """Have another model answer one message; the session's model stays."""
    yield Run("send", _behind(call, call.get("text")), model=_named(call.get("model"), routing))


async def btw(call: Call, routing: Routing) -> Effects:
    """Ask something beside the conversation."""
    await routing.look_for_model()
    routing.route()  # what keeps it from being sent is told at once
    yield Run("aside", _behind(call, call.get("text")))


def _named(name: str, routing: Routing) -> str:
    """`name`, unless it is a key. Raises UsageError."""
    return name if routing.known(name) else require_name(name)


async def _list(routing: Routing) -> bool:
    """List the provider's models if none are listed yet and that costs nothing; whether there are any now."""
    if routing.names_listed() or not abilities(routing.provider_settings()).lists_freely:
        return False
    try:
        await routing.listed()
    except GptchatError:  # a message will tell it
        return False
    return bool(routing.names_listed())


def _behind(call: Call, text: str) -> Sourced:
    """The message `text` at the end of what was typed, with where it came from."""
    whole = call.typed
    return whole.cut(len(whole.text) - len(text)) if text and whole.text.endswith(text) else Sourced(text)


_MODEL = Argument("model", "model", required=True)
_TEXT = Argument("text", "text", required=True, rest=True)

COMMANDS = (
    Command(
        "compare",
        "turns",
        N_("Have several models answer one message, side by side"),
        compare,
        (_MODEL, Argument("other", "model", required=True), Argument("text", "text", rest=True)),
        examples=(
            ("/compare gpt-6.1-sol gpt-6.1-terra why is the sky blue?", N_("both answer at once")),
            ("/compare gpt-6.1-sol azure:gpt-4o", N_("the last question again; PROVIDER:MODEL is of another one")),
        ),
        about=N_(
            "Up to four models; a third or fourth name must be a known one, and -- ends the names. The answer "
            "that you choose goes on, the others stay beside it (/versions). Esc stops all that still stream, and "
            "what came is kept. No tools are offered."
        ),
        brief=N_("several models at once"),
        session=lambda call: not call.get("text"),
        takes_input=True,
    ),
    Command(
        "ask",
        "turns",
        N_("Have another model answer one message"),
        ask,
        (_MODEL, _TEXT),
        examples=(("/ask gpt-6.1-sol and what do you think?", N_("the session's model stays as it is")),),
    ),
    Command(
        "btw",
        "turns",
        N_("Ask something beside the conversation, which goes on without it"),
        btw,
        (Argument("text", "text", rest=True),),
        examples=(
            ("/btw what does idempotent mean?", N_("/tree shows it; the next message does not know of it")),
        ),
        session=True,
        takes_input=True,
    ),
)
