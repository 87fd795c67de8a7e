"""Events recorded in bulk through the outbox, without the changes that they tell of: log and
fan-out, but no REST.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.ids import new_id
from app.realtime.outbox import INSERT
from load.errors import LoadError
from load.source import Made, Paced


class Outbox(Paced):
    """`channels` take turns; the offsets that are expected are those of the first."""

    def __init__(self, engine: AsyncEngine, channels: list[str], head: int) -> None:
        super().__init__(head)
        self._engine = engine
        self._channels = channels
        self._transaction = asyncio.Lock()

    async def publish(self, events: list[Made]) -> None:
        rows = [self._row(event) for event in events]
        try:
            async with self._transaction, self._engine.begin() as connection:
                await connection.exec_driver_sql(INSERT, rows)
        except (DBAPIError, OSError) as error:
            raise LoadError.unreachable(f"Postgres did not take an event: {error}") from None

    def _row(self, event: Made) -> tuple[Any, ...]:
        """The columns as INSERT names them."""
        channels = [self._channels[event.offset % len(self._channels)]]
        at = datetime.fromtimestamp(event.at, UTC)
        payload = event.payload.decode()
        return (new_id(), "order.updated", "load", new_id(), 1, None, channels, "{}", payload, at)
