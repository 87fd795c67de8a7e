"""Who saves what others have changed meanwhile is asked: also where it is as it was before."""

import pytest
from httpx import AsyncClient
from playwright.async_api import Locator, expect

from tests.end_to_end.browser import Visit
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

NOTIFY = """async () => {
    const { Notices } = await import('/static/views/notices.js');
    const notices = new Notices();
    document.body.append(notices.node);
    notices.error('Somebody should know.');
}"""


@pytest.mark.parametrize("kept", ["Ring twice.", NOTE])
async def test_who_saves_the_note_as_it_was_before_others_changed_it_is_asked(
    staff: Visit, cleo: Visit, order: str, kept: str
) -> None:
    await edit_note(cleo, "Ring th")
    await save_note(staff, "Ring twice.")
    await expect(overtaken(cleo)).to_contain_text("Ring twice.")
    await cleo.by("note-input").fill(NOTE)
    await cleo.by("save-note").click()

    await is_asked(cleo, by="Sten", theirs="Ring twice.", yours=NOTE)
    await choose(cleo, kept)
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text(kept)
    await is_saved(cleo, order)
    assert_only_refused(cleo, 412)


@pytest.mark.parametrize("kept", ["7", "3"])
async def test_who_saves_a_line_as_it_was_before_others_changed_it_is_asked(
    staff: Visit, cleo: Visit, order: str, kept: str
) -> None:
    await edit_quantity(cleo, CHAI, 4)
    await save_quantity(staff, 7)
    await expect(overtaken(cleo)).to_contain_text("7")
    await line(cleo, CHAI).locator("[name=quantity]").fill("3")
    await cleo.by("save-line").click()

    await is_asked(cleo, by="Sten", theirs="7", yours="3")
    await choose(cleo, kept)
    for visit in (staff, cleo):
        await expect(quantity(visit)).to_have_text(kept)
    await is_saved(cleo, order)
    assert_clean(cleo)


async def test_who_saves_what_they_have_not_touched_is_asked_like_who_has_typed_the_same(
    staff: Visit, cleo: Visit
) -> None:
    await line(cleo, CHAI).get_by_test_id("edit-line").click()
    await save_quantity(staff, 7)
    await expect(overtaken(cleo)).to_contain_text("7")
    await cleo.by("save-line").click()

    await is_asked(cleo, by="Sten", theirs="7", yours="3")
    await cleo.by("conflict-back").click()
    await expect(line(cleo, CHAI).locator("[name=quantity]")).to_have_value("3")


@pytest.mark.parametrize("way", ["Escape", "cancel"])
async def test_who_leaves_an_editor_untouched_is_asked_nothing(
    staff: Visit, cleo: Visit, way: str
) -> None:
    await line(cleo, CHAI).get_by_test_id("edit-line").click()
    await save_quantity(staff, 7)
    await expect(overtaken(cleo)).to_contain_text("7")
    if way == "cancel":
        await cleo.by("cancel-line").click()
    else:
        await cleo.page.keyboard.press(way)

    await expect(quantity(cleo)).to_have_text("7")
    await expect(cleo.by("conflict")).to_have_count(0)
    assert_clean(cleo)


async def test_a_quantity_taken_back_while_it_was_on_its_way_is_asked_for_after_a_reload(
    cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_quantity(cleo, 7)
    await edit_quantity(cleo, CHAI, 3)
    await reload_before_the_answer(await edits.next())
    await cleo.page.unroute_all()
    await enter(cleo, order)
    await expect(overtaken(cleo)).to_contain_text("7")
    await cleo.by("save-line").click()

    await is_asked(cleo, by="You", theirs="7", yours="3")
    await choose(cleo, "3")
    await is_saved(cleo, order)
    await expect(quantity(cleo)).to_have_text("3")


async def test_who_saves_again_what_was_saved_is_asked_where_others_took_it_back(
    staff: Visit, cleo: Visit
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_quantity(cleo, 7)
    await line(cleo, CHAI).get_by_test_id("edit-line").click()
    await (await edits.next()).continue_()
    await cleo.page.unroute_all()
    await expect(quantity(staff)).to_have_text("7")
    await save_quantity(staff, 3)
    await expect(staff.by("event").filter(has_text="7 → 3")).to_have_count(1)
    await expect(cleo.by("event").filter(has_text="7 → 3")).to_have_count(1)
    await cleo.by("save-line").click()

    await is_asked(cleo, by="Sten", theirs="3", yours="7")


async def test_what_is_taken_back_after_an_edit_that_met_a_conflict_meets_it_too(
    staff: Visit, cleo: Visit
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    for number in (7, 3):
        await save_quantity(cleo, number)
    await save_quantity(staff, 9)
    await expect(staff.by("event").filter(has_text="3 → 9")).to_have_count(1)
    for _ in range(2):
        await (await edits.next()).continue_()

    await expect(cleo.by("conflict")).to_have_count(2)
    last = cleo.by("conflict").last
    await expect(last.get_by_test_id("version-theirs")).to_contain_text("9")
    await expect(last.get_by_test_id("version-yours")).to_contain_text("3")


async def test_two_questions_go_when_the_order_is_deleted(
    server: ServerProcess, http: AsyncClient, staff: Visit, cleo: Visit, order: str
) -> None:
    await is_asked_twice(staff, cleo)
    await answer_the_last(cleo)
    headers = bearer(await demo_token(http, server, "admin"))
    gone = await http.delete(f"{server.url}/api/v1/orders/{order}", headers=headers)
    gone.raise_for_status()

    await expect(cleo.by("room-notice")).to_contain_text("deleted")
    await expect(cleo.by("conflict")).to_have_count(0)


async def test_two_questions_go_when_the_order_is_left_and_no_notice_was_behind_them(
    staff: Visit, cleo: Visit
) -> None:
    await is_asked_twice(staff, cleo)
    await cleo.page.evaluate(NOTIFY)
    notice = cleo.by("toast").filter(has_text="Somebody should know.")
    dismiss = notice.get_by_role("button", name="Dismiss")
    await dismiss.click(trial=True)
    await answer_the_last(cleo)
    await dismiss.click(trial=True)
    await cleo.page.evaluate("location.hash = ''")

    await expect(cleo.by("order-dialog")).to_have_count(0)
    await expect(cleo.by("conflict")).to_have_count(0)
    await dismiss.click()


async def is_asked_twice(staff: Visit, cleo: Visit) -> None:
    """Of a note and of a line, that were both saved before the first answer came."""
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "Cleo wins.")
    await save_quantity(cleo, 7)
    await save_note(staff, "Staff wins.")
    await save_quantity(staff, 9)
    await expect(staff.by("event").filter(has_text="3 → 9")).to_have_count(1)
    for _ in range(2):
        await (await edits.next()).continue_()
    await expect(cleo.by("conflict")).to_have_count(2)


async def answer_the_last(visit: Visit) -> None:
    await visit.by("conflict").last.get_by_test_id("conflict-back").click()
    await expect(visit.by("conflict")).to_have_count(1)


def overtaken(visit: Visit) -> Locator:
    return visit.by("overtaken").filter(visible=True)


def quantity(visit: Visit) -> Locator:
    return line(visit, CHAI).get_by_test_id("item-quantity")


async def save_quantity(visit: Visit, number: int) -> None:
    await edit_quantity(visit, CHAI, number)
    await visit.by("save-line").click()


async def is_asked(visit: Visit, *, by: str, theirs: str, yours: str) -> None:
    conflict = visit.by("conflict")
    await expect(conflict.locator(".conflict-lead")).to_contain_text(by)
    await expect(conflict.get_by_test_id("version-theirs")).to_contain_text(theirs)
    await expect(conflict.get_by_test_id("version-yours")).to_contain_text(yours)


async def choose(visit: Visit, version: str) -> None:
    versions = visit.by("conflict").locator(".version-value")
    await versions.filter(has_text=version).click()
    await visit.by("conflict-save").click()
    await expect(visit.by("conflict")).to_have_count(0)
