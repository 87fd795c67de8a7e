"""Orders read with all that belongs to them, and locked to be changed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from app.auth.principals import Principal
from app.orders.access import sees, visible_to
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderCollaborator
from app.users.models import User


def select_orders() -> Select[Order]:
    """Orders with all that OrderRead shows but collaborators, which are read last.

    In one statement, so that the lines are those of the version that is told: whoever bases an
    edit on it is asked for what they saw. Its rows are to be made `unique()`.
    """
    owner = joinedload(Order.owner).load_only(User.id, User.name)  # repeated with each line
    return select(Order).options(owner, joinedload(Order.items))


async def load_collaborators(session: AsyncSession, orders: Sequence[Order]) -> None:
    """After all else, so that they tell of an order that was unshared while it was read. SQLAlchemy
    would read items and collaborators in an order that differs from process to process.
    """
    people: dict[UUID, list[User]] = {order.id: [] for order in orders}
    sharings = (
        select(OrderCollaborator.order_id, User)
        .join(User, User.id == OrderCollaborator.user_id)
        .where(OrderCollaborator.order_id.in_(people))
        .order_by(User.id)
    )
    for order_id, person in await session.execute(sharings) if people else ():
        people[order_id].append(person)
    for order in orders:
        set_committed_value(order, "collaborators", people[order.id])


async def lock_order(session: AsyncSession, *, principal: Principal, order_id: UUID) -> Order:
    """The order's row locked; what belongs to it is read after the lock.

    Raises OrderNotFound, for an order that was unshared while this waited for the lock, too: the
    statement itself still sees the sharing as it was when it began.
    """
    query = (
        select(Order)
        .options(joinedload(Order.owner), selectinload(Order.items))
        .where(Order.id == order_id, visible_to(principal))
        .with_for_update(of=Order)
        .execution_options(populate_existing=True)
    )
    return await read_visible(session, query, principal=principal)


async def read_visible(
    session: AsyncSession, query: Select[Order], *, principal: Principal
) -> Order:
    """The one that is asked for, if it is still visible once it is read. Raises OrderNotFound."""
    order = (await session.scalars(query)).unique().one_or_none()
    if order is None:
        raise OrderNotFound
    await load_collaborators(session, [order])
    if not sees(principal, order):
        raise OrderNotFound
    return order


async def touch(session: AsyncSession, order: Order) -> None:
    """A new version, and with it the database's time."""
    order.version += 1
    await session.flush()
