"""The session manager: who is chatting, which session is open, and a turn as a stream of events."""

from gptchat.manager.manager import SessionManager
from gptchat.manager.request import build, split_system
from gptchat.manager.route import Continue, Order, Retry, Route, Send

__all__ = ["Continue", "Order", "Retry", "Route", "Send", "SessionManager", "build", "split_system"]
