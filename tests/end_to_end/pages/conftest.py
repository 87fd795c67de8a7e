"""A browser, a REST client and, where it is asked for, a shop for all tests of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.browser import chromium
from tests.end_to_end.conftest import create_people
from tests.end_to_end.pages.shop import Shop

PATIENCE_MS = 20_000
"""How long what is expected of a page may take, on a busy machine too: no claim."""

expect.set_options(timeout=PATIENCE_MS)

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@shared
async def house(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """One server for all; some tests start another."""
    async with fresh_database(template) as url, AsyncClient(timeout=30) as http:
        settings = make_settings(url, template, tmp_path_factory.mktemp("collection"))
        shop = Shop(settings, await create_people(settings), http)
        async with shop.serving() as server:
            shop.url = server.url
            yield shop


@pytest_asyncio.fixture(loop_scope="module")
async def shop(house: Shop) -> AsyncIterator[Shop]:
    """Without orders."""
    url = house.url
    yield house
    house.url = url
    await house.execute("DELETE FROM orders")
