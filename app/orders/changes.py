"""What an edit changes."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.core.errors import InvalidRequest, ProblemDetail
from app.orders.models import Currency, Order, OrderItem
from app.orders.schemas import OrderItemWrite, OrderUpdate, check_money, read_item

Changed = dict[str, tuple[Any, Any]]
Line = dict[str, Any]
"""As it is shown, and as events tell of it."""

LINE = "items/"
"""Before a sku: the name of a line as a field."""


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


def read_lines(items: Iterable[OrderItem], currency: Currency) -> Mapping[str, Line]:
    """By sku, in their order."""
    return {item.sku: read_item(item, currency).model_dump() for item in items}


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
    old, new = read_lines(before.values(), currency), read_lines(after.values(), currency)
    changed: Changed = {
        f"{LINE}{sku}": (old.get(sku), new.get(sku))
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
