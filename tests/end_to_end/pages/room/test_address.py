"""The address of an order that is none, or that one may not see."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.room.actions import DETAIL, assert_only_refused

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
