"""What one has saved oneself is not told to oneself as what others did."""

from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import (
    CHAI,
    DETAIL,
    NOTE,
    edit_note,
    edit_quantity,
    line,
    save_note,
)
from tests.end_to_end.pages.room.held import Held

pytestmark = DETAIL


async def test_a_note_that_is_edited_again_while_it_is_saved_was_changed_by_nobody_else(
    cleo: Visit,
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    overtaken = cleo.by("field-note").get_by_test_id("overtaken")
    await save_note(cleo, "Ring twice.")
    edit = await edits.next()
    await edit_note(cleo, "Ring three times.")
    assert await overtaken.is_hidden()
    async with cleo.page.expect_event("requestfinished", lambda sent: sent.method == "PATCH"):
        await edit.continue_()
    await expect(cleo.by("event").filter(has_text="note")).to_have_count(1)

    await expect(overtaken).to_be_hidden()
    await expect(cleo.by("note-input")).to_have_value("Ring three times.")
    assert_clean(cleo)


async def test_a_line_that_is_edited_again_while_it_is_merged_was_changed_by_nobody_else(
    staff: Visit, cleo: Visit
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    overtaken = line(cleo, CHAI).get_by_test_id("overtaken")
    await edit_quantity(cleo, CHAI, 7)
    await cleo.by("save-line").click()
    edit = await edits.next()
    await edit_quantity(cleo, CHAI, 9)
    await save_note(staff, "Ring twice.")
    await expect(cleo.by("note")).to_have_text("Ring twice.")
    await edit.continue_()
    await expect(cleo.by("room-notice")).to_contain_text("merged")
    await expect(cleo.by("event").filter(has_text="3 → 7")).to_have_count(1)

    await expect(overtaken).to_be_hidden()
    assert_clean(staff, cleo)


async def test_what_others_make_of_what_one_saved_is_told(staff: Visit, cleo: Visit) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    overtaken = cleo.by("field-note").get_by_test_id("overtaken")
    await save_note(cleo, "Ring twice.")
    edit = await edits.next()
    await edit_note(cleo, "Ring three times.")
    await edit.continue_()
    await expect(staff.by("note")).to_have_text("Ring twice.")
    for text in (NOTE, "Do not ring."):
        await save_note(staff, text)
        await expect(overtaken).to_contain_text("Sten")
        await expect(overtaken).to_contain_text(text)
    assert_clean(staff, cleo)
