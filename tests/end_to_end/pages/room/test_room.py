"""An opened order is one room: what one says and shows there, the other sees."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Route, expect

from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.live_list import becomes
from tests.end_to_end.pages.room.actions import (
    CHAI,
    MARKS,
    PAVLOVA,
    edit_note,
    edit_quantity,
    enter,
    line,
    say,
)
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.subscriber import open_socket

pytestmark = MARKS

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HEAR_A_SIGNAL = """async () => {
    const { Editing } = await import('/static/room/editing.js');
    window.editing = new Editing(() => {});
    const cleo = { user: '1', client: '2', conn_info: { name: 'Cleo' } };
    window.editing.take(cleo, 'note');
}"""
PLACES = """() => [...document.querySelectorAll('dialog :is(button, input, textarea)')]
    .map((control) => Object.values(control.getBoundingClientRect().toJSON()))"""

# --------------------------------------------------------------------- presence


async def test_who_looks_at_an_order_is_shown_once_and_goes_with_the_last_window(
    server: ServerProcess, browser: Browser, http: AsyncClient, order: str, staff: Visit
) -> None:
    person = staff.by("person")
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, order)
        await expect(person).to_have_count(1)
        await expect(person.get_by_role("img")).to_have_attribute("title", re.compile("Cleo"))
        await expect(cleo.by("person")).to_have_count(1)

        second = Visit(await cleo.page.context.new_page(), server.url)
        await second.page.goto(server.url)
        await second.is_live()
        await enter(second, order)
        await expect(second.by("person")).to_have_count(1)
        await expect(person).to_have_count(1)
        await cleo.page.keyboard.press("Escape")
        await expect(cleo.by("order-dialog")).to_have_count(0)
        await until_present(await demo_token(http, server, "staff"), server, order, 2)
        await say(second, "I am still here.")
        await expect(staff.by("comment")).to_have_count(1)
        await expect(person).to_have_count(1)
        await second.page.close()

        await expect(person).to_have_count(0)
        assert_clean(staff, cleo, second)


async def until_present(token: str, server: ServerProcess, order: str, count: int) -> None:
    """Until so many windows have the order open, as the server sees it."""
    channel = {"channel": f"orders:{order}"}
    async with open_socket(server.socket_url, token) as socket:
        await socket.ask(subscribe=channel)

        async def others() -> int:
            return len((await socket.ask(presence=channel))["presence"]["presence"]) - 1

        await becomes(others, count)


async def test_an_order_has_an_address_and_the_back_button_closes_it(
    order: str, staff: Visit
) -> None:
    await staff.page.keyboard.press("Escape")
    await expect(staff.by("order-dialog")).to_have_count(0)
    assert order not in staff.page.url
    card = staff.page.locator(f"[data-testid=card][data-order-id='{order}']")
    await card.get_by_role("button", name=re.compile("^Order")).focus()
    await staff.page.keyboard.press("Enter")
    await expect(staff.by("order-dialog")).to_be_visible()
    assert staff.page.url.endswith(f"#order={order}")

    await staff.page.go_back()

    await expect(staff.by("order-dialog")).to_have_count(0)
    await expect(card.locator(".card-open")).to_be_focused()
    assert_clean(staff)


# ---------------------------------------------------------------------- signals


async def test_who_edits_a_field_is_shown_there_until_they_stop(staff: Visit, cleo: Visit) -> None:
    at_note = staff.by("field-note").get_by_test_id("editors")
    at_chai = line(staff, CHAI).get_by_test_id("editors")

    await edit_note(cleo, "Anything")
    await expect(at_note).to_contain_text("is editing")
    await cleo.by("cancel-note").click()
    await expect(at_note).to_be_hidden()

    await edit_quantity(cleo, CHAI, 5)
    await expect(at_chai).to_contain_text("Cleo")
    await cleo.by("save-line").click()
    await expect(at_chai).to_be_hidden()
    await expect(line(staff, CHAI).get_by_test_id("item-quantity")).to_have_text("5")
    assert_clean(staff, cleo)


@pytest.mark.detail
async def test_who_edits_a_field_moves_nothing_that_another_may_be_about_to_click(
    staff: Visit, cleo: Visit
) -> None:
    await edit_note(staff, "Anything")
    where = await staff.page.evaluate(PLACES)

    await edit_note(cleo, "Anything")
    await edit_quantity(cleo, PAVLOVA, 5)
    await expect(line(staff, PAVLOVA).get_by_test_id("editors")).to_be_visible()
    assert await staff.page.evaluate(PLACES) == where
    await cleo.by("note-input").focus()
    await expect(staff.by("field-note").get_by_test_id("editors")).to_be_visible()
    assert await staff.page.evaluate(PLACES) == where
    await cleo.by("comment-input").fill("Anything")
    await expect(staff.page.locator(".comments").get_by_test_id("editors")).to_be_visible()
    assert await staff.page.evaluate(PLACES) == where


@pytest.mark.detail
async def test_a_closed_page_edits_nothing_any_more(
    server: ServerProcess, browser: Browser, order: str, staff: Visit
) -> None:
    at_note = staff.by("field-note").get_by_test_id("editors")
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, order)
        await edit_note(cleo, "Anything")
        await expect(at_note).to_be_visible()

    await expect(at_note).to_be_hidden()
    assert_clean(staff)


@pytest.mark.detail
async def test_a_signal_that_is_not_repeated_ends_by_itself(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        # The clock runs until it is paused: it begins before the time at which it will be.
        await visit.page.clock.install(time=NOON - timedelta(hours=1))
        await visit.page.clock.pause_at(NOON)
        await visit.page.goto(server.url)
        await visit.page.evaluate(HEAR_A_SIGNAL)

        await visit.page.clock.run_for(6_000)
        assert await visit.page.evaluate("editing.of('note').length") == 1
        await visit.page.clock.run_for(2_000)
        assert await visit.page.evaluate("editing.of('note').length") == 0


# --------------------------------------------------------------------- comments


async def test_a_comment_of_one_arrives_at_the_other(staff: Visit, cleo: Visit) -> None:
    await say(cleo, "Could it come before noon?")

    heard = staff.by("comments").get_by_test_id("comment")
    await expect(heard).to_have_count(1)
    await expect(heard).to_contain_text("Could it come before noon?")
    await expect(cleo.by("comment")).to_have_count(1)
    await staff.by("tab-history").click()
    await expect(staff.by("event").last).to_contain_text("commented")
    assert_clean(staff, cleo)


async def test_a_comment_whose_answer_was_lost_is_written_once(staff: Visit, cleo: Visit) -> None:
    keys: list[str | None] = []

    async def lose_the_first(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            await route.abort()
        else:
            await route.continue_()

    await cleo.page.route("**/comments", lose_the_first)
    await say(cleo, "Is anybody there?")
    await cleo.by("retry-comment").click()

    await expect(staff.by("comment")).to_have_count(1)
    await expect(cleo.by("comment")).to_have_count(1)
    await expect(cleo.by("retry-comment")).to_have_count(0)
    assert keys[0]
    assert keys == [keys[0]] * 2
