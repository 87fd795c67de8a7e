"""The models of the protocol: what an SDK reads in an answer and in a push."""

import json
from typing import Any

import pytest

from app.realtime.wire.codec import JSON
from app.realtime.wire.codes import ErrorCode, UnsubscribeCode
from app.realtime.wire.protocol import (
    ClientInfo,
    ConnectResult,
    EmptyResult,
    PresenceChange,
    PresenceResult,
    PresenceStatsResult,
    Push,
    RefreshResult,
    Reply,
    SubscribeResult,
    error_reply,
    presence_push,
    signal_push,
    unsubscribe_push,
)

CLEO = ClientInfo(user="7", client="c", conn_info={"name": "Cleo"})
CLEO_TOLD = {"user": "7", "client": "c", "conn_info": {"name": "Cleo"}}


def told(document: Reply | Push) -> Any:
    return json.loads(JSON.encode(document))


# -------------------------------------------------------------------- replies


@pytest.mark.parametrize("error", ErrorCode)
def test_an_error_is_answered_with_its_code(error: ErrorCode) -> None:
    code, message, temporary = error.value
    assert told(error_reply(9, error)) == {
        "id": 9,
        "error": {"code": code, "message": message, "temporary": temporary},
    }


def test_an_empty_result_is_there_all_the_same() -> None:
    assert told(Reply(id=3, unsubscribe=EmptyResult())) == {"id": 3, "unsubscribe": {}}
    assert told(Reply(id=4, publish=EmptyResult())) == {"id": 4, "publish": {}}


def test_a_connect_result_has_what_sdks_read() -> None:
    subscribed = SubscribeResult(epoch="e", offset=4)
    result = ConnectResult(
        client="c", version="1", expires=True, ttl=9, ping=25, pong=True, subs={"a": subscribed}
    )
    answer = told(Reply(id=1, connect=result))["connect"]
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
    result = RefreshResult(client="c", version="1", expires=True, ttl=3)
    assert told(Reply(id=2, refresh=result))["refresh"] == {
        "client": "c",
        "version": "1",
        "expires": True,
        "ttl": 3,
    }


def test_a_presence_result_repeats_its_name() -> None:
    answer = told(Reply(id=2, presence=PresenceResult(presence={"c": CLEO})))
    assert answer == {"id": 2, "presence": {"presence": {"c": CLEO_TOLD}}}


def test_presence_is_counted_in_clients_and_people() -> None:
    answer = told(Reply(id=2, presence_stats=PresenceStatsResult(num_clients=2, num_users=1)))
    assert answer["presence_stats"] == {"num_clients": 2, "num_users": 1}


# --------------------------------------------------------------------- pushes


@pytest.mark.parametrize(
    ("unsubscribed", "code"),
    [(UnsubscribeCode.SERVER, 2000), (UnsubscribeCode.INSUFFICIENT_STATE, 2500)],
)
def test_an_unsubscribe_push_carries_code_and_reason(
    unsubscribed: UnsubscribeCode, code: int
) -> None:
    push = told(unsubscribe_push("orders", unsubscribed))["push"]
    assert push == {
        "channel": "orders",
        "unsubscribe": {"code": code, "reason": push["unsubscribe"]["reason"]},
    }
    assert push["unsubscribe"]["reason"]


@pytest.mark.parametrize("change", ["join", "leave"])
def test_a_join_or_leave_says_who_it_is(change: PresenceChange) -> None:
    assert told(presence_push("a", change, CLEO)) == {
        "push": {"channel": "a", change: {"info": CLEO_TOLD}}
    }


def test_a_signal_says_who_it_is_from_and_has_no_offset() -> None:
    assert told(signal_push("a", {"editing": "note"}, CLEO)) == {
        "push": {"channel": "a", "pub": {"data": {"editing": "note"}, "info": CLEO_TOLD}}
    }


def test_what_a_worker_tells_is_from_nobody() -> None:
    assert told(signal_push("ops", {"pid": 7}, None)) == {
        "push": {"channel": "ops", "pub": {"data": {"pid": 7}}}
    }


def test_a_subscription_without_positions_says_nothing_of_any() -> None:
    assert told(Reply(id=3, subscribe=EmptyResult())) == {"id": 3, "subscribe": {}}


def test_null_in_a_signal_is_said() -> None:
    push = told(signal_push("a", {"editing": None}, CLEO))
    assert push["push"]["pub"]["data"] == {"editing": None}
