"""Servers with the demo's people and orders, for tests of the board."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from httpx import AsyncClient

from app.embedded import Services
from app.seed import DEMO_PASSWORD
from tests.demo import demo_settings
from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer, token_of
from tests.end_to_end.server import ServerProcess, serving

COPIES = 5  # of each of the 200 orders: with them more than 1,000
COPY = """
    WITH copied AS (
        INSERT INTO orders (id, version, status, currency, note, owner_id)
        SELECT ('00000000' || substr(gen_random_uuid()::text, 9))::uuid, 1, status, currency,
               'Copy ' || nth, owner_id
        FROM orders, generate_series(1, $1) AS nth
        RETURNING id)
    INSERT INTO order_items (order_id, sku, position, name, quantity, unit_price)
    SELECT id, sku, 0, name, 1, 10 FROM copied, (SELECT sku, name FROM order_items LIMIT 1) AS line
"""


@asynccontextmanager
async def demo_server(
    demo: Services,
    directory: Path,
    *,
    copies: int = 0,
    redis_url: str | None = None,
    **environment: Any,
) -> AsyncIterator[ServerProcess]:
    """With 200 orders, and so many older copies of each; on a Redis of its own, if given."""
    async with demo_settings(demo, directory) as settings:
        if copies:
            connection = await asyncpg.connect(settings.database_url)
            await connection.execute(COPY, copies)
            await connection.close()
        services = settings.database_url, redis_url or settings.redis_url
        async with serving(*services, settings.data_dir, **environment) as server:
            yield server


async def demo_token(http: AsyncClient, server: ServerProcess, name: str) -> str:
    return await token_of(http, server.url, f"{name}@tandem.example", DEMO_PASSWORD)


async def become(http: AsyncClient, server: ServerProcess, name: str, role: str) -> None:
    users = f"{server.url}/api/v1/users"
    me = await http.get(f"{users}/me", headers=bearer(await demo_token(http, server, name)))
    admin = bearer(await demo_token(http, server, "admin"))
    answer = await http.patch(f"{users}/{me.json()['id']}", json={"role": role}, headers=admin)
    answer.raise_for_status()


def assert_clean(*visits: Visit) -> None:
    for visit in visits:
        assert visit.errors == []
        assert visit.foreign == []
