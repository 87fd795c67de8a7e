"""Real sockets that agreed on permessage-deflate: what they read, and what they are sent."""

import gc
from typing import Any

import pytest
from websockets.asyncio.client import connect

from app.realtime.websocket.deflated_socket import DeflatedTransport
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.wire.deflate import ANSWER, inflate
from app.realtime.wire.frames import RSV1, Message, Opcode
from tests.realtime.deflated import ORDERS, compressed
from tests.realtime.owners import RecordingOwner, accept_and_take_over, echo
from tests.realtime.raw_socket import RawSocket, connected, frame
from tests.realtime.served import LOOPS, serving
from tests.waiting import until

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


class Broadcast:
    """Takes every connection over; what is said to all is one message."""

    def __init__(self) -> None:
        self.owners: list[RecordingOwner] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        owner = RecordingOwner()
        owner.transport = await accept_and_take_over(scope, receive, send, owner)
        self.owners.append(owner)

    def say(self, message: Message) -> None:
        for owner in self.owners:
            owner.carrier.send(message)


@pytest.mark.parametrize("path", ["route", "taken-over"])
@pytest.mark.parametrize("loop", LOOPS)
async def test_a_client_that_compresses_is_understood(loop: str, path: str) -> None:
    with serving(echo, loop=loop, ws_per_message_deflate=True) as served:
        url = f"ws://127.0.0.1:{served.port}/{path}"
        async with connect(url, compression="deflate") as client:
            assert client.response is not None
            assert client.response.headers["Sec-WebSocket-Extensions"] == ANSWER
            for said in (ORDERS, b"\xff" * 1000, "", "x" * 60_000):
                await client.send(said)
                assert await client.recv() == said
            await client.send(iter(["or", "der" * 1000]))
            assert await client.recv() == "or" + "der" * 1000
            await client.close(4001, "bye")
            assert client.close_code == 4001


async def test_all_who_agreed_are_sent_one_frame_and_the_others_a_plain_one() -> None:
    app = Broadcast()
    message = Message(ORDERS.encode(), shared=True)
    with serving(app, ws_per_message_deflate=True) as served:
        url = f"ws://127.0.0.1:{served.port}"
        async with (
            connect(url, compression="deflate") as one,
            connect(url, compression="deflate") as two,
            connect(url, compression=None) as plain,
        ):
            await until(lambda: len(app.owners) == 3)
            await served.do(app.say, message)
            for client in (one, two, plain):
                assert await client.recv() == ORDERS
            carriers: list[Any] = [owner.carrier for owner in app.owners]
            written = [carrier._written for carrier in carriers]
            kinds = [type(carrier) for carrier in carriers]
            assert sorted(written) == sorted(
                [len(message.deflated_frame)] * 2 + [len(message.frame)]
            )
            assert kinds.count(DeflatedTransport) == 2
            assert kinds.count(SocketTransport) == 1


async def test_what_is_sent_is_marked_and_can_be_inflated() -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            await until(lambda: len(app.owners) == 1)
            await served.do(app.say, Message(ORDERS.encode(), shared=True))
            await served.do(app.say, Message(b"short", shared=True))
            first, data = await raw.whole_frame()
            assert first == 0x80 | RSV1 | TEXT
            assert inflate(data, 10_000) == ORDERS.encode()
            assert await raw.whole_frame() == (0x80 | TEXT, b"short")
            raw.write(frame(Opcode.PING, b"?" * 125))
            assert await raw.whole_frame() == (0x80 | Opcode.PONG, b"?" * 125)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (compressed(b"\xff" * 200), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT | RSV1, b"\xff" * 10), 1007),
        (compressed(bytes(14_000_000), BINARY), 1009),
        (frame(CONTINUATION | RSV1, b""), 1002),
        (frame(Opcode.PING | RSV1, b""), 1002),
    ],
    ids=["not UTF-8", "plain, not UTF-8", "not deflated", "bomb", "continuation", "ping"],
)
async def test_who_breaks_the_rules_is_told_why(
    caplog: pytest.LogCaptureFixture, sent: bytes, code: int
) -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            raw.write(sent)
            assert await raw.closed() == code
        await until(lambda: bool(app.owners) and app.owners[0].changes == ["lost"])
    assert not app.owners[0].messages
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_compression_that_is_off_is_not_agreed_on() -> None:
    with serving(Broadcast()) as served:
        async with connected(served.port) as raw:
            await raw.upgrade("/", OFFER)
            assert raw.head.startswith(b"HTTP/1.1 101 ")
            assert b"Extensions" not in raw.head
            raw.write(compressed(b"order"))
            assert await raw.closed() == 1002


async def test_offers_in_several_headers_are_read_together() -> None:
    with serving(Broadcast(), ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            small = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"
            await raw.upgrade("/", small, OFFER)
            assert f"\r\nSec-WebSocket-Extensions: {ANSWER}\r\n".encode() in raw.head


async def test_an_idle_connection_keeps_nothing_of_zlib() -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            raw.write(compressed(ORDERS.encode()))
            await until(lambda: bool(app.owners) and app.owners[0].messages == [ORDERS])
            await served.do(app.say, Message(ORDERS.encode(), shared=True))
            await raw.whole_frame()
            assert not [each for each in reachable(app.owners[0]) if is_of_zlib(each)]


async def agreed(raw: RawSocket) -> None:
    await raw.upgrade("/", OFFER)
    assert f"\r\nSec-WebSocket-Extensions: {ANSWER}\r\n".encode() in raw.head


def reachable(owner: RecordingOwner) -> list[object]:
    """The connection and what it holds, down to the transport of the event loop."""
    carrier: Any = owner.carrier
    return [carrier, *gc.get_referents(carrier), *gc.get_referents(carrier._reader)]


def is_of_zlib(each: object) -> bool:
    return type(each).__module__ == "zlib"
