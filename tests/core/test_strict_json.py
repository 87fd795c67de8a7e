"""Numbers that JSON has not are malformed JSON, whatever route they are sent to."""

import pytest
from httpx import AsyncClient

from tests.orders.shop import problem

NUMBERS = ["NaN", "Infinity", "-Infinity"]
ORDER = '{"currency":"EUR","items":[{"sku":"A","name":"A","quantity":%s,"unit_price":"1.00"}]}'


async def test_no_route_takes_them(client: AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    routes = [
        (method, path)
        for path, methods in described.items()
        for method, route in methods.items()
        if "application/json" in route.get("requestBody", {}).get("content", {})
    ]
    assert len(routes) > 5
    for method, path in routes:
        json = {"Content-Type": "application/json"}
        answer = await client.request(method, path, content=b'{"a":NaN}', headers=json)
        problem(answer, 400, "bad_request")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("body", [ORDER, '{"a":[%s]}', "%s"])
async def test_none_is_taken_wherever_it_stands(
    client: AsyncClient, body: str, number: str
) -> None:
    json = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/orders", content=body % number, headers=json)

    problem(answer, 400, "bad_request")


async def test_words_may_be_such(client: AsyncClient) -> None:
    answer = await client.post("/api/v1/users", json={"name": "NaN", "email": "-Infinity"})

    problem(answer, 422, "invalid_request")
