"""A process that records events at a steady rate: `python -m tests.end_to_end.recorder RATE`.

Through `outbox.record`, a transaction each, straight into DATABASE_URL: a POST costs the workers
many times what the delivery does, and would be what is measured. `at` is this machine's clock,
which is the database's. One event is due every 1/RATE seconds until the input ends; then it says
how many it has recorded.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.realtime.outbox import Event, record
from load import loop
from load.orders import read_northwind
from tests.end_to_end.lines import standard_input, tell

AT_ONCE = 8


class Told(Event):
    """An order's event, as large as a real one."""

    order: dict[str, Any]


class Recorder:
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.recorded = 0
        self._sessions = sessions
        self._bodies = cycle(read_northwind())
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self, rate: float, ending: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        async with asyncio.TaskGroup() as under_way:
            while not ending.is_set():
                under_way.create_task(self._record())
                due += 1 / rate
                await asyncio.sleep(max(0.0, due - clock()))

    async def _record(self) -> None:
        order = {"id": str(uuid4()), "number": self.recorded, "version": 1, **next(self._bodies)}
        async with self._gate, self._sessions() as session, session.begin():
            event = Told(
                type="order.updated",
                at=datetime.now(UTC),
                actor=None,
                version=1,
                changed={"status": ("placed", "accepted")},
                order=order,
            )
            await record(session, event, entity="order", entity_id=uuid4(), channels=["orders"])
        self.recorded += 1


async def main() -> None:
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=AT_ONCE)
    recorder = Recorder(async_sessionmaker(engine))
    ending = asyncio.Event()

    async def until_told() -> None:
        await (await standard_input()).read()
        ending.set()

    telling = asyncio.create_task(until_told())
    await recorder.run(float(sys.argv[1]), ending)
    await telling
    await engine.dispose()
    tell("recorded", recorder.recorded)


if __name__ == "__main__":
    loop.run(main())
