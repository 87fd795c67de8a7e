"""Who may see and edit which order."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderCollaborator


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """Staff see all orders, customers those that they own or that are shared with them."""
    if principal.is_staff:
        return true()
    shared = select(OrderCollaborator.order_id).where(
        OrderCollaborator.order_id == Order.id, OrderCollaborator.user_id == principal.user_id
    )
    return or_(Order.owner_id == principal.user_id, exists(shared))


def owns(principal: Principal, order: Order) -> bool:
    return order.owner_id == principal.user_id


def sees(principal: Principal, order: Order) -> bool:
    """The rule of `visible_to` for an order whose collaborators are loaded."""
    sharing = (person.id for person in order.collaborators)
    return principal.is_staff or owns(principal, order) or principal.user_id in sharing


def is_visible(principal: Principal, order_id: UUID) -> ColumnElement[bool]:
    """For the WHERE of what belongs to an order: seen and read by one statement."""
    return exists(select(Order.id).where(Order.id == order_id, visible_to(principal)))


async def check_visible(session: AsyncSession, *, principal: Principal, order_id: UUID) -> None:
    """Raises OrderNotFound. What is read afterwards asks `is_visible` again: by then the order
    may have been unshared.
    """
    if not await session.scalar(select(is_visible(principal, order_id))):
        raise OrderNotFound
