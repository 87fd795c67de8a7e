"""The rules of orders, as every caller of the service meets them: who may do what, and when."""

from itertools import pairwise, product
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.errors import AppError, InvalidRequest
from app.core.ids import new_id
from app.orders import service as orders_service
from app.orders.errors import (
    IllegalStatusChange,
    OrderChanged,
    OrderClosed,
    OrderForbidden,
    OrderNotFound,
    OrderNotPlaced,
)
from app.orders.models import Order, OrderItem, OrderStatus
from app.orders.schemas import OrderQuery, OrderUpdate
from app.orders.status import STEPS
from tests.orders.cast import Cast
from tests.orders.rows import add_order, add_person
from tests.orders.shop import a_line

CLOSED = {OrderStatus.COMPLETED, OrderStatus.CANCELLED}
ROLES = ("owner", "collaborator", "stranger", "staff", "admin")
MOVES_BY_STAFF = {
    *pairwise(STEPS),
    *((status, OrderStatus.CANCELLED) for status in STEPS[:-1]),
}


# ------------------------------------------------------------------- who may move


def outcome_of_a_move(
    role: str, present: OrderStatus, wanted: OrderStatus
) -> type[AppError] | None:
    """404 before 403 before 409, as the contract has it."""
    if role == "stranger":
        return OrderNotFound
    if wanted is present:
        return None
    if role in {"staff", "admin"}:
        return None if (present, wanted) in MOVES_BY_STAFF else IllegalStatusChange
    if role == "owner" and wanted is OrderStatus.CANCELLED:
        return None if present is OrderStatus.PLACED else IllegalStatusChange
    return OrderForbidden


def outcome_of_a_deletion(role: str, status: OrderStatus) -> type[AppError] | None:
    if role == "stranger":
        return OrderNotFound
    if role == "owner":
        return None if status is OrderStatus.PLACED else OrderNotPlaced
    return None if role == "admin" else OrderForbidden


@pytest.mark.parametrize("role", ROLES)
async def test_a_status_changes_only_by_who_may_and_only_where_it_may(
    session: AsyncSession, role: str
) -> None:
    cast = await Cast(session).enter()
    outcomes = {}
    for present, wanted in product(OrderStatus, OrderStatus):
        await cast.place(status=present)
        outcomes[present, wanted] = await cast.tried(role, status=wanted)

    assert outcomes == {move: outcome_of_a_move(role, *move) for move in outcomes}


@pytest.mark.parametrize("field", [{"note": "new"}, {"items": [a_line(quantity=1)]}])
@pytest.mark.parametrize("role", ROLES)
async def test_note_and_items_change_until_the_order_is_closed(
    session: AsyncSession, role: str, field: dict[str, Any]
) -> None:
    cast = await Cast(session).enter()
    outcomes = {}
    for status in OrderStatus:
        await cast.place(status=status)
        outcomes[status] = await cast.tried(role, **field)

    unseen = OrderNotFound if role == "stranger" else None
    assert outcomes == {
        status: unseen or (OrderClosed if status in CLOSED else None) for status in OrderStatus
    }


@pytest.mark.parametrize("role", ROLES)
async def test_an_order_is_deleted_by_an_admin_or_by_its_owner_while_placed(
    session: AsyncSession, role: str
) -> None:
    cast = await Cast(session).enter()
    outcomes = {}
    for status in OrderStatus:
        await cast.place(status=status)
        outcomes[status] = await cast.tried_to_delete(role)

    assert outcomes == {status: outcome_of_a_deletion(role, status) for status in OrderStatus}


async def test_staff_delete_their_own_order_like_any_owner(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    cast.order = await add_order(session, cast.people["staff"])

    await cast.delete("staff")

    assert await session.scalar(select(Order).where(Order.id == cast.order.id)) is None


async def test_the_lines_of_a_deleted_order_are_gone(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await cast.delete("owner")

    left = await session.scalars(select(OrderItem).where(OrderItem.order_id == cast.order.id))
    assert list(left) == []


# --------------------------------------------------------------- what comes first


async def test_who_may_not_is_told_so_before_being_told_that_the_order_changed(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await cast.update("owner", note="new")

    with pytest.raises(OrderForbidden):
        await cast.update("collaborator", base=1, status=OrderStatus.ACCEPTED)


async def test_that_the_order_changed_is_told_before_its_state_is_looked_at(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status=OrderStatus.CANCELLED, note="sold out")

    with pytest.raises(OrderChanged):
        await cast.update("owner", base=1, note="hurry")


async def test_an_edit_of_an_older_version_keeps_the_rules_of_the_order_as_it_is_now(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter(status=OrderStatus.CANCELLED)

    with pytest.raises(OrderClosed):
        await cast.update("owner", base=1, note="hurry")


async def test_an_edit_that_is_refused_leaves_the_order_as_it_was(session: AsyncSession) -> None:
    cast = await Cast(session).enter(status=OrderStatus.READY)
    before = (cast.order.version, cast.order.note, len(await cast.events()))

    with pytest.raises(IllegalStatusChange):
        await cast.update("staff", status=OrderStatus.PLACED, note="new")

    assert (cast.order.version, cast.order.note, len(await cast.events())) == before


async def test_a_last_note_can_come_with_the_cancellation(session: AsyncSession) -> None:
    cast = await Cast(session).enter()

    order = await cast.update("owner", status=OrderStatus.CANCELLED, note="never mind")

    assert (order.status, order.note) == (OrderStatus.CANCELLED, "never mind")


async def test_the_row_as_it_is_now_counts_not_as_it_was_once_read(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await session.execute(
        text("UPDATE orders SET version = 2, note = 'theirs' WHERE id = :id"),
        {"id": cast.order.id},
    )

    with pytest.raises(OrderChanged) as refused:
        await cast.update("owner", base=1, note="mine")

    assert refused.value.extra["current"]["note"] == "theirs"


# ------------------------------------------------------------------ versions, time


async def test_each_change_raises_the_version_and_the_time_together(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    first = (cast.order.version, cast.order.updated_at)

    order = await cast.update("owner", note="new")

    assert order.version == first[0] + 1
    assert order.updated_at > first[1]
    assert order.created_at == first[1]


@pytest.mark.parametrize(
    "body", [{}, {"status": OrderStatus.PLACED}, {"note": None}, {"items": [a_line()]}]
)
async def test_an_edit_that_changes_nothing_raises_no_version_and_records_nothing(
    session: AsyncSession, body: dict[str, Any]
) -> None:
    cast = await Cast(session).enter()

    order = await cast.update("owner", **body)

    assert order.version == 1
    assert [event.type for event in await cast.events()] == ["order.created"]


# ------------------------------------------------------------------ finding, money


async def test_an_order_that_is_not_there_is_not_found(session: AsyncSession) -> None:
    cast = await Cast(session).enter()

    with pytest.raises(OrderNotFound):
        await orders_service.get_order(session, principal=cast.people["admin"], order_id=new_id())


@pytest.mark.parametrize("amount", ["1.0", "1.50"])
async def test_money_has_the_digits_of_the_orders_currency(
    session: AsyncSession, amount: str
) -> None:
    owner = await add_person(session, Role.CUSTOMER)

    with pytest.raises(InvalidRequest):
        await add_order(session, owner, currency="JPY", items=[a_line(unit_price=amount)])


async def test_money_of_an_edit_has_them_too(session: AsyncSession) -> None:
    owner = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, owner, currency="JPY", items=[a_line(unit_price="150")])

    with pytest.raises(InvalidRequest):
        await orders_service.update_order(
            session,
            principal=owner,
            order_id=order.id,
            update=OrderUpdate.model_validate({"items": [a_line(unit_price="150.50")]}),
            bases=None,
        )


async def test_of_somebody_unknown_there_are_no_orders(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    nobody = Principal(uuid4(), uuid4(), "Nobody", Role.CUSTOMER)

    page = await orders_service.list_orders(session, principal=nobody, query=OrderQuery())

    assert (page.items, page.next_cursor) == ([], None)
    assert cast.order.id is not None
