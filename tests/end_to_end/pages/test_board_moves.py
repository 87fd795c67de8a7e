"""Moving orders on the board: no click and no key meets another order than the one it was for."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Locator, Route, expect

from app.embedded import Services
from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.pages.boards import assert_clean, demo_server, demo_token
from tests.end_to_end.pages.dead_time import dead_time_held
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.room.held import Held, lose_answer
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("moves")) as server:
        yield server


@shared
async def staff(server: ServerProcess, browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("staff")
        yield visit


@pytest_asyncio.fixture(loop_scope="module")
async def order(server: ServerProcess, http: AsyncClient, staff: Visit) -> Locator:
    """The card of a new order, at the top and at rest."""
    await staff.page.mouse.move(700, 5)
    return await at_rest(staff, await place(http, server))


async def test_what_is_under_the_pointer_stays_there_when_an_order_arrives(
    server: ServerProcess, http: AsyncClient, staff: Visit, order: Locator
) -> None:
    await order.get_by_test_id("action-accepted").hover()
    newcomer = await place(http, server)
    await expect(staff.by("news-placed")).to_have_text("1 new")
    await staff.screenshot("board-held-1440-light")
    await press_where_it_rests(staff)

    await expect(order).to_have_attribute("data-status", "accepted")
    await staff.by("news-placed").click()
    await expect(card(staff, newcomer)).to_have_attribute("data-status", "placed")
    await expect(staff.by("news-placed")).to_be_hidden()
    assert_clean(staff)


async def test_a_second_click_does_not_meet_the_next_order(
    server: ServerProcess, http: AsyncClient, staff: Visit, order: Locator
) -> None:
    first = await at_rest(staff, await place(http, server))
    await first.get_by_test_id("action-accepted").hover()
    async with dead_time_held(staff):
        await press_where_it_rests(staff)
        await expect(first).to_have_attribute("data-status", "accepted")
        await expect(staff.by("column-placed").locator(".card").first).to_have_attribute(
            "data-order-id", await id_of(order)
        )
        await press_where_it_rests(staff)

    await expect(order).not_to_have_attribute("data-shifting", "")
    await expect(order.locator("[aria-busy=true]")).to_have_count(0)
    await expect(order).to_have_attribute("data-status", "placed")
    await order.get_by_test_id("action-accepted").click()
    await expect(order).to_have_attribute("data-status", "accepted")
    assert_clean(staff)


async def test_a_double_click_does_not_cancel(staff: Visit, order: Locator) -> None:
    async with dead_time_held(staff):
        await order.get_by_test_id("action-cancelled").dblclick()

    await expect(order.get_by_test_id("confirm-cancel")).to_have_count(0)
    await expect(order.get_by_test_id("action-cancelled")).to_be_focused()
    asked = await id_of(order)
    await staff.has_asked()
    assert not any(url.endswith(asked) for url in staff.urls)
    assert_clean(staff)


async def test_cancelling_asks_first_and_is_done_with_the_keyboard(
    staff: Visit, order: Locator
) -> None:
    keyboard = staff.page.keyboard
    await order.get_by_test_id("action-cancelled").focus()
    await keyboard.press("Enter")
    await expect(order.get_by_test_id("keep")).to_be_focused()
    await staff.screenshot("board-cancel-1440-light")
    await keyboard.press("Escape")
    await expect(order.get_by_test_id("action-cancelled")).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("Shift+Tab")
    await expect(order.get_by_test_id("confirm-cancel")).to_be_focused()
    await keyboard.press("Enter")

    await expect(order).to_have_attribute("data-status", "cancelled")
    await expect(order.get_by_test_id("card-open")).to_be_focused()
    assert_clean(staff)


@pytest.mark.parametrize(
    ("control", "after"),
    [
        ("card-open", "card-open"),
        ("action-cancelled", "action-cancelled"),
        ("action-accepted", "card-open"),
    ],
)
async def test_the_focus_never_goes_to_another_action_when_somebody_else_moves_it(
    server: ServerProcess, http: AsyncClient, order: Locator, control: str, after: str
) -> None:
    await order.get_by_test_id(control).focus()
    await move(http, server, order, "accepted")
    await expect(order).to_have_attribute("data-status", "accepted")

    await expect(order.get_by_test_id(after)).to_be_focused()


async def test_arrow_keys_walk_from_card_to_card_and_out_of_the_column(
    server: ServerProcess, http: AsyncClient, staff: Visit, order: Locator
) -> None:
    first = await at_rest(staff, await place(http, server))
    keyboard = staff.page.keyboard
    await first.get_by_test_id("action-accepted").focus()
    await keyboard.press("ArrowDown")
    await expect(order.get_by_test_id("card-open")).to_be_focused()
    await keyboard.press("ArrowUp")
    await expect(first.get_by_test_id("card-open")).to_be_focused()
    await keyboard.press("ArrowRight")

    beside = staff.by("column-accepted").get_by_test_id("card-open").first
    await expect(beside).to_be_focused()
    await keyboard.press("ArrowLeft")
    await expect(first.get_by_test_id("card-open")).to_be_focused()


async def test_a_column_is_skipped_with_the_keyboard(staff: Visit, order: Locator) -> None:
    await order.wait_for()
    await staff.by("skip-placed").focus()
    await staff.page.keyboard.press("Enter")
    await expect(staff.by("column-accepted").locator(".column-scroll")).to_be_focused()

    await staff.by("skip-cancelled").focus()
    await staff.page.keyboard.press("Enter")
    await expect(staff.page.locator(".status-bar")).to_be_focused()


async def test_a_move_made_while_there_is_no_connection_is_sent_when_there_is_one(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        order = await at_rest(staff, await place(http, server))
        await staff.page.context.set_offline(offline=True)
        await order.get_by_test_id("action-accepted").click()
        await expect(staff.by("toast")).to_contain_text("waiting for the connection")
        await expect(order).to_have_attribute("aria-busy", "true")
        await staff.page.context.set_offline(offline=False)

        await expect(order).to_have_attribute("data-status", "accepted")
        await expect(order).not_to_have_attribute("aria-busy", "true")
        assert staff.foreign == []


async def test_a_move_whose_answer_was_lost_is_not_called_refused(
    staff: Visit, order: Locator
) -> None:
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if lost or route.request.method != "PATCH":
            await route.fallback()
            return
        lost.append(route.request.url)
        await route.fetch()
        await route.abort()

    await staff.page.route(re.compile("/api/v1/orders/"), lose)
    async with staff.page.expect_response(
        lambda answer: answer.request.method == "PATCH" and bool(lost)
    ):
        await order.get_by_test_id("action-accepted").click()
        await expect(staff.by("toast").last).to_contain_text("waiting for the connection")

    await expect(order).to_have_attribute("data-status", "accepted")
    await expect(order.locator("[aria-busy=true]")).to_have_count(0)
    await expect(staff.by("toast").filter(has_text="quicker")).to_have_count(0)
    await staff.page.unroute_all(behavior="wait")


async def test_a_move_whose_answer_was_lost_tells_of_no_change_by_others(
    staff: Visit, order: Locator
) -> None:
    moves = await Held.of(staff.page, "/orders/*", "PATCH")
    await order.get_by_test_id("action-accepted").click()
    moved = await lose_answer(await moves.next())
    await (await moves.next()).continue_()

    said = f"Order {moved['number']} is now accepted."
    await expect(staff.page.get_by_text(said, exact=True)).to_be_attached()
    await expect(staff.by("toast").filter(has_text=said)).to_have_count(0)
    await staff.page.unroute_all(behavior="wait")


async def test_a_move_on_top_of_what_others_changed_says_so(
    server: ServerProcess, http: AsyncClient, staff: Visit, order: Locator
) -> None:
    moves = await Held.of(staff.page, "/orders/*", "PATCH")
    await order.get_by_test_id("action-accepted").click()
    held = await moves.next()
    await edit(http, server, order, note="Ring twice.")
    await held.continue_()

    await expect(staff.by("toast").last).to_contain_text("both changes were kept")
    await staff.page.unroute_all(behavior="wait")


async def press_where_it_rests(visit: Visit) -> None:
    await visit.page.mouse.down()
    await visit.page.mouse.up()


def card(visit: Visit, order: str) -> Locator:
    return visit.page.locator(f"[data-testid=card][data-order-id='{order}']")


async def at_rest(visit: Visit, order: str) -> Locator:
    shown = card(visit, order)
    await shown.wait_for()
    await expect(shown).not_to_have_attribute("data-shifting", "")
    return shown


async def id_of(order: Locator) -> str:
    return str(await order.get_attribute("data-order-id"))


async def place(http: AsyncClient, server: ServerProcess) -> str:
    """An order of Cleo's; its id."""
    placed: dict[str, Any] = await place_order(
        http, server.url, await demo_token(http, server, "cleo")
    )
    return str(placed["id"])


async def move(http: AsyncClient, server: ServerProcess, order: Locator, status: str) -> None:
    """By somebody else."""
    await edit(http, server, order, status=status)


async def edit(http: AsyncClient, server: ServerProcess, order: Locator, **changes: str) -> None:
    """By somebody else."""
    headers = bearer(await demo_token(http, server, "admin")) | {"If-Match": "*"}
    url = f"{server.url}/api/v1/orders/{await id_of(order)}"
    answer = await http.patch(url, json=changes, headers=headers)
    answer.raise_for_status()
