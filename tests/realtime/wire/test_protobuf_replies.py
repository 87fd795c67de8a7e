"""What the server says in the Protobuf flavour, read by the schema of an official SDK."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.realtime.wire.codec import JSON, LogPage
from app.realtime.wire.codes import ErrorCode, UnsubscribeCode
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protobuf_codec import PROTOBUF
from app.realtime.wire.protocol import (
    ChannelPush,
    ClientInfo,
    ConnectResult,
    EmptyResult,
    ErrorResult,
    HistoryResult,
    Presence,
    PresenceResult,
    PresenceStatsResult,
    Publication,
    Push,
    RefreshResult,
    Reply,
    SubscribeResult,
    Unsubscribe,
    error_reply,
    presence_push,
    signal_push,
    unsubscribe_push,
)
from tests.realtime.protobuf_wire import documents, replies

AN_INFO = ClientInfo(user="u", client="c", conn_info={"name": "Cleo"})


words = st.text(max_size=20)
flags = st.booleans()
numbers = st.integers(0, 0xFFFF_FFFF)
offsets = st.integers(0, 2**64 - 1)
values = st.recursive(
    st.none() | flags | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
infos = st.builds(ClientInfo, user=words, client=words, conn_info=values)
subscribed = st.builds(
    SubscribeResult,
    recoverable=flags,
    positioned=flags,
    epoch=words,
    offset=offsets,
    was_recovering=flags,
    recovered=flags,
)
connected = st.builds(
    ConnectResult,
    client=words,
    version=words,
    expires=flags,
    ttl=numbers,
    ping=numbers,
    pong=flags,
    subs=st.dictionaries(words, subscribed, max_size=2),
)
publications = st.builds(
    Publication, data=st.lists(values, max_size=1), offset=offsets, info=st.none() | infos
)
results: dict[str, st.SearchStrategy[Any]] = {
    "error": st.builds(ErrorResult, code=numbers, message=words, temporary=flags),
    "connect": connected,
    "subscribe": subscribed,
    "unsubscribe": st.builds(EmptyResult),
    "publish": st.builds(EmptyResult),
    "presence": st.builds(PresenceResult, presence=st.dictionaries(words, infos, max_size=2)),
    "presence_stats": st.builds(PresenceStatsResult, num_clients=numbers, num_users=numbers),
    "history": st.builds(
        HistoryResult,
        publications=st.lists(publications, max_size=2),
        epoch=words,
        offset=offsets,
    ),
    "refresh": st.builds(RefreshResult, client=words, version=words, expires=flags, ttl=numbers),
}
pushes: dict[str, st.SearchStrategy[Any]] = {
    "pub": publications,
    "join": st.builds(Presence, info=infos),
    "leave": st.builds(Presence, info=infos),
    "unsubscribe": st.builds(Unsubscribe, code=numbers, reason=words),
    "subscribe": st.builds(SubscribeResult, recoverable=flags, epoch=words, offset=offsets),
}


@pytest.mark.parametrize("kind", results)
@settings(max_examples=30)
@given(data=st.data())
def test_a_reply_reads_as_the_reply_that_it_was_in_either_flavour(
    kind: str, data: st.DataObject
) -> None:
    reply = Reply.model_validate({"id": data.draw(numbers), kind: data.draw(results[kind])})
    (found,) = documents([PROTOBUF.encode(reply)])
    assert Reply.model_validate(found) == reply
    assert Reply.model_validate_json(JSON.encode(reply)) == reply


@pytest.mark.parametrize("kind", pushes)
@settings(max_examples=30)
@given(data=st.data())
def test_a_push_reads_as_the_push_that_it_was_in_either_flavour(
    kind: str, data: st.DataObject
) -> None:
    content = {"channel": data.draw(words), kind: data.draw(pushes[kind])}
    push = Push(push=ChannelPush.model_validate(content))
    (found,) = documents([PROTOBUF.encode(push)])
    assert Push.model_validate(found) == push
    assert Push.model_validate_json(JSON.encode(push)) == push


def test_an_error_has_its_code_its_text_and_whether_it_passes() -> None:
    (reply,) = replies(PROTOBUF.encode(error_reply(9, ErrorCode.TOO_MANY_REQUESTS)))
    error = reply.error
    assert (reply.id, error.code, error.message) == (9, 111, "too many requests")
    assert error.temporary


def test_an_unsubscribe_push_carries_code_and_reason() -> None:
    (reply,) = replies(PROTOBUF.encode(unsubscribe_push("orders", UnsubscribeCode.SERVER)))
    unsubscribe = reply.push.unsubscribe
    assert (unsubscribe.code, unsubscribe.reason) == UnsubscribeCode.SERVER.value


def test_a_signal_has_no_offset_and_says_who_it_is_from() -> None:
    (reply,) = replies(PROTOBUF.encode(signal_push("orders", {"editing": None}, AN_INFO)))
    pub = reply.push.pub
    assert (pub.offset, pub.data, pub.info.client) == (0, b'{"editing":null}', "c")
    assert json.loads(pub.info.conn_info) == {"name": "Cleo"}


def test_what_a_worker_tells_is_from_nobody() -> None:
    (reply,) = replies(PROTOBUF.encode(signal_push("ops", {"pid": 7}, None)))
    assert reply.push.pub.data == b'{"pid":7}'
    assert not reply.push.pub.HasField("info")


def test_a_subscription_without_positions_is_confirmed_all_the_same() -> None:
    (reply,) = replies(PROTOBUF.encode(Reply(id=3, subscribe=EmptyResult())))
    assert reply.HasField("subscribe")
    assert not reply.subscribe.recoverable


def test_an_empty_result_is_there_all_the_same() -> None:
    (reply,) = replies(PROTOBUF.encode(Reply(id=3, publish=EmptyResult())))
    assert reply.HasField("publish")


def test_who_has_no_info_of_their_own_has_none_on_the_wire() -> None:
    info = ClientInfo(user="u", client="c")
    (reply,) = replies(PROTOBUF.encode(presence_push("orders", "join", info)))
    assert reply.push.join.info.conn_info == b""


@settings(max_examples=30)
@given(payload=st.binary(max_size=20_000), offset=st.integers(1, 2**64 - 1))
def test_an_events_bytes_are_published_untouched(payload: bytes, offset: int) -> None:
    (reply,) = replies(PROTOBUF.publication("orders", offset, payload))
    pub = reply.push.pub
    assert (reply.push.channel, pub.offset, pub.data) == ("orders", offset, payload)


@settings(max_examples=30)
@given(st.lists(st.tuples(offsets, st.binary()), max_size=3))
def test_history_gives_the_events_bytes_untouched(events: list[tuple[int, bytes]]) -> None:
    (reply,) = replies(PROTOBUF.history(5, LogPage("e", 9, events)))
    found = reply.history
    assert (reply.id, found.epoch, found.offset) == (5, "e", 9)
    assert [(pub.offset, pub.data) for pub in found.publications] == events


def test_an_empty_history_tells_the_position() -> None:
    (reply,) = replies(PROTOBUF.history(5, LogPage("e", 0)))
    assert reply.HasField("history")
    assert reply.history.epoch == "e"


def test_a_ping_is_an_empty_reply() -> None:
    (reply,) = replies(PROTOBUF.ping)
    assert reply.ByteSize() == 0


def test_joined_documents_are_read_one_after_the_other() -> None:
    pubs = [PROTOBUF.publication("c", offset, b"x" * 40 * offset) for offset in (1, 2, 3)]
    found = replies(PROTOBUF.join([*pubs, PROTOBUF.ping]))
    assert [reply.push.pub.offset for reply in found] == [1, 2, 3, 0]


def test_messages_are_binary() -> None:
    assert PROTOBUF.opcode is Opcode.BINARY
