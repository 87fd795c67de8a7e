"""Numbered publications straight through Redis, as the relay sends them: the fan-out alone.

What is published so is in no log. Workers take it for what comes next, and what real writes come
after it they take for known: only for a server that ends with the run.
"""

from collections.abc import Sequence

from app.realtime.log.message import Message
from load.pipe import RedisPipe
from load.source import Made, Paced


class Wire(Paced):
    """`epoch` and `head` are those of the target's log."""

    def __init__(self, pipe: RedisPipe, *, epoch: str, channel: str, head: int) -> None:
        super().__init__(head)
        self._pipe = pipe
        self._channel = channel
        self._topic = f"tandem:{epoch}:{channel}".encode()

    async def publish(self, events: list[Made]) -> None:
        message = Message(self._channel, events[0].offset)
        for event in events:
            message.add(event.at, event.payload)
        self._pipe.publish(self._topic, message.encode())


class Wires(Paced):
    """The same on many channels by turns; offsets of each begin at 1."""

    def __init__(self, pipe: RedisPipe, *, epoch: str, channels: Sequence[str]) -> None:
        super().__init__()
        self._pipe = pipe
        self._epoch = epoch
        self._channels = channels

    async def publish(self, events: list[Made]) -> None:
        for event in events:
            turn, nth = divmod(event.offset - 1, len(self._channels))
            channel = self._channels[nth]
            message = Message(channel, turn + 1)
            message.add(event.at, event.payload)
            self._pipe.publish(f"tandem:{self._epoch}:{channel}".encode(), message.encode())
