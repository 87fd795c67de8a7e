"""What is told, and to whom, when an order is shared and unshared."""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.orders import service as orders_service
from app.orders import sharing as orders_sharing
from app.orders.events import list_channel
from app.orders.models import Order
from app.orders.schemas import read_order
from app.realtime.models import EventRow
from tests.orders.rows import add_order, add_person

ENVELOPE = ["type", "id", "at", "actor", "version", "changed", "collaborator", "order"]


class Circle:
    """An order of Cleo's, and those with whom she may share it."""

    def __init__(self, session: AsyncSession, cleo: Principal, order: Order) -> None:
        self.session = session
        self.cleo = cleo
        self.order = order

    async def person(self, role: Role = Role.CUSTOMER) -> Principal:
        return await add_person(self.session, role, "Omar")

    async def share(self, person: Principal) -> list[EventRow]:
        """What was recorded for it."""
        before = await self._last()
        await orders_sharing.share_order(
            self.session, principal=self.cleo, order_id=self.order.id, user_id=person.user_id
        )
        return await self._since(before)

    async def unshare(self, person: Principal) -> list[EventRow]:
        before = await self._last()
        await orders_sharing.unshare_order(
            self.session, principal=self.cleo, order_id=self.order.id, user_id=person.user_id
        )
        return await self._since(before)

    async def shown(self) -> Any:
        order = await orders_service.get_order(
            self.session, principal=self.cleo, order_id=self.order.id
        )
        return read_order(order).model_dump(mode="json")

    async def _last(self) -> int:
        query = select(EventRow.id).order_by(EventRow.id.desc()).limit(1)
        return await self.session.scalar(query) or 0

    async def _since(self, before: int) -> list[EventRow]:
        query = select(EventRow).where(EventRow.id > before).order_by(EventRow.id)
        return list(await self.session.scalars(query))


async def circle_of(session: AsyncSession) -> Circle:
    cleo = await add_person(session, Role.CUSTOMER, "Cleo")
    return Circle(session, cleo, await add_order(session, cleo))


def shown(person: Principal) -> dict[str, str]:
    return {"id": str(person.user_id), "name": person.name}


async def test_sharing_is_told_to_everybody_the_new_collaborator_too(
    session: AsyncSession,
) -> None:
    circle = await circle_of(session)
    first, omar = await circle.person(), await circle.person()
    await circle.share(first)

    [event] = await circle.share(omar)

    assert event.channels == [
        "orders",
        f"orders:{circle.order.id}",
        *(f"users:{person.user_id}" for person in (circle.cleo, first, omar)),
    ]
    told = json.loads(event.payload)
    assert list(told) == ENVELOPE
    assert (told["type"], told["version"], told["changed"]) == ("order.shared", 3, {})
    assert (told["actor"], told["collaborator"]) == (shown(circle.cleo), shown(omar))
    assert told["order"] == await circle.shown()
    assert told["at"] == told["order"]["updated_at"]


async def test_unsharing_is_told_to_everybody_but_the_collaborator(session: AsyncSession) -> None:
    circle = await circle_of(session)
    first, omar = await circle.person(), await circle.person()
    await circle.share(first)
    await circle.share(omar)

    _control, event, _notice = await circle.unshare(omar)

    people = [f"users:{circle.cleo.user_id}", f"users:{first.user_id}"]
    assert event.channels == ["orders", f"orders:{circle.order.id}", *people]
    told = json.loads(event.payload)
    assert list(told) == ENVELOPE
    assert (told["type"], told["version"], told["changed"]) == ("order.unshared", 4, {})
    assert told["collaborator"] == shown(omar)
    assert told["order"] == await circle.shown()
    assert told["order"]["collaborators"] == [shown(first)]


async def test_the_removed_collaborator_learns_no_more_than_id_and_version(
    session: AsyncSession,
) -> None:
    circle = await circle_of(session)
    omar = await circle.person()
    await circle.share(omar)

    _control, event, notice = await circle.unshare(omar)

    assert notice.channels == [list_channel(omar)]
    told, full = json.loads(notice.payload), json.loads(event.payload)
    assert list(told) == ENVELOPE
    assert told == {
        **full,
        "id": str(notice.event_id),
        "order": {"id": str(circle.order.id), "version": 3},
    }
    assert told["id"] != full["id"]


async def test_the_workers_are_told_of_the_lost_right_before_anybody_else(
    session: AsyncSession,
) -> None:
    circle = await circle_of(session)
    omar = await circle.person()
    await circle.share(omar)

    control, *_events = await circle.unshare(omar)

    assert (control.type, control.channels) == ("control", ["$control"])
    told = json.loads(control.payload)
    assert (told["user_id"], told["channel"]) == (str(omar.user_id), None)


async def test_collaborators_are_shown_alike_in_whichever_order_they_were_added(
    session: AsyncSession,
) -> None:
    circle = await circle_of(session)
    people = [await circle.person() for _ in range(3)]
    for person in reversed(people):
        [event] = await circle.share(person)

    assert json.loads(event.payload)["order"]["collaborators"] == list(map(shown, people))
    session.expunge_all()
    assert (await circle.shown())["collaborators"] == list(map(shown, people))
