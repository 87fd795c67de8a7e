"""REST: /orders/{id}/comments."""

import asyncio
import json
from uuid import uuid4

import pytest

from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_comment_is_answered_as_it_is_listed(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.comment(cleo, placed["id"], " Please call first. ")

    assert answer.status_code == 201
    told = json.loads((await shop.events(placed["id"]))[-1].payload)
    assert answer.json() == {
        "id": answer.json()["id"],
        "author": {"id": str(cleo.id), "name": cleo.name},
        "text": "Please call first.",
        "created_at": told["at"],
    }
    listed = (await shop.comments(cleo, placed["id"])).json()
    assert listed == {"items": [answer.json()], "next_cursor": None}


async def test_a_comment_raises_the_version_of_its_order(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    comment = (await shop.comment(cleo, placed["id"], "one")).json()

    seen = (await shop.get(cleo, placed["id"])).json()
    assert seen == {**placed, "version": 2, "updated_at": comment["created_at"]}


async def test_everybody_who_sees_the_order_comments_and_reads(shop: Shop, cleo: Person) -> None:
    omar, staff = await shop.customer(), await shop.staff()
    placed = await shop.place(cleo)
    await shop.put_collaborator(cleo, placed["id"], omar.id)

    for person in (omar, staff, cleo):
        assert (await shop.comment(person, placed["id"], "seen")).status_code == 201
    for person in (omar, staff, cleo):
        listed = (await shop.comments(person, placed["id"])).json()["items"]
        assert [one["author"]["name"] for one in listed] == [omar.name, staff.name, cleo.name]


async def test_a_stranger_finds_no_order_to_comment_on(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    placed = await shop.place(cleo)

    for order_id in (placed["id"], str(uuid4())):
        problem(await shop.comment(omar, order_id, "hello"), 404, "order_not_found")
        problem(await shop.comments(omar, order_id), 404, "order_not_found")


@pytest.mark.parametrize("status", ["completed", "cancelled"])
async def test_a_closed_order_can_be_commented_on(shop: Shop, cleo: Person, status: str) -> None:
    staff = await shop.staff()
    placed = await shop.place(cleo)
    course = ["accepted", "preparing", "ready", "completed"]
    for step in course if status == "completed" else [status]:
        (await shop.patch(staff, placed["id"], {"status": step})).raise_for_status()

    assert (await shop.comment(cleo, placed["id"], "thanks")).status_code == 201


async def test_comments_are_paged_oldest_first(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    for nth in range(5):
        await shop.comment(cleo, placed["id"], str(nth))

    pages: list[Json] = [(await shop.comments(cleo, placed["id"], limit=2)).json()]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append((await shop.comments(cleo, placed["id"], limit=2, cursor=cursor)).json())

    texts = [[comment["text"] for comment in page["items"]] for page in pages]
    assert texts == [["0", "1"], ["2", "3"], ["4"]]


async def test_comments_made_at_once_are_listed_in_the_order_of_their_events(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)
    await asyncio.gather(*(shop.comment(cleo, placed["id"], str(nth)) for nth in range(8)))

    told = [json.loads(event.payload) for event in await shop.events(placed["id"])][1:]
    listed = (await shop.comments(cleo, placed["id"])).json()["items"]
    assert listed == [event["comment"] for event in told]
    assert [event["version"] for event in told] == list(range(2, 10))


@pytest.mark.parametrize("text", ["x", "x" * 2000, " " + "\U0001f600" * 2000 + "\n", "\u00e4"])
async def test_a_text_of_1_to_2000_characters_is_taken(shop: Shop, cleo: Person, text: str) -> None:
    placed = await shop.place(cleo)

    answer = await shop.comment(cleo, placed["id"], text)

    assert (answer.status_code, answer.json()["text"]) == (201, text.strip())


async def test_its_characters_may_be_escaped(shop: Shop, cleo: Person) -> None:
    placed, text = await shop.place(cleo), "\U0001f600" * 2000
    body = json.dumps({"text": text}, ensure_ascii=True)
    headers = {"Content-Type": "application/json", **cleo.headers}

    path = f"{ORDERS}/{placed['id']}/comments"
    answer = await shop.client.post(path, content=body, headers=headers)

    assert (answer.status_code, answer.json()["text"]) == (201, text)


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "x" * 2001, "\x00", 7, None, ["x"]])
async def test_another_text_is_refused(shop: Shop, cleo: Person, text: object) -> None:
    placed = await shop.place(cleo)

    refused = await shop.comment(cleo, placed["id"], text)

    problem(refused, 422, "invalid_request")
    assert pointers(refused) == ["/text"]
    assert len(await shop.events(placed["id"])) == 1


async def test_unknown_fields_and_parameters_are_refused(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    path = f"{ORDERS}/{placed['id']}/comments"

    body = {"text": "x", "author": str(cleo.id)}
    refused = await shop.client.post(path, json=body, headers=cleo.headers)
    problem(refused, 422, "invalid_request")
    assert pointers(refused) == ["/author"]
    wrong: list[Json] = [{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"page": 1}]
    lax: list[Json] = [{"limit": "1_0"}, {"limit": "50.0"}, {"cursor": "1.0"}, {"cursor": "+1"}]
    for query in (*wrong, *lax):
        refused = await shop.comments(cleo, placed["id"], **query)
        problem(refused, 422, "invalid_request")
        assert pointers(refused) == [f"/query/{next(iter(query))}"]


async def test_comments_are_deleted_with_their_order(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.comment(cleo, placed["id"], "gone soon")

    assert (await shop.delete(cleo, placed["id"])).status_code == 204
    count = "SELECT count(*) FROM comments WHERE order_id = CAST(:id AS uuid)"
    assert await shop.scalar(count, id=placed["id"]) == 0
    problem(await shop.comments(cleo, placed["id"]), 404, "order_not_found")


async def test_nobody_comments_without_signing_in(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    path = f"{ORDERS}/{placed['id']}/comments"

    problem(await shop.client.get(path), 401, "unauthorized")
    problem(await shop.client.post(path, json={"text": "x"}), 401, "unauthorized")
