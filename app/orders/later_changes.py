"""What others made of an order after a version, from the order's own events.

It is read while the order's row is locked, and decoded on the loop: so no more is read than
MAX_EDITS and MAX_BYTES allow. Comments and sharing, whose events change no field, are not read and
do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.errors import NoSuchVersion, OrderChanged
from app.orders.models import Order
from app.orders.schemas import ConflictRead, read_order
from app.realtime.models import EventRow
from app.users.models import User
from app.users.schemas import PersonRead

MAX_EDITS = 500
MAX_BYTES = 2 * 1024 * 1024
"""Of the events as they were sent, which Postgres knows without unpacking them."""


@dataclass(frozen=True, slots=True)
class Change:
    """What others made of a field: the value at the base, the last one, and whose that is."""

    base: Any
    theirs: Any
    by: PersonRead | None
    at: datetime

    def against(self, field: str, yours: Any) -> ConflictRead:
        return ConflictRead(
            field=field,
            base=self.base,
            yours=yours,
            theirs=self.theirs,
            by=self.by,
            at=self.at,
        )


Changes = Mapping[str, Change]


async def get_changes(session: AsyncSession, order: Order, *, base: int) -> Changes:
    """By field, what came after `base`. Raises OrderChanged, without conflicts, if that cannot be
    told, and NoSuchVersion for a base that the order never had.
    """
    if not 0 < base <= order.version:
        raise NoSuchVersion(read_order(order), [])
    changes = await find_changes(session, order, base=base)
    if changes is None:
        raise OrderChanged(read_order(order), [])
    return changes


async def find_changes(session: AsyncSession, order: Order, *, base: int) -> Changes | None:
    """None if it cannot be told: the order never had that version, its events do not reach back
    so far, or it is too much to read. Of the present version nothing is asked.
    """
    if base == order.version:
        return {}
    if not 0 < base < order.version:
        return None
    edits = (EventRow.entity_id == order.id, EventRow.version > base, EventRow.changed != {})
    next_event = (EventRow.entity_id == order.id, EventRow.version == base + 1)
    if not await _are_readable(session, *edits, after=exists().where(*next_event)):
        return None
    rows = await session.execute(
        select(EventRow.changed, EventRow.created_at, EventRow.actor_id, User.name)
        .outerjoin(User, User.id == EventRow.actor_id)
        .where(*edits)
        .order_by(EventRow.version)
    )
    found: dict[str, Change] = {}
    for changed, at, actor_id, name in rows:
        by = PersonRead(id=actor_id, name=name) if actor_id and name else None
        for field, (old, new) in changed.items():
            first = found.get(field)
            found[field] = Change(first.base if first else old, new, by, at)
    return found


async def _are_readable(
    session: AsyncSession, *edits: ColumnElement[bool], after: ColumnElement[bool]
) -> bool:
    """Whether events are there from the first on, `after` the base, and the edits not too much."""
    size = func.octet_length(EventRow.payload).label("size")
    some = select(size).where(*edits).limit(MAX_EDITS + 1).subquery()
    told = select(after, func.count(), func.coalesce(func.sum(some.c.size), 0)).select_from(some)
    reaches_back, count, total = (await session.execute(told)).one()
    return bool(reaches_back and count <= MAX_EDITS and total <= MAX_BYTES)
