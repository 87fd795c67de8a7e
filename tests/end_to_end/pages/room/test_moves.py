"""Moving an opened order: what is pressed once moves it one step, and cancelling asks first."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.dead_time import dead_time_held
from tests.end_to_end.pages.room.actions import CHAI, DETAIL, cancel, edit_note, edit_quantity, line
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL

FOOT = ".room > .dialog-foot"
MOVED = "The order is accepted now."


async def double_click(visit: Visit) -> None:
    async with dead_time_held(visit):
        await visit.by("dialog-action-accepted").dblclick()


async def press_enter_twice(visit: Visit) -> None:
    async with dead_time_held(visit):
        for _ in range(2):
            await visit.page.keyboard.press("Enter")


async def hold_enter(visit: Visit) -> None:
    """Beyond the moment in which nothing is taken after a move."""
    keyboard = visit.page.keyboard
    await keyboard.down("Enter")
    await expect(visit.by("room-voice")).to_have_text(MOVED)
    await expect(visit.page.locator(FOOT)).not_to_have_attribute("data-shifting", "")
    await keyboard.down("Enter")
    await keyboard.up("Enter")


@pytest.mark.parametrize("press", [double_click, press_enter_twice, hold_enter])
async def test_an_order_is_moved_one_step_however_a_button_is_pressed(
    staff: Visit, press: Callable[[Visit], Awaitable[None]]
) -> None:
    sent = moves_of(staff)
    await staff.by("dialog-action-accepted").focus()
    await press(staff)

    await expect(staff.by("room-voice")).to_have_text(MOVED)
    await expect(staff.by("dialog-action-preparing")).to_be_focused()
    await expect(staff.by("order-status")).to_have_text("Accepted")
    await expect(staff.page.locator(f"{FOOT} [aria-busy=true]")).to_have_count(0)
    await staff.has_asked()
    assert sent == ['{"status":"accepted"}']
    assert_clean(staff)


async def test_while_a_move_is_under_way_there_is_no_other(staff: Visit) -> None:
    moves = await Held.of(staff.page, "/orders/*", "PATCH")
    sent = moves_of(staff)
    await staff.by("dialog-action-accepted").click()
    move = await moves.next()
    await expect(staff.page.locator(FOOT)).not_to_have_attribute("data-shifting", "")
    await expect(staff.by("dialog-action-preparing")).to_have_attribute("aria-busy", "true")
    await staff.by("dialog-action-preparing").click()
    await move.continue_()

    await expect(staff.by("room-voice")).to_have_text(MOVED)
    await expect(staff.by("dialog-action-preparing")).to_have_attribute("aria-busy", "false")
    await staff.has_asked()
    assert sent == ['{"status":"accepted"}']
    await staff.page.unroute_all(behavior="wait")


async def test_cancelling_an_opened_order_asks_first(staff: Visit) -> None:
    sent = moves_of(staff)
    async with dead_time_held(staff):
        await staff.by("dialog-action-cancelled").dblclick()
    await expect(staff.by("confirm-cancel")).to_have_count(0)
    await staff.page.locator(f"{FOOT}:not([data-shifting])").wait_for()
    await staff.by("dialog-action-cancelled").click()
    await expect(staff.by("keep")).to_be_focused()
    await staff.screenshot("room-cancel-1440-light")
    await staff.page.keyboard.press("Escape")
    await expect(staff.by("dialog-action-cancelled")).to_be_focused()
    await staff.has_asked()
    assert sent == []

    await staff.page.locator(f"{FOOT}:not([data-shifting])").wait_for()
    await cancel(staff)
    await expect(staff.by("room-voice")).to_have_text("The order is cancelled now.")
    await expect(staff.by("order-status")).to_be_focused()
    await expect(staff.page.locator(FOOT)).to_be_hidden()
    assert_clean(staff)


async def test_a_question_that_another_has_outrun_leaves_the_focus_where_it_came_from(
    staff: Visit, http: AsyncClient, server: ServerProcess, order: str
) -> None:
    await staff.by("dialog-action-cancelled").click()
    await expect(staff.by("keep")).to_be_focused()
    headers = bearer(await demo_token(http, server, "admin")) | {"If-Match": "*"}
    url = f"{server.url}/api/v1/orders/{order}"
    moved = await http.patch(url, json={"status": "accepted"}, headers=headers)
    moved.raise_for_status()

    await expect(staff.by("dialog-action-preparing")).to_be_visible()
    await expect(staff.by("dialog-action-cancelled")).to_be_focused()
    assert_clean(staff)


async def test_who_edits_goes_on_when_a_move_that_would_have_ended_it_fails(
    staff: Visit, cleo: Visit
) -> None:
    moves = await Held.of(cleo.page, "/orders/*", "PATCH")
    note, chai = cleo.by("note-input"), line(cleo, CHAI)
    await edit_note(cleo, "Half a sen")
    await edit_quantity(cleo, CHAI, 4)
    await cancel(cleo)
    move = await moves.next()
    await expect(note).not_to_be_editable()
    await expect(cleo.by("save-note")).to_be_hidden()
    await move.abort()

    await expect(chai.locator("[name=quantity]")).to_be_editable()
    await expect(chai.locator("[name=sku]")).not_to_be_editable()
    await note.fill("Half a sentence.")
    await expect(staff.by("field-note").get_by_test_id("editors")).to_contain_text("Cleo")
    await cleo.page.unroute_all(behavior="wait")
    await cleo.by("save-note").click()
    await expect(staff.by("note")).to_have_text("Half a sentence.")


def moves_of(visit: Visit) -> list[str | None]:
    """What the page sends from now on to change an order."""
    sent: list[str | None] = []
    visit.page.on(
        "request",
        lambda request: sent.append(request.post_data) if request.method == "PATCH" else None,
    )
    return sent
