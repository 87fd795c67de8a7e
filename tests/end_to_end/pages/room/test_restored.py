"""After a restore from a backup a page shows what there is now, not what had been after it."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.core.config import Settings
from app.embedded import Services
from tests.databases import OTHER_EPOCH
from tests.demo import demo_settings
from tests.end_to_end.browser import visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.pages.boards import assert_clean, become, demo_token
from tests.end_to_end.pages.room.actions import (
    DETAIL,
    ITEMS,
    NOTE,
    edit_note,
    enter,
    save_note,
    say,
)
from tests.end_to_end.server import ServerProcess, serving

pytestmark = DETAIL

UNSAY = "DELETE FROM comments WHERE order_id = $1 AND version > $2"
FORGET = "DELETE FROM events WHERE entity_id = $1 AND version > $2"

shared = pytest_asyncio.fixture(scope="module", loop_scope="package")


@shared
async def settings(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    async with demo_settings(demo, tmp_path_factory.mktemp("restored")) as settings:
        yield settings


@shared
async def server(settings: Settings) -> AsyncIterator[ServerProcess]:
    async with serving(settings.database_url, settings.redis_url, settings.data_dir) as server:
        yield server


async def test_an_opened_order_returns_to_what_it_was_and_goes_on_from_there(
    settings: Settings, server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    token = await demo_token(http, server, "cleo")
    order = await place_order(http, server.url, token, items=ITEMS, note=NOTE)
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, order["id"])
        dialog, note, events = cleo.by("order-dialog"), cleo.by("field-note"), cleo.by("event")
        await expect(events).to_have_count(1)
        await save_note(cleo, "To be lost")
        await say(cleo, "To be lost, too")
        await expect(events).to_have_count(3)
        await expect(cleo.by("comment")).to_have_count(1)
        restore = "UPDATE orders SET note = $3, version = $2 WHERE id = $1"
        await restored(settings, order, restore, NOTE)

        await expect(note).to_contain_text(NOTE)
        await expect(dialog).to_have_attribute("data-version", str(order["version"]))
        await expect(events).to_have_count(1)
        await expect(cleo.by("comment")).to_have_count(0)
        await save_note(cleo, "Another one")
        await expect(events).to_have_count(2)
        await expect(note).to_contain_text("Another one")
        url = f"{server.url}/api/v1/orders/{order['id']}"
        saved = (await http.get(url, headers=bearer(token))).json()
        assert (saved["note"], saved["version"]) == ("Another one", order["version"] + 1)

        await edit_note(cleo, "Half a sen")
        cancel = "UPDATE orders SET status = $3, version = $2 WHERE id = $1"
        await restored(settings, order, cancel, "cancelled")
        await expect(events).to_have_count(1)
        await expect(cleo.by("room-notice").filter(visible=True)).to_contain_text("was not saved")
        assert_clean(cleo)


async def test_rights_return_to_what_they_were(
    settings: Settings, server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    headers = bearer(await demo_token(http, server, "omar"))
    omar = (await http.get(f"{server.url}/api/v1/users/me", headers=headers)).json()
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("omar")
        await become(http, server, "omar", "staff")
        await expect(visit.page.locator(".page[data-role=staff]")).to_have_count(1)
        await restored(
            settings, omar, "UPDATE users SET role = $3, version = $2 WHERE id = $1", "customer"
        )

        customer = visit.page.locator(".page[data-role=customer]")
        await expect(customer).to_have_count(1)


async def restored(settings: Settings, entity: dict[str, Any], statement: str, value: str) -> None:
    """The entity as it was in this version, as a restore would bring it back."""
    connection = await asyncpg.connect(settings.database_url)
    async with connection.transaction():
        await connection.execute(statement, entity["id"], entity["version"], value)
        await connection.execute(FORGET, entity["id"], entity["version"])
        await connection.execute(UNSAY, entity["id"], entity["version"])
        await connection.execute(OTHER_EPOCH)
    await connection.close()
