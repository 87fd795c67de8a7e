"""The rows of a new order, written in one statement."""

from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.core.ids import new_id
from app.orders.models import OrderStatus
from app.orders.schemas import OrderCreate, OrderItemRead, OrderRead, format_money
from app.users.schemas import PersonRead

FIRST_VERSION = 1

# Plain SQL, as the outbox has it: the unit of work would cost more than the rest of the request.
INSERT = text("""
    WITH placed AS (
        INSERT INTO orders (id, version, status, currency, note, owner_id)
        VALUES (:id, :version, :status, :currency, :note, :owner_id)
        RETURNING id, number, created_at),
    lines AS (
        INSERT INTO order_items (order_id, position, sku, name, quantity, unit_price)
        SELECT placed.id, line.nth - 1, line.sku, line.name, line.quantity, line.unit_price
        FROM placed, unnest(CAST(:skus AS text[]), CAST(:names AS text[]),
                            CAST(:quantities AS integer[]), CAST(:unit_prices AS numeric[]))
             WITH ORDINALITY AS line(sku, name, quantity, unit_price, nth))
    SELECT number, created_at FROM placed
""")


async def insert_order(
    session: AsyncSession, *, principal: Principal, order: OrderCreate
) -> OrderRead:
    """Owned by the caller, whose name is as they are known: nobody has to be asked for it."""
    order_id, prices = new_id(), [Decimal(item.unit_price) for item in order.items]
    values = {
        "id": order_id,
        "version": FIRST_VERSION,
        "status": OrderStatus.PLACED,
        "currency": order.currency,
        "note": order.note,
        "owner_id": principal.user_id,
        "skus": [item.sku for item in order.items],
        "names": [item.name for item in order.items],
        "quantities": [item.quantity for item in order.items],
        "unit_prices": prices,
    }
    number, created_at = (await session.execute(INSERT, values)).one()
    total = sum((line.quantity * price for line, price in zip(order.items, prices, strict=True)))
    return OrderRead(
        id=order_id,
        number=number,
        version=FIRST_VERSION,
        status=OrderStatus.PLACED,
        currency=order.currency,
        note=order.note,
        items=_read_items(order, prices),
        total=format_money(Decimal(total), order.currency),
        owner=PersonRead(id=principal.user_id, name=principal.name),
        collaborators=[],
        created_at=created_at,
        updated_at=created_at,
    )


def _read_items(order: OrderCreate, prices: list[Decimal]) -> list[OrderItemRead]:
    return [
        OrderItemRead(
            sku=item.sku,
            name=item.name,
            quantity=item.quantity,
            unit_price=format_money(price, order.currency),
        )
        for item, price in zip(order.items, prices, strict=True)
    ]
