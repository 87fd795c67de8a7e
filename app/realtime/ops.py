"""`ops`: the figures of each worker, once a second, for admins.

They go through Redis alone, as signals do: never stored, without an offset, lost when they are
lost. While Redis is away a worker's figures reach those who are connected to it. A worker tells
them whether or not somebody listens, which costs it less than to find that out.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from pydantic import BaseModel
from pydantic_core import from_json

from app.auth.principals import Principal
from app.realtime.channels import Carried, Feature
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.figures import WorkerFigures
from app.realtime.log.broker import Broker
from app.realtime.wire.protocol import signal_push

OPS_CHANNEL = "ops"
INTERVAL_SECONDS = 1.0


class Operations:
    """`ops`: admins."""

    namespace = OPS_CHANNEL
    keyed = False
    presence = False
    signals: type[BaseModel] | None = None
    stored = False

    def may_subscribe(self, principal: Principal, _key: str) -> bool:
        return principal.is_admin


FEATURE = Feature(
    "ops", policies=(Operations(),), carries=(Carried(OPS_CHANNEL, (WorkerFigures,)),)
)


class Reporter:
    """Tells one worker's figures. `take` measures them."""

    def __init__(
        self, manager: ConnectionManager, broker: Broker, take: Callable[[], WorkerFigures]
    ) -> None:
        self._manager = manager
        self._broker = broker
        self._take = take

    async def run(self) -> None:
        async with aclosing(each_second()) as seconds:
            async for _ in seconds:
                self.tell()

    def tell(self) -> None:
        figures = self._take().model_dump_json().encode()
        if self._broker.up:
            self._broker.signal(OPS_CHANNEL, figures)
        else:
            receive_figures(self._manager, figures)


def receive_figures(manager: ConnectionManager, figures: bytes) -> None:
    """Figures of this or another worker, which may be of another version. Raises ValueError."""
    push = signal_push(OPS_CHANNEL, from_json(figures), None)
    manager.announce(OPS_CHANNEL, [push], lambda _subscription: True)


async def each_second(
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[None, None]:
    """Once a second, however long the caller takes; a second that was missed is left out."""
    due = clock()
    while True:
        due = max(due + INTERVAL_SECONDS, clock())
        await sleep(due - clock())
        yield
