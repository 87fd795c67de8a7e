"""What each code of the socket means, for the document."""

from typing import Any

from app.realtime.wire.codes import CloseCode, ErrorCode, UnsubscribeCode

TERMINAL = range(3500, 4000)
RESUBSCRIBE_FROM = 2500

ERRORS = {
    ErrorCode.INTERNAL: "It could not be done now, or took over 3 seconds.",
    ErrorCode.UNKNOWN_CHANNEL: "There are no channels of this name.",
    ErrorCode.PERMISSION_DENIED: "Not allowed, or there is no such thing: the answer is the same.",
    ErrorCode.ALREADY_SUBSCRIBED: "To this channel already, if only by the server.",
    ErrorCode.LIMIT_EXCEEDED: "So many channels on one connection are too many.",
    ErrorCode.BAD_REQUEST: "The channel's name is too long, or a signal is not one of the channel.",
    ErrorCode.NOT_AVAILABLE: "The channel does not offer this, or nothing here does.",
    ErrorCode.TOKEN_EXPIRED: "Connect again with a new token.",
    ErrorCode.TOO_MANY_REQUESTS: "Too many commands or signals a second.",
    ErrorCode.UNRECOVERABLE: "The log does not reach back to the position that was to be resumed.",
}
CLOSES = {
    CloseCode.MESSAGE_TOO_BIG: "A message was larger than MAX_MESSAGE_BYTES.",
    CloseCode.SHUTDOWN: "The server goes away; another one is there.",
    CloseCode.INTERNAL: "Something went wrong on our side.",
    CloseCode.EXPIRED: "The token has expired, and no refresh came.",
    CloseCode.STALLED: "The client took nothing for STALLED_SECONDS.",
    CloseCode.INSUFFICIENT_STATE: "The log lost what the own channel still needed.",
    CloseCode.NO_PONG: "A ping was not answered.",
    CloseCode.TOO_MANY_REQUESTS: "Twice as many commands as allowed, for 5 seconds.",
    CloseCode.INVALID_TOKEN: "The token is not ours, or its session or user has ended.",
    CloseCode.BAD_REQUEST: "No document of this protocol, or out of turn, or no token at connect.",
    CloseCode.STALE: "No connect came in CONNECT_SECONDS.",
    CloseCode.FORCED: "The session ended, or the user was deactivated.",
    CloseCode.CONNECTION_LIMIT: "The user has CONNECTIONS_PER_USER others.",
    CloseCode.NOT_AVAILABLE: "`send` has nobody to take it.",
}
UNSUBSCRIBES = {
    UnsubscribeCode.SERVER: "The subscription is no longer allowed, or its order was deleted.",
    UnsubscribeCode.INSUFFICIENT_STATE: "The log lost what the subscription still needed.",
}


def describe_codes() -> dict[str, list[dict[str, Any]]]:
    """As extensions of the document. The range of a code tells the client what to do."""
    return {
        "x-error-codes": [_error(each, meaning) for each, meaning in ERRORS.items()],
        "x-close-codes": [_close(each, meaning) for each, meaning in CLOSES.items()],
        "x-unsubscribe-codes": [_unsubscribe(each, word) for each, word in UNSUBSCRIBES.items()],
    }


def _error(error: ErrorCode, meaning: str) -> dict[str, Any]:
    code, message, temporary = error.value
    return {"code": code, "message": message, "meaning": meaning, "temporary": temporary}


def _close(close: CloseCode, meaning: str) -> dict[str, Any]:
    final = close.code in TERMINAL or close is CloseCode.MESSAGE_TOO_BIG
    row = {"code": close.code, "message": close.reason, "meaning": meaning}
    return {**row, "reconnect": not final}


def _unsubscribe(unsubscribe: UnsubscribeCode, meaning: str) -> dict[str, Any]:
    code, message = unsubscribe.value
    row = {"code": code, "message": message, "meaning": meaning}
    return {**row, "resubscribe": code >= RESUBSCRIBE_FROM}
