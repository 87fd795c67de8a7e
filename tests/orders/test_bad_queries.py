"""Query parameters, ids and paths as they should not be."""

from uuid import UUID

import pytest

from tests.application import Person
from tests.orders.shop import ORDERS, Shop, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = [
    *(("limit", value) for value in ("0", "-1", "201", "1.5", "1e1", "x", "", "NaN", "0x10")),
    *(("limit", value) for value in ("1_0", "50.0", "%2B5", "%205", "5%20", "%D9%A3")),
    *(("limit", value) for value in ("9" * 30, "9" * 5000, "-" + "9" * 30, "%00", "True")),
    *(("cursor", value) for value in ("x", "", "7", "0" * 31, "%00", "null", "%ff")),
    *(("owner_id", value) for value in ("x", "", "7", "me", "%00")),
    *(("status", value) for value in ("x", "", "PLACED", "placed,accepted", "0", "%00")),
    *(("q", value) for value in ("x" * 101, "%00", "a%00b")),
    *((name, "1") for name in ("page", "offset", "sort", "Limit", "limit[]", "__proto__")),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
async def test_a_wrong_parameter_is_named(shop: Shop, cleo: Person, name: str, value: str) -> None:
    answer = await shop.client.get(f"{ORDERS}?{name}={value}", headers=cleo.headers)

    problem(answer, 422, "invalid_request")
    assert pointers(answer) == [f"/query/{name}"]
    assert (await shop.page(cleo))["items"] == []


async def test_every_wrong_parameter_is_named_at_once(shop: Shop, cleo: Person) -> None:
    answer = await shop.client.get(f"{ORDERS}?limit=0&status=x&page=1", headers=cleo.headers)

    problem(answer, 422, "invalid_request")
    assert set(pointers(answer)) == {"/query/limit", "/query/status", "/query/page"}


async def test_of_a_parameter_that_stands_twice_the_last_one_counts(
    shop: Shop, cleo: Person
) -> None:
    for _ in range(3):
        await shop.place(cleo)

    answer = await shop.client.get(f"{ORDERS}?limit=1&limit=2", headers=cleo.headers)

    assert len(answer.json()["items"]) == 2


@pytest.mark.parametrize("q", ["%ff", "%ed%a0%80", "%F0%9F", "'", "%27%29%3B--", "%25%25%25"])
async def test_an_odd_search_finds_nothing(shop: Shop, cleo: Person, q: str) -> None:
    await shop.place(cleo)

    answer = await shop.client.get(f"{ORDERS}?q={q}", headers=cleo.headers)

    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_a_cursor_of_nobodys_is_a_place_like_any_other(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    above, below = UUID(int=2**128 - 1), UUID(int=0)

    assert (await shop.page(cleo, cursor=str(above)))["items"] == [placed]
    assert (await shop.page(cleo, cursor=str(below)))["items"] == []


async def test_somebody_elses_id_as_a_cursor_shows_nothing_of_theirs(
    shop: Shop, cleo: Person
) -> None:
    mine = await shop.place(cleo)
    theirs = await shop.place(await shop.customer())

    assert (await shop.page(cleo, cursor=theirs["id"]))["items"] == [mine]


@pytest.mark.parametrize(
    "path", ["/api/v1/order", "/api/v2/orders", "/orders", "/api/v1/orders/x/y"]
)
async def test_a_path_that_there_is_not_is_not_found(shop: Shop, cleo: Person, path: str) -> None:
    problem(await shop.client.get(path, headers=cleo.headers), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("order_id", ["x", "0" * 33, "%00", "null", "..%00", "%ed%a0%80"])
async def test_an_id_that_is_none_is_wrong_content_for_every_method(
    shop: Shop, cleo: Person, method: str, order_id: str
) -> None:
    answer = await shop.client.request(
        method,
        f"{ORDERS}/{order_id}",
        headers={**cleo.headers, "If-Match": "*"},
        json={} if method == "PATCH" else None,
    )

    problem(answer, 422, "invalid_request")
    assert pointers(answer) == ["/path/order_id"]
