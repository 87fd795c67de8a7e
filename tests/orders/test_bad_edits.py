"""Edits as they should not be: each gets a clean answer and leaves the order as it was."""

import pytest

from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, a_line, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "shipped"}, "/status"),
        ({"status": "PLACED"}, "/status"),
        ({"status": None}, "/status"),
        ({"status": 0}, "/status"),
        ({"status": True}, "/status"),
        ({"note": "x" * 2001}, "/note"),
        ({"note": "a\x00b"}, "/note"),
        ({"note": 7}, "/note"),
        ({"items": None}, "/items"),
        ({"items": []}, "/items"),
        ({"items": [a_line(), a_line()]}, "/items"),
        ({"items": [a_line(sku=str(nth)) for nth in range(101)]}, "/items"),
        ({"items": [a_line(quantity="1")]}, "/items/0/quantity"),
        ({"items": [a_line(unit_price=1)]}, "/items/0/unit_price"),
        ({"items": [a_line(sku=" ")]}, "/items/0/sku"),
        ({"currency": "USD"}, "/currency"),
        ({"version": 1}, "/version"),
        ({"note": "good", "colour": "red"}, "/colour"),
    ],
)
async def test_an_edit_with_a_wrong_place_is_refused(
    shop: Shop, cleo: Person, body: Json, pointer: str
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], body)

    problem(answer, 422, "invalid_request")
    assert pointers(answer) == [pointer]
    assert (await shop.get(cleo, placed["id"])).json() == placed
    assert (await shop.patch(cleo, placed["id"], {"note": "good"})).status_code == 200


async def test_half_of_a_surrogate_pair_is_refused_in_an_edit(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    headers = {"Content-Type": "application/json", "If-Match": "*", **cleo.headers}

    answer = await shop.client.patch(
        f"{ORDERS}/{placed['id']}", content=b'{"note":"\\ud800"}', headers=headers
    )

    problem(answer, 422, "invalid_request")
    assert pointers(answer) == ["/note"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"items":' * 20_000]
)
async def test_an_edit_that_is_no_object_is_refused(
    shop: Shop, cleo: Person, content: bytes
) -> None:
    placed = await shop.place(cleo)
    headers = {"Content-Type": "application/json", "If-Match": "*", **cleo.headers}

    answer = await shop.client.patch(f"{ORDERS}/{placed['id']}", content=content, headers=headers)

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) in {
        (400, "bad_request"),
        (422, "invalid_request"),
    }
    assert (await shop.get(cleo, placed["id"])).json() == placed
