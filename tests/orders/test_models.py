"""What the database itself holds orders to, whoever writes."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.ids import new_id
from app.orders.models import Currency, Order, OrderCollaborator, OrderItem
from tests.orders.rows import add_order, add_person, share
from tests.orders.shop import a_line


async def write(session: AsyncSession, statement: str, **values: object) -> None:
    async with session.begin_nested():
        await session.execute(text(statement), values)


@pytest.mark.parametrize("currency", Currency)
def test_a_currency_has_two_digits_unless_it_is_the_yen(currency: Currency) -> None:
    assert currency.digits == (0 if currency == "JPY" else 2)


@pytest.mark.parametrize("quantity", [0, -1])
async def test_a_quantity_is_above_zero(session: AsyncSession, quantity: int) -> None:
    order = await add_order(session, await add_person(session, Role.CUSTOMER))

    with pytest.raises(IntegrityError, match="quantity_above_zero"):
        await write(
            session,
            "UPDATE order_items SET quantity = :quantity WHERE order_id = :id",
            quantity=quantity,
            id=order.id,
        )


async def test_a_sku_stands_once_in_an_order(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, items=[a_line(sku="A"), a_line(sku="B")])

    with pytest.raises(IntegrityError, match="pk_order_items"):
        await write(session, "UPDATE order_items SET sku = 'A' WHERE order_id = :id", id=order.id)


async def test_a_number_is_one_orders_own(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    one, other = await add_order(session, cleo), await add_order(session, cleo)

    with pytest.raises(IntegrityError, match="uq_orders_number"):
        await write(
            session,
            "UPDATE orders SET number = :number WHERE id = :id",
            number=one.number,
            id=other.id,
        )


async def test_an_order_belongs_to_somebody(session: AsyncSession) -> None:
    order = await add_order(session, await add_person(session, Role.CUSTOMER))

    with pytest.raises(IntegrityError, match="fk_orders_owner_id_users"):
        await write(
            session,
            "UPDATE orders SET owner_id = :nobody WHERE id = :id",
            nobody=new_id(),
            id=order.id,
        )


async def test_lines_and_sharing_go_with_their_order(session: AsyncSession) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    order = await add_order(session, cleo)
    await share(session, order.id, omar)
    await write(session, "DELETE FROM orders WHERE id = :id", id=order.id)

    for table in (OrderItem, OrderCollaborator):
        assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_what_belongs_to_an_order_is_never_loaded_unasked(session: AsyncSession) -> None:
    placed = await add_order(session, await add_person(session, Role.CUSTOMER))
    session.expunge_all()
    order = await session.get_one(Order, placed.id)

    for relation in ("owner", "items", "collaborators"):
        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            getattr(order, relation)
