"""Orders read with all that belongs to them, and locked to be changed."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from app.auth.principals import Principal
from app.orders.access import sees, visible_to
from app.orders.errors import OrderNotFound
from app.orders.models import Order
from app.realtime.outbox import Actor


def select_orders() -> Select[Order]:
    """Orders with all that OrderRead shows: the row first, then items, then collaborators."""
    return select(Order).options(
        joinedload(Order.owner), selectinload(Order.items), selectinload(Order.collaborators)
    )


async def lock_order(session: AsyncSession, *, principal: Principal, order_id: UUID) -> Order:
    """The order's row locked; what belongs to it is read after the lock.

    Raises OrderNotFound, for an order that was unshared while this waited for the lock, too: the
    statement itself still sees the sharing as it was when it began.
    """
    query = (
        select_orders()
        .where(Order.id == order_id, visible_to(principal))
        .with_for_update(of=Order)
        .execution_options(populate_existing=True)
    )
    order = await session.scalar(query)
    if order is None or not sees(principal, order):
        raise OrderNotFound
    return order


async def touch(session: AsyncSession, order: Order) -> None:
    """A new version, and with it the database's time."""
    order.version += 1
    await session.flush()


def actor_of(principal: Principal) -> Actor:
    return Actor(id=principal.user_id, name=principal.name)
