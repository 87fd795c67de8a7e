"""What is told of orders, byte for byte, and who may listen."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.ids import new_id
from app.orders import service as orders_service
from app.orders.access import visible
from app.orders.channels import AllOrders, OneOrder
from app.orders.events import list_channel, order_channel
from app.orders.models import Order
from app.orders.schemas import OrderRead, OrderUpdate, read_order
from app.realtime.models import EventRow
from tests.orders.rows import add_order, add_person, share
from tests.orders.shop import a_line

ENVELOPE = ["type", "id", "at", "actor", "version", "changed", "order"]


async def events(session: AsyncSession, order: Order) -> list[EventRow]:
    query = select(EventRow).where(EventRow.entity_id == order.id).order_by(EventRow.id)
    return list(await session.scalars(query))


async def edit(session: AsyncSession, person: Principal, order: Order, **body: Any) -> OrderRead:
    update = OrderUpdate.model_validate(body)
    edited = await orders_service.update_order(
        session, principal=person, order_id=order.id, update=update, bases=None
    )
    return edited.order


def shown(order: Order | OrderRead) -> Any:
    read = order if isinstance(order, OrderRead) else read_order(order)
    return read.model_dump(mode="json")


# ---------------------------------------------------------------------- payloads


async def test_a_placed_order_is_told_in_exactly_the_envelope_of_the_contract(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, note="as it is")

    [event] = await events(session, order)

    told = json.loads(event.payload)
    assert list(told) == ENVELOPE
    assert told == {
        "type": "order.created",
        "id": str(event.event_id),
        "at": shown(order)["created_at"],
        "actor": {"id": str(cleo.user_id), "name": "Cleo"},
        "version": 1,
        "changed": {},
        "order": shown(order),
    }
    assert event.event_id.version == 7


async def test_an_event_shows_the_order_with_its_fields_in_the_order_of_the_contract(
    session: AsyncSession,
) -> None:
    order = await add_order(session, await add_person(session, Role.CUSTOMER))

    [event] = await events(session, order)

    assert list(json.loads(event.payload)["order"]) == [
        "id", "number", "version", "status", "currency", "note", "items", "total", "owner",
        "collaborators", "created_at", "updated_at",
    ]  # fmt: skip


async def test_an_event_is_compact_utf8(session: AsyncSession) -> None:
    order = await add_order(session, await add_person(session, Role.CUSTOMER), note="K\u00e4se")

    [event] = await events(session, order)

    assert '"note":"K\u00e4se"' in event.payload


async def test_a_change_is_told_by_field_and_by_line(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    sten = await add_person(session, Role.STAFF, "Sten")
    order = await add_order(session, cleo, items=[a_line(sku="A"), a_line(sku="B")])
    changed = await edit(
        session, sten, order,
        status="accepted", note="hurry", items=[a_line(sku="B", quantity=1), a_line(sku="C")],
    )  # fmt: skip

    told = json.loads((await events(session, order))[1].payload)

    assert list(told) == ENVELOPE
    assert told["type"] == "order.updated"
    assert told["actor"] == {"id": str(sten.user_id), "name": "Sten"}
    assert told["changed"] == {
        "status": ["placed", "accepted"],
        "note": [None, "hurry"],
        "items/A": [a_line(sku="A"), None],
        "items/B": [a_line(sku="B"), a_line(sku="B", quantity=1)],
        "items/C": [None, a_line(sku="C")],
    }
    assert told["order"] == shown(changed)
    assert (told["version"], told["at"]) == (2, told["order"]["updated_at"])


async def test_a_deletion_shows_the_order_as_it_last_was(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo)
    await orders_service.delete_order(session, principal=cleo, order_id=order.id)

    told = json.loads((await events(session, order))[1].payload)

    assert list(told) == ENVELOPE
    assert (told["type"], told["version"], told["changed"]) == ("order.deleted", 2, {})
    assert told["order"]["items"] == [a_line()]
    assert told["order"]["version"] == 2


async def test_the_columns_of_an_event_say_the_same_as_its_payload(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo)
    await edit(session, cleo, order, note="new")

    event = (await events(session, order))[1]

    told = json.loads(event.payload)
    assert (event.type, str(event.event_id), event.version) == (
        told["type"],
        told["id"],
        told["version"],
    )
    assert (event.entity, event.actor_id) == ("order", cleo.user_id)
    assert event.changed == told["changed"]
    assert event.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z") == told["at"]


# ---------------------------------------------------------------------- channels


async def test_an_event_goes_to_all_orders_to_its_own_and_to_its_owner(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo)

    [event] = await events(session, order)

    assert event.channels == ["orders", f"orders:{order.id}", f"users:{cleo.user_id}"]


async def test_an_event_goes_to_those_with_whom_the_order_is_shared(
    session: AsyncSession,
) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    order = await add_order(session, cleo)
    await share(session, order.id, omar)
    changed = await edit(session, cleo, order, note="new")

    event = (await events(session, order))[1]

    assert event.channels[3:] == [f"users:{omar.user_id}"]
    assert json.loads(event.payload)["order"] == shown(changed)
    assert shown(changed)["collaborators"] == [{"id": str(omar.user_id), "name": "Cleo"}]


async def test_staff_who_change_an_order_are_not_told_on_their_own_channel(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    sten = await add_person(session, Role.STAFF)
    order = await add_order(session, cleo)
    await edit(session, sten, order, status="accepted")

    assert f"users:{sten.user_id}" not in (await events(session, order))[1].channels


async def test_after_a_deletion_the_workers_are_told_to_end_its_channel(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo)
    await orders_service.delete_order(session, principal=cleo, order_id=order.id)

    deleted = (await events(session, order))[-1]
    query = select(EventRow).where(EventRow.id > deleted.id).order_by(EventRow.id)
    [control] = list(await session.scalars(query))

    assert (control.type, control.channels) == ("control", ["$control"])
    told = json.loads(control.payload)
    assert (told["channel"], told["user_id"]) == (order_channel(order.id), None)


# ----------------------------------------------------------------- who may listen


async def may_follow(session: AsyncSession, person: Principal, key: str) -> bool:
    """Whether the person may subscribe to one order's channel."""
    answer = OneOrder().may_subscribe(person, key)
    if isinstance(answer, bool):
        return answer
    return answer.about in await answer.read(session, [answer.about])


@pytest.mark.parametrize(
    ("role", "may"), [(Role.CUSTOMER, False), (Role.STAFF, True), (Role.ADMIN, True)]
)
async def test_all_orders_are_for_staff(session: AsyncSession, role: Role, *, may: bool) -> None:
    person = await add_person(session, role)

    assert AllOrders().may_subscribe(person, "") is may


async def test_one_order_is_for_who_may_see_it(session: AsyncSession) -> None:
    cleo, omar, nora = [await add_person(session, Role.CUSTOMER) for _ in range(3)]
    sten = await add_person(session, Role.STAFF)
    order = await add_order(session, cleo)
    await share(session, order.id, omar)

    may = [await may_follow(session, person, str(order.id)) for person in (cleo, omar, nora, sten)]

    assert may == [True, True, False, True]


async def test_who_sees_which_order_is_told_apart_where_many_ask_at_once(
    session: AsyncSession,
) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    sten = await add_person(session, Role.STAFF)
    hers, his = (await add_order(session, cleo)).id, (await add_order(session, omar)).id
    await share(session, his, cleo)

    asked = [(who, order) for order in (hers, his, new_id()) for who in (cleo, omar, sten)]
    assert await visible(session, asked) == {
        (cleo, hers),
        (sten, hers),
        (cleo, his),
        (omar, his),
        (sten, his),
    }
    assert await visible(session, []) == set()


async def test_an_order_that_is_not_there_looks_like_one_that_may_not_be_seen(
    session: AsyncSession,
) -> None:
    sten = await add_person(session, Role.STAFF)

    key = "01932c07-0000-7000-8000-000000000000"
    assert not await may_follow(session, sten, key)


@pytest.mark.parametrize(
    "spelling", ["{upper}", "{hex}", "{{{plain}}}", "urn:uuid:{plain}", " {plain}"]
)
async def test_a_channel_has_one_spelling(session: AsyncSession, spelling: str) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order_id = (await add_order(session, cleo)).id
    key = spelling.format(upper=str(order_id).upper(), hex=order_id.hex, plain=order_id)

    assert not await may_follow(session, cleo, key)


@pytest.mark.parametrize("key", ["", "x", "\x00", "*", "7", "\ud800"])
async def test_a_key_that_is_no_id_is_nobodys(session: AsyncSession, key: str) -> None:
    sten = await add_person(session, Role.STAFF)

    assert not await may_follow(session, sten, key)


async def test_the_channel_that_covers_a_list_is_that_of_its_reader(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    people = [cleo, *[await add_person(session, role) for role in (Role.STAFF, Role.ADMIN)]]

    assert list(map(list_channel, people)) == [f"users:{cleo.user_id}", "orders", "orders"]
