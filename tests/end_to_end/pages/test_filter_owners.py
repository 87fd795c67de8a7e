"""Whose orders the filter offers, while people come and are renamed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.application import PASSWORD
from tests.end_to_end.browser import visiting
from tests.end_to_end.orders import bearer, place_order, token_of
from tests.end_to_end.pages.boards import assert_clean, demo_server
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("owners")) as server:
        yield server


async def test_who_is_choosing_whose_orders_to_see_is_not_disturbed_by_new_people(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        people = staff.by("filter-owner").locator("option")
        cleo = await people.filter(has_text="Cleo Customer").element_handle()
        nora = await join(http, server, "Nora Newcomer")
        await place_order(http, server.url, nora)
        await expect(people.filter(has_text="Nora Newcomer")).to_have_count(1)

        assert await cleo.evaluate("(option) => option.isConnected")
        await rename(http, server, nora, "Nora Neighbour")
        await place_order(http, server.url, nora)
        await expect(people.filter(has_text="Nora Neighbour")).to_have_count(1)
        await expect(people.filter(has_text="Nora Newcomer")).to_have_count(0)
        assert await cleo.evaluate("(option) => option.isConnected")
        assert_clean(staff)


async def join(http: AsyncClient, server: ServerProcess, name: str) -> str:
    """A new customer; their token."""
    email = f"{name.split(maxsplit=1)[0].lower()}@tandem.example"
    person = {"email": email, "name": name, "password": PASSWORD}
    (await http.post(f"{server.url}/api/v1/users", json=person)).raise_for_status()
    return await token_of(http, server.url, email)


async def rename(http: AsyncClient, server: ServerProcess, token: str, name: str) -> None:
    answer = await http.patch(
        f"{server.url}/api/v1/users/me", json={"name": name}, headers=bearer(token)
    )
    answer.raise_for_status()
