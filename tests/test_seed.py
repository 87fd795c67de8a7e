"""The demo data: lively, consistent with its events, made once, and never in production."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.embedded import Services
from app.orders.models import OrderStatus
from app.seed import DEMO_ORDERS, PEOPLE, northwind_orders, seed
from tests.conftest import SECRET
from tests.databases import fresh_database

pytestmark = pytest.mark.asyncio(loop_scope="module")

Connection: TypeAlias = "asyncpg.Connection[Any]"


def settings_for(url: str, data_dir: Path) -> Settings:
    return Settings(environment="test", database_url=url, secret_key=SECRET, data_dir=data_dir)


async def plant(settings: Settings) -> bool:
    engine = create_engine(settings)
    try:
        return await seed(create_sessions(engine), settings)
    finally:
        await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Of a database that was seeded."""
    async with fresh_database(template) as url:
        settings = settings_for(url, tmp_path_factory.mktemp("seed"))
        assert await plant(settings)
        yield settings


@pytest_asyncio.fixture(loop_scope="module")
async def seeded(settings: Settings) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


async def test_there_are_200_orders_in_euro(seeded: Connection) -> None:
    rows = await seeded.fetch("SELECT currency, count(*) FROM orders GROUP BY currency")

    assert list(map(tuple, rows)) == [("EUR", DEMO_ORDERS)]
    assert DEMO_ORDERS == 200


async def test_the_people_are_those_of_the_contract(seeded: Connection) -> None:
    rows = await seeded.fetch("SELECT email, role FROM users ORDER BY id")

    assert list(map(tuple, rows)) == [
        ("admin@tandem.example", "admin"),
        ("staff@tandem.example", "staff"),
        ("cleo@tandem.example", "customer"),
        ("omar@tandem.example", "customer"),
    ]


async def test_the_orders_are_cleos_and_omars_by_turns(seeded: Connection) -> None:
    rows = await seeded.fetch(
        "SELECT u.email FROM orders o JOIN users u ON u.id = o.owner_id ORDER BY o.number"
    )

    owners = [row["email"].partition("@")[0] for row in rows]
    assert owners == ["cleo", "omar"] * 100


async def test_every_status_occurs_and_none_prevails(seeded: Connection) -> None:
    rows = await seeded.fetch("SELECT status FROM orders")

    spread = Counter(row["status"] for row in rows)
    assert spread.keys() == set(OrderStatus)
    assert max(spread.values()) <= 80


async def test_cleo_and_omar_have_orders_in_every_status(
    seeded: Connection,
) -> None:
    rows = await seeded.fetch("SELECT DISTINCT owner_id, status FROM orders")

    assert len(rows) == 2 * len(OrderStatus)


async def test_the_orders_are_northwinds(seeded: Connection) -> None:
    rows = await seeded.fetch(
        "SELECT i.sku, i.quantity FROM order_items i JOIN orders o ON o.id = i.order_id"
        " WHERE o.number = 1001 ORDER BY i.position"
    )

    first = next(iter(northwind_orders()))
    assert list(map(tuple, rows)) == [(line["sku"], int(line["quantity"])) for line in first]


async def test_the_version_of_each_order_is_the_number_of_its_events(
    seeded: Connection,
) -> None:
    rows = await seeded.fetch(
        "SELECT o.version, array_agg(e.version ORDER BY e.id) AS versions"
        " FROM orders o JOIN events e ON e.entity_id = o.id GROUP BY o.id"
    )

    assert len(rows) == DEMO_ORDERS
    for row in rows:
        assert row["versions"] == list(range(1, row["version"] + 1))


async def test_each_order_is_as_its_last_event_shows_it(
    seeded: Connection,
) -> None:
    differing = await seeded.fetchval(
        """
        SELECT count(*) FROM orders o JOIN LATERAL (
            SELECT payload::jsonb -> 'order' AS shown FROM events
            WHERE entity_id = o.id ORDER BY id DESC LIMIT 1) last ON true
        WHERE (shown ->> 'version')::bigint <> o.version
           OR shown ->> 'status' <> o.status
           OR shown ->> 'note' IS DISTINCT FROM o.note
           OR (shown ->> 'number')::bigint <> o.number
           OR (shown ->> 'updated_at')::timestamptz <> o.updated_at
           OR (shown ->> 'total')::numeric <>
              (SELECT sum(quantity * unit_price) FROM order_items WHERE order_id = o.id)
        """
    )

    assert differing == 0


async def test_every_event_waits_for_the_relay(seeded: Connection) -> None:
    events = await seeded.fetchval("SELECT count(*) FROM events")

    assert await seeded.fetchval("SELECT count(*) FROM pending") == events
    assert events > DEMO_ORDERS + len(PEOPLE)


async def test_seeding_twice_is_no_different_from_once(
    settings: Settings, seeded: Connection
) -> None:
    counts = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM events)"
    before = await seeded.fetchrow(counts)

    assert await plant(settings) is False
    assert await seeded.fetchrow(counts) == before


async def test_people_who_were_deactivated_are_not_made_again(
    settings: Settings, seeded: Connection
) -> None:
    await seeded.execute("UPDATE users SET is_active = false")
    try:
        assert await plant(settings) is False
    finally:
        await seeded.execute("UPDATE users SET is_active = true")


async def test_production_refuses_to_be_seeded(settings: Settings, template: Services) -> None:
    environment = {
        **os.environ,
        "TANDEM_ENVIRONMENT": "production",
        "TANDEM_SECRET_KEY": "k" * 32,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": template.redis_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "seed", env=environment, stdout=PIPE, stderr=PIPE
    )
    out, complaint = await process.communicate()

    assert (process.returncode, out) == (1, b"")
    assert complaint.decode() == "tandem: demo data is not for production\n"
