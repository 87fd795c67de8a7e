"""Callers that place orders over REST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from httpx import AsyncClient, HTTPError

from tests.application import PASSWORD
from tests.waiting import until

PAUSE_SECONDS = 0.02

BODY = {
    "currency": "EUR",
    "items": [{"sku": "NW-011", "name": "Queso Cabrales", "quantity": 2, "unit_price": "14.00"}],
}


async def token_of(http: AsyncClient, url: str, email: str, password: str = PASSWORD) -> str:
    form = {"username": email, "password": password}
    answer = await http.post(f"{url}/api/v1/auth/token", data=form)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def place_order(http: AsyncClient, url: str, token: str, **fields: Any) -> dict[str, Any]:
    answer = await http.post(f"{url}/api/v1/orders", json={**BODY, **fields}, headers=bearer(token))
    answer.raise_for_status()
    placed: dict[str, Any] = answer.json()
    return placed


async def place_orders(
    http: AsyncClient, url: str, token: str, *, count: int, callers: int
) -> list[dict[str, Any]]:
    """Place so many orders by so many concurrent callers."""
    left = iter(range(count))

    async def call() -> list[dict[str, Any]]:
        return [await place_order(http, url, token, note=f"order {number}") for number in left]

    placed = await asyncio.gather(*(call() for _ in range(callers)))
    return [order for orders in placed for order in orders]


async def try_to_place(http: AsyncClient, url: str, token: str) -> str | None:
    """The id of a placed order; None if the answer was lost, whatever became of the order."""
    try:
        return str((await place_order(http, url, token))["id"])
    except HTTPError:
        return None


@asynccontextmanager
async def writing(
    http: AsyncClient, url: str, token: str, placed: list[str], *, writers: int = 4
) -> AsyncIterator[None]:
    """Writers around the block; `placed` gets the id of each order that was answered.

    They end between two requests, so nothing is on its way any more afterwards.
    """
    stopping = asyncio.Event()

    async def write() -> None:
        while not stopping.is_set():
            order = await try_to_place(http, url, token)
            if order is not None:
                placed.append(order)
            await asyncio.sleep(PAUSE_SECONDS)  # a rate, not a wait for anything

    running = [asyncio.create_task(write()) for _ in range(writers)]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*running)


async def until_more(placed: list[str], count: int) -> None:
    wanted = len(placed) + count
    await until(lambda: len(placed) >= wanted)
