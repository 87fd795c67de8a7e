"""Texts of any length and direction, and what is said of one that cannot be sent."""

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from tests.end_to_end.browser import PHONE, Visit, visiting
from tests.end_to_end.orders import place_order
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.room.actions import DETAIL, edit_note, enter, line, save_note
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.pages.room.test_sharing import overflow, picture
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL

LONG = [
    {"sku": "L" * 40, "name": "W" * 200, "quantity": 10_000, "unit_price": "9999999.99"},
    {"sku": "R", "name": "עברית ארוכה מאוד " * 8, "quantity": 1, "unit_price": "1.00"},
    {"sku": "NW-001", "name": "Chai", "quantity": 3, "unit_price": "18.00"},
]
READ_PRICE = """async ([text, currency]) => {
    const { parseMoney } = await import('/static/money.js');
    const units = parseMoney(text, currency);
    return units === null ? null : Number(units);
}"""


async def test_a_text_that_is_too_long_stays_whole_and_is_not_sent(cleo: Visit) -> None:
    text = "x" * 2_100
    comments = cleo.by("compose")
    for place, box, send in (
        (comments, "comment-input", "send-comment"),
        (cleo.by("field-note"), "note-input", "save-note"),
    ):
        if box == "note-input":
            await edit_note(cleo, "")
        await cleo.by(box).fill(text)
        await expect(cleo.by(box)).to_have_value(text)
        told = place.get_by_test_id("length")
        await expect(told).to_have_text("2,100 of 2,000 characters. Please make it shorter.")
        await expect(cleo.by(send)).to_be_disabled()
        await cleo.by(box).press("Control+Enter")
        await expect(cleo.by(box)).to_have_value(text)
    await cleo.screenshot("room-too-long-1440-light")

    await cleo.by("comment-input").fill(text[:2_000])
    await expect(comments.get_by_test_id("length")).to_have_text("2,000 of 2,000 characters")
    await cleo.by("send-comment").click()
    await expect(cleo.by("comment")).to_have_count(1)
    await expect(comments.get_by_test_id("length")).to_be_empty()
    assert_clean(cleo)


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("18", "EUR", 1_800),
        ("18,5", "EUR", 1_850),
        ("18.50", "EUR", 1_850),
        ("1,000", "EUR", None),
        ("12.500", "EUR", None),
        ("1000", "JPY", 1_000),
        ("14.00", "JPY", 14),
        ("14.50", "JPY", None),
        ("12,000", "JPY", None),
    ],
)
async def test_what_may_be_meant_as_thousands_is_no_price(
    cleo: Visit, text: str, currency: str, units: int | None
) -> None:
    assert await cleo.page.evaluate(READ_PRICE, [text, currency]) == units


async def test_a_price_that_is_none_says_what_one_looks_like(cleo: Visit) -> None:
    chai = line(cleo, "NW-001")
    await chai.get_by_test_id("edit-line").click()
    await chai.locator("[name=unit_price]").fill("1,000")
    await chai.get_by_test_id("save-line").click()

    await expect(chai).to_contain_text("A price in EUR looks like 12.50.")
    await expect(chai.locator("[name=unit_price]")).to_be_focused()
    await cleo.page.keyboard.press("Escape")


async def test_sharing_with_what_is_no_address_says_what_one_looks_like(cleo: Visit) -> None:
    for text in ("", "nobody", "nobody@x"):
        await cleo.by("share-email").fill(text)
        await cleo.by("share").click()
        sentence = "Enter an e-mail address, such as cleo@tandem.example."
        await expect(cleo.by("share-error")).to_have_text(sentence)
        await expect(cleo.by("share-email")).to_be_focused()


async def test_an_empty_order_is_marked_where_it_is_to_be_filled_in(cleo: Visit) -> None:
    await cleo.page.goto(cleo.url)
    await cleo.is_live()
    await cleo.page.get_by_role("button", name="New order").click()
    await cleo.by("submit-order").click()

    form = cleo.by("order-form")
    await expect(form.locator("[name=name]")).to_be_focused()
    await expect(form.locator("[aria-invalid=true]")).to_have_count(3)
    await cleo.screenshot("order-form-empty-1440-light")
    await cleo.page.keyboard.press("Escape")
    assert_clean(cleo)


async def test_a_long_name_and_a_large_price_fit_a_phone(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    token = await demo_token(http, server, "cleo")
    note = "لوريم ايبسوم " * 20
    placed = await place_order(http, server.url, token, items=LONG, note=note)
    async with visiting(browser, server.url, size=PHONE) as cleo:
        await cleo.sign_in("cleo")
        await enter(cleo, placed["id"])
        await picture(cleo, "room-long")
        await cleo.page.evaluate("document.querySelector('.room-panel-order').scrollTop = 500")
        await picture(cleo, "room-long-items")
        assert await overflow(cleo) <= 0
        direction = await cleo.by("note").evaluate("(node) => getComputedStyle(node).direction")
        assert direction == "rtl"
        await line(cleo, "R").get_by_test_id("edit-line").click()
        await picture(cleo, "room-long-editing")
        assert await overflow(cleo) <= 0
        assert_clean(cleo)


async def test_a_large_total_stays_right_while_an_edit_is_on_its_way(
    server: ServerProcess, http: AsyncClient, cleo: Visit
) -> None:
    token = await demo_token(http, server, "cleo")
    placed = await place_order(http, server.url, token, items=LONG)
    await enter(cleo, placed["id"])
    total = cleo.by("room-total")
    before = await total.inner_text()
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "A large one.")
    edit = await edits.next()
    await expect(cleo.by("note")).to_have_text("A large one.")

    assert await total.inner_text() == before
    await edit.continue_()
    await expect(cleo.by("event").filter(has_text="note")).to_have_count(1)
    assert_clean(cleo)
