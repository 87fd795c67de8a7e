"""Who may see an order, while it is open; and how it looks on each screen."""

from typing import Literal

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from tests.end_to_end.browser import DESKTOP, PHONE, Visit, visiting
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.room.actions import (
    DETAIL,
    PAVLOVA,
    assert_only_refused,
    edit_note,
    edit_quantity,
    enter,
    line,
    say,
)
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL

COLOUR_SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")


async def test_an_order_is_shared_by_e_mail(
    server: ServerProcess, browser: Browser, order: str, cleo: Visit
) -> None:
    await cleo.by("unshare").click()
    await expect(cleo.by("shared")).to_have_count(0)
    await cleo.by("share-email").fill("nobody@tandem.example")
    await cleo.by("share").click()
    await expect(cleo.by("share-error")).to_contain_text("Nobody")
    async with visiting(browser, server.url) as omar:
        await omar.sign_in("omar")
        await cleo.by("share-email").fill("omar@tandem.example")
        await cleo.by("share").click()

        await expect(cleo.by("shared")).to_contain_text("Omar")
        card = omar.page.locator(f"[data-testid=card][data-order-id='{order}']")
        await expect(card).to_be_visible()
        assert_clean(omar)


async def test_who_may_no_longer_see_an_order_is_told_and_edits_it_no_more(
    server: ServerProcess, browser: Browser, order: str, cleo: Visit
) -> None:
    async with visiting(browser, server.url) as omar:
        await omar.sign_in("omar")
        await enter(omar, order)
        await edit_note(omar, "A draft")
        await expect(cleo.by("person")).to_have_count(1)

        await cleo.by("unshare").click()

        await expect(omar.by("room-notice")).to_contain_text("not shared with you")
        await omar.screenshot("room-revoked-1440-light")
        await expect(omar.by("note-input")).to_have_value("A draft")
        await expect(omar.by("note-input")).not_to_be_editable()
        for control in ("save-note", "edit-line", "add-item", "compose"):
            await expect(omar.by(control).filter(visible=True)).to_have_count(0)
        card = omar.page.locator(f"[data-testid=card][data-order-id='{order}']")
        await expect(card).to_have_count(0)
        await omar.page.keyboard.press("Escape")
        await expect(omar.by("order-dialog")).to_have_count(0)
        await expect(cleo.by("person")).to_have_count(0)
        assert_clean(omar, cleo)


async def test_a_deleted_order_says_so(
    server: ServerProcess, http: AsyncClient, order: str, staff: Visit
) -> None:
    token = await demo_token(http, server, "cleo")
    gone = await http.delete(f"{server.url}/api/v1/orders/{order}", headers=bearer(token))
    gone.raise_for_status()

    await expect(staff.by("room-notice")).to_contain_text("deleted")
    await expect(staff.by("dialog-action-accepted")).to_be_hidden()
    assert_clean(staff)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_room_fits_the_screen(
    server: ServerProcess,
    browser: Browser,
    order: str,
    staff: Visit,
    size: tuple[int, int],
) -> None:
    async with visiting(browser, server.url, size=size) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, order)
        await say(staff, "We have only ten Pavlova left today. Is that all right?")
        await say(cleo, "Yes, please send ten, and the rest next week.")
        await edit_quantity(staff, PAVLOVA, 10)
        await expect(line(cleo, PAVLOVA).get_by_test_id("editors")).to_be_attached()
        await expect(cleo.by("comment")).to_have_count(2)
        await picture(cleo, "room-comments")
        if size == PHONE:
            await cleo.by("tab-order").click()
            await picture(cleo, "room-order")
        await edit_quantity(cleo, PAVLOVA, 11)
        await staff.by("save-line").click()
        await expect(cleo.by("overtaken").filter(visible=True)).to_have_count(1)
        await picture(cleo, "room-editing")
        await cleo.by("save-line").click()
        await expect(cleo.by("conflict")).to_be_visible()
        await picture(cleo, "conflict")
        assert await overflow(cleo) <= 0
        assert_only_refused(cleo, 412)


async def picture(visit: Visit, name: str) -> None:
    """Light and dark, once nothing moves any more that comes to rest."""
    moving = "document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1)"
    size = visit.page.viewport_size
    assert size is not None
    for scheme in COLOUR_SCHEMES:
        await visit.page.emulate_media(color_scheme=scheme)
        await visit.page.evaluate(f"Promise.allSettled({moving}.map((one) => one.finished))")
        await visit.screenshot(f"{name}-{size['width']}-{scheme}")


async def overflow(visit: Visit) -> int:
    """By how much what is open is wider than the screen, in pixels."""
    boxes = "dialog[open] :is(div, section, form):not(.sr-only)"
    nodes = f"document.querySelectorAll('html, dialog[open], {boxes}')"
    widths = f"[...{nodes}].map((node) => node.scrollWidth - node.clientWidth)"
    found: int = await visit.page.evaluate(f"Math.max(...{widths})")
    return found
