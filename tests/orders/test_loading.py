"""Locking an order, and who sees it once the lock is there."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.application import Person
from tests.orders.shop import Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_edit_that_waited_while_the_order_was_unshared_finds_none(
    shop: Shop, cleo: Person
) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.put_collaborator(cleo, placed["id"], omar.id)
    values = {"order_id": UUID(placed["id"]), "user_id": omar.id}

    async with shop.application.sessions() as session, session.begin():
        unshared = "DELETE FROM order_collaborators WHERE order_id = :order_id"
        await session.execute(text("UPDATE orders SET version = 3 WHERE id = :order_id"), values)
        edit = asyncio.create_task(shop.patch(omar, placed["id"], {"note": "too late"}))
        await shop.until_waiting()
        await session.execute(text(f"{unshared} AND user_id = :user_id"), values)

    problem(await edit, 404, "order_not_found")
    assert (await shop.get(cleo, placed["id"])).json()["note"] is None


async def test_what_is_locked_is_as_it_was_left_by_whom_it_waited_for(
    shop: Shop, cleo: Person
) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    lock = text("SELECT FROM orders WHERE id = :order_id FOR UPDATE")
    async with shop.application.sessions() as session, session.begin():
        await session.execute(lock, {"order_id": UUID(placed["id"])})
        changes = asyncio.gather(
            shop.put_collaborator(cleo, placed["id"], omar.id),
            shop.comment(cleo, placed["id"], "first"),
            shop.patch(cleo, placed["id"], {"note": "hurry"}),
        )
        await shop.until_waiting(3)

    assert [answer.status_code for answer in await changes] == [204, 201, 200]
    events = await shop.events(placed["id"])
    shared = next(nth for nth, event in enumerate(events) if event.type == "order.shared")
    for nth, event in enumerate(events):
        assert (f"users:{omar.id}" in event.channels) == (nth >= shared)
