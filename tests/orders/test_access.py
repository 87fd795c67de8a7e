"""Who may see which order."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.orders.access import owns, visible_to
from app.orders.models import Order
from tests.orders.rows import add_order, add_person, share


async def sees(session: AsyncSession, person: Principal, order: Order) -> bool:
    found = await session.scalar(select(Order.id).where(Order.id == order.id, visible_to(person)))
    return found is not None


async def test_customers_see_their_own_orders_and_no_others(session: AsyncSession) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    order = await add_order(session, cleo)

    assert await sees(session, cleo, order)
    assert not await sees(session, omar, order)


async def test_customers_see_the_orders_that_are_shared_with_them(session: AsyncSession) -> None:
    cleo, omar, nora = [await add_person(session, Role.CUSTOMER) for _ in range(3)]
    order, another = await add_order(session, cleo), await add_order(session, cleo)
    await share(session, order.id, omar)

    assert await sees(session, omar, order)
    assert not await sees(session, omar, another)
    assert not await sees(session, nora, order)


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
async def test_staff_see_every_order(session: AsyncSession, role: Role) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    person = await add_person(session, role)

    assert await sees(session, person, await add_order(session, cleo))


async def test_an_order_has_one_owner(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    sten = await add_person(session, Role.STAFF)
    order = await add_order(session, cleo)
    await share(session, order.id, sten)

    assert owns(cleo, order)
    assert not owns(sten, order)
