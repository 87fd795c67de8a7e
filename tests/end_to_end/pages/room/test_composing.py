"""What the form for a new order makes of what is typed, and what it says meanwhile."""

from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import CHAI, MARKS

pytestmark = MARKS

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


async def compose(visit: Visit) -> None:
    await visit.page.goto(visit.url)
    await visit.is_live()
    await visit.by("new-order").click()
