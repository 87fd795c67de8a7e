"""With how many people an order can be shared."""

import asyncio
from uuid import UUID

import pytest

from app.auth.principals import Role
from app.orders.schemas import MAX_COLLABORATORS
from tests.application import Person
from tests.orders.rows import add_person, share
from tests.orders.shop import Json, Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def place_shared(shop: Shop, owner: Person, *, left: int) -> tuple[Json, UUID]:
    """An order that can be shared with so many more people, and one with whom it is shared."""
    placed = await shop.place(owner)
    async with shop.application.sessions() as session, session.begin():
        people = [await add_person(session, Role.CUSTOMER) for _ in range(MAX_COLLABORATORS - left)]
        for person in people:
            await share(session, UUID(placed["id"]), person)
    return placed, people[0].user_id


async def test_the_last_one_who_fits_is_added_and_nobody_after(shop: Shop, cleo: Person) -> None:
    last, late = await shop.customer(), await shop.customer()
    placed, _ = await place_shared(shop, cleo, left=1)

    assert (await shop.put_collaborator(cleo, placed["id"], last.id)).status_code == 204
    for sharer in (cleo, await shop.staff()):
        refused = await shop.put_collaborator(sharer, placed["id"], late.id)
        problem(refused, 409, "too_many_collaborators")
    assert (await shop.get(cleo, placed["id"])).json()["version"] == 2
    assert len(await shop.events(placed["id"])) == 2


async def test_two_who_share_the_last_place_at_once_do_not_both_get_it(
    shop: Shop, cleo: Person
) -> None:
    people = [await shop.customer() for _ in range(3)]
    placed, _ = await place_shared(shop, cleo, left=1)

    answers = await asyncio.gather(
        *(shop.put_collaborator(cleo, placed["id"], person.id) for person in people)
    )

    assert sorted(answer.status_code for answer in answers) == [204, 409, 409]
    seen = (await shop.get(cleo, placed["id"])).json()
    assert len(seen["collaborators"]) == MAX_COLLABORATORS


async def test_whoever_has_a_place_already_is_put_again_without_complaint(
    shop: Shop, cleo: Person
) -> None:
    placed, there = await place_shared(shop, cleo, left=0)

    assert (await shop.put_collaborator(cleo, placed["id"], there)).status_code == 204


async def test_a_place_that_is_given_up_can_be_taken(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed, there = await place_shared(shop, cleo, left=0)

    assert (await shop.remove_collaborator(cleo, placed["id"], there)).status_code == 204
    assert (await shop.put_collaborator(cleo, placed["id"], omar.id)).status_code == 204


async def test_every_other_reason_comes_before_the_limit(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed, _ = await place_shared(shop, cleo, left=0)

    refused = await shop.put_collaborator(omar, placed["id"], omar.id)
    problem(refused, 404, "order_not_found")
    refused = await shop.put_collaborator(cleo, placed["id"], placed["id"])
    problem(refused, 404, "user_not_found")
    refused = await shop.put_collaborator(cleo, placed["id"], cleo.id)
    problem(refused, 409, "shared_with_owner")
