"""An opened order is one room: what one does there, the other sees."""

import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Route, expect

from app.embedded import Services
from tests.end_to_end.boards import assert_clean, demo_server, demo_token
from tests.end_to_end.browser import CHROMIUM, DESKTOP, PHONE, Visit, chromium, visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.room import edit_note, edit_quantity, enter, line, save_note, say
from tests.end_to_end.server import ServerProcess

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.timed,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: browser tests left out"),
]

CHAI, PAVLOVA = "NW-001", "NW-016"
ITEMS = [
    {"sku": CHAI, "name": "Chai", "quantity": 3, "unit_price": "18.00"},
    {"sku": PAVLOVA, "name": "Pavlova", "quantity": 12, "unit_price": "17.45"},
    {"sku": "NW-075", "name": "Rhönbräu Klosterbier", "quantity": 24, "unit_price": "7.75"},
]
NOTE = "Please ring at the back door."
COLOUR_SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
GONE_MS = 12_000
"""A signal that nobody takes back ends by itself; a window that vanished leaves before."""

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def server(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(template, tmp_path_factory.mktemp("room")) as server:
        yield server


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def order(server: ServerProcess, http: AsyncClient) -> str:
    """Cleo's, with a note and three lines, shared with Omar; its id."""
    token = await demo_token(http, server, "cleo")
    placed = await place_order(http, server.url, token, items=ITEMS, note=NOTE)
    await share(http, server.url, token, placed["id"])
    return str(placed["id"])


@shared
async def staff_page(server: ServerProcess, browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("staff")
        yield visit


@shared
async def cleo_page(server: ServerProcess, browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser, server.url) as visit:
        await visit.sign_in("cleo")
        yield visit


@pytest_asyncio.fixture(loop_scope="module")
async def staff(staff_page: Visit, order: str) -> Visit:
    """The staff's page, with the order open."""
    return await opened(staff_page, order)


@pytest_asyncio.fixture(loop_scope="module")
async def cleo(cleo_page: Visit, order: str) -> AsyncIterator[Visit]:
    """Cleo's page, with the order open."""
    yield await opened(cleo_page, order)
    await cleo_page.page.unroute_all()


async def opened(visit: Visit, order: str) -> Visit:
    visit.errors.clear()
    await enter(visit, order)
    return visit


# --------------------------------------------------------------------- presence


async def test_who_looks_at_an_order_is_shown_once_and_goes_with_the_last_window(
    server: ServerProcess, browser: Browser, order: str, staff: Visit
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
        await expect(person).to_have_count(1)
        await second.page.close()

        await expect(person).to_have_count(0, timeout=GONE_MS)
        assert_clean(staff, cleo, second)


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


async def test_a_closed_page_edits_nothing_any_more(
    server: ServerProcess, browser: Browser, order: str, staff: Visit
) -> None:
    at_note = staff.by("field-note").get_by_test_id("editors")
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, order)
        await edit_note(cleo, "Anything")
        await expect(at_note).to_be_visible()

    await expect(at_note).to_be_hidden(timeout=GONE_MS)
    assert_clean(staff)


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


# ---------------------------------------------------------------------- editing


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
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text("Ring twice.")
        await expect(line(visit, CHAI).get_by_test_id("item-quantity")).to_have_text("7")
    assert_clean(staff, cleo)


@pytest.mark.parametrize(
    ("key", "kept"), [("ArrowLeft", "Staff wins."), ("", "Cleo wins.")], ids=["theirs", "yours"]
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
    if key:
        await cleo.page.keyboard.press(key)
    await cleo.page.keyboard.press("Enter")

    await expect(conflict).to_have_count(0)
    for visit in (staff, cleo):
        await expect(visit.by("note")).to_have_text(kept)
    assert staff.errors == []
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


# ---------------------------------------------------------------------- sharing


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
        await expect(omar.by("note-input")).to_be_hidden()
        for control in ("edit-note", "edit-line", "add-item", "compose"):
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


# ------------------------------------------------------------------------ looks


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


async def share(http: AsyncClient, url: str, token: str, order: str) -> None:
    """With Omar."""
    asked = {"email": "omar@tandem.example"}
    omar = await http.get(f"{url}/api/v1/users/lookup", params=asked, headers=bearer(token))
    path = f"{url}/api/v1/orders/{order}/collaborators/{omar.json()['id']}"
    (await http.put(path, headers=bearer(token))).raise_for_status()


def assert_only_refused(visit: Visit, status: int) -> None:
    """The browser itself reports an answer with an error status; there is nothing else."""
    assert [error for error in visit.errors if f"status of {status}" not in error] == []
    assert visit.foreign == []
