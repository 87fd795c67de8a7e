"""The JSON flavour: what is accepted, what is refused, and what is written."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.realtime.wire.codec import JSON, LogPage
from app.realtime.wire.codes import CloseCode, Disconnect
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protocol import EmptyResult, Reply
from app.realtime.wire.requests import MAX_SUBS, METHODS


def one(**document: Any) -> Any:
    (command,) = [*JSON.parse(json.dumps(document))]
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
        '{"ping":{}}',
        '{"id":1,"ping":null}',
        '{"id":0,"connect":{}}',
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        '{"id":"one","connect":{}}',
        '{"id":1,"connect":{}}\n{"id":2',
        '{"id":1,"subscribe":{"channel":"\\ud800"}}',
        '{"id":1,"history":{"channel":"orders","since":{"offset":-1}}}',
        '{"id":1,"history":{"channel":""}}',
        '{"id":1,"presence":{}}',
        '{"id":1,"publish":{"data":{}}}',
        "[" * 10_000,
        '{"id":1,"rpc":NaN}',
        '{"id":1,"publish":{"channel":"orders","data":[-Infinity]}}',
        '{"id":1,"connect":{"data":{"a":Infinity}}}',
        '{"id":1,"connect":{},"unknown":NaN}',
        '{"id":1,"connect":{"data":null,"unknown":NaN}}',
        '{"id":true,"connect":{}}',
        '{"id":"1","connect":{}}',
        '{"id":1.0,"connect":{}}',
        '{"id":1,"connect":{"token":7}}',
        '{"id":1,"subscribe":{"channel":"orders","recover":"yes"}}',
        '{"id":1,"subscribe":{"channel":"orders","recover":1}}',
        '{"id":1,"subscribe":{"channel":"orders","offset":"7"}}',
        '{"id":1,"subscribe":{"channel":"orders","offset":true}}',
        '{"id":1,"subscribe":{"channel":null}}',
        '{"id":1,"history":{"channel":"orders","limit":1.0}}',
        '{"id":1,"rpc":null}',
        '{"id":null}',
        '{"id":1,"connect":{"token":null,"name":7}}',
        "\u00a0",
    ],
)
def test_what_is_no_command_closes_with_bad_request(message: str) -> None:
    with pytest.raises(Disconnect) as refused:
        [*JSON.parse(message)]
    assert refused.value.close is CloseCode.BAD_REQUEST


@pytest.mark.no_cover  # traced, the search for examples takes many times as long
@settings(max_examples=50)
@given(st.text() | st.dictionaries(st.sampled_from(METHODS), st.integers()).map(json.dumps))
@example('{"id":1,"connect":{"subs":{"a":null}}}')
def test_whatever_comes_is_parsed_or_refused(message: str) -> None:
    commands = []
    with suppress(Disconnect):
        commands = [*JSON.parse(message)]
        assert commands
    assert all(command.is_pong or command.id or command.method == "send" for command in commands)


def test_a_binary_message_is_none_of_this_flavour() -> None:
    with pytest.raises(Disconnect) as refused:
        [*JSON.parse(b'{"id":1,"connect":{}}')]
    assert refused.value.close is CloseCode.BAD_REQUEST


def test_one_message_carries_several_commands_in_their_order() -> None:
    commands = [*JSON.parse('{"id":1,"connect":{}}\n\n{"id":2,"subscribe":{"channel":"orders"}}\n')]
    assert [(command.id, command.method) for command in commands] == [
        (1, "connect"),
        (2, "subscribe"),
    ]


@pytest.mark.parametrize("blank", ["\n", "\r\n", " \n\t\n", "\n" * 60_000])
def test_blank_lines_are_skipped(blank: str) -> None:
    told = f'{blank}{{"id":1,"connect":{{}}}}{blank} {{"id":2,"ping":{{}}}}\r{blank}'
    assert [(command.id, command.method) for command in JSON.parse(told)] == [
        (1, "connect"),
        (2, "ping"),
    ]


def test_an_empty_object_is_a_pong() -> None:
    (command,) = [*JSON.parse(" {} ")]
    assert command.is_pong


def test_unknown_fields_are_ignored() -> None:
    command = one(id=1, connect={"token": "t", "flag": 1, "headers": {"a": "b"}}, extra=True)
    assert command.request.token == "t"


def test_what_is_left_out_of_a_subscribe_is_zero() -> None:
    request = one(id=1, subscribe={"channel": "orders"}).request
    assert (request.recover, request.epoch, request.offset, request.flag) == (False, "", 0, 0)


def test_the_positions_of_server_side_subscriptions_come_with_connect() -> None:
    subs = {"users:1": {"recover": True, "epoch": "e", "offset": 7}}
    wanted = one(id=1, connect={"subs": subs}).request.subs["users:1"]
    assert (wanted.recover, wanted.epoch, wanted.offset) == (True, "e", 7)


@pytest.mark.parametrize("position", ["{}", "1", '{"offset":-1}'])
def test_more_positions_than_there_may_be_are_refused(position: str) -> None:
    subs = ",".join(f'"{nth}":{position}' for nth in range(MAX_SUBS + 1))
    with pytest.raises(Disconnect) as refused:
        [*JSON.parse(f'{{"id":1,"connect":{{"subs":{{{subs}}}}}}}')]
    assert refused.value.close is CloseCode.BAD_REQUEST


@pytest.mark.parametrize(
    ("methods", "first"),
    [
        (("subscribe", "connect"), "connect"),
        (("subscribe", "ping"), "ping"),
        (("refresh", "publish"), "publish"),
        (("rpc", "history", "unsubscribe"), "unsubscribe"),
    ],
)
def test_of_several_methods_the_first_in_the_protocols_order_counts(
    methods: tuple[str, ...], first: str
) -> None:
    assert one(id=1, **{name: {"channel": "c", "token": "t"} for name in methods}).method == first


@pytest.mark.parametrize("method", ["publish", "presence", "presence_stats", "history"])
def test_what_asks_something_of_a_channel_names_it(method: str) -> None:
    command = one(id=1, **{method: {"channel": "orders", "data": {}, "limit": 3}})
    assert command.method == method
    assert command.request.channel == "orders"


def test_what_is_left_out_of_a_history_asks_for_the_position_only() -> None:
    request = one(id=1, history={"channel": "orders"}).request
    assert (request.limit, request.since, request.reverse) == (0, None, False)


def test_a_history_may_begin_at_a_position() -> None:
    since = {"offset": 7, "epoch": "e"}
    asked = {"channel": "a", "limit": -1, "since": since, "reverse": True}
    request = one(id=1, history=asked).request
    assert request.since.model_dump() == since
    assert (request.limit, request.reverse) == (-1, True)


def test_a_publish_may_carry_anything() -> None:
    for data in ({"a": [1, None]}, [1], "text", 7, None):
        assert one(id=1, publish={"channel": "a", "data": data}).request.data == data


def test_a_subscribe_may_ask_who_comes_and_goes() -> None:
    assert one(id=1, subscribe={"channel": "a", "join_leave": True}).request.join_leave
    assert not one(id=1, subscribe={"channel": "a"}).request.join_leave


def test_a_send_needs_no_id() -> None:
    assert one(send={"data": 1}).method == "send"


def test_a_call_may_carry_anything() -> None:
    assert one(id=1, rpc={"method": "m", "data": [1]}).method == "rpc"


# -------------------------------------------------------------------- writing


def test_it_speaks_in_text() -> None:
    assert JSON.opcode is Opcode.TEXT


def test_what_is_none_is_left_out_of_a_document() -> None:
    assert JSON.encode(Reply(id=3, unsubscribe=EmptyResult())) == b'{"id":3,"unsubscribe":{}}'


def test_documents_of_one_message_stand_on_a_line_each() -> None:
    assert JSON.join([b"{}"]) == b"{}"
    assert JSON.join([b"{}", b'{"id":1}', b"{}"]) == b'{}\n{"id":1}\n{}'


def test_a_ping_is_an_empty_object() -> None:
    assert json.loads(JSON.ping) == {}


def test_a_publication_carries_data_and_offset() -> None:
    push = json.loads(JSON.publication("orders", 3, b'{"a":null}'))
    assert push == {"push": {"channel": "orders", "pub": {"data": {"a": None}, "offset": 3}}}


def test_a_publication_is_byte_for_byte_what_was_recorded() -> None:
    payload = '{"text":"Æ €", "n": 1.10}'.encode()
    assert payload in JSON.publication("orders", 3, payload)


@given(st.text(), st.text(min_size=1), st.integers(1, 2**53))
def test_no_document_ever_holds_a_newline(text: str, channel: str, offset: int) -> None:
    payload = json.dumps({"text": text}).encode()
    page = LogPage("e", offset, [(offset, payload)])
    for document in (JSON.publication(channel, offset, payload), JSON.history(1, page)):
        assert b"\n" not in document
        assert json.loads(document)


def test_a_history_carries_publications_and_the_position() -> None:
    page = LogPage("e", 9, [(4, b'{"a":1}'), (5, b'{"b":2}')])
    assert json.loads(JSON.history(7, page)) == {
        "id": 7,
        "history": {
            "publications": [{"data": {"a": 1}, "offset": 4}, {"data": {"b": 2}, "offset": 5}],
            "epoch": "e",
            "offset": 9,
        },
    }


def test_a_history_of_nothing_is_a_position() -> None:
    assert JSON.history(7, LogPage("e", 0)) == (
        b'{"id":7,"history":{"publications":[],"epoch":"e","offset":0}}'
    )


def test_the_events_of_a_history_are_byte_for_byte_what_was_recorded() -> None:
    payload = '{"text":"Æ €", "n": 1.10}'.encode()
    assert payload in JSON.history(7, LogPage("e", 4, [(4, payload)]))
