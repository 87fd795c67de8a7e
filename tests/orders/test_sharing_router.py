"""REST: /orders/{id}/collaborators."""

import asyncio
from uuid import uuid4

import pytest

from app.core.ids import new_id
from tests.application import Person
from tests.orders.shop import Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


def shown(person: Person) -> dict[str, str]:
    return {"id": str(person.id), "name": person.name}


async def test_a_shared_order_is_seen_and_edited_by_the_collaborator(
    shop: Shop, cleo: Person
) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    problem(await shop.get(omar, placed["id"]), 404, "order_not_found")

    answer = await shop.put_collaborator(cleo, placed["id"], omar.id)

    assert (answer.status_code, answer.content) == (204, b"")
    seen = (await shop.get(omar, placed["id"])).json()
    assert (seen["version"], seen["collaborators"]) == (2, [shown(omar)])
    assert (await shop.page(omar))["items"] == [seen]
    assert (await shop.patch(omar, placed["id"], {"note": "mine, too"})).status_code == 200


async def test_an_unshared_order_does_not_exist_for_them_any_more(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.put_collaborator(cleo, placed["id"], omar.id)

    answer = await shop.remove_collaborator(cleo, placed["id"], omar.id)

    assert (answer.status_code, answer.content) == (204, b"")
    seen = (await shop.get(cleo, placed["id"])).json()
    assert (seen["version"], seen["collaborators"]) == (3, [])
    assert (await shop.page(omar))["items"] == []
    problem(await shop.get(omar, placed["id"]), 404, "order_not_found")
    problem(await shop.patch(omar, placed["id"], {"note": "late"}), 404, "order_not_found")


async def test_what_changes_nothing_is_no_event(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    answers = [
        await shop.remove_collaborator(cleo, placed["id"], omar.id),
        await shop.put_collaborator(cleo, placed["id"], omar.id),
        await shop.put_collaborator(cleo, placed["id"], omar.id),
        await shop.remove_collaborator(cleo, placed["id"], omar.id),
        await shop.remove_collaborator(cleo, placed["id"], omar.id),
    ]

    assert [answer.status_code for answer in answers] == [204] * 5
    types = [event.type for event in await shop.events(placed["id"])]
    assert types == ["order.created", "order.shared", "order.unshared"]


async def test_staff_share_whatever_order_there_is(shop: Shop, cleo: Person) -> None:
    staff, omar = await shop.staff(), await shop.customer()
    placed = await shop.place(cleo)

    assert (await shop.put_collaborator(staff, placed["id"], omar.id)).status_code == 204
    assert (await shop.remove_collaborator(staff, placed["id"], omar.id)).status_code == 204


async def test_a_collaborator_shares_with_nobody_and_removes_nobody(
    shop: Shop, cleo: Person
) -> None:
    omar, other = await shop.customer(), await shop.customer()
    placed = await shop.place(cleo)
    await shop.put_collaborator(cleo, placed["id"], omar.id)

    for user_id in (other.id, omar.id, cleo.id):
        refused = await shop.put_collaborator(omar, placed["id"], user_id)
        problem(refused, 403, "order_forbidden")
        refused = await shop.remove_collaborator(omar, placed["id"], user_id)
        problem(refused, 403, "order_forbidden")


async def test_an_order_that_may_not_be_seen_cannot_be_shared(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)

    for order_id in (placed["id"], str(uuid4())):
        for user_id in (omar.id, uuid4()):
            refused = await shop.put_collaborator(omar, order_id, user_id)
            problem(refused, 404, "order_not_found")
            refused = await shop.remove_collaborator(omar, order_id, user_id)
            problem(refused, 404, "order_not_found")


async def test_nobody_unknown_can_be_added_or_removed(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    refused = await shop.put_collaborator(cleo, placed["id"], new_id())
    problem(refused, 404, "user_not_found")
    refused = await shop.remove_collaborator(cleo, placed["id"], new_id())
    problem(refused, 404, "user_not_found")


async def test_whoever_is_deactivated_can_be_removed_but_not_added(
    shop: Shop, cleo: Person
) -> None:
    omar, admin = await shop.customer(), await shop.admin()
    placed = await shop.place(cleo)
    await shop.put_collaborator(cleo, placed["id"], omar.id)
    path = f"/api/v1/users/{omar.id}"
    (await shop.client.delete(path, headers=admin.headers)).raise_for_status()

    assert (await shop.remove_collaborator(cleo, placed["id"], omar.id)).status_code == 204
    refused = await shop.put_collaborator(cleo, placed["id"], omar.id)
    problem(refused, 404, "user_not_found")


async def test_an_order_is_not_shared_with_its_owner(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    for person in (cleo, await shop.staff()):
        refused = await shop.put_collaborator(person, placed["id"], cleo.id)
        problem(refused, 409, "shared_with_owner")
    assert (await shop.get(cleo, placed["id"])).json() == placed


async def test_the_same_person_put_twice_at_once_is_one_event(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)

    answers = await asyncio.gather(
        *(shop.put_collaborator(cleo, placed["id"], omar.id) for _ in range(5))
    )

    assert [answer.status_code for answer in answers] == [204] * 5
    assert len(await shop.events(placed["id"])) == 2


async def test_an_id_that_is_none_is_named(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    problem(await shop.put_collaborator(cleo, placed["id"], "omar"), 422, "invalid_request")
    problem(await shop.remove_collaborator(cleo, "1001", cleo.id), 422, "invalid_request")


async def test_nobody_shares_without_signing_in(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    path = f"/api/v1/orders/{placed['id']}/collaborators/{cleo.id}"

    problem(await shop.client.put(path), 401, "unauthorized")
    problem(await shop.client.delete(path), 401, "unauthorized")


async def test_a_closed_order_can_be_shared_too(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"status": "cancelled"})

    assert (await shop.put_collaborator(cleo, placed["id"], omar.id)).status_code == 204
