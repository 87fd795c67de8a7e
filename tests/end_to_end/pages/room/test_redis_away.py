"""While Redis is away nobody can say who looks at an order."""

from pathlib import Path

from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.end_to_end.browser import visiting
from tests.end_to_end.orders import place_order
from tests.end_to_end.outages import redis_stopped
from tests.end_to_end.pages.boards import demo_server, demo_token
from tests.end_to_end.pages.room.actions import DETAIL, ITEMS, enter

pytestmark = DETAIL


async def test_a_room_says_that_it_does_not_know_who_else_is_here(
    demo: Services, browser: Browser, http: AsyncClient, tmp_path: Path
) -> None:
    async with (
        redis_stopped(tmp_path) as outage,
        demo_server(demo, tmp_path / "server", redis_url=outage.url) as server,
        visiting(browser, server.url) as cleo,
        visiting(browser, server.url) as staff,
    ):
        token = await demo_token(http, server, "cleo")
        order = (await place_order(http, server.url, token, items=ITEMS))["id"]
        for visit, name in ((cleo, "cleo"), (staff, "staff")):
            await visit.sign_in(name)
        await outage.begin()

        for visit in (cleo, staff):
            await enter(visit, order)
        unknown = cleo.by("people").filter(has_text="not known at the moment")
        await expect(unknown).to_be_visible()
        await cleo.screenshot("room-unknown-1440-light")
        await outage.end()

        await expect(cleo.by("person")).to_have_count(1)
        await expect(unknown).to_be_hidden()
