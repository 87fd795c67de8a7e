"""Orders: placed, found, changed, deleted. Each change is one event, and raises the version."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.core.paging import Page
from app.orders.access import owns, sees, visible_to
from app.orders.changes import apply_update, check_item_money
from app.orders.errors import OrderForbidden, OrderNotPlaced
from app.orders.events import actor_of, record_end_of_channel, record_order
from app.orders.later_changes import Changes, get_changes
from app.orders.loading import load_collaborators, lock_order, read_visible, select_orders, touch
from app.orders.merge import merge_update
from app.orders.models import Currency, Order, OrderStatus
from app.orders.pages import select_page
from app.orders.placing import insert_order
from app.orders.schemas import OrderCreate, OrderQuery, OrderRead, OrderUpdate, read_order
from app.orders.status import check_editable, check_move

NO_VERSION = 0
"""Before the first: nothing can be based on it."""


@dataclass(frozen=True, slots=True)
class Edited:
    """An order after an edit; `merged` if it had another version than the edit is based on."""

    order: OrderRead
    merged: bool


async def create_order(
    session: AsyncSession, *, principal: Principal, order: OrderCreate
) -> OrderRead:
    """Raises InvalidRequest for money that the currency does not have."""
    check_item_money(order.items, order.currency)
    created = await insert_order(session, principal=principal, order=order)
    actor = actor_of(principal)
    await record_order(session, created, event_type="order.created", actor=actor, changed={})
    return created


async def get_order(session: AsyncSession, *, principal: Principal, order_id: UUID) -> Order:
    """Raises OrderNotFound, for one that the caller may not see, too."""
    query = select_orders().where(Order.id == order_id, visible_to(principal))
    return await read_visible(session, query, principal=principal)


async def list_orders(
    session: AsyncSession, *, principal: Principal, query: OrderQuery
) -> Page[Order, UUID]:
    """Newest first; a page of long orders has fewer than were asked for."""
    page = select_page(principal, query)
    wanted = select_orders().add_columns(page.c.found).join(page, page.c.id == Order.id)
    found = await session.execute(wanted.where(page.c.fits).order_by(Order.id.desc()))
    rows = found.unique().all()
    items = [order for order, _ in rows[: query.limit]]
    await load_collaborators(session, items)
    seen = [order for order in items if sees(principal, order)]
    return Page(seen, items[-1].id if rows and rows[0].found > len(items) else None)


async def update_order(
    session: AsyncSession,
    *,
    principal: Principal,
    order_id: UUID,
    update: OrderUpdate,
    bases: Collection[int] | None,
) -> Edited:
    """Change what was sent; `bases` are versions that the caller saw, None to write over.

    Raises OrderNotFound, OrderForbidden, OrderChanged, then what the rules say of the order as it
    is now. Records nothing when nothing changes.
    """
    order = await lock_order(session, principal=principal, order_id=order_id)
    base = _find_base(order, bases)
    changes = await get_changes(session, order, base=base)
    _check_rights(principal, order, update, changes)
    wanted = merge_update(order, update, changes) if changes else update
    _check_state(principal, order, update)
    changed, merged = apply_update(order, wanted), base != order.version
    if not changed:
        return Edited(read_order(order), merged)
    await touch(session, order)
    updated, actor = read_order(order), actor_of(principal)
    await record_order(session, updated, event_type="order.updated", actor=actor, changed=changed)
    return Edited(updated, merged)


async def delete_order(session: AsyncSession, *, principal: Principal, order_id: UUID) -> None:
    """Raises OrderNotFound, OrderForbidden, OrderNotPlaced."""
    order = await lock_order(session, principal=principal, order_id=order_id)
    if not principal.is_admin:
        if not owns(principal, order):
            raise OrderForbidden
        if order.status != OrderStatus.PLACED:
            raise OrderNotPlaced
    await touch(session, order)
    deleted, actor = read_order(order), actor_of(principal)
    await record_order(session, deleted, event_type="order.deleted", actor=actor, changed={})
    await record_end_of_channel(session, order.id)
    await session.delete(order)
    await session.flush()


def _find_base(order: Order, bases: Collection[int] | None) -> int:
    """The newest that the order has had, so that the present one matches if it is among them."""
    if bases is None:
        return order.version
    return max((base for base in bases if base <= order.version), default=NO_VERSION)


def _check_rights(
    principal: Principal, order: Order, update: OrderUpdate, changes: Changes
) -> None:
    """Staff move an order; its owner may only cancel it; collaborators edit note and items. A
    status that is sent as it was at the edit's base moves nothing, though others moved it since.
    """
    moved = changes.get("status")
    seen = (order.status, moved.base if moved else order.status)
    may_move = principal.is_staff or (
        owns(principal, order) and update.status is OrderStatus.CANCELLED
    )
    if "status" in update.model_fields_set and update.status not in seen and not may_move:
        raise OrderForbidden


def _check_state(principal: Principal, order: Order, update: OrderUpdate) -> None:
    """The rules of the locked, current row."""
    present = OrderStatus(order.status)
    if {"note", "items"} & update.model_fields_set:
        check_editable(present)
        check_item_money(update.items, Currency(order.currency))
    if "status" in update.model_fields_set:
        check_move(present, update.status, by_staff=principal.is_staff)
