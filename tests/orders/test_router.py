"""REST: /orders, placing and reading one."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from app.auth.principals import Role
from tests.orders.shop import ORDERS, Shop, a_body, a_line, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTS = ("FROM log_epoch", "FROM orders", "FROM order_items")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


# --------------------------------------------------------------------- placing


async def test_a_placed_order_is_answered_in_exactly_the_shape_of_the_contract(shop: Shop) -> None:
    cleo = await shop.customer()
    body = a_body(note="as it is", items=[a_line(), a_line(sku="NW-042", unit_price="9.8")])

    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    assert answer.status_code == 201
    placed = answer.json()
    assert list(placed) == [
        "id", "number", "version", "status", "currency", "note", "items", "total", "owner",
        "collaborators", "created_at", "updated_at",
    ]  # fmt: skip
    assert placed == {
        "id": placed["id"],
        "number": placed["number"],
        "version": 1,
        "status": "placed",
        "currency": "EUR",
        "note": "as it is",
        "items": [a_line(), a_line(sku="NW-042", unit_price="9.80")],
        "total": "285.60",
        "owner": {"id": str(cleo.id), "name": cleo.name},
        "collaborators": [],
        "created_at": placed["created_at"],
        "updated_at": placed["created_at"],
    }


async def test_ids_numbers_and_times_are_of_the_kinds_of_the_contract(shop: Shop) -> None:
    placed = await shop.place(await shop.customer())

    assert UUID(placed["id"]).version == 7
    assert str(UUID(placed["id"])) == placed["id"]
    assert type(placed["number"]) is int
    assert TIME.fullmatch(placed["created_at"])


async def test_a_placed_order_says_where_it_is_and_which_version(shop: Shop) -> None:
    cleo = await shop.customer()
    answer = await shop.client.post(ORDERS, json=a_body(), headers=cleo.headers)

    assert answer.headers["Location"] == f"{ORDERS}/{answer.json()['id']}"
    assert answer.headers["ETag"] == '"1"'


async def test_numbers_rise(shop: Shop) -> None:
    cleo = await shop.customer()
    numbers = [(await shop.place(cleo))["number"] for _ in range(3)]

    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 1001


@pytest.mark.parametrize("role", Role)
async def test_everybody_who_is_signed_in_may_place_an_order(shop: Shop, role: Role) -> None:
    person = await shop.person(role)

    assert (await shop.place(person))["owner"]["id"] == str(person.id)


@pytest.mark.parametrize(
    "currency", ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK"]
)
async def test_money_has_two_digits_in_most_currencies(shop: Shop, currency: str) -> None:
    placed = await shop.place(
        await shop.customer(), currency=currency, items=[a_line(quantity=3, unit_price="1.5")]
    )

    assert (placed["items"][0]["unit_price"], placed["total"]) == ("1.50", "4.50")


async def test_money_has_no_digits_in_yen(shop: Shop) -> None:
    placed = await shop.place(
        await shop.customer(), currency="JPY", items=[a_line(quantity=3, unit_price="150")]
    )

    assert (placed["items"][0]["unit_price"], placed["total"]) == ("150", "450")


@pytest.mark.parametrize(
    "text",
    ["K\u00e4se \U0001f9c0", "\u200f\u0645", "a\nb\tc", "'; DROP TABLE--", "<b>&amp;", "%_\\"],
)
async def test_text_comes_back_as_it_was_sent(shop: Shop, text: str) -> None:
    cleo = await shop.customer()
    items = [a_line(sku=text, name=text)]
    placed = await shop.place(cleo, note=text, items=items)

    read = (await shop.get(cleo, placed["id"])).json()

    assert (read["note"], read["items"]) == (text, items)


async def test_a_note_may_turn_the_direction_of_text(shop: Shop) -> None:
    cleo = await shop.customer()
    note = "\u2067\u0645\u2069 and \u202e\u0645"

    assert (await shop.place(cleo, note=note))["note"] == note


async def test_lines_come_back_in_the_order_in_which_they_were_sent(shop: Shop) -> None:
    cleo = await shop.customer()
    skus = ["Z", "A", "M", "B", "Y"]
    placed = await shop.place(cleo, items=[a_line(sku=sku) for sku in skus])

    read = (await shop.get(cleo, placed["id"])).json()

    assert [line["sku"] for line in read["items"]] == skus


async def test_the_largest_order_that_is_allowed_is_taken(shop: Shop) -> None:
    line = {"name": "n" * 200, "quantity": 10_000, "unit_price": "9999999999.99"}
    items = [{"sku": f"{nth:064}", **line} for nth in range(100)]

    placed = await shop.place(await shop.customer(), note="x" * 2000, items=items)

    assert placed["total"] == "9999999999990000.00"
    assert len(placed["items"]) == 100


async def test_so_is_one_that_is_spelled_as_long_as_can_be(shop: Shop) -> None:
    cleo, smile = await shop.customer(), "\U0001f600"
    line = {"name": smile * 200, "quantity": 10_000, "unit_price": "9999999999.99"}
    items = [{"sku": smile * 62 + f"{nth:02}", **line} for nth in range(100)]
    body = json.dumps(a_body(note=smile * 2000, items=items), ensure_ascii=True, indent=8)
    json_of_cleo = {"Content-Type": "application/json", **cleo.headers}
    answer = await shop.client.post(ORDERS, content=body, headers=json_of_cleo)

    assert answer.status_code == 201
    assert answer.json()["items"] == items


# --------------------------------------------------------------------- reading


async def test_an_order_is_read_as_it_was_answered(shop: Shop) -> None:
    cleo = await shop.customer()
    placed = await shop.place(cleo, note="as it is")

    answer = await shop.get(cleo, placed["id"])

    assert answer.status_code == 200
    assert answer.json() == placed
    assert answer.headers["ETag"] == '"1"'


async def test_an_order_comes_with_its_position_in_its_channel(shop: Shop) -> None:
    cleo = await shop.customer()
    order_id = (await shop.place(cleo))["id"]

    channel, epoch, offset = (await shop.get(cleo, order_id)).headers["Tandem-Position"].split(" ")

    assert channel == f"orders:{order_id}"
    assert epoch == shop.application.runtime.follower.epoch
    assert int(offset) in {0, 1}  # the relay may not have come to it yet


async def test_the_position_follows_the_orders_events(shop: Shop) -> None:
    cleo = await shop.customer()
    order_id = (await shop.place(cleo))["id"]
    for nth in range(4):
        await shop.patch(cleo, order_id, {"note": str(nth)})

    await shop.until_relayed()

    position = (await shop.get(cleo, order_id)).headers["Tandem-Position"]
    assert position.split(" ")[2] == "5"


async def test_the_order_is_read_after_its_position(shop: Shop) -> None:
    cleo = await shop.customer()
    order_id = (await shop.place(cleo))["id"]

    with shop.statements() as statements:
        await shop.get(cleo, order_id)

    assert order_of(statements) == ["FROM log_epoch", "FROM orders"]


def order_of(statements: list[str]) -> list[str]:
    """Which parts of the answer were asked for, one after the other."""
    return [part for statement in statements for part in PARTS if part in statement]


# -------------------------------------------------------------- who sees and may


async def test_nobody_signed_in_is_asked_to(shop: Shop) -> None:
    answer = await shop.client.get(ORDERS)

    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("GET", ""), ("GET", "/{id}"), ("PATCH", "/{id}"), ("DELETE", "/{id}")],
)
async def test_every_call_is_for_who_is_signed_in(shop: Shop, method: str, path: str) -> None:
    order_id = (await shop.place(await shop.customer()))["id"]
    body: dict[str, Any] = (
        {"json": a_body() if method == "POST" else {}} if method[0] == "P" else {}
    )

    answer = await shop.client.request(
        method, ORDERS + path.format(id=order_id), headers={"If-Match": "*"}, **body
    )

    problem(answer, 401, "unauthorized")


async def test_somebody_elses_order_does_not_exist(shop: Shop) -> None:
    cleo, omar = await shop.customer(), await shop.customer()
    order_id = (await shop.place(cleo))["id"]

    hidden = problem(await shop.get(omar, order_id), 404, "order_not_found")
    absent = problem(await shop.get(omar, str(UUID(int=7))), 404, "order_not_found")

    assert {**hidden, "instance": ""} == {**absent, "instance": ""}


async def test_an_order_is_seen_by_owner_collaborator_and_staff(shop: Shop) -> None:
    cleo, omar = await shop.customer(), await shop.customer()
    order_id = (await shop.place(cleo))["id"]
    await shop.share(order_id, omar)

    people = [cleo, omar, await shop.staff(), await shop.admin()]
    answers = [(await shop.get(person, order_id)) for person in people]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json()["collaborators"] == [{"id": str(omar.id), "name": omar.name}]


async def test_collaborators_are_shown_in_the_order_of_their_ids(shop: Shop) -> None:
    cleo = await shop.customer()
    others = [await shop.customer() for _ in range(3)]
    order_id = (await shop.place(cleo))["id"]
    for person in reversed(others):
        await shop.share(order_id, person)

    shown = (await shop.get(cleo, order_id)).json()["collaborators"]

    assert [person["id"] for person in shown] == [str(person.id) for person in others]


@pytest.mark.parametrize("spelling", ["{upper}", "{hex}"])
async def test_an_id_in_another_spelling_is_the_same_order(shop: Shop, spelling: str) -> None:
    cleo = await shop.customer()
    order_id = UUID((await shop.place(cleo))["id"])

    answer = await shop.get(cleo, spelling.format(upper=str(order_id).upper(), hex=order_id.hex))

    assert answer.json()["id"] == str(order_id)


@pytest.mark.parametrize("order_id", ["x", "7", "%00", "%ff", "0" * 33, "-".join("0" * 5)])
async def test_what_is_no_id_is_wrong_content(shop: Shop, order_id: str) -> None:
    answer = await shop.get(await shop.customer(), order_id)

    assert problem(answer, 422, "invalid_request")["errors"][0]["pointer"] == "/path/order_id"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("POST", "/{id}", "DELETE, GET, PATCH"),
    ],
)
async def test_a_method_that_there_is_not_is_not_allowed(
    shop: Shop, method: str, path: str, allowed: str
) -> None:
    cleo = await shop.customer()
    url = ORDERS + path.format(id=UUID(int=7))
    answer = await shop.client.request(method, url, headers=cleo.headers)

    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed
