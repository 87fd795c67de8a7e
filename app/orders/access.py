"""Who may see and edit which order."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderCollaborator


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """Staff see all orders, customers those that they own or that are shared with them."""
    if principal.is_staff:
        return true()
    return _concerns(principal.user_id)


def _concerns(user_id: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    shared = select(OrderCollaborator.order_id).where(
        OrderCollaborator.order_id == Order.id, OrderCollaborator.user_id == user_id
    )
    return or_(Order.owner_id == user_id, exists(shared))


def owns(principal: Principal, order: Order) -> bool:
    return order.owner_id == principal.user_id


def sees(principal: Principal, order: Order) -> bool:
    """The rule of `visible_to` for an order whose collaborators are loaded."""
    sharing = (person.id for person in order.collaborators)
    return principal.is_staff or owns(principal, order) or principal.user_id in sharing


def is_visible(principal: Principal, order_id: UUID) -> ColumnElement[bool]:
    """For the WHERE of what belongs to an order: seen and read by one statement."""
    return exists(select(Order.id).where(Order.id == order_id, visible_to(principal)))


def _seen_of_many() -> Select[int]:
    """The numbers, from 1, of those who see the order that they ask about."""
    asked = (
        func.unnest(
            bindparam("orders", type_=ARRAY(Uuid)),
            bindparam("users", type_=ARRAY(Uuid)),
            bindparam("staff", type_=ARRAY(Boolean)),
        )
        .table_valued("order_id", "user_id", "is_staff", with_ordinality="nth")
        .render_derived("asked")
    )
    seen = select(Order.id).where(
        Order.id == asked.c.order_id, or_(asked.c.is_staff, _concerns(asked.c.user_id))
    )
    return select(asked.c.nth).where(exists(seen))


_SEEN_OF_MANY = _seen_of_many()


async def visible(
    session: AsyncSession, asked: Collection[tuple[Principal, UUID]]
) -> set[tuple[Principal, UUID]]:
    """Of these pairs those where the person sees the order: `visible_to`, many in one statement."""
    pairs = list(asked)
    values = {
        "orders": [order_id for _, order_id in pairs],
        "users": [person.user_id for person, _ in pairs],
        "staff": [person.is_staff for person, _ in pairs],
    }
    return {pairs[nth - 1] for nth in await session.scalars(_SEEN_OF_MANY, values)}


async def check_visible(session: AsyncSession, *, principal: Principal, order_id: UUID) -> None:
    """Raises OrderNotFound. What is read afterwards asks `is_visible` again: by then the order
    may have been unshared.
    """
    if not await session.scalar(select(is_visible(principal, order_id))):
        raise OrderNotFound
