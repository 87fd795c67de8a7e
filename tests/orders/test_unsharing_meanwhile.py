"""An order that is unshared between the check that somebody sees it and what they read of it."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.application import Person
from tests.orders.shop import POLL_SECONDS, WAIT_SECONDS, Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITS = """SELECT EXISTS (SELECT FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE :read)"""


async def until_it_waits(shop: Shop, read: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await shop.scalar(WAITS, read=read):  # noqa: ASYNC110 - Postgres gives no sign
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize(
    ("path", "table", "read"),
    [
        ("comments", "comments", "SELECT%FROM comments%"),
        ("history", "events", "SELECT%payload%FROM events%entity_id%"),
    ],
)
async def test_who_sees_the_order_no_more_reads_nothing_that_came_later(
    shop: Shop, cleo: Person, path: str, table: str, read: str
) -> None:
    omar = await shop.customer()
    order_id = (await shop.place(cleo))["id"]
    await shop.put_collaborator(cleo, order_id, omar.id)
    await shop.comment(cleo, order_id, "before")
    unshare = text("DELETE FROM order_collaborators WHERE order_id = :order_id")

    async with shop.application.sessions() as session, session.begin():
        await session.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        reading = asyncio.create_task(getattr(shop, path)(omar, order_id))
        await until_it_waits(shop, read)
        await session.execute(unshare, {"order_id": UUID(order_id)})

    answer = await reading
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
