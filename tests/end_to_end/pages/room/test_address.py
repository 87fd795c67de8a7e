"""The address of an order: also of one that is none, that one may not see, or beside another."""

from uuid import uuid4

import pytest
from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import place_order
from tests.end_to_end.pages.boards import demo_token
from tests.end_to_end.pages.room.actions import DETAIL, assert_only_refused, enter
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL

NO_SUCH_ORDER = "There is no such order, or you may not see it."


async def test_an_order_that_one_may_not_see_opens_with_one_sentence_and_no_controls(
    cleo: Visit,
) -> None:
    await cleo.page.goto(f"{cleo.url}/#order={uuid4()}")

    dialog = cleo.by("order-dialog")
    await expect(cleo.by("room-notice")).to_have_text(NO_SUCH_ORDER)
    await expect(dialog.locator("button, input, textarea").filter(visible=True)).to_have_count(1)
    await cleo.screenshot("room-missing-1440-light")
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)
    await cleo.page.wait_for_url(lambda url: "#order" not in url)
    assert_only_refused(cleo, 404)


@pytest.mark.parametrize("name", ["garbage", ""])
async def test_an_address_that_names_no_order_is_refused_and_removed(
    cleo: Visit, name: str
) -> None:
    await cleo.page.goto(f"{cleo.url}/#order={name}")

    await expect(cleo.by("toast").last).to_contain_text(NO_SUCH_ORDER)
    await expect(cleo.by("order-dialog")).to_have_count(0)
    await cleo.page.wait_for_url(lambda url: "#order" not in url)
    assert cleo.errors == []


async def test_closing_an_order_does_not_open_the_one_from_which_its_address_was_followed(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    other = await place_order(http, server.url, await demo_token(http, server, "cleo"))
    dialog = cleo.by("order-dialog")
    await cleo.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    card = cleo.page.locator(f"[data-testid=card][data-order-id='{order}']")
    await card.get_by_test_id("card-open").click()
    await expect(dialog).to_have_attribute("data-order-id", order)
    await enter(cleo, other["id"])
    await dialog.get_by_role("button", name="Close").click()

    await cleo.page.wait_for_url(lambda url: "#order" not in url)
    await expect(dialog).to_have_count(0)
    assert cleo.errors == []
