"""The headers of answers are as the OpenAPI document says."""

import re

import pytest
from httpx import Response

from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, a_body, a_line

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def described(shop: Shop, method: str, path: str, status: int) -> Json:
    paths = (await shop.client.get("/openapi.json")).json()["paths"]
    response = paths[f"{ORDERS}{path}"][method]["responses"][str(status)]
    assert response["content"]["application/json"]["schema"]["$ref"].endswith("/OrderRead")
    headers: Json = response["headers"]
    return headers


def assert_fits(answer: Response, headers: Json) -> None:
    for name, header in headers.items():
        value = answer.headers.get(name)
        assert value is not None or not header["required"], name
        assert value is None or re.search(header["schema"]["pattern"], value), name


async def test_a_placed_order_has_a_version_and_a_place(shop: Shop, cleo: Person) -> None:
    headers = await described(shop, "post", "", 201)

    assert headers.keys() == {"ETag", "Location"}
    answer = await shop.client.post(ORDERS, json=a_body(), headers=cleo.headers)
    assert_fits(answer, headers)


async def test_an_order_has_a_version_and_a_position(shop: Shop, cleo: Person) -> None:
    headers = await described(shop, "get", "/{order_id}", 200)

    assert headers.keys() == {"ETag", "Tandem-Position"}
    assert_fits(await shop.get(cleo, (await shop.place(cleo))["id"]), headers)


async def test_an_edited_order_has_a_version_and_says_if_it_was_merged(
    shop: Shop, cleo: Person
) -> None:
    headers = await described(shop, "patch", "/{order_id}", 200)

    assert headers.keys() == {"ETag", "Tandem-Merged"}
    order_id = (await shop.place(cleo))["id"]
    bodies = ({"note": "new"}, {"items": [a_line(quantity=1)]})
    first, merged = [await shop.patch(cleo, order_id, body, if_match='"1"') for body in bodies]
    assert [answer.headers.get("Tandem-Merged") for answer in (first, merged)] == [None, "true"]
    for answer in (first, merged):
        assert_fits(answer, headers)
