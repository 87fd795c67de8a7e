"""What one is typing is not lost before one has decided what to do with it."""

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Page, expect

from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.room.actions import (
    CHAI,
    DETAIL,
    NOTE,
    assert_only_refused,
    edit_note,
    edit_quantity,
    enter,
    line,
    save_note,
)
from tests.end_to_end.pages.room.held import Held, reload_before_the_answer
from tests.end_to_end.pages.room.test_taken_back import is_saved
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL


async def go_back(page: Page) -> None:
    await page.go_back()


async def press_escape(page: Page) -> None:
    await page.keyboard.press("Escape")  # closes the field
    await page.keyboard.press("Escape")


async def press_close(page: Page) -> None:
    await page.get_by_test_id("order-dialog").get_by_role("button", name="Close").click()


@pytest.mark.parametrize("leave", [go_back, press_escape, press_close])
async def test_a_draft_is_there_again_when_the_order_is_opened_again(
    cleo: Visit, order: str, leave: object
) -> None:
    await cleo.page.goto(cleo.url)
    await enter(cleo, order)
    await edit_note(cleo, "Half a sen")
    assert callable(leave)
    await leave(cleo.page)
    await expect(cleo.by("order-dialog")).to_have_count(0)

    await enter(cleo, order)

    await expect(cleo.by("note-input")).to_have_value("Half a sen")
    await expect(cleo.by("field-note").get_by_test_id("draft")).to_have_text("Your draft")
    assert_clean(cleo)


async def test_drafts_of_a_note_a_line_and_a_comment_outlive_a_reload(
    cleo: Visit, order: str
) -> None:
    await edit_quantity(cleo, CHAI, 8)
    await edit_note(cleo, "Half a sen")
    await cleo.by("comment-input").fill("Could it")

    await cleo.page.reload()
    await enter(cleo, order)

    await expect(cleo.by("note-input")).to_have_value("Half a sen")
    await expect(line(cleo, CHAI).locator("[name=quantity]")).to_have_value("8")
    await expect(cleo.by("comment-input")).to_have_value("Could it")
    await cleo.screenshot("room-drafts-1440-light")
    assert_clean(cleo)


async def test_a_saved_or_cancelled_draft_is_gone(cleo: Visit, order: str) -> None:
    await edit_quantity(cleo, CHAI, 8)
    await cleo.by("cancel-line").click()
    await save_note(cleo, "A sentence.")
    await cleo.by("comment-input").fill("A comment")
    await cleo.by("comment-input").press("Control+Enter")
    await expect(cleo.by("comment")).to_have_count(1)
    await expect(cleo.by("comment")).not_to_have_attribute("data-state", "sending")

    await cleo.page.reload()
    await enter(cleo, order)

    await expect(cleo.by("note")).to_have_text("A sentence.")
    await expect(line(cleo, CHAI).get_by_test_id("item-quantity")).to_have_text("3")
    await expect(cleo.by("comment-input")).to_have_value("")
    kept = await cleo.page.evaluate("Object.keys(sessionStorage)")
    assert [key for key in kept if order in key] == []
    assert_clean(cleo)


async def test_a_line_that_was_saved_when_the_page_was_reloaded_is_no_draft(
    cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await edit_quantity(cleo, CHAI, 7)
    await line(cleo, CHAI).locator("[name=unit_price]").fill(" 18,5")
    await cleo.by("save-line").click()
    await reload_before_the_answer(await edits.next())
    await enter(cleo, order)

    await expect(line(cleo, CHAI).get_by_test_id("item-quantity")).to_have_text("7")
    await expect(line(cleo, CHAI).get_by_test_id("item-price")).to_contain_text("18.50")
    await is_saved(cleo, order)
    assert_clean(cleo)


async def test_a_new_line_that_was_added_when_the_page_was_reloaded_is_no_draft(
    cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await cleo.by("add-item").click()
    new = cleo.by("field-items")
    for name, value in {"name": "Chang ", "sku": "NW-002", "unit_price": "19"}.items():
        await new.locator(f"[name={name}]").fill(value)
    await cleo.by("save-item").click()
    await reload_before_the_answer(await edits.next())
    await enter(cleo, order)

    await expect(line(cleo, "NW-002")).to_contain_text("Chang")
    await expect(cleo.by("add-item")).to_be_visible()
    await is_saved(cleo, order)
    assert_clean(cleo)


async def test_escape_leaves_the_comment_and_not_the_order(cleo: Visit) -> None:
    await cleo.by("comment-input").fill("Could it")
    await cleo.by("comment-input").press("Escape")

    await expect(cleo.by("comment-input")).not_to_be_focused()
    await expect(cleo.by("comment-input")).to_have_value("Could it")
    await expect(cleo.by("order-dialog")).to_be_visible()


async def test_what_was_typed_when_the_order_is_deleted_can_still_be_read(
    server: ServerProcess, http: AsyncClient, order: str, cleo: Visit
) -> None:
    await edit_note(cleo, "Half a sen")
    await cleo.by("comment-input").fill("Could it")
    token = await demo_token(http, server, "cleo")
    gone = await http.delete(f"{server.url}/api/v1/orders/{order}", headers=bearer(token))
    gone.raise_for_status()

    await expect(cleo.by("room-notice")).to_contain_text("deleted")
    for field, text in {"note-input": "Half a sen", "comment-input": "Could it"}.items():
        await expect(cleo.by(field)).to_have_value(text)
        await expect(cleo.by(field)).to_be_visible()
        await expect(cleo.by(field)).not_to_be_editable()
    await cleo.screenshot("room-deleted-1440-light")
    await expect(cleo.by("save-note")).to_be_hidden()
    assert_clean(cleo)


async def test_a_draft_that_met_a_conflict_still_meets_it_after_a_reload(
    staff: Visit, cleo: Visit, order: str
) -> None:
    await edit_note(cleo, "Cleo wins.")
    await save_note(staff, "Staff wins.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Sten")
    await cleo.by("save-note").click()
    await expect(cleo.by("conflict")).to_be_visible()

    await cleo.page.reload()
    await enter(cleo, order)

    await expect(cleo.by("note-input")).to_have_value("Cleo wins.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Sten")
    await cleo.by("save-note").click()
    await expect(cleo.by("conflict")).to_be_visible()
    assert_only_refused(cleo, 412)


async def test_a_new_order_is_kept_until_it_is_placed_or_discarded(cleo: Visit) -> None:
    await cleo.page.goto(cleo.url)
    await cleo.is_live()
    await cleo.page.get_by_role("button", name="New order").click()
    await cleo.by(f"product-{CHAI}").click()
    await cleo.by("order-form").locator("[name=note]").fill("Half a sen")
    await cleo.page.keyboard.press("Escape")
    await expect(cleo.by("order-form-dialog")).to_have_count(0)

    await cleo.page.reload()
    await cleo.is_live()
    await cleo.page.get_by_role("button", name="New order").click()
    await expect(cleo.by("line").locator("[name=name]")).to_have_value("Chai")
    await expect(cleo.by("order-form").locator("[name=note]")).to_have_value("Half a sen")
    await expect(cleo.by("order-total")).to_contain_text("18.00")
    await cleo.screenshot("order-form-draft-1440-light")
    await cleo.by("discard-order").click()
    await expect(cleo.by("order-form-dialog")).to_have_count(0)

    await cleo.page.get_by_role("button", name="New order").click()
    await expect(cleo.by("line").locator("[name=name]")).to_have_value("")
    await expect(cleo.by("discard-order")).to_be_hidden()
    await cleo.page.keyboard.press("Escape")
    assert_clean(cleo)


async def test_who_signs_out_leaves_no_draft(cleo: Visit, order: str) -> None:
    await edit_note(cleo, "Half a sen")
    await cleo.page.goto(cleo.url)
    await expect(cleo.by("order-dialog")).to_have_count(0)
    await cleo.page.get_by_role("button", name="Sign out").click()
    await cleo.sign_in("cleo")

    await enter(cleo, order)

    await expect(cleo.by("note")).to_have_text(NOTE)
    await expect(cleo.by("note-input")).to_be_hidden()
    assert_clean(cleo)


async def test_who_signs_out_of_the_operations_leaves_no_draft(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        for person, way in (("cleo", "Sign in as someone else"), ("admin", "Sign out")):
            await visit.sign_in(person)
            await visit.by("new-order").click()
            await visit.by(f"product-{CHAI}").click()
            await visit.page.goto(f"{server.url}/ops")
            await visit.page.get_by_role("button", name=way).click()
            await visit.by("demo-admin").wait_for()

            assert await visit.page.evaluate("Object.keys(sessionStorage)") == []
        assert_clean(visit)
