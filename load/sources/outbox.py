"""Events recorded in bulk through the outbox, without the changes that they tell of: log and
fan-out, but no REST.
"""

import asyncpg

from load.errors import LoadError
from load.postgres import FAILURES
from load.source import Made, Paced

# One statement for all that is due: this is not what is measured, and shares the clients' core.
RECORD = """
    WITH event AS (
        INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed, payload,
                            created_at)
        SELECT gen_random_uuid(), 'order.updated', 'load', gen_random_uuid(), 1, ARRAY[channel],
               '{}', payload, to_timestamp(at)
        FROM unnest($1::text[], $2::text[], $3::float8[]) WITH ORDINALITY
             AS made(channel, payload, at, nth)
        WHERE pg_current_xact_id() IS NOT NULL  -- as `outbox.record` does it
        ORDER BY nth RETURNING id)
    INSERT INTO pending (event) SELECT id FROM event
"""


class Outbox(Paced):
    """`channels` take turns; the offsets that are expected are those of the first."""

    def __init__(
        self, connection: "asyncpg.Connection[asyncpg.Record]", channels: list[str], head: int
    ) -> None:
        super().__init__(head)
        self._connection = connection
        self._channels = channels

    async def publish(self, events: list[Made]) -> None:
        channels = [self._channels[event.offset % len(self._channels)] for event in events]
        payloads = [event.payload.decode() for event in events]
        times = [event.at for event in events]
        try:
            await self._connection.execute(RECORD, channels, payloads, times)
        except FAILURES as error:
            raise LoadError.unreachable(f"Postgres did not take an event: {error}") from None
