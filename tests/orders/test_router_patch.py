"""REST: PATCH /orders/{id}: what is based on which version, and what an edit leaves behind."""

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


# ------------------------------------------------------------------ which version


async def test_an_edit_without_a_version_is_asked_for_one(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=None)

    problem(answer, 428, "if_match_required")
    assert (await shop.get(cleo, placed["id"])).json() == placed


@pytest.mark.parametrize("if_match", ["1", '"1', "", "'1'", "*, *", "version 1"])
async def test_what_is_no_etag_is_a_bad_request(shop: Shop, cleo: Person, if_match: str) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=if_match)

    problem(answer, 400, "invalid_etag")
    assert (await shop.get(cleo, placed["id"])).json() == placed


async def test_a_star_writes_over_whatever_there_is(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"note": "theirs"})

    answer = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match="*")

    assert (answer.json()["note"], answer.json()["version"]) == ("mine", 3)
    assert "Tandem-Merged" not in answer.headers


async def test_a_stale_edit_is_told_what_there_is_and_what_conflicts(
    shop: Shop, cleo: Person
) -> None:
    sten = await shop.staff()
    placed = await shop.place(cleo, note="base")
    theirs = (await shop.patch(sten, placed["id"], {"note": "theirs"})).json()

    answer = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match='"1"')

    body = problem(answer, 412, "order_changed")
    assert list(body)[-2:] == ["current", "conflicts"]
    assert body["current"] == theirs
    assert body["conflicts"] == [
        {
            "field": "note",
            "base": "base",
            "yours": "mine",
            "theirs": "theirs",
            "by": {"id": str(sten.id), "name": sten.name},
            "at": theirs["updated_at"],
        }
    ]
    assert (await shop.get(cleo, placed["id"])).json() == theirs


async def test_a_stale_edit_of_a_line_conflicts_by_its_sku(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=5)]})

    answer = await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=9)]}, if_match='"1"')

    [conflict] = problem(answer, 412, "order_changed")["conflicts"]
    assert conflict["field"] == "items/NW-011"
    assert (conflict["base"], conflict["yours"], conflict["theirs"]) == (
        a_line(),
        a_line(quantity=9),
        a_line(quantity=5),
    )


async def test_an_edit_beside_what_others_did_is_merged_and_says_so(
    shop: Shop, cleo: Person
) -> None:
    sten = await shop.staff()
    placed = await shop.place(cleo, items=[a_line(), a_line(sku="B", unit_price="1.00")])
    body = {"status": "accepted", "items": [a_line(), a_line(sku="B", quantity=1)]}
    await shop.patch(sten, placed["id"], body, if_match='"1"')
    mine = {"note": "hurry", "items": [a_line(quantity=2), placed["items"][1]]}

    answer = await shop.patch(cleo, placed["id"], mine, if_match='"1"')

    merged = answer.json()
    assert (answer.status_code, answer.headers["Tandem-Merged"]) == (200, "true")
    assert answer.headers["ETag"] == '"3"'
    assert (merged["status"], merged["note"]) == ("accepted", "hurry")
    assert merged["items"] == [a_line(quantity=2), a_line(sku="B", quantity=1)]
    assert merged["total"] == "42.00"
    assert (await shop.get(cleo, placed["id"])).json() == merged


async def test_an_edit_of_the_present_version_is_not_called_merged(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match='"1"')

    assert "Tandem-Merged" not in answer.headers


async def test_an_edit_that_is_sent_again_as_its_answer_was_lost_is_made_once(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)
    first, again = [
        await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=2)]}, if_match='"1"')
        for _ in range(2)
    ]

    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await shop.events(placed["id"])) == 2


async def test_of_a_stale_edit_only_what_conflicts_is_told(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo, items=[a_line(sku="A"), a_line(sku="B")])
    theirs = {"note": "theirs", "items": [a_line(sku="A", quantity=1), a_line(sku="C")]}
    await shop.patch(cleo, placed["id"], theirs)
    mine = {"note": "theirs", "items": [a_line(sku="A", quantity=2), a_line(sku="B")]}

    answer = await shop.patch(cleo, placed["id"], mine, if_match='"1"')

    conflicts = problem(answer, 412, "order_changed")["conflicts"]
    assert [conflict["field"] for conflict in conflicts] == ["items/A"]


@pytest.mark.parametrize("if_match", ['"2"', '"999999"', '"99999999999999999999"', 'W/"1"', '"x"'])
async def test_a_version_that_the_order_never_had_does_not_match(
    shop: Shop, cleo: Person, if_match: str
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=if_match)

    body = problem(answer, 412, "order_changed")
    assert (body["current"], body["conflicts"]) == (placed, [])
    assert (await shop.get(cleo, placed["id"])).json() == placed


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
