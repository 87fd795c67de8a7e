"""REST: DELETE /orders/{id}."""

import json

import pytest

from tests.application import Person
from tests.orders.shop import Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_deleted_order_is_answered_with_nothing_and_is_gone(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.delete(cleo, placed["id"])

    assert (answer.status_code, answer.content) == (204, b"")
    problem(await shop.get(cleo, placed["id"]), 404, "order_not_found")
    assert (await shop.page(cleo))["items"] == []


async def test_an_order_is_deleted_once(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.delete(cleo, placed["id"])

    problem(await shop.delete(cleo, placed["id"]), 404, "order_not_found")


async def test_a_deleted_order_cannot_be_edited(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.delete(cleo, placed["id"])

    problem(await shop.patch(cleo, placed["id"], {"note": "late"}), 404, "order_not_found")


async def test_a_deletion_is_the_last_event_of_its_order(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.delete(cleo, placed["id"])

    told = [json.loads(event.payload) for event in await shop.events(placed["id"])]

    assert [(event["type"], event["version"]) for event in told] == [
        ("order.created", 1),
        ("order.deleted", 2),
    ]
    assert told[1]["order"] == {**placed, "version": 2, "updated_at": told[1]["at"]}


async def test_a_deletion_tells_the_workers_right_after_its_event(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.delete(cleo, placed["id"])

    deleted = (await shop.events(placed["id"]))[-1]
    control = await shop.scalar(
        "SELECT payload::jsonb ->> 'channel' FROM events"
        " WHERE id = (SELECT min(id) FROM events WHERE id > :id) AND channels = '{$control}'",
        id=deleted.id,
    )

    assert control == f"orders:{placed['id']}"


async def test_an_order_that_is_under_way_stays(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    accepted = await shop.patch(await shop.staff(), placed["id"], {"status": "accepted"})

    problem(await shop.delete(cleo, placed["id"]), 409, "order_not_placed")
    assert (await shop.get(cleo, placed["id"])).json() == accepted.json()


async def test_an_admin_deletes_whatever_there_is(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(await shop.staff(), placed["id"], {"status": "accepted"})

    assert (await shop.delete(await shop.admin(), placed["id"])).status_code == 204


async def test_staff_may_not_delete_somebody_elses_order(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    problem(await shop.delete(await shop.staff(), placed["id"]), 403, "order_forbidden")


async def test_a_collaborator_may_not_delete(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.share(placed["id"], omar)

    problem(await shop.delete(omar, placed["id"]), 403, "order_forbidden")


async def test_an_order_that_may_not_be_seen_cannot_be_deleted(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    problem(await shop.delete(await shop.customer(), placed["id"]), 404, "order_not_found")
    assert (await shop.get(cleo, placed["id"])).json() == placed


async def test_a_shared_order_is_deleted_with_its_sharing(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.share(placed["id"], omar)

    assert (await shop.delete(cleo, placed["id"])).status_code == 204
    assert (await shop.page(omar))["items"] == []
    last = (await shop.events(placed["id"]))[-1]
    assert f"users:{omar.id}" in last.channels
