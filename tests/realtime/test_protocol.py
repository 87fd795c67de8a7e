"""The wire: what is accepted, what is refused, and every code that the contract names."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.realtime.protocol import (
    METHODS,
    PING,
    CloseCode,
    CommandError,
    ConnectResult,
    Disconnect,
    EmptyResult,
    ErrorCode,
    RefreshResult,
    SubscribeResult,
    UnsubscribeCode,
    error_reply,
    parse,
    publication_push,
    reply,
    unsubscribe_push,
)


def one(**document: Any) -> Any:
    (command,) = parse(json.dumps(document))
    return command


# ------------------------------------------------------------------- commands


@pytest.mark.parametrize(
    "message",
    [
        "",
        " ",
        "\n",
        "\n \n",
        "nonsense",
        "{",
        "null",
        "[]",
        "7",
        '"connect"',
        '{"id":1}',
        '{"id":1,"dance":{}}',
        '{"dance":{}}',
        '{"id":1,"connect":null}',
        '{"id":1,"connect":[]}',
        '{"id":1,"connect":"token"}',
        '{"id":1,"subscribe":{}}',
        '{"id":1,"subscribe":{"channel":""}}',
        '{"id":1,"subscribe":{"channel":7}}',
        '{"id":1,"subscribe":{"channel":"orders","offset":-1}}',
        '{"id":1,"unsubscribe":{}}',
        '{"id":1,"refresh":{"token":""}}',
        '{"id":1,"refresh":{}}',
        '{"connect":{}}',
        '{"id":0,"connect":{}}',
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        '{"id":"one","connect":{}}',
        '{"id":1,"connect":{}}\n{"id":2',
        '{"id":1,"subscribe":{"channel":"\\ud800"}}',
        "[" * 10_000,
    ],
)
def test_what_is_no_command_closes_with_bad_request(message: str) -> None:
    with pytest.raises(Disconnect) as refused:
        parse(message)
    assert refused.value.close is CloseCode.BAD_REQUEST


@settings(max_examples=50)
@given(st.text() | st.dictionaries(st.sampled_from(METHODS), st.integers()).map(json.dumps))
@example('{"id":1,"connect":{"subs":{"a":null}}}')
def test_whatever_comes_is_parsed_or_refused(message: str) -> None:
    commands = []
    with suppress(Disconnect):
        commands = parse(message)
        assert commands
    assert all(command.is_pong or command.method for command in commands)


def test_one_message_carries_several_commands_in_their_order() -> None:
    commands = parse('{"id":1,"connect":{}}\n\n{"id":2,"subscribe":{"channel":"orders"}}\n')
    assert [(command.id, command.method) for command in commands] == [
        (1, "connect"),
        (2, "subscribe"),
    ]


def test_an_empty_object_is_a_pong() -> None:
    (command,) = parse(" {} ")
    assert command.is_pong


def test_unknown_fields_are_ignored() -> None:
    command = one(id=1, connect={"token": "t", "flag": 1, "headers": {"a": "b"}}, extra=True)
    assert command.connect.token == "t"


def test_what_is_left_out_of_a_subscribe_is_zero() -> None:
    request = one(id=1, subscribe={"channel": "orders"}).subscribe
    assert (request.recover, request.epoch, request.offset, request.flag) == (False, "", 0, 0)


def test_the_positions_of_server_side_subscriptions_come_with_connect() -> None:
    subs = {"users:1": {"recover": True, "epoch": "e", "offset": 7}}
    wanted = one(id=1, connect={"subs": subs}).connect.subs["users:1"]
    assert (wanted.recover, wanted.epoch, wanted.offset) == (True, "e", 7)


@pytest.mark.parametrize(
    ("methods", "first"),
    [
        (("subscribe", "connect"), "connect"),
        (("refresh", "publish"), "publish"),
        (("rpc", "history", "unsubscribe"), "unsubscribe"),
    ],
)
def test_of_several_methods_the_first_in_the_protocols_order_counts(
    methods: tuple[str, ...], first: str
) -> None:
    assert one(id=1, **{name: {"channel": "c", "token": "t"} for name in methods}).method == first


@pytest.mark.parametrize("method", ["publish", "presence", "presence_stats", "history"])
def test_methods_that_are_not_served_are_known(method: str) -> None:
    assert one(id=1, **{method: {"channel": "orders", "data": {}, "limit": 3}}).method == method


def test_a_send_needs_no_id() -> None:
    assert one(send={"data": 1}).method == "send"


def test_a_call_may_carry_anything() -> None:
    assert one(id=1, rpc={"method": "m", "data": [1]}).method == "rpc"


# -------------------------------------------------------------------- replies


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
def test_an_error_is_answered_with_its_code(
    error: ErrorCode, code: int, *, temporary: bool
) -> None:
    answer = json.loads(error_reply(9, error))
    assert answer["id"] == 9
    assert answer["error"]["code"] == code
    assert answer["error"].get("temporary", False) is temporary
    assert answer["error"]["message"] == str(CommandError(error))


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (CloseCode.MESSAGE_TOO_BIG, 1009),
        (CloseCode.SHUTDOWN, 3001),
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
    ],
)
def test_a_close_has_its_code_and_a_reason_that_fits_a_frame(close: CloseCode, code: int) -> None:
    assert close.code == code
    assert 0 < len(close.reason.encode()) < 124


@pytest.mark.parametrize("close", CloseCode)
def test_no_reason_can_be_taken_for_json(close: CloseCode) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(close.reason)


def test_an_empty_result_is_there_all_the_same() -> None:
    assert json.loads(reply(3, "unsubscribe", EmptyResult())) == {"id": 3, "unsubscribe": {}}


def test_a_connect_result_has_what_sdks_read() -> None:
    subscribed = SubscribeResult(epoch="e", offset=4)
    result = ConnectResult(
        client="c", version="1", expires=True, ttl=9, ping=25, pong=True, subs={"a": subscribed}
    )
    answer = json.loads(reply(1, "connect", result))["connect"]
    assert answer == {
        "client": "c",
        "version": "1",
        "expires": True,
        "ttl": 9,
        "ping": 25,
        "pong": True,
        "subs": {"a": answer["subs"]["a"]},
    }
    assert answer["subs"]["a"] == {
        "recoverable": True,
        "positioned": True,
        "epoch": "e",
        "offset": 4,
        "was_recovering": False,
        "recovered": False,
    }


def test_a_refresh_result_repeats_the_client() -> None:
    answer = reply(2, "refresh", RefreshResult(client="c", version="1", expires=True, ttl=3))
    assert json.loads(answer)["refresh"] == {
        "client": "c",
        "version": "1",
        "expires": True,
        "ttl": 3,
    }


# --------------------------------------------------------------------- pushes


@pytest.mark.parametrize(
    ("unsubscribed", "code"),
    [(UnsubscribeCode.SERVER, 2000), (UnsubscribeCode.INSUFFICIENT_STATE, 2500)],
)
def test_an_unsubscribe_push_carries_code_and_reason(
    unsubscribed: UnsubscribeCode, code: int
) -> None:
    push = json.loads(unsubscribe_push("orders", unsubscribed))["push"]
    assert push == {
        "channel": "orders",
        "unsubscribe": {"code": code, "reason": push["unsubscribe"]["reason"]},
    }
    assert push["unsubscribe"]["reason"]


def test_a_publication_push_carries_data_and_offset() -> None:
    push = json.loads(publication_push("orders", 3, b'{"a":null}'))
    assert push == {"push": {"channel": "orders", "pub": {"data": {"a": None}, "offset": 3}}}


@given(st.text(), st.integers(1, 2**53))
def test_no_document_ever_holds_a_newline(text: str, offset: int) -> None:
    payload = json.dumps({"text": text}).encode()
    assert b"\n" not in publication_push("orders", offset, payload)


def test_a_ping_is_an_empty_object() -> None:
    assert json.loads(PING) == {}
