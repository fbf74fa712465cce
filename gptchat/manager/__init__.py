"""The session manager: the current user, the open session, and turns as streams of events."""

from gptchat.manager.manager import SessionManager
from gptchat.manager.request import build, split_system
from gptchat.manager.route import Answer, Continue, Order, Retry, Route, Send

__all__ = [
    "Answer",
    "Continue",
    "Order",
    "Retry",
    "Route",
    "Send",
    "SessionManager",
    "build",
    "split_system",
]
