"""What an edit changes, and what others changed meanwhile."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.errors import InvalidRequest
from app.orders import service as orders_service
from app.orders.changes import Changed, apply_update, check_item_money, find_conflicts
from app.orders.models import Currency, Order, OrderStatus
from app.orders.schemas import ConflictRead, OrderItemRead, OrderItemWrite, OrderRead, OrderUpdate
from tests.orders.rows import a_line_read, add_order, add_person, an_order
from tests.orders.shop import a_line

A, B = ("A", 1, "1.00"), ("B", 2, "2.00")


def lines(*given: tuple[str, int, str]) -> list[dict[str, Any]]:
    """As they are sent."""
    return [a_line_read(*line) for line in given]


def change(order: Order, **body: Any) -> Changed:
    return apply_update(order, OrderUpdate.model_validate(body))


# -------------------------------------------------------------------- applying


def test_nothing_sent_changes_nothing() -> None:
    order = an_order(A, note="as it was")

    assert change(order) == {}
    assert order.note == "as it was"


def test_what_is_the_same_is_no_change() -> None:
    order = an_order(A, B, note="as it was")

    assert change(order, status="placed", note="as it was", items=lines(A, B)) == {}


def test_a_change_tells_the_old_value_and_the_new() -> None:
    order = an_order(A, note="before")

    assert change(order, status="accepted", note="after") == {
        "status": ("placed", "accepted"),
        "note": ("before", "after"),
    }
    assert (order.status, order.note) == ("accepted", "after")


@pytest.mark.parametrize(("old", "new"), [("a note", None), (None, "a note"), (None, "")])
def test_a_note_can_be_made_and_taken_away(old: str | None, new: str | None) -> None:
    assert change(an_order(A, note=old), note=new) == {"note": (old, new)}


def test_a_new_line_has_no_old_value() -> None:
    order = an_order(A)

    assert change(order, items=lines(A, B)) == {"items/B": (None, a_line_read(*B))}


def test_a_line_that_is_gone_has_no_new_value() -> None:
    order = an_order(A, B)

    assert change(order, items=lines(B)) == {"items/A": (a_line_read(*A), None)}
    assert [item.sku for item in order.items] == ["B"]


@pytest.mark.parametrize("field", [{"quantity": 9}, {"name": "another"}, {"unit_price": "9.99"}])
def test_a_line_is_compared_by_all_that_it_has(field: dict[str, Any]) -> None:
    new = {**a_line_read(*A), **field}

    assert change(an_order(A, B), items=[new, a_line_read(*B)]) == {
        "items/A": (a_line_read(*A), new)
    }


def test_a_line_that_stays_keeps_its_row() -> None:
    order = an_order(A, B)
    row = order.items[1]

    change(order, items=lines(("C", 1, "1.00"), ("B", 7, "2.00")))

    assert order.items[1] is row
    assert row.quantity == 7


def test_an_amount_in_another_spelling_is_no_change() -> None:
    assert change(an_order(A), items=[a_line_read("A", 1, "1")]) == {}


def test_the_same_lines_in_another_order_are_no_change() -> None:
    order = an_order(A, B)

    assert change(order, items=lines(B, A)) == {}
    assert [item.sku for item in order.items] == ["A", "B"]


def test_lines_stand_in_the_order_in_which_they_were_sent() -> None:
    order = an_order(A, B)

    change(order, items=lines(B, ("C", 1, "1.00"), A))

    assert [(item.sku, item.position) for item in order.items] == [("B", 0), ("C", 1), ("A", 2)]


def test_a_line_of_an_order_in_yen_changes_without_digits() -> None:
    order = an_order(("A", 1, "150.00"), currency="JPY")

    assert change(order, items=lines(("A", 1, "200"))) == {
        "items/A": (a_line_read("A", 1, "150"), a_line_read("A", 1, "200"))
    }


def test_money_that_the_currency_does_not_have_is_told_by_line() -> None:
    given = [
        a_line(sku=str(nth), unit_price=price) for nth, price in enumerate(("1", "1.5", "1.50"))
    ]
    items = [OrderItemWrite.model_validate(line) for line in given]

    with pytest.raises(InvalidRequest) as refused:
        check_item_money(items, Currency.JPY)

    pointers = [error.pointer for error in refused.value.errors]
    assert pointers == ["/items/1/unit_price", "/items/2/unit_price"]


# -------------------------------------------------------------------- conflicts


async def edit(session: AsyncSession, order: Order, person: Principal, **body: Any) -> OrderRead:
    return await orders_service.update_order(
        session,
        principal=person,
        order_id=order.id,
        update=OrderUpdate.model_validate(body),
        base=None,
    )


async def conflicts(
    session: AsyncSession, order: Order, base: int, **body: Any
) -> dict[str, ConflictRead]:
    update = OrderUpdate.model_validate(body)
    found = await find_conflicts(session, order, base=base, update=update)
    return {conflict.field: conflict for conflict in found}


async def test_a_conflict_tells_base_yours_theirs_and_who_and_when(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    sten = await add_person(session, Role.STAFF, "Sten")
    order = await add_order(session, cleo, note="base")
    await edit(session, order, sten, note="theirs")

    [found] = (await conflicts(session, order, 1, note="yours")).values()

    assert found.model_dump(mode="json") == {
        "field": "note",
        "base": "base",
        "yours": "yours",
        "theirs": "theirs",
        "by": {"id": str(sten.user_id), "name": "Sten"},
        "at": found.at,
    }
    assert found.at == order.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_of_several_changes_the_first_base_and_the_last_value_count(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, note="first")
    for note in ("second", "third"):
        await edit(session, order, cleo, note=note)

    found = (await conflicts(session, order, 1, note="yours"))["note"]

    assert (found.base, found.theirs) == ("first", "third")


async def test_what_changed_before_the_base_does_not_conflict(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, note="first")
    await edit(session, order, cleo, note="second")
    await edit(session, order, cleo, note="third")

    found = (await conflicts(session, order, 2, note="yours"))["note"]

    assert found.base == "second"
    assert await conflicts(session, order, 3, note="yours") == {}


async def test_lines_conflict_by_sku(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, items=lines(A, B))
    await edit(session, order, cleo, items=lines(("A", 5, "1.00"), B))

    found = await conflicts(session, order, 1, items=lines(("A", 9, "1.00"), B))

    assert found.keys() == {"items/A"}
    assert found["items/A"].base == a_line_read(*A)
    assert found["items/A"].yours == a_line_read("A", 9, "1.00")
    assert found["items/A"].theirs == a_line_read("A", 5, "1.00")


async def test_a_line_that_you_take_away_is_yours_as_null(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, items=lines(A, B))
    await edit(session, order, cleo, items=lines(("A", 5, "1.00"), B))

    found = await conflicts(session, order, 1, items=lines(B))

    assert found["items/A"].yours is None


async def test_a_field_of_the_edit_is_shown_as_the_order_would_have_it(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo, currency="JPY", items=lines(("A", 1, "150")))
    await edit(session, order, cleo, items=lines(("A", 1, "200")))

    found = await conflicts(session, order, 1, items=lines(("A", 1, "250")))

    assert OrderItemRead.model_validate(found["items/A"].yours).unit_price == "250"
    assert found["items/A"].theirs["unit_price"] == "200"


async def test_a_status_conflicts_like_any_field(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    sten = await add_person(session, Role.STAFF)
    order = await add_order(session, cleo)
    await edit(session, order, sten, status="accepted")

    found = (await conflicts(session, order, 1, status="cancelled"))["status"]

    assert (found.base, found.yours, found.theirs) == (
        OrderStatus.PLACED,
        OrderStatus.CANCELLED,
        OrderStatus.ACCEPTED,
    )
