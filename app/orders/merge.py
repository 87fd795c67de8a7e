"""Edits of an older version: put on top of what others did since, or refused with what conflicts.

Three states meet: the order at the edit's `base`, what the edit makes of it (`yours`), and the
order as it is now (`theirs`). A status or note that is sent is wanted. Lines are compared by sku:
one that was sent as it was at the base is not touched and keeps what others made of it, and what
others added stays. A field that the edit touches conflicts if a later version changed it, whatever
to: to what is wanted, too, so that of several who want the same one has done it and the others
learn that they have not; and one that was changed and changed back, since whoever did that may have
meant it. Comments and sharing conflict with no field.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.orders.changes import LINE, Line, make_items, read_lines
from app.orders.errors import OrderChanged
from app.orders.later_changes import Change, Changes
from app.orders.models import Currency, Order
from app.orders.schemas import MAX_ITEMS, ConflictRead, OrderItemWrite, OrderUpdate, read_order

Lines = Mapping[str, Line]
"""By sku, in their order."""
Touched = Mapping[str, Line | None]
"""What an edit makes of the lines, by sku, that it adds, changes or, as None, takes away."""


def merge_update(order: Order, update: OrderUpdate, changes: Changes) -> OrderUpdate:
    """What the caller would have sent, had they known what others changed since their base.

    Raises OrderChanged.
    """
    merged, conflicts = merge(order, update, changes)
    if conflicts:
        raise OrderChanged(read_order(order), conflicts)
    return merged


def merge(
    order: Order, update: OrderUpdate, changes: Changes
) -> tuple[OrderUpdate, list[ConflictRead]]:
    """The update as it is to be applied to the present order, and what conflicts."""
    touched: dict[str, Any] = {
        field: getattr(update, field)
        for field in ("status", "note")
        if field in update.model_fields_set
    }
    if "items" not in update.model_fields_set:
        return update, list(find_conflicts(touched, changes))
    currency = Currency(order.currency)
    theirs = read_lines(order.items, currency)
    yours = read_lines(make_items(update.items), currency)
    lines = touched_lines(base_lines(theirs, changes), yours)
    merged = merge_lines(lines, yours, theirs)
    touched |= {f"{LINE}{sku}": line for sku, line in lines.items()}
    conflicts = list(find_conflicts(touched, changes))
    if not conflicts:
        conflicts = list(find_misfits(lines, theirs, changes, count=len(merged)))
    # Not checked again: what others stored may be older than a rule of today.
    items = [OrderItemWrite.model_construct(**line) for line in merged.values()]
    return update.model_copy(update={"items": items}), conflicts


def base_lines(theirs: Lines, changes: Changes) -> Lines:
    """The lines as they were at the base: those of now, less what others did."""
    before = {
        field.removeprefix(LINE): change.base
        for field, change in changes.items()
        if field.startswith(LINE)
    }
    return {sku: line for sku, line in {**theirs, **before}.items() if line is not None}


def touched_lines(base: Lines, yours: Lines) -> Touched:
    return {sku: yours.get(sku) for sku in {**base, **yours} if yours.get(sku) != base.get(sku)}


def merge_lines(touched: Touched, yours: Lines, theirs: Lines) -> Lines:
    """In the order in which they were sent; what only others added stands at the end."""
    lines = {**theirs, **touched}
    merged = {sku: lines.get(sku) for sku in {**yours, **lines}}
    return {sku: line for sku, line in merged.items() if line is not None}


def find_conflicts(touched: Mapping[str, Any], changes: Changes) -> Iterator[ConflictRead]:
    """Of the fields that an edit touches, with what it makes of them."""
    for field, yours in touched.items():
        change = changes.get(field)
        if change is not None:
            yield change.against(field, yours)


def find_misfits(
    touched: Touched, theirs: Lines, changes: Changes, *, count: int
) -> Iterator[ConflictRead]:
    """Edits that fit line by line can leave too many lines, or none. Then those conflict that the
    caller adds, or takes away, with the last of the others' changes to lines.
    """
    if 1 <= count <= MAX_ITEMS:
        return
    last = max((changes[field] for field in changes if field.startswith(LINE)), key=lambda c: c.at)
    for sku, yours in touched.items():
        present = theirs.get(sku)
        if yours is None if count == 0 else present is None:
            yield Change(present, present, last.by, last.at).against(f"{LINE}{sku}", yours)
