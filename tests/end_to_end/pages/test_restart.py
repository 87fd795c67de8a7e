"""The server is stopped and started again under two people: both go on, and see nothing twice."""

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.demo import demo_settings
from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.orders import place_order
from tests.end_to_end.pages.boards import demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess, serving

pytestmark = [*PAGE, pytest.mark.detail]
CARDS = "() => [...document.querySelectorAll('[data-testid=card]')].map((c) => c.dataset.orderId)"


async def test_after_a_restart_both_boards_show_what_was_missed_once(
    browser: Browser,
    http: AsyncClient,
    demo: Services,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("restart")
    async with demo_settings(demo, directory) as settings:
        services = settings.database_url, settings.redis_url, directory
        async with (
            serving(*services) as server,
            visiting(browser, server.url) as staff,
            visiting(browser, server.url) as cleo,
        ):
            await staff.sign_in("staff")
            await cleo.sign_in("cleo")
            before = await place(http, server)
            await server.stop()
            for visit in (staff, cleo):
                light = visit.by("connection-light")
                await expect(light).not_to_have_attribute("data-state", "live")

            async with serving(*services, port=server.url.rpartition(":")[2]) as again:
                missed = await place(http, again)  # most likely before they are back
                for visit in (staff, cleo):
                    await visit.is_live()
                    await shows_once(visit, before, missed, await place(http, again))


async def place(http: AsyncClient, server: ServerProcess) -> str:
    token = await demo_token(http, server, "cleo")
    return str((await place_order(http, server.url, token))["id"])


async def shows_once(visit: Visit, *orders: str) -> None:
    for order in orders:
        card = visit.page.locator(f"[data-testid=card][data-order-id='{order}']")
        await expect(card).to_have_count(1)
    cards = await visit.page.evaluate(CARDS)
    assert len(cards) == len(set(cards))
