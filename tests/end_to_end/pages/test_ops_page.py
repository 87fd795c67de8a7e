"""The operations page in a real browser: every worker, as it is now."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.embedded import Services
from app.seed import DEMO_PASSWORD
from tests.application import PASSWORD, create_user
from tests.demo import demo_settings
from tests.end_to_end.browser import DESKTOP, PHONE, Visit, visiting
from tests.end_to_end.faults import OwnValkey, own_valkey
from tests.end_to_end.following import following
from tests.end_to_end.orders import bearer, place_order, token_of
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess, serving

pytestmark = [*PAGE, pytest.mark.detail]

WORKERS = 2
OTHER_ADMIN = "other@tandem.example"
# What counts from the start of the page, as performance.now() does, knows nothing of it.
SET_CLOCK = "() => { const now = Date.now; Date.now = () => now() + 3_600_000; }"
ALL_WELL = "2 workers \u00b7 all well"

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


class Ops:
    """What a test does with the page."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.workers = visit.by("worker")
        self.summary = visit.by("summary")

    async def now(self, measure: str, pattern: str) -> None:
        """The measure's value, with its unit, becomes one of these."""
        value = self.visit.by(f"now-{measure}")
        await expect(value).to_have_text(re.compile(pattern))

    def assert_clean(self) -> None:
        assert self.visit.errors == []
        assert self.visit.foreign == []


@shared
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnValkey]:
    async with own_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@shared
async def settings(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Of a database with the demo's people and one more admin."""
    async with demo_settings(demo, tmp_path_factory.mktemp("ops")) as settings:
        engine = create_engine(settings)
        await create_user(create_sessions(engine), settings, OTHER_ADMIN, Role.ADMIN)
        await engine.dispose()
        yield settings


@shared
async def server(settings: Settings, valkey: OwnValkey) -> AsyncIterator[ServerProcess]:
    """Two workers with a Redis of their own."""
    url, directory = settings.database_url, settings.data_dir
    async with serving(url, valkey.url, directory, workers=WORKERS) as server:
        yield server


@shared
async def ops(server: ServerProcess, browser: Browser) -> AsyncIterator[Ops]:
    """The page as an admin sees it, all tests long."""
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await visit.page.goto(f"{server.url}/ops")
        await visit.by("demo-admin").click()
        await expect(ops.workers).to_have_count(WORKERS)
        yield ops


@asynccontextmanager
async def busy(server: ServerProcess, http: AsyncClient, token: str) -> AsyncIterator[None]:
    """Orders come in all the time."""

    async def place() -> None:
        while True:
            await place_order(http, server.url, token)

    placing = asyncio.create_task(place())
    yield
    placing.cancel()
    with suppress(asyncio.CancelledError):
        await placing


async def test_an_admin_sees_both_workers_and_what_happens(
    server: ServerProcess, http: AsyncClient, ops: Ops
) -> None:
    await expect(ops.summary).to_have_text(ALL_WELL)
    await ops.now("connections", r"^1$")
    token = await token_of(http, server.url, "staff@tandem.example", DEMO_PASSWORD)
    async with following(server.socket_url, token, "orders"), busy(server, http, token):
        await ops.now("connections", r"^2$")
        await ops.now("events", r"^[1-9][\d.]*/s$")
        await ops.now("deliveries", r"^[1-9][\d.]*/s$")
        await ops.now("latency", r"^[\d.]+ms$")
    # In the first second not every worker may have been heard, and so not this connection's own.
    words = re.compile(r"Connections, last 90 seconds: now \d, lowest [01], highest 2")
    await expect(ops.visit.by("chart-connections")).to_have_attribute("aria-label", words)
    ops.assert_clean()


async def test_it_fits_a_desk_and_a_phone_by_day_and_by_night(ops: Ops) -> None:
    page = ops.visit.page
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        for dark in (True, False):
            await page.emulate_media(color_scheme="dark" if dark else "light")
            await ops.visit.screenshot(f"ops-{size[0]}-{'dark' if dark else 'light'}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    ops.assert_clean()


async def test_all_charts_tell_of_the_second_that_is_pointed_at(ops: Ops) -> None:
    await ops.visit.by("chart-connections").hover()
    for measure in ("connections", "deliveries", "loop"):
        await expect(ops.visit.by(f"panel-{measure}")).to_contain_text(re.compile("4[45] s ago"))
    await ops.summary.hover()
    await expect(ops.visit.by("panel-connections")).to_contain_text("subscriptions")
    ops.assert_clean()


async def test_a_clock_that_was_set_makes_no_worker_silent(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await visit.page.goto(f"{server.url}/ops")
        await visit.page.evaluate(SET_CLOCK)
        await visit.by("demo-admin").click()

        await ops.now("connections", r"^\d+$")
        await expect(ops.summary).to_have_text(ALL_WELL)
        ops.assert_clean()


async def test_who_is_no_admin_any_more_sees_nothing_more_and_is_led_to_the_board(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await visit.page.goto(f"{server.url}/ops")
        await visit.page.get_by_label("E-mail").fill(OTHER_ADMIN)
        await visit.page.get_by_label("Password").fill(PASSWORD)
        await visit.page.get_by_label("Password").press("Enter")
        await expect(ops.workers).to_have_count(WORKERS)

        await demote(http, server.url, OTHER_ADMIN)

        await expect(visit.by("message")).to_contain_text("Only admins")
        await expect(ops.workers).to_have_count(0)
        await visit.screenshot("ops-refused")
        await visit.by("to-board").click()
        await visit.is_live()
        ops.assert_clean()


async def demote(http: AsyncClient, url: str, email: str) -> None:
    """An admin makes themselves staff."""
    headers = bearer(await token_of(http, url, email))
    person = (await http.get(f"{url}/api/v1/users/me", headers=headers)).json()
    address, change = f"{url}/api/v1/users/{person['id']}", {"role": "staff"}
    (await http.patch(address, json=change, headers=headers)).raise_for_status()


async def test_a_redis_that_is_away_is_shown_at_the_worker_that_is_still_heard(
    ops: Ops, valkey: OwnValkey
) -> None:
    down = ops.visit.page.locator("[data-testid=redis][data-up=false]")
    valkey.stop()
    try:
        await expect(down).to_have_text("Redis down")
        await expect(ops.summary).to_contain_text("Redis is down")
        await ops.visit.screenshot("ops-redis-down")
    finally:
        valkey.start(valkey.port)
    await expect(ops.summary).to_have_text(ALL_WELL)


async def test_a_killed_worker_is_shown_as_silent_beside_its_successor(
    server: ServerProcess, ops: Ops
) -> None:
    doomed = server.workers[0].pid
    server.kill_worker()
    silent = ops.visit.page.locator("[data-testid=worker][data-state=silent]")
    await expect(silent).to_contain_text(f"Worker {doomed}")
    await expect(ops.workers).to_have_count(WORKERS + 1)
    await expect(ops.summary).to_contain_text(f"Silent: Worker {doomed}")
    await ops.visit.screenshot("ops-silent")
