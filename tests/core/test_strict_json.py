"""Numbers that JSON has not are malformed JSON, whatever route they are sent to, and what holds
more than any body may is wrong, whether it is JSON or not: nobody has read it.
"""

import json

import pytest
from httpx import AsyncClient, Response

from app.core.schemas import BODY_BYTES
from app.core.strict_json import MAX_VALUES, read_json
from app.orders.schemas import COMMENT_BYTES, ORDER_BYTES
from tests.orders.shop import problem

NUMBERS = ["NaN", "Infinity", "-Infinity"]
ORDERS, USERS, REFRESH, COMMENTS = (
    f"/api/v1/{path}"
    for path in ("orders", "users", "auth/refresh", "orders/0190a6e0-0000-7000-8000-0/comments")
)
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


# ------------------------------------------------------------------- too much


async def post(client: AsyncClient, path: str, content: bytes) -> Response:
    return await client.post(path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (USERS, BODY_BYTES),
        (REFRESH, BODY_BYTES),
        (COMMENTS, COMMENT_BYTES),
        (ORDERS, ORDER_BYTES),
    ],
)
async def test_what_is_longer_than_any_such_body_is_not_read(
    client: AsyncClient, path: str, limit: int
) -> None:
    read = await post(client, path, b"x" * limit)
    unread = await post(client, path, b"x" * (limit + 1))

    problem(read, 400, "bad_request")
    assert str(limit) in problem(unread, 422, "invalid_request")["detail"]


MANY = {
    "numbers": "[1" + ",1" * MAX_VALUES,
    "texts": '["a"' + ',"a"' * MAX_VALUES,
    "blank texts": '[""' + ',""' * 5 * MAX_VALUES,
    "texts that end with a backslash": r'["\\"' + r',"\\"' * MAX_VALUES,
    "fields": '{"":1' + ',"":1' * MAX_VALUES,
    "lists": "[[]" + ",[[[[]]]]" * (MAX_VALUES // 4),
    "objects": '[{"a":1}' + ',{"a":{}}' * (MAX_VALUES // 2),
    "behind a text": r'["\",[{\\",1' + ",1" * MAX_VALUES,
}


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_what_holds_more_values_than_any_body_is_not_read(
    client: AsyncClient, kind: str, encoding: str
) -> None:
    answer = await post(client, ORDERS, MANY[kind].encode(encoding))
    told = problem(answer, 422, "invalid_request")

    assert str(MAX_VALUES) in told["detail"]


async def test_marks_within_a_text_are_no_values(client: AsyncClient) -> None:
    """So it is read, and found to be cut short."""
    text = json.dumps('[{",\\' * MAX_VALUES)

    problem(await post(client, ORDERS, f"[{text}".encode()), 400, "bad_request")


def test_a_number_of_thousands_of_digits_is_as_much_out_of_range() -> None:
    """But a float: as a whole number it would take long to read."""
    assert isinstance(read_json(b"-" + b"9" * 4_000, BODY_BYTES), float)
    assert read_json(b"9" * 40, BODY_BYTES) == 10**40 - 1
