"""What the form for a new order makes of what is typed, and what it says meanwhile."""

from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import CHAI, DETAIL

pytestmark = DETAIL

COUNT_REWRITTEN = """
() => {
  window.rewritten = 0;
  const observer = new MutationObserver((records) => (window.rewritten += records.length));
  const spoken = '[data-testid=order-total], .order-form .form-error';
  for (const node of document.querySelectorAll(spoken)) {
    observer.observe(node, { childList: true, characterData: true, subtree: true });
  }
}
"""


async def test_what_the_form_says_is_not_said_again_with_each_key(cleo: Visit) -> None:
    await compose(cleo)
    await cleo.by("submit-order").click()
    await expect(cleo.by("order-form")).to_contain_text("at least one product")
    await cleo.page.evaluate(COUNT_REWRITTEN)
    await cleo.by("order-form").locator("[name=note]").press_sequentially("Ring twice")
    assert await cleo.page.evaluate("window.rewritten") == 0

    await cleo.by(f"product-{CHAI}").click()
    await expect(cleo.by("order-form")).not_to_contain_text("at least one product")
    assert await cleo.page.evaluate("window.rewritten") > 0
    await cleo.by("discard-order").click()
    assert_clean(cleo)


async def test_the_digits_of_other_scripts_are_read(cleo: Visit) -> None:
    await compose(cleo)
    line = cleo.by("line")
    for quantity, price in (
        ("\uff13", "\uff11\uff12\uff0e\uff15\uff10"),  # wide, of Japanese input
        ("\u0663", "\u0661\u0662\u066b\u0665"),  # Arabic
        ("\u06f3", "\u06f1\u06f2,\u06f5"),  # Persian
    ):
        await line.locator("[name=quantity]").fill("1")
        await line.locator("[name=unit_price]").fill("1")
        await expect(cleo.by("order-total")).to_contain_text("1.00")
        await line.locator("[name=quantity]").fill(quantity)
        await line.locator("[name=unit_price]").fill(price)
        await expect(cleo.by("order-total")).to_contain_text("37.50")
    await cleo.by("discard-order").click()


async def test_a_raised_digit_is_no_digit_of_a_price(cleo: Visit) -> None:
    await compose(cleo)
    await cleo.by("line").locator("[name=unit_price]").fill("1\u00b2")

    await expect(cleo.by("order-total")).to_contain_text("0.00")
    await cleo.by("discard-order").click()


async def compose(visit: Visit) -> None:
    await visit.page.goto(visit.url)
    await visit.is_live()
    await visit.by("new-order").click()
