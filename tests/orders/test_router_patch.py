"""REST: PATCH /orders/{id}: who may change what, and what an edit leaves behind."""

import json
from typing import Any

import pytest

from tests.application import Person
from tests.orders.shop import Shop, a_line, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


# -------------------------------------------------------------------- changing


async def test_an_edit_is_answered_with_the_order_and_its_new_version(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo, note="before")

    answer = await shop.patch(cleo, placed["id"], {"note": "after"}, if_match='"1"')

    assert answer.status_code == 200
    changed = answer.json()
    assert answer.headers["ETag"] == '"2"'
    assert changed == {
        **placed,
        "note": "after",
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > placed["updated_at"]
    assert (await shop.get(cleo, placed["id"])).json() == changed


async def test_items_replace_all_lines(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo, items=[a_line(sku="A"), a_line(sku="B")])
    items = [a_line(sku="C"), a_line(sku="B", quantity=1)]

    changed = (await shop.patch(cleo, placed["id"], {"items": items})).json()

    assert changed["items"] == items
    assert changed["total"] == "182.00"
    assert (await shop.get(cleo, placed["id"])).json()["items"] == items


async def test_a_note_is_taken_away_with_null(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo, note="before")

    assert (await shop.patch(cleo, placed["id"], {"note": None})).json()["note"] is None


async def test_several_fields_are_one_change(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    body = {"status": "cancelled", "note": "never mind", "items": [a_line(quantity=1)]}

    changed = (await shop.patch(cleo, placed["id"], body)).json()

    assert (changed["version"], changed["status"], changed["note"]) == (
        2,
        "cancelled",
        "never mind",
    )
    assert len(await shop.events(placed["id"])) == 2


@pytest.mark.parametrize(
    "body", [{}, {"note": None}, {"status": "placed"}, {"items": [a_line(unit_price="14")]}]
)
@pytest.mark.parametrize("if_match", ["*", '"1"'])
async def test_an_edit_that_changes_nothing_leaves_nothing_behind(
    shop: Shop, cleo: Person, body: dict[str, Any], if_match: str
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], body, if_match=if_match)

    assert (answer.status_code, answer.json()) == (200, placed)
    assert answer.headers["ETag"] == '"1"'
    assert [event.type for event in await shop.events(placed["id"])] == ["order.created"]


async def test_the_event_of_an_edit_shows_what_was_answered(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"})

    told = json.loads((await shop.events(placed["id"]))[-1].payload)
    assert told["order"] == answer.json()
    assert told["actor"] == {"id": str(cleo.id), "name": cleo.name}
    assert told["changed"] == {"note": [None, "new"]}


# ---------------------------------------------------------- 404, then 403, then 409


@pytest.mark.parametrize("body", [{"note": "mine"}, {"status": "accepted"}, {}])
@pytest.mark.parametrize("if_match", ["*", '"7"'])
async def test_somebody_elses_order_does_not_exist(
    shop: Shop, cleo: Person, body: dict[str, str], if_match: str
) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)

    answer = await shop.patch(omar, placed["id"], body, if_match=if_match)

    problem(answer, 404, "order_not_found")
    assert (await shop.get(cleo, placed["id"])).json() == placed


@pytest.mark.parametrize("status", ["accepted", "preparing", "ready", "completed"])
async def test_an_owner_may_not_move_an_order_on(shop: Shop, cleo: Person, status: str) -> None:
    placed = await shop.place(cleo)

    problem(await shop.patch(cleo, placed["id"], {"status": status}), 403, "order_forbidden")


async def test_a_collaborator_may_edit_but_not_cancel(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.share(placed["id"], omar)

    assert (await shop.patch(omar, placed["id"], {"note": "hello"})).status_code == 200
    problem(await shop.patch(omar, placed["id"], {"status": "cancelled"}), 403, "order_forbidden")


async def test_an_owner_may_not_cancel_what_is_under_way(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(await shop.staff(), placed["id"], {"status": "accepted"})

    answer = await shop.patch(cleo, placed["id"], {"status": "cancelled"})

    detail = problem(answer, 409, "illegal_status_change")["detail"]
    assert detail == "An order that is accepted cannot become cancelled."


@pytest.mark.parametrize("status", ["preparing", "ready", "completed"])
async def test_staff_may_not_skip_a_step(shop: Shop, cleo: Person, status: str) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(await shop.staff(), placed["id"], {"status": status})

    problem(answer, 409, "illegal_status_change")


@pytest.mark.parametrize("body", [{"note": "late"}, {"items": [a_line(quantity=1)]}])
async def test_a_closed_order_stays_as_it_is(
    shop: Shop, cleo: Person, body: dict[str, Any]
) -> None:
    placed = await shop.place(cleo)
    closed = (await shop.patch(cleo, placed["id"], {"status": "cancelled"})).json()

    problem(await shop.patch(cleo, placed["id"], body), 409, "order_closed")
    assert (await shop.get(cleo, placed["id"])).json() == closed


async def test_an_edit_of_money_has_the_currencys_digits(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo, currency="JPY", items=[a_line(unit_price="150")])
    items = [a_line(sku="A", unit_price="1"), a_line(sku="B", unit_price="1.5")]

    answer = await shop.patch(cleo, placed["id"], {"items": items})

    problem(answer, 422, "invalid_request")
    assert pointers(answer) == ["/items/1/unit_price"]
