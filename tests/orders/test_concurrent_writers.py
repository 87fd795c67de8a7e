"""Many writers of one order at once: one after the other, and nothing in between."""

import asyncio
import json
from collections import Counter
from itertools import chain, pairwise

import pytest

from tests.application import Person
from tests.orders.shop import Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRITERS = 10
EDITS = 3


async def test_the_versions_of_an_orders_events_have_neither_holes_nor_repeats(
    shop: Shop, cleo: Person
) -> None:
    order_id = (await shop.place(cleo))["id"]

    async def write(writer: int) -> list[int]:
        answers = [
            await shop.patch(cleo, order_id, {"note": f"{writer}/{nth}"}) for nth in range(EDITS)
        ]
        return [answer.raise_for_status().json()["version"] for answer in answers]

    answered = await asyncio.gather(*map(write, range(WRITERS)))

    events = await shop.events(order_id)
    assert [event.version for event in events] == list(range(1, WRITERS * EDITS + 2))
    assert sorted(chain(*answered)) == list(range(2, WRITERS * EDITS + 2))


async def test_each_event_starts_where_the_one_before_ended(shop: Shop, cleo: Person) -> None:
    order_id = (await shop.place(cleo, note="first"))["id"]
    notes = [{"note": str(writer)} for writer in range(WRITERS)]
    await asyncio.gather(*(shop.patch(cleo, order_id, note) for note in notes))

    told = [json.loads(event.payload) for event in await shop.events(order_id)]

    for before, after in pairwise(told):
        assert after["changed"]["note"] == [before["order"]["note"], after["order"]["note"]]
    assert (await shop.get(cleo, order_id)).json() == told[-1]["order"]


async def test_the_log_has_the_events_in_the_order_of_their_versions(
    shop: Shop, cleo: Person
) -> None:
    order_id = (await shop.place(cleo))["id"]
    notes = [{"note": str(writer)} for writer in range(WRITERS)]
    await asyncio.gather(*(shop.patch(cleo, order_id, note) for note in notes))
    await shop.until_relayed()

    versions = await shop.scalar(
        'SELECT array_agg(e.version ORDER BY l."offset") FROM channel_log l'
        " JOIN events e ON e.id = l.event WHERE l.channel = :channel",
        channel=f"orders:{order_id}",
    )

    assert versions == list(range(1, WRITERS + 2))


@pytest.mark.parametrize("note", ["by {}", "by all"], ids=["to values of their own", "to the same"])
async def test_of_many_edits_based_on_one_version_one_wins(
    shop: Shop, cleo: Person, note: str
) -> None:
    order_id = (await shop.place(cleo))["id"]
    notes = [{"note": note.format(writer)} for writer in range(WRITERS)]
    answers = await asyncio.gather(
        *(shop.patch(cleo, order_id, body, if_match='"1"') for body in notes)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: WRITERS - 1}
    assert len(await shop.events(order_id)) == 2


async def test_of_many_who_accept_an_order_at_once_one_does(shop: Shop, cleo: Person) -> None:
    sten = await shop.staff()
    order_id = (await shop.place(cleo))["id"]
    answers = await asyncio.gather(
        *(
            shop.patch(sten, order_id, {"status": "accepted"}, if_match='"1"')
            for _ in range(WRITERS)
        )
    )

    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == WRITERS - 1
    for answer in refused:
        [conflict] = problem(answer, 412, "order_changed")["conflicts"]
        assert (conflict["field"], conflict["yours"]) == ("status", conflict["theirs"])
    assert [answer.headers.get("Tandem-Merged") for answer in answers] == [None] * WRITERS


async def test_of_a_cancellation_and_an_acceptance_at_once_one_is_refused(
    shop: Shop, cleo: Person
) -> None:
    sten = await shop.staff()
    for _ in range(5):
        order_id = (await shop.place(cleo))["id"]
        by_owner, by_staff = await asyncio.gather(
            shop.patch(cleo, order_id, {"status": "cancelled"}),
            shop.patch(sten, order_id, {"status": "accepted"}),
        )

        assert sorted([by_owner.status_code, by_staff.status_code]) == [200, 409]
        assert [event.version for event in await shop.events(order_id)] == [1, 2]


async def test_of_many_deletions_one_succeeds(shop: Shop, cleo: Person) -> None:
    order_id = (await shop.place(cleo))["id"]

    answers = await asyncio.gather(*(shop.delete(cleo, order_id) for _ in range(WRITERS)))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: WRITERS - 1}
    assert [event.type for event in await shop.events(order_id)] == [
        "order.created",
        "order.deleted",
    ]


async def test_an_edit_and_a_deletion_at_once_end_in_one_order_of_events(
    shop: Shop, cleo: Person
) -> None:
    for _ in range(5):
        order_id = (await shop.place(cleo))["id"]
        edited, deleted = await asyncio.gather(
            shop.patch(cleo, order_id, {"note": "new"}), shop.delete(cleo, order_id)
        )

        assert (edited.status_code, deleted.status_code) in {(200, 204), (404, 204)}
        events = await shop.events(order_id)
        assert events[-1].type == "order.deleted"
        assert [event.version for event in events] == list(range(1, len(events) + 1))


async def test_orders_that_are_placed_at_once_have_numbers_of_their_own(
    shop: Shop, cleo: Person
) -> None:
    placed = await asyncio.gather(*(shop.place(cleo) for _ in range(WRITERS)))

    assert len({order["number"] for order in placed}) == WRITERS
    assert len({order["id"] for order in placed}) == WRITERS


async def test_lines_that_are_replaced_at_once_are_those_of_one_writer(
    shop: Shop, cleo: Person
) -> None:
    order_id = (await shop.place(cleo))["id"]
    line = {"name": "a", "quantity": 1, "unit_price": "1.00"}
    bodies = [
        {"items": [{"sku": f"{writer}-{nth}", **line} for nth in range(5)]}
        for writer in range(WRITERS)
    ]

    answers = await asyncio.gather(*(shop.patch(cleo, order_id, body) for body in bodies))

    assert {answer.status_code for answer in answers} == {200}
    assert {"items": (await shop.get(cleo, order_id)).json()["items"]} in bodies
