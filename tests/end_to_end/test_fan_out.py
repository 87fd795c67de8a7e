"""The main job: a REST write reaches every authorised socket, on every worker, in order, once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from app.core.config import Settings
from tests.end_to_end.orders import bearer, place_orders, token_of
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import Subscriber, running

pytestmark = pytest.mark.timed


@pytest.fixture
async def server(settings: Settings, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(settings.database_url, settings.redis_url, tmp_path, workers=2) as server:
        yield server


async def test_every_socket_on_both_workers_gets_every_order_once_and_in_order(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["staff"])
    subscribers = [Subscriber(server.socket_url, token, "orders") for _ in range(50)]
    async with running(subscribers):
        assert_spread(server)
        placed = await place_orders(http, server.url, token, count=1000, callers=20)
        for one in subscribers:
            assert one.start_offset is not None
            await one.reaches(one.start_offset + 1000)

    for one in subscribers:
        start = one.start_offset or 0
        assert one.offsets == list(range(start + 1, start + 1001))
    rows = await read_all(http, server.url, token)
    for one in subscribers:
        assert state_of(one) == rows
    assert len(placed) == len(rows) == 1000


def assert_spread(server: ServerProcess) -> None:
    """Both workers hold some of the sockets."""
    for worker in server.workers:
        established = [
            one
            for one in worker.net_connections("tcp")
            if one.status == "ESTABLISHED" and one.laddr.port == int(server.url.rpartition(":")[2])
        ]
        assert len(established) >= 5


def state_of(subscriber: Subscriber) -> dict[str, object]:
    """What a client knows after applying the version rule."""
    state: dict[str, dict[str, object]] = {}
    versions: dict[str, int] = {}
    for one in subscriber.received:
        order = one.event["order"]
        if one.event["version"] > versions.get(order["id"], 0):
            versions[order["id"]] = one.event["version"]
            state[order["id"]] = order
    return dict(state)


async def read_all(http: AsyncClient, url: str, token: str) -> dict[str, object]:
    """Every order over REST, by id."""
    orders: dict[str, object] = {}
    cursor: str | None = ""
    while cursor is not None:
        query = f"limit=200&cursor={cursor}" if cursor else "limit=200"
        page = (await http.get(f"{url}/api/v1/orders?{query}", headers=bearer(token))).json()
        orders |= {order["id"]: order for order in page["items"]}
        cursor = page["next_cursor"]
    return orders
