"""What a run has to show: nothing lost, nothing twice, nothing out of order, and how late."""

import asyncio

import asyncpg

from tests.end_to_end.subscriber import Subscriber
from tests.waiting import POLL_SECONDS

RELAYED_SECONDS = 10.0


async def committed_orders(database_url: str) -> list[str]:
    """The ids of all orders that were ever committed, deleted ones too."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT entity_id FROM events WHERE type = 'order.created'")
        return [str(row["entity_id"]) for row in rows]
    finally:
        await connection.close()


async def final_head(database_url: str, channel: str = "orders") -> int:
    """The offset that the channel has reached once nothing waits for the relay any more."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(RELAYED_SECONDS):
            while await connection.fetchval("SELECT EXISTS (SELECT FROM pending)"):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
        head = await connection.fetchval("SELECT head FROM channels WHERE name = $1", channel)
        return int(head or 0)
    finally:
        await connection.close()


async def assert_complete(
    subscribers: list[Subscriber], database_url: str, *, within: float
) -> None:
    """Each subscriber got each order's creation once, offsets without hole or repeat, in time.

    All writers must have ended.
    """
    head = await final_head(database_url)
    orders = await committed_orders(database_url)
    for one in subscribers:
        await one.reaches(head, seconds=within + 10)
        assert one.unrecovered == 0
        assert one.start_offset is not None
        assert one.offsets == list(range(one.start_offset + 1, head + 1))
        created = [
            received.event["order"]["id"]
            for received in one.received
            if received.event["type"] == "order.created"
        ]
        assert len(created) == len(set(created))
        assert set(created) == set(orders)
    slowest = max(delay for one in subscribers for delay in one.delays)
    assert slowest <= within, f"the slowest took {slowest:.2f} s"
