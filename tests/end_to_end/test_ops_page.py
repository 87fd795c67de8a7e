"""The operations page in a real browser: every worker, as it is now."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.embedded import Services
from app.seed import DEMO_PASSWORD, seed
from tests.application import PASSWORD, create_user
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.browser import CHROMIUM, DESKTOP, PHONE, Visit, chromium, visiting
from tests.end_to_end.faults import OwnValkey, own_valkey
from tests.end_to_end.orders import bearer, place_order, token_of
from tests.end_to_end.server import ServerProcess, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.timed,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: browser tests left out"),
]

WORKERS = 2
MILLISECONDS = 20_000
OTHER_ADMIN = "other@tandem.example"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnValkey]:
    async with own_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@shared
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Of a database with the demo's people and one more admin."""
    async with fresh_database(template) as url:
        settings = make_settings(url, template, tmp_path_factory.mktemp("ops"))
        engine = create_engine(settings)
        await seed(create_sessions(engine), settings)
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
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


class Ops:
    """What a test does with the page."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.workers = visit.by("worker")

    async def sign_in(self, person: str) -> None:
        await self.visit.page.goto(f"{self.visit.url}/ops")
        await self.visit.by(f"demo-{person}").click()

    async def sign_in_by_hand(self, email: str) -> None:
        page = self.visit.page
        await page.goto(f"{self.visit.url}/ops")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_label("Password").press("Enter")

    async def shows_all(self) -> None:
        await expect(self.workers).to_have_count(WORKERS, timeout=MILLISECONDS)

    async def now(self, measure: str, pattern: str) -> None:
        """The measure's value, with its unit, becomes one of these."""
        value = self.visit.by(f"now-{measure}")
        await expect(value).to_have_text(re.compile(pattern), timeout=MILLISECONDS)

    def assert_clean(self) -> None:
        assert self.visit.errors == []
        assert self.visit.foreign == []


@asynccontextmanager
async def busy(server: ServerProcess, http: AsyncClient) -> AsyncIterator[None]:
    """Orders come in all the time."""
    token = await token_of(http, server.url, "staff@tandem.example", DEMO_PASSWORD)

    async def place() -> None:
        while True:
            await place_order(http, server.url, token)

    placing = asyncio.create_task(place())
    yield
    placing.cancel()
    with suppress(asyncio.CancelledError):
        await placing


async def test_an_admin_sees_both_workers_and_what_happens(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit, visiting(browser, server.url) as board:
        ops = Ops(visit)
        await ops.sign_in("admin")
        await ops.shows_all()
        await expect(visit.by("summary")).to_have_text("2 workers \u00b7 all well")
        await ops.now("connections", r"^1$")
        await board.sign_in("staff")
        await ops.now("connections", r"^2$")
        async with busy(server, http):
            await ops.now("events", r"^[1-9][\d.]*/s$")
            await ops.now("deliveries", r"^[1-9][\d.]*/s$")
            await ops.now("latency", r"^[\d.]+ms$")
        words = re.compile("Connections, last 90 seconds: now 2, lowest 1, highest 2")
        await expect(visit.by("chart-connections")).to_have_attribute("aria-label", words)
        ops.assert_clean()


async def test_it_fits_a_desk_and_a_phone_by_day_and_by_night(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit, busy(server, http):
        ops = Ops(visit)
        await ops.sign_in("admin")
        await ops.shows_all()
        await ops.now("events", r"^[1-9][\d.]*/s$")
        for size in (DESKTOP, PHONE):
            await visit.page.set_viewport_size({"width": size[0], "height": size[1]})
            for scheme in SCHEMES:
                await visit.page.emulate_media(color_scheme=scheme)
                await visit.screenshot(f"ops-{size[0]}-{scheme}")
            width = await visit.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0]
        ops.assert_clean()


async def test_who_is_no_admin_is_told_so_and_led_to_the_board(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await ops.sign_in("staff")
        await expect(visit.by("message")).to_contain_text("Only admins")
        await visit.screenshot("ops-refused")
        await visit.by("to-board").click()
        await visit.is_live()
        ops.assert_clean()


async def test_who_is_no_admin_any_more_sees_nothing_more(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await ops.sign_in_by_hand(OTHER_ADMIN)
        await ops.shows_all()
        token = await token_of(http, server.url, OTHER_ADMIN)
        api = f"{server.url}/api/v1/users"
        person = (await http.get(f"{api}/me", headers=bearer(token))).json()
        change = {"role": "staff"}
        answer = await http.patch(f"{api}/{person['id']}", json=change, headers=bearer(token))
        answer.raise_for_status()
        await expect(visit.by("message")).to_contain_text("Only admins", timeout=MILLISECONDS)
        await expect(ops.workers).to_have_count(0)
        ops.assert_clean()


async def test_a_killed_worker_is_shown_as_silent_beside_its_successor(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await ops.sign_in("admin")
        await ops.shows_all()
        doomed = server.workers[0].pid
        server.kill_worker()
        silent = visit.page.locator("[data-testid=worker][data-state=silent]")
        await expect(silent).to_contain_text(f"Worker {doomed}", timeout=MILLISECONDS)
        await expect(ops.workers).to_have_count(WORKERS + 1, timeout=MILLISECONDS)
        await expect(visit.by("summary")).to_contain_text(f"Silent: Worker {doomed}")
        await visit.screenshot("ops-silent")


async def test_a_redis_that_is_away_is_shown_at_the_worker_that_is_still_heard(
    server: ServerProcess, browser: Browser, valkey: OwnValkey
) -> None:
    async with visiting(browser, server.url) as visit:
        ops = Ops(visit)
        await ops.sign_in("admin")
        await expect(ops.workers.first).to_be_visible(timeout=MILLISECONDS)
        valkey.stop()
        try:
            down = visit.page.locator("[data-testid=redis][data-up=false]")
            await expect(down).to_have_text("Redis down", timeout=MILLISECONDS)
            await expect(visit.by("summary")).to_contain_text("Redis is down")
            await visit.screenshot("ops-redis-down")
        finally:
            valkey.start(valkey.port)
        await expect(down).to_have_count(0, timeout=MILLISECONDS)
        await expect(visit.by("summary")).to_have_text("2 workers \u00b7 all well", timeout=40_000)
