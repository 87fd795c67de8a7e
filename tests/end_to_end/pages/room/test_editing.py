"""Several people edit one order at the same time."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.end_to_end.browser import COMPOSING, Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import (
    CHAI,
    MARKS,
    NOTE,
    PAVLOVA,
    assert_only_refused,
    edit_note,
    edit_quantity,
    enter,
    line,
    save_note,
)
from tests.end_to_end.server import ServerProcess

pytestmark = MARKS


async def test_a_line_is_added_and_another_taken_away(staff: Visit, cleo: Visit) -> None:
    await cleo.by("add-item").click()
    new = cleo.by("field-items")
    for name, value in {"name": "Chang", "sku": "NW-002", "unit_price": "19.00"}.items():
        await new.locator(f"[name={name}]").fill(value)
    await cleo.by("save-item").click()
    await expect(line(staff, "NW-002")).to_contain_text("Chang")

    await line(cleo, PAVLOVA).get_by_test_id("edit-line").click()
    await line(cleo, PAVLOVA).get_by_role("button", name="Remove this line").click()

    await expect(line(staff, PAVLOVA)).to_have_count(0)
    await expect(staff.by("room-total")).to_contain_text("259.00")
    await staff.by("tab-history").click()
    await expect(staff.by("event").last).to_contain_text("removed Pavlova")
    assert_clean(staff, cleo)


async def test_a_status_moves_for_both(staff: Visit, cleo: Visit) -> None:
    await staff.by("dialog-action-accepted").click()

    for visit in (staff, cleo):
        await expect(visit.by("order-status")).to_have_text("Accepted")
        await visit.by("tab-history").click()
        await expect(visit.by("event").last).to_contain_text("moved it from placed to accepted")
    assert_clean(staff, cleo)


async def test_edits_of_different_fields_are_merged(staff: Visit, cleo: Visit) -> None:
    await edit_note(staff, "Ring twice.")
    await edit_quantity(cleo, CHAI, 7)

    await staff.by("save-note").click()
    await expect(cleo.by("note")).to_have_text("Ring twice.")
    await cleo.by("save-line").click()

    await expect(cleo.by("room-notice")).to_contain_text("the note")
    await cleo.screenshot("room-merged-1440-light")
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text("Ring twice.")
        await expect(line(visit, CHAI).get_by_test_id("item-quantity")).to_have_text("7")
    assert_clean(staff, cleo)


@pytest.mark.parametrize(
    ("key", "kept"),
    [("Space", "Staff wins."), ("ArrowRight", "Cleo wins.")],
    ids=["theirs", "yours"],
)
async def test_edits_of_the_same_field_are_chosen_from(
    staff: Visit, cleo: Visit, key: str, kept: str
) -> None:
    await edit_note(cleo, "Cleo wins.")
    await save_note(staff, "Staff wins.")
    await expect(cleo.by("field-note").get_by_test_id("overtaken")).to_contain_text("Staff wins.")
    await expect(cleo.by("note-input")).to_have_value("Cleo wins.")

    await cleo.by("save-note").click()
    conflict = cleo.by("conflict")
    await expect(conflict.get_by_test_id("version-theirs")).to_have_text("Staff wins.")
    await expect(conflict.get_by_test_id("version-yours")).to_have_text("Cleo wins.")
    await cleo.page.keyboard.press(key)
    await cleo.page.keyboard.press("Enter")

    await expect(conflict).to_have_count(0)
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text(kept)
    assert staff.errors == []
    assert_only_refused(cleo, 412)


async def test_nobody_is_overwritten_without_a_choice(staff: Visit, cleo: Visit) -> None:
    await edit_note(cleo, "Cleo wins.")
    await save_note(staff, "Staff wins.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Staff wins.")
    await cleo.by("save-note").click()
    save = cleo.by("conflict-save")
    await expect(cleo.by("conflict").locator("input:checked")).to_have_count(0)
    await expect(save).to_be_disabled()
    await expect(save).to_have_accessible_description("Choose one version first.")
    await cleo.screenshot("conflict-unchosen-1440-light")

    await cleo.page.keyboard.press("Enter")
    await save.click(force=True)
    await expect(cleo.by("choose-theirs")).to_be_focused()
    await expect(cleo.by("note")).not_to_have_text("Cleo wins.")
    await expect(cleo.by("conflict")).to_be_visible()

    await cleo.by("conflict-back").click()
    await expect(cleo.by("note-input")).to_have_value("Cleo wins.")
    await cleo.by("save-note").click()
    await expect(save).to_be_disabled()
    await expect(staff.by("note")).to_have_text("Staff wins.")
    assert_only_refused(cleo, 412)


@pytest.mark.detail
@pytest.mark.parametrize("kept", ["Staff wins.", "Cleo wins."])
async def test_where_the_server_cannot_tell_what_conflicts_nobody_is_overwritten_either(
    staff: Visit, cleo: Visit, kept: str
) -> None:
    async def forget_why(route: Route) -> None:
        answer = await route.fetch()
        problem = {**await answer.json(), "conflicts": []}
        await route.fulfill(response=answer, json=problem)

    await edit_note(cleo, "Cleo wins.")
    await save_note(staff, "Staff wins.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Staff wins.")
    await cleo.page.route("**/api/v1/orders/*", forget_why, times=1)
    await cleo.by("save-note").click()

    conflict = cleo.by("conflict")
    await expect(conflict).to_contain_text("Sten Staff changed the note, too")
    await expect(conflict.get_by_test_id("version-theirs")).to_have_text("Staff wins.")
    await expect(conflict.get_by_test_id("version-yours")).to_have_text("Cleo wins.")
    await conflict.get_by_text(kept).click()
    await cleo.by("conflict-save").click()
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text(kept)
    assert_only_refused(cleo, 412)


@pytest.mark.detail
async def test_who_conflicts_with_themselves_is_told_of_the_other_window(
    server: ServerProcess, cleo: Visit, order: str
) -> None:
    other = Visit(await cleo.page.context.new_page(), server.url)
    await enter(other, order)
    await edit_note(other, "There.")
    editors = cleo.by("field-note").get_by_test_id("editors")
    await expect(editors).to_contain_text("You, in another window, are editing")
    await edit_note(cleo, "Here.")
    await other.by("save-note").click()
    overtaken = cleo.by("field-note").get_by_test_id("overtaken")
    await expect(overtaken).to_contain_text("You, in another window, changed this")
    await other.page.close()

    await cleo.by("save-note").click()

    conflict = cleo.by("conflict")
    await expect(conflict).to_contain_text("You, in another window, changed the note, too")
    await expect(conflict).not_to_contain_text("Cleo")
    await cleo.screenshot("conflict-self-1440-light")
    assert_only_refused(cleo, 412)


async def test_an_edit_that_is_refused_comes_back_with_what_was_typed(cleo: Visit) -> None:
    async def refuse(route: Route) -> None:
        await route.abort()

    await cleo.page.route("**/api/v1/orders/*", refuse)
    await save_note(cleo, "Will not arrive.")

    await expect(cleo.by("field-note").get_by_test_id("field-error")).to_contain_text("reached")
    await expect(cleo.by("note-input")).to_have_value("Will not arrive.")
    await cleo.by("note-input").press("Escape")
    await expect(cleo.by("note")).to_have_text(NOTE)
    await expect(cleo.by("order-dialog")).to_be_visible()


@pytest.mark.detail
async def test_a_press_of_take_theirs_outlives_what_else_happens_to_the_order(
    staff: Visit, cleo: Visit
) -> None:
    await edit_note(cleo, "Cleo wins.")
    await save_note(staff, "Staff wins.")
    take = cleo.by("field-note").get_by_test_id("take-theirs")
    await take.hover()
    await cleo.page.mouse.down()
    await expect(take).to_be_focused()
    await edit_quantity(staff, CHAI, 8)
    await staff.by("save-line").click()
    await expect(line(cleo, CHAI).get_by_test_id("item-quantity")).to_have_text("8")
    await expect(take).to_be_focused()
    await cleo.page.mouse.up()

    await expect(cleo.by("note")).to_be_visible()
    await expect(cleo.by("note")).to_have_text("Staff wins.")


@pytest.mark.detail
@pytest.mark.parametrize("composing", COMPOSING, ids=str)
async def test_keys_of_an_input_method_save_send_and_close_nothing(
    cleo: Visit, composing: dict[str, Any]
) -> None:
    await edit_quantity(cleo, CHAI, 4)
    quantity, comment = line(cleo, CHAI).locator("[name=quantity]"), cleo.by("comment-input")
    for key in ("Enter", "Escape"):
        await quantity.dispatch_event("keydown", {"key": key, **composing})
        await expect(quantity).to_be_visible()
    await comment.fill("Could it")
    for key in ("Enter", "Escape"):
        await comment.dispatch_event("keydown", {"key": key, "ctrlKey": True, **composing})
        await expect(comment).to_be_focused()
        await expect(comment).to_have_value("Could it")


@pytest.mark.detail
async def test_who_saves_twice_in_a_row_does_not_conflict_with_themselves(
    staff: Visit, cleo: Visit
) -> None:
    answered = asyncio.Event()

    async def hold_the_first(route: Route) -> None:
        if "One." in (route.request.post_data or ""):
            await answered.wait()
        await route.continue_()

    await cleo.page.route("**/api/v1/orders/*", hold_the_first)
    await save_note(cleo, "One.")
    await save_note(cleo, "Two.")
    await expect(cleo.by("note")).to_have_text("Two.")
    await expect(staff.by("note")).to_have_text(NOTE)
    answered.set()

    await expect(staff.by("note")).to_have_text("Two.")
    await expect(cleo.by("conflict")).to_have_count(0)
    assert_clean(staff, cleo)
