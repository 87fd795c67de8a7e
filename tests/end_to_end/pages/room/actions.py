"""What a person does in an opened order, in a browser."""

import pytest
from playwright.async_api import Locator, expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.marks import in_browser

MARKS = in_browser("package")
DETAIL = [*MARKS, pytest.mark.detail]
CHAI, PAVLOVA = "NW-001", "NW-016"
ITEMS = [
    {"sku": CHAI, "name": "Chai", "quantity": 3, "unit_price": "18.00"},
    {"sku": PAVLOVA, "name": "Pavlova", "quantity": 12, "unit_price": "17.45"},
    {"sku": "NW-075", "name": "Rhönbräu Klosterbier", "quantity": 24, "unit_price": "7.75"},
]
NOTE = "Please ring at the back door."


async def enter(visit: Visit, order: str) -> None:
    """Open the order by its address; until all of it is there."""
    await visit.page.goto(f"{visit.url}/#order={order}")
    dialog = visit.by("order-dialog")
    await expect(dialog).to_have_attribute("data-order-id", order)
    await expect(visit.by("history").get_by_test_id("event")).not_to_have_count(0)


def line(visit: Visit, sku: str) -> Locator:
    return visit.page.locator(f"[data-testid=item][data-field='items/{sku}']")


async def edit_note(visit: Visit, text: str) -> None:
    """Type, without saving."""
    await visit.by("edit-note").or_(visit.by("add-note")).filter(visible=True).click()
    await visit.by("note-input").fill(text)


async def save_note(visit: Visit, text: str) -> None:
    await edit_note(visit, text)
    await visit.by("save-note").click()


async def edit_quantity(visit: Visit, sku: str, quantity: int) -> None:
    """Type, without saving."""
    await line(visit, sku).get_by_test_id("edit-line").click()
    await line(visit, sku).locator("[name=quantity]").fill(str(quantity))


async def say(visit: Visit, text: str) -> None:
    await visit.by("tab-comments").click()
    await visit.by("comment-input").fill(text)
    await visit.by("comment-input").press("Control+Enter")


async def cancel(visit: Visit) -> None:
    """With the answer to the question whether to do so, once it is taken."""
    await visit.by("dialog-action-cancelled").click()
    await (
        visit.page.locator(".dialog-foot:not([data-shifting])")
        .get_by_test_id("confirm-cancel")
        .click()
    )


def assert_only_refused(visit: Visit, status: int) -> None:
    """The browser itself reports an answer with an error status; there is nothing else."""
    assert [error for error in visit.errors if f"status of {status}" not in error] == []
    assert visit.foreign == []
