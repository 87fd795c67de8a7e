"""A POST with an Idempotency-Key: done once, answered alike."""

import asyncio
import json

import pytest
from httpx import Response

from app.core.idempotency_keys import remove_expired
from app.main import create_app
from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, a_body, a_line, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPEATS = 100
KEPT_HEADERS = ("content-type", "content-length", "ETag", "Location")


async def post(shop: Shop, person: Person, key: str, **body: object) -> Response:
    headers = {**person.headers, "Idempotency-Key": key}
    return await shop.client.post(ORDERS, json=a_body(**body), headers=headers)


def told(answer: Response) -> tuple[object, ...]:
    """All that a caller can build on."""
    return (
        answer.status_code,
        answer.content,
        *(answer.headers.get(name) for name in KEPT_HEADERS),
    )


async def orders_of(shop: Shop, person: Person) -> list[Json]:
    orders: list[Json] = (await shop.page(person))["items"]
    return orders


async def make_older(shop: Shop, person: Person, age: str) -> None:
    await shop.execute(
        "UPDATE idempotency_keys SET created_at = created_at - CAST(:age AS text)::interval"
        " WHERE user_id = :user_id",
        age=age,
        user_id=person.id,
    )


# ---------------------------------------------------------------------- repeats


async def test_a_repeat_is_answered_with_the_same_bytes_and_places_nothing(
    shop: Shop, cleo: Person
) -> None:
    first, second = [await post(shop, cleo, "a-key", note="K\u00e4se") for _ in range(2)]

    assert first.status_code == 201
    assert told(second) == told(first)
    assert [order["id"] for order in await orders_of(shop, cleo)] == [first.json()["id"]]
    assert len(await shop.events(first.json()["id"])) == 1


async def test_of_a_hundred_at_once_one_places_the_order_and_all_are_answered_alike(
    shop: Shop, cleo: Person
) -> None:
    answers = await asyncio.gather(*(post(shop, cleo, "a-key") for _ in range(REPEATS)))

    assert {told(answer) for answer in answers} == {told(answers[0])}
    assert answers[0].status_code == 201
    assert [order["id"] for order in await orders_of(shop, cleo)] == [answers[0].json()["id"]]
    assert len(await shop.events(answers[0].json()["id"])) == 1


async def test_a_repeat_is_answered_as_the_first_was_even_when_the_order_is_gone(
    shop: Shop, cleo: Person
) -> None:
    first = await post(shop, cleo, "a-key")
    order_id = first.json()["id"]
    await shop.patch(cleo, order_id, {"note": "hurry"})
    edited = await post(shop, cleo, "a-key")
    await shop.delete(cleo, order_id)
    deleted = await post(shop, cleo, "a-key")

    assert told(edited) == told(deleted) == told(first)


async def test_the_same_body_in_another_spelling_is_a_repeat(shop: Shop, cleo: Person) -> None:
    first = await post(shop, cleo, "a-key", note="K\u00e4se")
    respelled = json.dumps(dict(reversed(a_body(note="K\u00e4se").items())), indent=2)
    headers = {**cleo.headers, "Idempotency-Key": "a-key", "Content-Type": "application/json"}

    second = await shop.client.post(ORDERS, content=respelled, headers=headers)

    assert told(second) == told(first)


async def test_another_body_under_the_same_key_is_refused(shop: Shop, cleo: Person) -> None:
    first = await post(shop, cleo, "a-key")
    other = await post(shop, cleo, "a-key", note="another")

    problem(other, 422, "idempotency_key_reused")
    assert len(await orders_of(shop, cleo)) == 1
    assert told(await post(shop, cleo, "a-key")) == told(first)


async def test_another_key_is_another_order(shop: Shop, cleo: Person) -> None:
    first, second = [await post(shop, cleo, key) for key in ("a-key", "A-key")]

    assert first.json()["id"] != second.json()["id"]


async def test_a_key_is_its_users_own(shop: Shop, cleo: Person) -> None:
    omar = await shop.customer()
    by_cleo, by_omar = [await post(shop, person, "a-key") for person in (cleo, omar)]

    assert by_omar.status_code == 201
    assert by_omar.json()["id"] != by_cleo.json()["id"]
    assert by_omar.json()["owner"]["id"] == str(omar.id)


# ------------------------------------------------------------- what is not kept


@pytest.mark.parametrize(
    "wrong", [{"items": []}, {"currency": "JPY", "items": [a_line(unit_price="1.50")]}]
)
async def test_a_refused_request_leaves_its_key_unused(
    shop: Shop, cleo: Person, wrong: Json
) -> None:
    """Refused by the schema, and by the service."""
    problem(await post(shop, cleo, "a-key", **wrong), 422, "invalid_request")

    assert (
        await shop.scalar("SELECT count(*) FROM idempotency_keys WHERE user_id = :id", id=cleo.id)
        == 0
    )
    assert (await post(shop, cleo, "a-key")).status_code == 201


async def test_a_key_holds_for_24_hours(shop: Shop, cleo: Person) -> None:
    first = await post(shop, cleo, "a-key")
    await make_older(shop, cleo, "23 hours 59 minutes")

    assert told(await post(shop, cleo, "a-key")) == told(first)


async def test_a_key_older_than_24_hours_is_as_new_for_whatever_body(
    shop: Shop, cleo: Person
) -> None:
    first = await post(shop, cleo, "a-key")
    await make_older(shop, cleo, "24 hours 1 minute")

    second = await post(shop, cleo, "a-key", note="another")

    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert told(await post(shop, cleo, "a-key", note="another")) == told(second)


async def test_keys_that_are_too_old_are_removed_though_nobody_sends_another(
    shop: Shop, cleo: Person
) -> None:
    for number in range(3):
        await post(shop, cleo, f"old-{number}")
    await make_older(shop, cleo, "24 hours 1 minute")
    await post(shop, cleo, "new")

    for chore in shop.application.runtime.housekeeping.chores:
        await chore()

    left = "SELECT array_agg(key) FROM idempotency_keys WHERE user_id = :id"
    assert await shop.scalar(left, id=cleo.id) == ["new"]


async def test_of_keys_that_are_too_old_a_bounded_number_goes_at_once(
    shop: Shop, cleo: Person
) -> None:
    sessions = shop.application.sessions
    while await remove_expired(sessions):
        pass
    for number in range(3):
        await post(shop, cleo, f"old-{number}")
    await make_older(shop, cleo, "24 hours 1 minute")

    assert [await remove_expired(sessions, limit=2) for _ in range(3)] == [2, 1, 0]


# ------------------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["", "a key", "a" * 256, "caf\u00e9", "a\tb"])
async def test_what_is_no_key_is_refused(shop: Shop, cleo: Person, key: str) -> None:
    headers = {**cleo.headers, "Idempotency-Key": key}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = await shop.client.post(ORDERS, json=a_body(), headers=raw)

    problem(answer, 400, "invalid_idempotency_key")
    assert await orders_of(shop, cleo) == []


@pytest.mark.parametrize("key", ["!", "~" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_every_visible_ascii_character_may_stand_in_a_key(
    shop: Shop, cleo: Person, key: str
) -> None:
    first, second = [await post(shop, cleo, key) for _ in range(2)]

    assert first.status_code == 201
    assert told(second) == told(first)


async def test_somebody_who_is_not_signed_in_uses_no_key(shop: Shop) -> None:
    answer = await shop.client.post(ORDERS, json=a_body(), headers={"Idempotency-Key": "nobody"})

    problem(answer, 401, "unauthorized")
    assert await shop.scalar("SELECT count(*) FROM idempotency_keys WHERE key = 'nobody'") == 0


async def test_the_openapi_document_tells_of_the_header_and_what_can_go_wrong(shop: Shop) -> None:
    operation = create_app(shop.application.settings).openapi()["paths"][ORDERS]["post"]

    (header,) = [one for one in operation["parameters"] if one["in"] == "header"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    for status, code in {
        "400": "invalid_idempotency_key",
        "409": "idempotency_key_in_use",
        "422": "idempotency_key_reused",
    }.items():
        assert code in operation["responses"][status]["description"]


# --------------------------------------------------------------------- comments


async def test_a_comment_that_is_sent_again_is_written_once(shop: Shop, cleo: Person) -> None:
    order_id = (await shop.place(cleo))["id"]
    headers = {**cleo.headers, "Idempotency-Key": "a-comment"}
    path = f"{ORDERS}/{order_id}/comments"

    first, second = [
        await shop.client.post(path, json={"text": "Ring twice"}, headers=headers) for _ in range(2)
    ]

    assert first.status_code == 201
    assert told(second) == told(first)
    assert (await shop.comments(cleo, order_id)).json()["items"] == [first.json()]
    assert len(await shop.events(order_id)) == 2
