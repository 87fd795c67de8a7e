"""Connection: what it writes next, on a transport that records."""

import json
from collections import Counter
from collections.abc import Sequence

import pytest

from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import Segment
from app.realtime.wire.batches import BATCH_BYTES, Entry
from app.realtime.wire.codec import JSON, JsonCodec
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protocol import EmptyResult, Push, Reply
from tests.realtime.keepers import Keeping, a_connection, a_subscription, somebody, write
from tests.realtime.recording import OneMessage, RecordingTransport

FIRST = Reply(id=1, unsubscribe=EmptyResult())
SECOND = Reply(id=2, unsubscribe=EmptyResult())
ANSWER = b'{"id":1,"unsubscribe":{}}'
MORE = b'{"id":2,"unsubscribe":{}}'


class Stage:
    """A connection, its transport, and what it asked of its keeper."""

    def __init__(self, transport: RecordingTransport | None = None) -> None:
        self.transport = transport or RecordingTransport()
        self.keeper = Keeping()
        self.connection = a_connection(self.transport, self.keeper)

    def subscribe(self, name: str, *, cursor: int = 0, events: int = 1_000) -> Subscription:
        return a_subscription(self.connection, name, cursor=cursor, events=events)

    def resume(self) -> None:
        self.transport.writable = True
        self.connection.pump()

    def received(self) -> list[tuple[str, int]]:
        """Channel and offset of every publication, in order."""
        return [
            (document["push"]["channel"], document["push"]["pub"]["offset"])
            for document in self.transport.documents
            if "push" in document
        ]


class Binary(JsonCodec):
    """Another flavour, with little to say."""

    opcode = Opcode.BINARY

    def encode(self, document: Reply | Push) -> bytes:  # noqa: ARG002 - of the port
        return b"reply"

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:  # noqa: ARG002 - of the port
        return f"{channel}:{offset}".encode()

    def join(self, documents: Sequence[bytes]) -> bytes:
        return b"|".join(documents)


def paused() -> Stage:
    return Stage(RecordingTransport(writable=False))


def test_what_it_is_told_is_written_at_once() -> None:
    stage = Stage()
    stage.connection.tell(FIRST)
    assert stage.transport.sent == [ANSWER]


def test_nothing_is_written_while_the_transport_is_paused() -> None:
    stage = paused()
    write(stage.subscribe("a"), 3)
    stage.connection.tell(FIRST)
    stage.connection.pump()
    assert stage.transport.sent == []


def test_answers_come_before_publications_in_the_same_message() -> None:
    stage = paused()
    subscription = stage.subscribe("a")
    write(subscription, 2)
    stage.connection.tell(FIRST)
    stage.connection.tell(SECOND)
    stage.resume()
    assert stage.transport.sent[0].split(b"\n")[:2] == [ANSWER, MORE]
    assert stage.received() == [("a", 1), ("a", 2)]
    assert subscription.cursor == 2


def test_only_what_lies_after_the_cursor_is_written() -> None:
    stage = Stage()
    write(stage.subscribe("a", cursor=3), 5)
    stage.connection.pump()
    assert stage.received() == [("a", 4), ("a", 5)]


def test_a_cursor_ahead_of_the_head_waits_for_it() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", cursor=3)
    write(subscription, 3)
    stage.connection.pump()
    assert stage.transport.sent == []
    write(subscription, 1)
    stage.connection.pump()
    assert stage.received() == [("a", 4)]


def test_a_backlog_of_one_channel_is_written_as_the_logs_own_message() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    write(subscription, 3)
    shared = subscription.log.after(0, JSON).message
    stage.connection.pump()
    assert stage.transport.messages == [shared]


def test_an_answer_does_not_change_the_message_of_the_others() -> None:
    stage = paused()
    subscription = stage.subscribe("a")
    write(subscription, 1)
    shared = subscription.log.after(0, JSON).message
    before = shared.data
    stage.connection.tell(FIRST)
    stage.resume()
    assert stage.transport.sent == [ANSWER + b"\n" + before]
    assert shared.data == before


def test_a_backlog_goes_out_in_messages_of_at_most_64_kib() -> None:
    stage = paused()
    for name in "abc":
        write(stage.subscribe(name), 200, 1_000)
    stage.connection.tell(FIRST)
    stage.resume()
    assert max(map(len, stage.transport.sent)) <= BATCH_BYTES
    assert Counter(name for name, _offset in stage.received()) == {"a": 200, "b": 200, "c": 200}
    for name in "abc":
        assert [offset for each, offset in stage.received() if each == name] == list(range(1, 201))


def test_the_newline_between_an_answer_and_a_batch_counts() -> None:
    stage = paused()
    subscription = stage.subscribe("a")
    write(subscription, 1, 60_000)
    room = BATCH_BYTES - len(subscription.log.after(0, JSON).message.data)
    stage.connection.tell_bytes(b'{"id":%b}' % (b"1" * (room - len('{"id":}'))))
    stage.resume()
    assert len(stage.transport.sent) == 2


def test_channels_take_turns() -> None:
    transport = OneMessage()
    stage = Stage(transport)
    for name in "abc":
        write(stage.subscribe(name), 300, 1_000)
    served = []
    for _ in range(9):
        transport.writable = True
        stage.connection.pump()
        served.append(json.loads(transport.sent[-1].split(b"\n")[0])["push"]["channel"])
    assert Counter(served) == {"a": 3, "b": 3, "c": 3}


def test_small_batches_of_several_channels_share_a_message() -> None:
    stage = paused()
    for name in "abc":
        write(stage.subscribe(name), 2)
    stage.resume()
    assert len(stage.transport.sent) == 1
    assert len(stage.received()) == 6


def test_a_suspended_subscription_writes_nothing_until_it_is_resumed() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    subscription.suspended = True
    write(subscription, 2)
    stage.connection.pump()
    assert stage.transport.sent == []
    subscription.suspended = False
    stage.connection.pump()
    assert stage.received() == [("a", 1), ("a", 2)]


def test_a_cursor_that_fell_off_the_ring_asks_for_a_refill_once() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", events=3)
    write(subscription, 10)
    stage.connection.pump()
    stage.connection.pump()
    assert stage.keeper.refills == [subscription]
    assert stage.transport.sent == []


def test_a_segment_is_written_and_the_ring_goes_on_from_it() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", events=3)
    write(subscription, 10)
    subscription.segment = Segment(subscription.log, 0, [Entry(n, 0.0, b"{}") for n in range(1, 9)])
    stage.connection.pump()
    assert [offset for _name, offset in stage.received()] == list(range(1, 11))
    assert subscription.segment is None
    assert stage.keeper.refills == []


def test_a_refill_of_one_channel_does_not_hold_up_another() -> None:
    stage = Stage()
    write(stage.subscribe("a", events=3), 10)
    write(stage.subscribe("b"), 2)
    stage.connection.pump()
    assert stage.received() == [("b", 1), ("b", 2)]


def test_a_close_still_sends_the_answers_that_wait() -> None:
    stage = paused()
    stage.connection.tell(FIRST)
    stage.connection.tell(SECOND)
    stage.connection.close(CloseCode.SHUTDOWN)
    assert stage.transport.sent == [ANSWER + b"\n" + MORE]
    assert stage.transport.closed == (3001, "shutdown")


def test_after_a_close_nothing_is_written() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    stage.connection.close(CloseCode.SHUTDOWN)
    write(subscription, 1)
    stage.connection.tell(FIRST)
    stage.connection.pump()
    assert stage.transport.sent == []


def test_the_first_close_counts() -> None:
    stage = Stage()
    stage.connection.close(CloseCode.FORCED)
    stage.connection.close(CloseCode.SHUTDOWN)
    assert stage.transport.closed == (3503, "force disconnect")


def test_what_is_encoded_already_is_written_as_it_is() -> None:
    stage = Stage()
    stage.connection.tell_bytes(MORE)
    assert stage.transport.sent == [MORE]


def test_a_message_is_of_the_connections_own_flavour() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport, codec=Binary())
    connection.tell(FIRST)
    write(a_subscription(connection, "a"), 2)
    connection.pump()
    connection.close(CloseCode.SHUTDOWN)
    assert {message.opcode for message in transport.messages} == {Opcode.BINARY}
    assert transport.sent[0] == b"reply"
    assert transport.sent[1] == b"a:1|a:2"


def test_others_are_told_who_it_is() -> None:
    connection = Stage().connection
    identity = connection.identity = somebody("Cleo")
    assert connection.info.model_dump() == {
        "user": str(identity.user_id),
        "client": connection.id,
        "conn_info": {"name": "Cleo"},
    }


def test_before_it_has_signed_in_it_is_nobody() -> None:
    with pytest.raises(RuntimeError, match="nobody"):
        _ = Stage().connection.info
