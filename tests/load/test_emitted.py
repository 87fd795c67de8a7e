"""Commands to Redis against what the peers themselves would have written."""

import asyncio
import json

import pytest

from load.errors import LoadError
from load.pipe import RedisPipe
from load.source import Made
from load.sources.emitted import Emitted, by_channels, by_python_socketio, by_socketio

SECONDS = 15

EVENT = b'{"at":"2026-01-01T00:00:00Z","note":"Lakkalik\xc3\xb6\xc3\xb6ri","offset":7}'


async def publish_on(source: Emitted) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            await source.publish([Made(1, 1_800_000_000.0, EVENT)])
            await asyncio.sleep(0)


async def test_a_command_that_redis_refuses_ends_the_run() -> None:
    left = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"SPUBLISH")
        writer.write(b"-ERR unknown command\r\n")
        await reader.read()
        writer.close()
        left.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pipe = await RedisPipe.open(f"redis://127.0.0.1:{port}")
        with pytest.raises(LoadError, match="did not take an event: ERR unknown command"):
            await publish_on(Emitted(pipe, by_socketio))
        pipe.close()
        await left.wait()


def test_socketio_is_told_in_the_json_of_its_sharded_adapter() -> None:
    command, channel, message = by_socketio(EVENT)
    assert (command, channel) == (b"SPUBLISH", b"socket.io#/#orders#")
    data = json.loads(message)["data"]
    assert data["packet"] == {"type": 2, "data": ["order", json.loads(EVENT)], "nsp": "/"}
    assert data["opts"] == {"rooms": ["orders"], "except": [], "flags": {}}


def test_python_socketio_is_told_in_the_json_of_its_manager() -> None:
    _, channel, message = by_python_socketio(EVENT)
    emit = json.loads(message)
    assert channel == b"socketio"
    assert (emit["method"], emit["room"], emit["event"]) == ("emit", "orders", "order")
    assert emit["data"] == json.loads(EVENT)


def test_channels_is_told_in_messagepack_with_a_length_in_bytes() -> None:
    _, channel, message = by_channels(EVENT)
    assert channel == b"asgi__group__orders"
    head, text = message.split(b"\xa4text\xda")
    assert head == b"\x82\xa4type\xadorder.changed"
    assert text == len(EVENT).to_bytes(2) + EVENT
