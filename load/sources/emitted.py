"""One event a message of Redis, in the form in which another node of the same peer emits it.

So the server under load is one of several, as they are run where one is not enough; and it spares
the publishing, as Tandem's worker does.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.embedded import Services
from load.pipe import RedisPipe
from load.source import Made, Paced

Command = tuple[bytes, bytes, bytes]


class Emitted(Paced):
    """`form` makes a Redis command of an event's JSON."""

    def __init__(self, pipe: RedisPipe, form: Callable[[bytes], Command]) -> None:
        super().__init__()
        self._pipe = pipe
        self._form = form

    async def publish(self, events: list[Made]) -> None:
        for event in events:
            self._pipe.say(*self._form(event.numbered))


@asynccontextmanager
async def emitted(services: Services, form: Callable[[bytes], Command]) -> AsyncIterator[Emitted]:
    pipe = await RedisPipe.open(services.redis_url)
    try:
        yield Emitted(pipe, form)
    finally:
        pipe.close()


def by_socketio(event: bytes) -> Command:
    """A BROADCAST (3) of an EVENT packet (2) of the sharded adapter, to the room's own channel."""
    message = (
        b'{"uid":"load","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["order",%b],'
        b'"nsp":"/"},"opts":{"rooms":["orders"],"except":[],"flags":{}}}}'
    )
    return b"SPUBLISH", b"socket.io#/#orders#", message % event


def by_python_socketio(event: bytes) -> Command:
    """An emit of python-socketio's client manager."""
    message = (
        b'{"method":"emit","event":"order","data":%b,"namespace":"/","room":"orders",'
        b'"skip_sid":null,"callback":null,"host_id":"load"}'
    )
    return b"PUBLISH", b"socketio", message % event


def by_channels(event: bytes) -> Command:
    """A group_send of channels_redis: {"type": "order.changed", "text": event} as MessagePack."""
    text = b"\xda%b%b" % (len(event).to_bytes(2), event)  # a string of up to 64 KiB
    return b"PUBLISH", b"asgi__group__orders", b"\x82\xa4type\xadorder.changed\xa4text%b" % text
