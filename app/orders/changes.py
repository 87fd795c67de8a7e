"""What an edit changes, and what others changed since the version on which it is based."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import InvalidRequest, ProblemDetail
from app.core.schemas import format_time
from app.orders.models import Currency, Order, OrderItem
from app.orders.schemas import ConflictRead, OrderItemWrite, OrderUpdate, check_money, read_item
from app.realtime.models import EventRow
from app.users.models import User
from app.users.schemas import PersonRead

Changed = dict[str, tuple[Any, Any]]


def apply_update(order: Order, update: OrderUpdate) -> Changed:
    """Apply what was sent; what really changed, by field, items as `items/<sku>`."""
    changed: Changed = {}
    for field in ("status", "note"):
        if field in update.model_fields_set:
            old, new = getattr(order, field), getattr(update, field)
            if old != new:
                setattr(order, field, new)
                changed[field] = (old, new)
    if "items" in update.model_fields_set:
        changed |= _replace_items(order, update.items)
    return changed


def make_items(items: Sequence[OrderItemWrite]) -> list[OrderItem]:
    return [
        OrderItem(
            sku=item.sku,
            position=position,
            name=item.name,
            quantity=item.quantity,
            unit_price=Decimal(item.unit_price),
        )
        for position, item in enumerate(items)
    ]


def check_item_money(items: Sequence[OrderItemWrite], currency: Currency) -> None:
    """Raises InvalidRequest for more digits than the order's currency has."""
    problems = []
    for index, item in enumerate(items):
        try:
            check_money(item.unit_price, currency)
        except ValueError as error:
            pointer = f"/items/{index}/unit_price"
            problems.append(ProblemDetail(pointer=pointer, message=str(error)))
    if problems:
        raise InvalidRequest(errors=problems)


def _replace_items(order: Order, items: Sequence[OrderItemWrite]) -> Changed:
    """Lines are compared by sku; another order of the same lines is no change."""
    currency = Currency(order.currency)
    before = {item.sku: item for item in order.items}
    after = {item.sku: item for item in make_items(items)}
    old = {sku: read_item(item, currency).model_dump() for sku, item in before.items()}
    new = {sku: read_item(item, currency).model_dump() for sku, item in after.items()}
    changed: Changed = {
        f"items/{sku}": (old.get(sku), new.get(sku))
        for sku in [*old, *(sku for sku in new if sku not in old)]
        if old.get(sku) != new.get(sku)
    }
    if changed:
        order.items = [_update_item(before.get(sku), item) for sku, item in after.items()]
    return changed


def _update_item(item: OrderItem | None, wanted: OrderItem) -> OrderItem:
    """The row that is there already, changed in place, or the new one."""
    if item is None:
        return wanted
    item.position, item.name = wanted.position, wanted.name
    item.quantity, item.unit_price = wanted.quantity, wanted.unit_price
    return item


async def find_conflicts(
    session: AsyncSession, order: Order, *, base: int, update: OrderUpdate
) -> list[ConflictRead]:
    """Every field that changed after version `base`, from the order's own events."""
    rows = await session.execute(
        select(EventRow.changed, EventRow.created_at, EventRow.actor_id, User.name)
        .outerjoin(User, User.id == EventRow.actor_id)
        .where(EventRow.entity_id == order.id, EventRow.version > base)
        .order_by(EventRow.version)
    )
    found: dict[str, ConflictRead] = {}
    for changed, at, actor_id, name in rows:
        by = PersonRead(id=actor_id, name=name) if actor_id and name else None
        for field, (old, new) in changed.items():
            first = found.get(field)
            found[field] = ConflictRead(
                field=field,
                base=first.base if first else old,
                yours=_yours(update, field, order),
                theirs=new,
                by=by,
                at=format_time(at),
            )
    return list(found.values())


def _yours(update: OrderUpdate, field: str, order: Order) -> Any:
    """What the edit would have made of the field; null where it does not speak of it."""
    name, _, sku = field.partition("/")
    if name not in update.model_fields_set:
        return None
    if name != "items":
        return getattr(update, name)
    lines: Mapping[str, OrderItem] = {item.sku: item for item in make_items(update.items)}
    line = lines.get(sku)
    return read_item(line, Currency(order.currency)).model_dump() if line else None
