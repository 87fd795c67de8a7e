"""REST: /orders/{id}/history."""

from uuid import UUID, uuid4

import pytest

from app.orders.events import OrderHistory
from app.orders.history import PAGE_BYTES
from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def lived(shop: Shop, cleo: Person, omar: Person) -> str:
    """An order to which everything happened once that does not end it; its id."""
    order_id: str = (await shop.place(cleo, note="K\u00e4se"))["id"]
    answers = [
        await shop.put_collaborator(cleo, order_id, omar.id),
        await shop.comment(omar, order_id, "\U0001f9c0 \u2028"),
        await shop.patch(omar, order_id, {"note": "less of it"}),
        await shop.remove_collaborator(cleo, order_id, omar.id),
        await shop.patch(cleo, order_id, {"status": "cancelled"}),
    ]
    for answer in answers:
        answer.raise_for_status()
    return order_id


async def test_the_history_is_every_event_once_oldest_first(shop: Shop, cleo: Person) -> None:
    order_id = await lived(shop, cleo, await shop.customer())

    told = (await shop.history(cleo, order_id)).json()

    assert told["next_cursor"] is None
    assert [(event["type"], event["version"]) for event in told["items"]] == [
        ("order.created", 1),
        ("order.shared", 2),
        ("order.commented", 3),
        ("order.updated", 4),
        ("order.unshared", 5),
        ("order.updated", 6),
    ]
    assert all(event["order"]["version"] == event["version"] for event in told["items"])


async def test_the_history_has_the_bytes_that_were_recorded(shop: Shop, cleo: Person) -> None:
    order_id = await lived(shop, cleo, await shop.customer())

    answer = await shop.history(cleo, order_id)

    assert answer.headers["content-type"] == "application/json"
    recorded = ",".join(event.payload for event in await shop.events(order_id))
    assert answer.content.decode() == f'{{"items":[{recorded}],"next_cursor":null}}'


async def test_the_history_is_as_the_openapi_document_says(shop: Shop, cleo: Person) -> None:
    order_id = await lived(shop, cleo, await shop.customer())

    answer = await shop.history(cleo, order_id)

    history = OrderHistory.model_validate_json(answer.content)
    assert [event.encode() for event in history.items] == [
        event.payload for event in await shop.events(order_id)
    ]
    document = (await shop.client.get("/openapi.json")).json()
    event = document["components"]["schemas"]["OrderHistory"]["properties"]["items"]["items"]
    assert sorted(event["discriminator"]["mapping"]) == [
        f"order.{what}"
        for what in ("commented", "created", "deleted", "shared", "unshared", "updated")
    ]


async def test_the_history_is_read_page_by_page(shop: Shop, cleo: Person) -> None:
    order_id = await lived(shop, cleo, await shop.customer())
    whole = (await shop.history(cleo, order_id)).json()["items"]

    pages: list[Json] = [(await shop.history(cleo, order_id, limit=2)).json()]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append((await shop.history(cleo, order_id, limit=2, cursor=cursor)).json())

    assert [len(page["items"]) for page in pages] == [2, 2, 2]
    assert [event for page in pages for event in page["items"]] == whole


@pytest.mark.parametrize(
    ("padding", "lengths"), [(PAGE_BYTES // 2, [2, 2, 2]), (PAGE_BYTES * 2, [1] * 6)]
)
async def test_a_page_ends_where_it_has_enough_bytes_and_leads_on(
    shop: Shop, cleo: Person, padding: int, lengths: list[int]
) -> None:
    order_id = await lived(shop, cleo, await shop.customer())
    whole = (await shop.history(cleo, order_id)).json()["items"]
    await shop.execute(
        "UPDATE events SET payload = payload || repeat(' ', :padding) WHERE entity_id = :id",
        padding=padding,
        id=UUID(order_id),
    )

    pages: list[Json] = [(await shop.history(cleo, order_id, limit=200)).json()]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append((await shop.history(cleo, order_id, limit=200, cursor=cursor)).json())

    assert [len(page["items"]) for page in pages] == lengths
    assert [event for page in pages for event in page["items"]] == whole


async def test_everybody_who_sees_the_order_sees_its_whole_history(
    shop: Shop, cleo: Person
) -> None:
    omar, staff = await shop.customer(), await shop.staff()
    order_id = await lived(shop, cleo, omar)
    problem(await shop.history(omar, order_id), 404, "order_not_found")
    await shop.put_collaborator(cleo, order_id, omar.id)

    seen = [(await shop.history(person, order_id)).content for person in (cleo, omar, staff)]

    assert len(set(seen)) == 1


async def test_a_stranger_finds_no_history(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    for order_id in (placed["id"], str(uuid4())):
        problem(await shop.history(await shop.customer(), order_id), 404, "order_not_found")


async def test_a_deleted_order_has_no_history(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.delete(cleo, placed["id"])

    problem(await shop.history(cleo, placed["id"]), 404, "order_not_found")


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "9" * 19, "9" * 5000, "null"])
async def test_a_cursor_that_is_none_is_named(shop: Shop, cleo: Person, value: str) -> None:
    placed = await shop.place(cleo)

    refused = await shop.history(cleo, placed["id"], cursor=value)

    problem(refused, 422, "invalid_request")
    assert pointers(refused) == ["/query/cursor"]


async def test_a_cursor_behind_the_last_event_gives_an_empty_page(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.history(cleo, placed["id"], cursor=2**63 - 1)

    assert answer.json() == {"items": [], "next_cursor": None}


async def test_nobody_reads_a_history_without_signing_in(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.client.get(f"{ORDERS}/{placed['id']}/history")
    problem(answer, 401, "unauthorized")
