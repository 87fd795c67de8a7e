"""Who closes an order is told on the board what of theirs was not done."""

import pytest
from playwright.async_api import Locator, expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.room.actions import (
    CHAI,
    DETAIL,
    PAVLOVA,
    assert_only_refused,
    cancel,
    edit_quantity,
    enter,
    line,
    save_note,
    say,
)
from tests.end_to_end.pages.room.held import Held

pytestmark = DETAIL

ORDER = "/orders/*"


async def leave(visit: Visit) -> None:
    await visit.page.keyboard.press("Escape")
    await expect(visit.by("order-dialog")).to_have_count(0)


def told(visit: Visit, text: str) -> Locator:
    return visit.by("toast").filter(has_text=text)


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("note", "your note was not saved; the draft is kept."),
        ("line", "your edit of Chai was not saved; the draft is kept."),
    ],
    ids=["note", "line"],
)
async def test_an_edit_that_fails_after_the_order_was_closed_is_told_of_and_kept(
    cleo: Visit, order: str, field: str, sentence: str
) -> None:
    saves = await Held.of(cleo.page, ORDER, "PATCH")
    if field == "note":
        await save_note(cleo, "Will not arrive.")
    else:
        await edit_quantity(cleo, CHAI, 8)
        await cleo.by("save-line").click()
    save = await saves.next()
    await leave(cleo)
    await save.abort()

    await expect(told(cleo, sentence)).to_have_count(1)
    await enter(cleo, order)
    if field == "note":
        await expect(cleo.by("note-input")).to_have_value("Will not arrive.")
    else:
        await expect(line(cleo, CHAI).locator("[name=quantity]")).to_have_value("8")


async def test_a_line_that_is_not_taken_away_after_the_order_was_closed_is_told_of(
    cleo: Visit,
) -> None:
    saves = await Held.of(cleo.page, ORDER, "PATCH")
    await line(cleo, PAVLOVA).get_by_test_id("edit-line").click()
    await line(cleo, PAVLOVA).get_by_role("button", name="Remove this line").click()
    save = await saves.next()
    await leave(cleo)
    await save.abort()

    await expect(told(cleo, "your edit of Pavlova was not saved.")).to_have_count(1)


async def test_a_conflict_after_the_order_was_closed_is_not_asked_over_the_board(
    staff: Visit, cleo: Visit, order: str
) -> None:
    saves = await Held.of(cleo.page, ORDER, "PATCH")
    await save_note(cleo, "Cleo wins.")
    save = await saves.next()
    await leave(cleo)
    await save_note(staff, "Staff wins.")
    await expect(staff.by("event").filter(has_text="changed the note")).to_have_count(1)
    await save.continue_()

    await expect(told(cleo, "your note was not saved; the draft is kept.")).to_have_count(1)
    await expect(cleo.by("conflict")).to_have_count(0)
    await enter(cleo, order)
    await expect(cleo.by("note-input")).to_have_value("Cleo wins.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Staff wins.")
    assert_only_refused(cleo, 412)


async def test_a_move_that_fails_after_the_order_was_closed_is_told_of(
    staff: Visit, cleo: Visit
) -> None:
    moves = await Held.of(cleo.page, ORDER, "PATCH")
    await cancel(cleo)
    move = await moves.next()
    await leave(cleo)
    await staff.by("dialog-action-accepted").click()
    await expect(staff.by("event").filter(has_text="to accepted")).to_have_count(1)
    await move.continue_()

    await expect(told(cleo, "was quicker: the order is accepted now.")).to_have_count(1)
    assert_only_refused(cleo, 412)


async def test_a_comment_that_fails_after_the_order_was_closed_is_told_of_and_sent_again(
    cleo: Visit, order: str
) -> None:
    comments = await Held.of(cleo.page, "/orders/*/comments")
    await say(cleo, "Is anybody there?")
    comment = await comments.next()
    await leave(cleo)
    await comment.abort()
    await expect(told(cleo, "your comment was not sent.")).to_have_count(1)

    await enter(cleo, order)
    await (await comments.next()).continue_()

    await expect(cleo.by("comment")).to_have_count(1)
    await expect(cleo.by("comment")).not_to_have_attribute("data-state", "sending")
    assert comments.keys == [comments.keys[0]] * 2
