"""Whose session a page uses, in a real browser: tabs share it, and each shows one person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Page, Route, expect

from app.embedded import Services
from app.seed import DEMO_PASSWORD
from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.pages.boards import assert_clean, become, demo_server, demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.room.actions import (
    CHAI,
    ITEMS,
    assert_only_refused,
    edit_quantity,
    enter,
    line,
    save_note,
)
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = PAGE

# What a tab finds that slept while another signed out and in.
SIGN_IN_INSTEAD = "(session) => localStorage.setItem('tandem.session', JSON.stringify(session))"
STORED = "() => JSON.parse(localStorage.getItem('tandem.session'))"
DEAF = "addEventListener('storage', (event) => event.stopImmediatePropagation(), true)"
CALLS = """
async () => {
  const { readMe } = await import('/static/api.js');
  return (await Promise.allSettled([readMe()]))[0];
}
"""
EXPIRE = """
() => {
  const session = JSON.parse(localStorage.getItem('tandem.session'));
  localStorage.setItem('tandem.session', JSON.stringify({ ...session, expiresAt: 0 }));
}
"""
TWO_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
TOKEN = "async () => (await import('/static/session.js')).accessToken()"

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("sessions")) as server:
        yield server


async def test_a_tab_begins_anew_when_another_has_signed_in_as_somebody_else(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("staff")
        other = await second_tab(visit)
        await expect(visit.by("user-name")).to_have_text("Sten Staff")
        await other.page.evaluate(SIGN_IN_INSTEAD, await session_of(http, server, "cleo"))

        await expect(visit.page.locator(".page[data-role=customer]")).to_have_count(1)
        await expect(visit.by("user-name")).to_have_text("Cleo Customer")
        await visit.is_live()
        assert_clean(visit)


@pytest.mark.detail
async def test_until_a_tab_shows_somebody_it_does_nothing_in_their_name(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as visit:
        await visit.page.add_init_script(DEAF)
        await visit.sign_in("staff")
        other = await second_tab(visit)
        cleo = await session_of(http, server, "cleo")
        await other.page.evaluate(SIGN_IN_INSTEAD, cleo)

        assert await visit.page.evaluate(TOKEN) is None
        assert (await visit.page.evaluate(CALLS))["status"] == "rejected"
        assert await visit.page.evaluate(STORED) == cleo


async def save(route: Route) -> None:
    await route.continue_()


async def refuse(route: Route) -> None:
    await route.fulfill(status=401, json={"code": "invalid_token"})


@pytest.mark.detail
@pytest.mark.parametrize("end", [save, refuse])
async def test_an_edit_that_waited_for_another_is_not_made_in_the_name_of_who_signed_in_meanwhile(
    server: ServerProcess,
    browser: Browser,
    http: AsyncClient,
    end: Callable[[Route], Awaitable[None]],
) -> None:
    cleo = await session_of(http, server, "cleo")
    order = await place_order(http, server.url, cleo["access"], items=ITEMS)
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("staff")
        await enter(visit, order["id"])
        edits = await Held.of(visit.page, "/orders/*", "PATCH")
        await save_note(visit, "Ring twice.")
        await edit_quantity(visit, CHAI, 7)
        await visit.by("save-line").click()
        await expect(line(visit, CHAI).get_by_test_id("item-quantity")).to_have_text("7")
        other = await second_tab(visit)
        await other.page.evaluate(SIGN_IN_INSTEAD, cleo)
        await expect(visit.by("user-name")).to_have_text("Cleo Customer")
        async with visit.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            await end(await edits.next())
        await visit.page.evaluate(TWO_FRAMES)
        await visit.has_asked()

        assert len(edits.keys) == 1
        assert await visit.page.evaluate(STORED) == cleo
        assert_only_refused(visit, 401)


async def test_rights_that_changed_before_the_socket_was_there_are_shown(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async def change_when_read(route: Route) -> None:
        answer = await route.fetch()
        await become(http, server, "omar", "staff")
        await route.fulfill(response=answer)

    async with visiting(browser, server.url) as omar:
        await omar.page.route("**/users/me", change_when_read, times=1)
        await omar.sign_in("omar")

        await expect(omar.page.locator(".page[data-role=staff]")).to_have_count(1)
        assert_clean(omar)


@pytest.mark.detail
async def test_who_signs_out_while_the_orders_are_read_is_shown_none_of_them(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    order = await place_order(http, server.url, await demo_token(http, server, "cleo"))
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        await released.wait()
        await route.fulfill(response=answer)

    async with visiting(browser, server.url) as cleo:
        await cleo.page.route("**/api/v1/orders?*", hold)
        await cleo.page.goto(f"{server.url}/#order={order['id']}")
        await cleo.by("demo-cleo").click()
        await cleo.by("sign-out").click()
        await cleo.by("demo-cleo").wait_for()
        async with cleo.page.expect_response("**/api/v1/orders?*") as response:
            released.set()
        await (await response.value).finished()
        await cleo.page.evaluate(TWO_FRAMES)

        await expect(cleo.by("order-dialog")).to_have_count(0)
        assert_clean(cleo)


async def test_a_refresh_whose_answer_was_lost_signs_nobody_out(
    server: ServerProcess, browser: Browser
) -> None:
    refreshes: list[Route] = []

    async def lose_the_first(route: Route) -> None:
        refreshes.append(route)
        if len(refreshes) == 1:
            await route.fetch()
        else:
            await route.continue_()

    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await cleo.page.route("**/auth/refresh", lose_the_first)
        await cleo.page.evaluate(EXPIRE)
        await cleo.page.reload()
        await cleo.is_live()

        first, second = refreshes
        assert first.request.post_data == second.request.post_data
        assert cleo.foreign == []
        await first.abort()  # of a page that is gone


@pytest.mark.detail
@pytest.mark.parametrize("status", [401, 403, 404, 408])
async def test_a_refresh_that_a_proxy_refused_signs_nobody_out(
    server: ServerProcess, browser: Browser, status: int
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, body="<h1>Not now</h1>")

    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        # All of them: the page before the reload may need one, and a browser repeats after a 408.
        await cleo.page.route("**/auth/refresh", refuse)
        await cleo.page.evaluate(EXPIRE)
        await cleo.page.reload()
        again = cleo.page.get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await cleo.page.unroute("**/auth/refresh")
        await again.click()
        await cleo.is_live()

        await expect(cleo.by("user-name")).to_have_text("Cleo Customer")
        assert cleo.foreign == []


async def test_a_session_that_the_server_has_ended_leads_to_the_sign_in(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        session = await cleo.page.evaluate(STORED)
        body = {"refresh_token": session["refresh"]}
        ended = await http.post(
            f"{server.url}/api/v1/auth/logout", json=body, headers=bearer(session["access"])
        )
        ended.raise_for_status()
        await cleo.page.evaluate(EXPIRE)
        await cleo.page.reload()

        await expect(cleo.by("demo-cleo")).to_be_visible()
        assert await cleo.page.evaluate(STORED) is None


@pytest.mark.detail
async def test_who_signs_out_waits_for_no_answer_and_the_server_is_told_when_it_can_be(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        session = await cleo.page.evaluate(STORED)
        await cleo.page.route("**/auth/refresh", hold)
        await cleo.page.evaluate(EXPIRE)
        await cleo.by("sign-out").click()

        await expect(cleo.by("demo-cleo")).to_be_visible()
        assert await cleo.page.evaluate(STORED) is None
        async with cleo.page.expect_response("**/auth/logout") as told:
            released.set()
        assert (await told.value).ok
        body = {"refresh_token": session["refresh"]}
        refused = await http.post(f"{server.url}/api/v1/auth/refresh", json=body)
        assert refused.json()["code"] == "invalid_refresh_token"


async def second_tab(visit: Visit) -> Visit:
    """Of the same person, on a page that does not act by itself."""
    page: Page = await visit.page.context.new_page()
    await page.goto(f"{visit.url}/health")
    return Visit(page, visit.url)


async def session_of(http: AsyncClient, server: ServerProcess, name: str) -> dict[str, Any]:
    """As the page would keep it."""
    form = {"username": f"{name}@tandem.example", "password": DEMO_PASSWORD}
    answer = await http.post(f"{server.url}/api/v1/auth/token", data=form)
    tokens = answer.raise_for_status().json()
    return {
        "access": tokens["access_token"],
        "refresh": tokens["refresh_token"],
        "expiresAt": 4_000_000_000_000,
    }
