"""Every code that the contract names, and that the words beside it can be sent."""

import json

import pytest

from app.realtime.wire.codes import (
    CloseCode,
    CommandError,
    Disconnect,
    ErrorCode,
    UnsubscribeCode,
)


@pytest.mark.parametrize(
    ("error", "code", "temporary"),
    [
        (ErrorCode.INTERNAL, 100, True),
        (ErrorCode.UNKNOWN_CHANNEL, 102, False),
        (ErrorCode.PERMISSION_DENIED, 103, False),
        (ErrorCode.ALREADY_SUBSCRIBED, 105, False),
        (ErrorCode.LIMIT_EXCEEDED, 106, False),
        (ErrorCode.BAD_REQUEST, 107, False),
        (ErrorCode.NOT_AVAILABLE, 108, False),
        (ErrorCode.TOKEN_EXPIRED, 109, False),
        (ErrorCode.TOO_MANY_REQUESTS, 111, True),
        (ErrorCode.UNRECOVERABLE, 112, False),
    ],
)
def test_an_error_has_its_code_and_says_whether_to_try_again(
    error: ErrorCode, code: int, *, temporary: bool
) -> None:
    assert (error.value[0], error.value[2]) == (code, temporary)
    assert str(CommandError(error)) == error.value[1]


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (CloseCode.MESSAGE_TOO_BIG, 1009),
        (CloseCode.SHUTDOWN, 3001),
        (CloseCode.INTERNAL, 3004),
        (CloseCode.EXPIRED, 3005),
        (CloseCode.STALLED, 3008),
        (CloseCode.INSUFFICIENT_STATE, 3010),
        (CloseCode.NO_PONG, 3012),
        (CloseCode.TOO_MANY_REQUESTS, 3013),
        (CloseCode.INVALID_TOKEN, 3500),
        (CloseCode.BAD_REQUEST, 3501),
        (CloseCode.STALE, 3502),
        (CloseCode.FORCED, 3503),
        (CloseCode.CONNECTION_LIMIT, 3504),
        (CloseCode.NOT_AVAILABLE, 3508),
    ],
)
def test_a_close_has_its_code_and_a_reason_that_fits_a_frame(close: CloseCode, code: int) -> None:
    assert close.code == code
    assert 0 < len(close.reason.encode()) < 124
    assert str(Disconnect(close)) == close.reason


@pytest.mark.parametrize("close", CloseCode)
def test_no_reason_can_be_taken_for_json(close: CloseCode) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(close.reason)


@pytest.mark.parametrize(
    ("unsubscribed", "code"),
    [(UnsubscribeCode.SERVER, 2000), (UnsubscribeCode.INSUFFICIENT_STATE, 2500)],
)
def test_an_unsubscribe_has_its_code_and_a_reason(unsubscribed: UnsubscribeCode, code: int) -> None:
    assert unsubscribed.value[0] == code
    assert unsubscribed.value[1]
