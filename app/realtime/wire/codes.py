"""What the protocol says when something cannot be: errors, closes, unsubscribes.

Centrifuge client protocol, sections on error, disconnect and unsubscribe codes: the range of a
code tells the client what to do.
"""

from enum import Enum


class ErrorCode(Enum):
    """Errors of a command: code, message, and whether trying again later may help."""

    INTERNAL = (100, "internal server error", True)
    UNKNOWN_CHANNEL = (102, "unknown channel", False)
    PERMISSION_DENIED = (103, "permission denied", False)
    ALREADY_SUBSCRIBED = (105, "already subscribed", False)
    LIMIT_EXCEEDED = (106, "limit exceeded", False)
    BAD_REQUEST = (107, "bad request", False)
    NOT_AVAILABLE = (108, "not available", False)
    TOKEN_EXPIRED = (109, "token expired", False)
    TOO_MANY_REQUESTS = (111, "too many requests", True)
    UNRECOVERABLE = (112, "unrecoverable position", False)


class CloseCode(Enum):
    """Close codes and reasons. 3500 to 3999: the client does not come back by itself."""

    MESSAGE_TOO_BIG = (1009, "message too big")
    SHUTDOWN = (3001, "shutdown")
    INTERNAL = (3004, "internal server error")
    EXPIRED = (3005, "connection expired")
    STALLED = (3008, "slow")
    INSUFFICIENT_STATE = (3010, "insufficient state")
    NO_PONG = (3012, "no pong")
    TOO_MANY_REQUESTS = (3013, "too many requests")
    INVALID_TOKEN = (3500, "invalid token")
    BAD_REQUEST = (3501, "bad request")
    STALE = (3502, "stale")
    FORCED = (3503, "force disconnect")
    CONNECTION_LIMIT = (3504, "connection limit")
    NOT_AVAILABLE = (3508, "not available")

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def reason(self) -> str:
        return self.value[1]


class UnsubscribeCode(Enum):
    """Reasons of an unsubscribe push. From 2500 on the client subscribes again, with recovery."""

    SERVER = (2000, "server unsubscribe")
    INSUFFICIENT_STATE = (2500, "insufficient state")


class CommandError(Exception):
    """A command that cannot be carried out; answered with an error reply."""

    def __init__(self, error: ErrorCode) -> None:
        super().__init__(error.value[1])
        self.error = error


class Disconnect(Exception):
    """Ends the connection with this code."""

    def __init__(self, close: CloseCode) -> None:
        super().__init__(close.reason)
        self.close = close
