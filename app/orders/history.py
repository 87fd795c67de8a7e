"""What happened to an order: its events, as they were sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.core.paging import encode_page
from app.orders.access import check_visible, is_visible
from app.orders.schemas import VersionsQuery
from app.realtime.models import EventRow

PAGE_BYTES = 1024 * 1024
"""A page ends with the event that reaches it: it is held, encoded and sent as one piece."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Events in the JSON in which they were recorded; `next_cursor` is the last one's version
    where there are more.
    """

    items: Sequence[str]
    next_cursor: int | None

    @property
    def encoded(self) -> str:
        """The events' own bytes, not made anew."""
        return encode_page(self.items, self.next_cursor)


async def list_history(
    session: AsyncSession, *, principal: Principal, order_id: UUID, query: VersionsQuery
) -> HistoryPage:
    """Oldest first; a page of long events is shorter than was asked for. Raises OrderNotFound."""
    await check_visible(session, principal=principal, order_id=order_id)
    size = func.octet_length(EventRow.payload)
    before = func.sum(size).over(order_by=EventRow.version, rows=(None, -1))
    fits = or_(before.is_(None), before < PAGE_BYTES)
    wanted = (
        select(EventRow.version, case((fits, EventRow.payload)).label("payload"))
        .where(
            EventRow.entity_id == order_id,
            EventRow.version > query.cursor,
            is_visible(principal, order_id),
        )
        .order_by(EventRow.version)
        .limit(query.limit + 1)
    )
    found = (await session.execute(wanted)).all()
    events = [event for event in found[: query.limit] if event.payload is not None]
    return HistoryPage(
        [event.payload for event in events],
        events[-1].version if len(found) > len(events) else None,
    )
