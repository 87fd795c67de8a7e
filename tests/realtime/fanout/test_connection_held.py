"""Connection: while it is held, what it is told in one turn of the loop is one message."""

import asyncio

from app.realtime.fanout.connection import Connection
from app.realtime.wire.frames import Message
from app.realtime.wire.protocol import EmptyResult, Reply
from tests.realtime.keepers import Keeping, a_connection
from tests.realtime.recording import RecordingTransport

FIRST = Reply(id=1, unsubscribe=EmptyResult())
SECOND = Reply(id=2, unsubscribe=EmptyResult())
ANSWER = b'{"id":1,"unsubscribe":{}}'
MORE = b'{"id":2,"unsubscribe":{}}'
JOIN = Message(b'{"push":{"channel":"a","join":{"info":{"user":"7","client":"c"}}}}', shared=True)


class Busy(Keeping):
    """Serves nobody for the time being."""

    def unblocked(self, connection: Connection) -> None:
        pass


async def test_all_that_is_told_until_it_is_let_go_is_one_message() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport, Keeping())
    connection.hold()
    connection.tell(FIRST)
    connection.tell(SECOND)
    assert transport.messages == []
    connection.let_go()
    assert [message.data for message in transport.messages] == [ANSWER + b"\n" + MORE]


async def test_what_is_held_waits_for_the_end_of_the_turn_and_no_longer() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport, Keeping())
    connection.hold()
    connection.tell(FIRST)
    await asyncio.sleep(0)
    assert [message.data for message in transport.messages] == [ANSWER]
    connection.tell(SECOND)
    await asyncio.sleep(0)
    assert [message.data for message in transport.messages] == [ANSWER, MORE]


async def test_an_answer_that_is_held_behind_an_announcement_waits_no_longer() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport, Busy())
    connection.tell_soon_or_never([JOIN])
    connection.hold()
    connection.tell(FIRST)
    await asyncio.sleep(0)
    assert [message.data for message in transport.messages] == [JOIN.data + b"\n" + ANSWER]
