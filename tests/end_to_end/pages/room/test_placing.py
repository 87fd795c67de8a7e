"""One wish places one order, whatever becomes of the answer and of the form."""

from typing import Any

import pytest
from playwright.async_api import Locator, Route, expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import CHAI, DETAIL
from tests.end_to_end.pages.room.held import AGE, Held, cut_answer, lose_answer

pytestmark = DETAIL

ORDERS = "/orders"


async def compose(visit: Visit) -> None:
    await visit.page.get_by_role("button", name="New order").click()


async def come_back(visit: Visit) -> None:
    """To a form as it was kept."""
    await visit.page.reload()
    await visit.is_live()
    await compose(visit)


async def place_chai(visit: Visit) -> Held:
    """On the board, until it is on its way."""
    await visit.page.goto(visit.url)
    await visit.is_live()
    posts = await Held.of(visit.page, ORDERS)
    await compose(visit)
    await visit.by(f"product-{CHAI}").click()
    await visit.by("submit-order").click()
    return posts


async def place_and_close(visit: Visit) -> tuple[Held, Route]:
    """Close the form while its order is on its way."""
    posts = await place_chai(visit)
    on_its_way = await posts.next()
    await visit.page.keyboard.press("Escape")
    await expect(visit.by("order-form-dialog")).to_have_count(0)
    return posts, on_its_way


async def expect_placed(visit: Visit, number: int) -> None:
    told = visit.by("toast").filter(has_text=f"Order {number} is placed.")
    await expect(told).to_have_count(1)
    await expect(visit.by("order-form-dialog")).to_have_count(0)


@pytest.mark.parametrize("end", [lose_answer, cut_answer])
async def test_an_order_whose_answer_was_lost_is_placed_once_also_after_a_reload(
    cleo: Visit, end: Any
) -> None:
    posts = await place_chai(cleo)
    placed = await end(await posts.next())
    await expect(cleo.by("order-form")).to_contain_text("The server cannot be reached.")

    await come_back(cleo)
    await cleo.by("submit-order").click()
    await (await posts.next()).continue_()

    await expect_placed(cleo, placed["number"])
    assert posts.keys == [posts.keys[0]] * 2


async def test_an_order_whose_key_the_server_may_have_forgotten_is_not_sent_unasked(
    cleo: Visit,
) -> None:
    posts = await place_chai(cleo)
    await (await posts.next()).abort()
    await expect(cleo.by("order-form")).to_contain_text("The server cannot be reached.")
    await cleo.page.evaluate(AGE)

    await come_back(cleo)
    await cleo.by("submit-order").click()
    await expect(cleo.by("order-form")).to_contain_text("may have been placed")
    await cleo.has_asked()
    assert len(posts.keys) == 1
    await cleo.by("submit-order").click()
    await (await posts.next()).continue_()

    await expect(cleo.by("order-form-dialog")).to_have_count(0)


async def test_an_order_that_the_server_would_not_place_is_never_in_doubt(cleo: Visit) -> None:
    posts = await place_chai(cleo)
    await refuse(await posts.next(), 422, "invalid_request")
    await expect(cleo.by("order-form")).to_contain_text("not right yet")
    await cleo.page.evaluate(AGE)

    await come_back(cleo)
    await cleo.by("submit-order").click()
    await (await posts.next()).continue_()

    await expect(cleo.by("order-form-dialog")).to_have_count(0)
    assert len(set(posts.keys)) == 2


async def test_an_order_that_is_changed_after_a_refusal_is_another_wish(cleo: Visit) -> None:
    posts = await place_chai(cleo)
    await refuse(await posts.next())
    await expect(cleo.by("order-form")).to_contain_text("busy recovering")
    await cleo.by(f"product-{CHAI}").click()
    await cleo.by("submit-order").click()
    await (await posts.next()).continue_()

    await expect(cleo.by("order-form-dialog")).to_have_count(0)
    assert len(set(posts.keys)) == 2


async def test_while_an_order_is_on_its_way_nothing_can_be_typed_that_would_be_lost(
    cleo: Visit,
) -> None:
    posts = await place_chai(cleo)
    on_its_way = await posts.next()
    note = cleo.by("order-form").locator("[name=note]")

    await press(cleo, note)
    await cleo.page.keyboard.type("One more thing")
    await press(cleo, cleo.by(f"product-{CHAI}"))
    await expect(note).to_have_value("")
    await expect(cleo.by("line").locator("[name=quantity]")).to_have_value("1")
    await cleo.by("order-form").evaluate("(form) => form.requestSubmit()")
    await on_its_way.continue_()

    await expect(cleo.by("order-form-dialog")).to_have_count(0)
    assert len(posts.keys) == 1
    assert_clean(cleo)


async def test_who_sent_an_order_that_was_refused_goes_on_where_they_were(cleo: Visit) -> None:
    await cleo.page.goto(cleo.url)
    await cleo.is_live()
    posts = await Held.of(cleo.page, ORDERS)
    await compose(cleo)
    await cleo.by(f"product-{CHAI}").click()
    quantity = cleo.by("line").locator("[name=quantity]")
    await quantity.press("Enter")
    on_its_way = await posts.next()
    await expect(quantity).not_to_be_focused()
    await refuse(on_its_way)

    await expect(cleo.by("order-form")).to_contain_text("busy recovering")
    await expect(quantity).to_be_focused()
    await cleo.by("discard-order").click()


async def test_a_form_that_was_closed_on_the_way_comes_back_and_ends_with_its_order(
    cleo: Visit,
) -> None:
    posts, on_its_way = await place_and_close(cleo)

    await compose(cleo)
    await expect(cleo.by("submit-order")).to_be_disabled()
    await on_its_way.continue_()
    await expect(cleo.by("order-form-dialog")).to_have_count(0)

    await compose(cleo)
    await expect(cleo.by("line").locator("[name=name]")).to_have_value("")
    await expect(cleo.by("submit-order")).to_be_enabled()
    await cleo.page.keyboard.press("Escape")
    assert len(posts.keys) == 1
    assert_clean(cleo)


async def test_an_order_refused_after_its_form_was_closed_is_told_of_and_kept(
    cleo: Visit,
) -> None:
    posts, on_its_way = await place_and_close(cleo)
    await refuse(on_its_way)
    await expect(cleo.by("toast").last).to_contain_text("not placed; the draft is kept.")

    await compose(cleo)
    await expect(cleo.by("line").locator("[name=name]")).to_have_value("Chai")
    await cleo.by("submit-order").click()
    await (await posts.next()).continue_()

    await expect(cleo.by("order-form-dialog")).to_have_count(0)
    assert posts.keys == [posts.keys[0]] * 2


async def press(visit: Visit, control: Locator) -> None:
    """Where it is, whether or not it takes a press."""
    box = await control.bounding_box()
    assert box
    await visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


async def refuse(route: Route, status: int = 503, code: str = "service_unavailable") -> None:
    await route.fulfill(status=status, json={"code": code})
