"""Whoever is not signed in is told that first, whatever else is wrong with their request.

Only JSON that cannot be parsed is a 400 before: FastAPI reads the body ahead of all dependencies.
"""

import pytest

from tests.orders.shop import ORDERS, Shop, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = [
    ("GET", ""),
    ("POST", ""),
    ("GET", "/{order_id}"),
    ("PATCH", "/{order_id}"),
    ("DELETE", "/{order_id}"),
    ("PUT", "/{order_id}/collaborators/{user_id}"),
    ("DELETE", "/{order_id}/collaborators/{user_id}"),
    ("GET", "/{order_id}/comments"),
    ("POST", "/{order_id}/comments"),
    ("GET", "/{order_id}/history"),
]


async def test_these_are_all_operations_on_orders(shop: Shop) -> None:
    paths = (await shop.client.get("/openapi.json")).json()["paths"]
    described = {
        (method.upper(), path.removeprefix(ORDERS))
        for path, methods in paths.items()
        if path.startswith(ORDERS)
        for method in methods
    }

    assert described == set(OPERATIONS)


@pytest.mark.parametrize("headers", [{}, {"If-Match": "x", "Idempotency-Key": "\x7f"}])
@pytest.mark.parametrize("body", ['{"unknown": 1}', "[]", ""])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_signing_in_is_asked_for_before_anything_else(
    shop: Shop, method: str, path: str, body: str, headers: dict[str, str]
) -> None:
    answer = await shop.client.request(
        method,
        f"{ORDERS}{path}?limit=x&page=1",
        content=body,
        headers={"Content-Type": "application/json", **headers},
    )

    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
