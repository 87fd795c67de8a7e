"""Which orders a page of a list has, chosen without reading those that its reader may not see."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    cast,
    exists,
    func,
    or_,
    select,
    union,
)

from app.auth.principals import Principal
from app.orders.models import Order, OrderCollaborator, OrderItem
from app.orders.schemas import OrderQuery
from app.users.models import User

PAGE_LINES = 1000
"""A page ends with the order that reaches it: all of it is read and encoded in one stretch."""


def select_page(principal: Principal, query: OrderQuery) -> FromClause:
    """`id` of each order that may stand on the page and of one more, whether it `fits`, and how
    many were `found`.
    """
    ids = _newest_ids(principal, query)
    lines = select(func.count()).where(OrderItem.order_id == ids.c.id).scalar_subquery()
    before = func.sum(lines).over(order_by=ids.c.id.desc(), rows=(None, -1))
    fits = func.coalesce(before, 0) < PAGE_LINES
    return select(ids.c.id, fits.label("fits"), func.count().over().label("found")).subquery()


def _newest_ids(principal: Principal, query: OrderQuery) -> FromClause:
    """The ids that the page would have, were all orders short, and one more where there is one.

    Of customers, those of their own orders and of those shared with them are found apart: an OR
    of both is served by no index, so Postgres would look at everybody's orders for it.
    """
    newest = select(Order.id).where(*_conditions(query)).order_by(Order.id.desc())
    newest = newest.limit(query.limit + 1)
    if principal.is_staff:
        return newest.subquery()
    both = union(_own(newest, principal.user_id), _shared(newest, principal.user_id))
    return both.order_by(both.selected_columns.id.desc()).limit(query.limit + 1).subquery()


def _own(orders: Select[UUID], user_id: UUID) -> Select[UUID]:
    return orders.where(Order.owner_id == user_id)


def _shared(orders: Select[UUID], user_id: UUID) -> Select[UUID]:
    """Materialized, as Postgres would walk through everybody's sharings in the order of the page,
    sure to find enough of this user's soon.
    """
    sharings = select(OrderCollaborator.order_id).where(OrderCollaborator.user_id == user_id)
    shared = sharings.cte("shared").prefix_with("MATERIALIZED")
    return orders.join(shared, shared.c.order_id == Order.id)


def _conditions(query: OrderQuery) -> Iterator[ColumnElement[bool]]:
    """A page continues below an id, so orders that are added move nothing."""
    if query.status is not None:
        yield Order.status == query.status
    if query.owner_id is not None:
        yield Order.owner_id == query.owner_id
    if query.q:
        yield _matches(query.q)
    if query.cursor is not None:
        yield Order.id < query.cursor


def _matches(q: str) -> ColumnElement[bool]:
    item = select(OrderItem.order_id).where(
        OrderItem.order_id == Order.id,
        or_(
            OrderItem.name.icontains(q, autoescape=True),
            OrderItem.sku.icontains(q, autoescape=True),
        ),
    )
    owner = select(User.id).where(
        User.id == Order.owner_id, User.name.icontains(q, autoescape=True)
    )
    return or_(
        cast(Order.number, String).startswith(q, autoescape=True),
        Order.note.icontains(q, autoescape=True),
        exists(item),
        exists(owner),
    )
