"""Who may see and edit which order."""

from sqlalchemy import ColumnElement, exists, or_, select, true

from app.auth.principals import Principal
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
