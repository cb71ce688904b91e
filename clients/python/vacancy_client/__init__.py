"""A typed client of vacancy: what is generated from its document, and how to send a write once."""

from .edit import ProblemError, done, edit_with_latest
from .generated import Client
from .retry import RetryingTransport, connect, new_key

__all__ = [
    "Client",
    "ProblemError",
    "RetryingTransport",
    "connect",
    "done",
    "edit_with_latest",
    "new_key",
]
