"""Who saves a value and then what it was before has what it was before."""

from typing import Any

from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import assert_clean, demo_token
from tests.end_to_end.pages.room.actions import (
    CHAI,
    DETAIL,
    NOTE,
    edit_quantity,
    line,
    save_note,
)
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL


async def test_a_quantity_taken_back_while_it_is_on_its_way_is_taken_back(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    before = (await read_order(http, server, order))["items"]
    for quantity in (7, 3):
        await edit_quantity(cleo, CHAI, quantity)
        await cleo.by("save-line").click()
    await (await edits.next()).continue_()
    await (await edits.next()).continue_()

    await expect(line(cleo, CHAI).get_by_test_id("item-quantity")).to_have_text("3")
    await is_saved(cleo, order)
    assert (await read_order(http, server, order))["items"] == before
    assert_clean(cleo)


async def test_a_note_taken_back_while_it_is_on_its_way_is_taken_back(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "Ring twice.")
    await save_note(cleo, NOTE)
    await (await edits.next()).continue_()
    await (await edits.next()).continue_()

    await expect(cleo.by("note")).to_have_text(NOTE)
    await is_saved(cleo, order)
    assert (await read_order(http, server, order))["note"] == NOTE
    assert_clean(cleo)


async def test_a_quantity_taken_back_when_the_answer_is_there_is_taken_back(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await edit_quantity(cleo, CHAI, 7)
    await cleo.by("save-line").click()
    await edit_quantity(cleo, CHAI, 3)
    await (await edits.next()).continue_()
    await expect(cleo.by("event").filter(has_text="3 → 7")).to_have_count(1)
    await cleo.by("save-line").click()
    await (await edits.next()).continue_()

    await is_saved(cleo, order)
    assert await quantity_of_chai(http, server, order) == 3
    assert_clean(cleo)


async def test_a_quantity_edited_again_while_it_is_merged_conflicts_with_nobody(
    staff: Visit, cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    for quantity in (7, 9):
        await edit_quantity(cleo, CHAI, quantity)
        await cleo.by("save-line").click()
    await save_note(staff, "Ring twice.")
    await is_saved(staff, order)
    await (await edits.next()).continue_()
    await (await edits.next()).continue_()

    await expect(line(staff, CHAI).get_by_test_id("item-quantity")).to_have_text("9")
    await is_saved(cleo, order)
    await expect(cleo.by("conflict")).to_have_count(0)
    assert_clean(staff, cleo)


async def test_a_quantity_taken_back_from_what_was_merged_is_taken_back(
    server: ServerProcess, http: AsyncClient, staff: Visit, cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    for quantity in (7, 3):
        await edit_quantity(cleo, CHAI, quantity)
        await cleo.by("save-line").click()
    await save_note(staff, "Ring twice.")
    await is_saved(staff, order)
    await (await edits.next()).continue_()
    await (await edits.next()).continue_()

    await is_saved(cleo, order)
    assert await quantity_of_chai(http, server, order) == 3
    assert (await read_order(http, server, order))["note"] == "Ring twice."
    assert_clean(staff, cleo)


async def test_nobody_is_overwritten_by_what_is_taken_back(staff: Visit, cleo: Visit) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "Ring twice.")
    await save_note(cleo, NOTE)
    await (await edits.next()).continue_()
    back = await edits.next()
    await expect(staff.by("note")).to_have_text("Ring twice.")
    await save_note(staff, "Ring three times.")
    await expect(staff.by("note")).to_have_text("Ring three times.")
    await back.continue_()

    conflict = cleo.by("conflict")
    await expect(conflict.get_by_test_id("version-theirs")).to_have_text("Ring three times.")
    await expect(conflict.get_by_test_id("version-yours")).to_have_text(NOTE)


async def is_saved(visit: Visit, order: str) -> None:
    """Wait until what was typed in the order is no draft any more."""
    await visit.page.wait_for_function(
        "(id) => !Object.keys(sessionStorage).some((key) => key.includes(id))", arg=order
    )


async def read_order(http: AsyncClient, server: ServerProcess, order: str) -> Any:
    headers = bearer(await demo_token(http, server, "cleo"))
    return (await http.get(f"{server.url}/api/v1/orders/{order}", headers=headers)).json()


async def quantity_of_chai(http: AsyncClient, server: ServerProcess, order: str) -> int:
    items = (await read_order(http, server, order))["items"]
    return next(int(item["quantity"]) for item in items if item["sku"] == CHAI)
