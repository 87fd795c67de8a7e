"""Commands in the Protobuf flavour: what is accepted, and what is refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.realtime.wire.codec import JSON
from app.realtime.wire.codes import CloseCode, Disconnect
from app.realtime.wire.protobuf_codec import PROTOBUF
from app.realtime.wire.requests import MAX_SUBS
from tests.realtime.protobuf_wire import command, prefixed

PONG = b"\x00"
A_COMMAND = command(id=1, subscribe={"channel": "orders"})


# ------------------------------------------------------------------- commands


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="empty text"),
        pytest.param("{}", id="a text"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id":1,"connect":{}}', id="JSON"),
        pytest.param(b"\x80", id="half a length"),
        pytest.param(b"\xff" * 9 + b"\x01", id="a length of 64 bits"),
        pytest.param(b"\xff" * 20, id="a length without end"),
        pytest.param(A_COMMAND[:-1], id="half a command"),
        pytest.param(PONG + A_COMMAND[:-1], id="half a command after a pong"),
        pytest.param(b"\x02\x0f\x00", id="a wire type that there is not"),
        pytest.param(prefixed(b"\x2a\x02\x0a\x05"), id="a part that ends beyond the whole"),
        pytest.param(prefixed(b"\x08\x01\x2a\x03\x0a\x01\xff"), id="a channel that is not UTF-8"),
        pytest.param(command(id=1), id="no method"),
        pytest.param(prefixed(b"\x08\x01\x82\x01\x00"), id="a method that there is not"),
        pytest.param(prefixed(b"\x82\x01\x00"), id="neither an id nor a known method"),
        pytest.param(command(ping={}), id="a ping without an id"),
        pytest.param(command(connect={}), id="no id"),
        pytest.param(command(id=1, subscribe={}), id="no channel"),
        pytest.param(command(id=1, refresh={}), id="no token"),
        pytest.param(A_COMMAND + command(id=2), id="no method after a command"),
        pytest.param(
            command(id=1, connect={"subs": {str(nth): {} for nth in range(MAX_SUBS + 1)}}),
            id="more positions than there may be",
        ),
    ],
)
def test_what_is_no_command_closes_with_bad_request(message: str | bytes) -> None:
    with pytest.raises(Disconnect) as refused:
        [*PROTOBUF.parse(message)]
    assert refused.value.close is CloseCode.BAD_REQUEST


@settings(max_examples=200)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=200).map(prefixed)
    | st.builds(
        lambda before, at, byte: before[:at] + byte + before[at + 1 :],
        st.just(command(id=7, history={"channel": "c", "since": {"offset": 3, "epoch": "e"}})),
        st.integers(0, 20),
        st.binary(max_size=3),
    )
)
def test_whatever_comes_is_parsed_or_refused(message: bytes) -> None:
    commands = []
    with suppress(Disconnect):
        commands = [*PROTOBUF.parse(message)]
        assert commands
    assert all(one.is_pong or one.id or one.method == "send" for one in commands)


def request_of(message: bytes) -> Any:
    """Of the only command in a message."""
    (parsed,) = PROTOBUF.parse(message)
    return parsed.request


def test_one_message_carries_several_commands_in_their_order() -> None:
    commands = [*PROTOBUF.parse(command(id=1, connect={"token": "t"}) + PONG + A_COMMAND)]
    assert [one.method for one in commands] == ["connect", None, "subscribe"]


def test_a_document_without_length_is_a_pong() -> None:
    (pong,) = [*PROTOBUF.parse(PONG)]
    assert pong.is_pong


def test_what_is_not_served_is_skipped() -> None:
    asked = {"channel": "orders", "token": "t", "delta": "fossil"}
    (parsed,) = [*PROTOBUF.parse(command(id=1, subscribe=asked))]
    assert parsed == next(PROTOBUF.parse(A_COMMAND))


@pytest.mark.parametrize("tree", [{}, {"op": "and", "nodes": [{"cmp": "eq", "key": "k"}]}])
def test_that_a_subscription_is_to_be_filtered_is_not_skipped(tree: Any) -> None:
    request = request_of(command(id=1, subscribe={"channel": "orders", "tf": tree}))
    assert request.tf is not None


def test_a_map_or_poll_subscription_is_told_from_others() -> None:
    request = request_of(prefixed(b"\x08\x01\x2a\x05\x0a\x01c\x78\x02"))
    assert (request.channel, request.type) == ("c", 2)


def test_what_is_published_to_a_map_is_told_from_signals() -> None:
    request = request_of(prefixed(b"\x08\x01\x3a\x0a\x0a\x01c\x18\x01\x22\x01k\x28\x01"))
    assert (request.channel, request.type, request.key, request.removed) == ("c", 1, "k", True)


def test_of_several_methods_the_first_in_the_protocols_order_counts() -> None:
    both = command(id=1, refresh={"token": "t"}, unsubscribe={"channel": "orders"})
    assert next(PROTOBUF.parse(both)).method == "unsubscribe"


def test_a_position_of_nothing_but_zeros_is_a_position() -> None:
    zeros = request_of(command(id=1, history={"channel": "c", "since": {}}))
    absent = request_of(command(id=1, history={"channel": "c"}))
    assert zeros.since is not None
    assert absent.since is None


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 10_000, b'"\\ud800"', b"{} {}"])
def test_data_that_is_not_json_is_kept_as_what_no_signal_can_be(data: bytes) -> None:
    assert request_of(command(id=1, publish={"channel": "c", "data": data})).data == data


@pytest.mark.parametrize(
    "content",
    [
        {"id": 1, "connect": {}},
        {"id": 0xFFFF_FFFF, "connect": {"token": "t", "name": "swift", "version": "1.0"}},
        {"id": 1, "connect": {"data": {"a": [None, 1.5, "é"]}}},
        {"id": 1, "connect": {"subs": {"a": {"recover": True, "epoch": "e", "offset": 7}, "": {}}}},
        {"id": 1, "subscribe": {"channel": "c", "recover": True, "offset": 2**64 - 1}},
        {"id": 1, "subscribe": {"channel": "c", "join_leave": True, "flag": 2**62}},
        {"id": 1, "subscribe": {"channel": "c", "tf": {"op": "not", "nodes": [{"key": "k"}]}}},
        {"id": 1, "subscribe": {"channel": "c", "tf": {}}},
        {"id": 1, "unsubscribe": {"channel": "c"}},
        {"id": 1, "publish": {"channel": "c", "data": {"editing": None}}},
        {"id": 1, "publish": {"channel": "c"}},
        {"id": 1, "presence": {"channel": "c"}},
        {"id": 1, "presence_stats": {"channel": "c"}},
        {"id": 1, "history": {"channel": "c", "limit": -1, "reverse": True}},
        {"id": 1, "history": {"channel": "c", "since": {"offset": 3, "epoch": "e"}}},
        {"id": 1, "rpc": {"method": "m", "data": [1]}},
        {"id": 1, "rpc": {}},
        {"id": 1, "ping": {}},
        {"send": {"data": "x"}},
        {"id": 1, "refresh": {"token": "t"}},
        {"id": 1, "sub_refresh": {"channel": "c", "token": "t"}},
    ],
    ids=json.dumps,
)
def test_a_command_is_the_same_in_both_flavours(content: dict[str, Any]) -> None:
    (parsed,) = [*PROTOBUF.parse(command(**_with_bytes(content)))]
    assert parsed == next(JSON.parse(json.dumps(content)))


def _with_bytes(content: Any) -> Any:
    """As it goes into Protobuf: `data` is bytes."""
    if not isinstance(content, dict):
        return content
    return {
        name: json.dumps(value).encode() if name == "data" else _with_bytes(value)
        for name, value in content.items()
    }
