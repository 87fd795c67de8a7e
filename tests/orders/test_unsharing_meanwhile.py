"""An order that is unshared between the check that somebody sees it and what they read of it."""

import asyncio
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import text

from tests.application import Person
from tests.orders.shop import ORDERS, POLL_SECONDS, WAIT_SECONDS, Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITS = """SELECT EXISTS (SELECT FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE :read)"""


async def until_it_waits(shop: Shop, read: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await shop.scalar(WAITS, read=read):  # noqa: ASYNC110 - Postgres gives no sign
            await asyncio.sleep(POLL_SECONDS)


async def read_while_it_is_unshared(
    shop: Shop, cleo: Person, path: str, *, table: str, read: str
) -> Response:
    """What omar reads, who is removed before the statement `read` goes on."""
    omar = await shop.customer()
    order_id = (await shop.place(cleo))["id"]
    await shop.put_collaborator(cleo, order_id, omar.id)
    await shop.comment(cleo, order_id, "before")
    unshare = text("DELETE FROM order_collaborators WHERE order_id = :order_id")

    async with shop.application.sessions() as session, session.begin():
        await session.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        reading = asyncio.create_task(
            shop.client.get(f"{ORDERS}{path.format(order_id)}", headers=omar.headers)
        )
        await until_it_waits(shop, read)
        await session.execute(unshare, {"order_id": UUID(order_id)})
    return await reading


@pytest.mark.parametrize(
    ("path", "table", "read"),
    [
        ("/{}/comments", "comments", "SELECT%FROM comments%"),
        ("/{}/history", "events", "SELECT%payload%FROM events%entity_id%"),
    ],
)
async def test_who_sees_the_order_no_more_reads_nothing_that_came_later(
    shop: Shop, cleo: Person, path: str, table: str, read: str
) -> None:
    answer = await read_while_it_is_unshared(shop, cleo, path, table=table, read=read)

    page = answer.raise_for_status().json()
    assert (page["items"], page["next_cursor"]) == ([], None)


async def test_who_sees_the_order_no_more_does_not_find_it(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    order_id = (await shop.place(cleo))["id"]
    await shop.put_collaborator(cleo, order_id, omar.id)

    with shop.change_behind(
        "FROM orders", lambda: shop.remove_collaborator(cleo, order_id, omar.id)
    ):
        answer = await shop.get(omar, order_id)

    problem(answer, 404, "order_not_found")
