"""People in a browser, each with the same order open. One server and one browser for all of these
tests: each has an order of its own.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser

from app.embedded import Services
from tests.end_to_end.browser import Visit, chromium, visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.pages.boards import demo_server, demo_token
from tests.end_to_end.pages.room.actions import ITEMS, NOTE, enter
from tests.end_to_end.server import ServerProcess

shared = pytest_asyncio.fixture(scope="package", loop_scope="package")


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("room")) as server:
        yield server


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="package")
async def order(server: ServerProcess, http: AsyncClient) -> str:
    """Cleo's, with a note and three lines, shared with Omar; its id."""
    token = await demo_token(http, server, "cleo")
    placed = await place_order(http, server.url, token, items=ITEMS, note=NOTE)
    await share(http, server.url, token, placed["id"])
    return str(placed["id"])


@shared
async def staff_page(server: ServerProcess, browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("staff")
        yield visit


@shared
async def cleo_page(server: ServerProcess, browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("cleo")
        yield visit


@pytest_asyncio.fixture(loop_scope="package")
async def staff(staff_page: Visit, order: str) -> Visit:
    """The staff's page, with the order open."""
    return await opened(staff_page, order)


@pytest_asyncio.fixture(loop_scope="package")
async def cleo(cleo_page: Visit, order: str) -> AsyncIterator[Visit]:
    """Cleo's page, with the order open."""
    yield await opened(cleo_page, order)
    await cleo_page.page.unroute_all(behavior="ignoreErrors")


async def opened(visit: Visit, order: str) -> Visit:
    visit.errors.clear()
    await enter(visit, order)
    return visit


async def share(http: AsyncClient, url: str, token: str, order: str) -> None:
    """With Omar."""
    asked = {"email": "omar@tandem.example"}
    omar = await http.get(f"{url}/api/v1/users/lookup", params=asked, headers=bearer(token))
    path = f"{url}/api/v1/orders/{order}/collaborators/{omar.json()['id']}"
    (await http.put(path, headers=bearer(token))).raise_for_status()
