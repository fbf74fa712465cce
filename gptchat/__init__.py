"""gptchat: a chat in the terminal, and a library for conversations. Importing this package loads nothing else."""

TYPE_CHECKING = False  # as type checkers know it: importing `typing` would cost every start its time
if TYPE_CHECKING:
    from gptchat.conversation.api import AsyncChat as AsyncChat
    from gptchat.conversation.api import Chat as Chat
    from gptchat.conversation.events import Decision as Decision
    from gptchat.conversation.outcome import Reply as Reply
    from gptchat.conversation.outcome import UsedTool as UsedTool
    from gptchat.errors import GptchatError as GptchatError

__version__ = "1.0.0"
__all__ = ["AsyncChat", "Chat", "Decision", "GptchatError", "Reply", "UsedTool", "__version__"]

_HOME = {
    "AsyncChat": "gptchat.conversation.api",
    "Chat": "gptchat.conversation.api",
    "Decision": "gptchat.conversation.events",
    "GptchatError": "gptchat.errors",
    "Reply": "gptchat.conversation.outcome",
    "UsedTool": "gptchat.conversation.outcome",
}


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
