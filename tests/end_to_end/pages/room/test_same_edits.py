"""What others made the very same, or what is sent again because its answer was lost, is saved."""

from typing import Any

import pytest
from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import demo_token
from tests.end_to_end.pages.room.actions import (
    CHAI,
    ITEMS,
    MARKS,
    PAVLOVA,
    assert_only_refused,
    edit_note,
    edit_quantity,
    line,
    save_note,
)
from tests.end_to_end.pages.room.held import Held, lose_answer
from tests.end_to_end.pages.room.test_taken_back import is_saved
from tests.end_to_end.server import ServerProcess

pytestmark = MARKS

# An edit of several fields, saved as the room does; the order then, or the fields that conflict.
SAVE = """
async ([id, edit]) => {
  const { Saving } = await import('/static/room/saving.js');
  const { changeOrder, readHistory } = await import('/static/api.js');
  const base = (await readHistory(id))[0].order;
  const saving = new Saving(base, changeOrder, () => {});
  return saving.save(edit, base).then(
    ({ order }) => order,
    (problem) => problem.conflicts.map(({ field }) => field),
  );
}
"""


async def test_who_writes_what_others_wrote_meanwhile_is_not_asked(
    staff: Visit, cleo: Visit, order: str
) -> None:
    await edit_note(cleo, "Ring twice.")
    await save_note(staff, "Ring twice.")
    await expect(cleo.by("overtaken").filter(visible=True)).to_contain_text("Sten")
    await cleo.by("save-note").click()

    await is_saved(cleo, order)
    await expect(cleo.by("note")).to_have_text("Ring twice.")
    await expect(cleo.by("conflict")).to_have_count(0)
    assert_only_refused(cleo, 412)


@pytest.mark.detail
async def test_an_edit_that_is_saved_again_as_its_answer_was_lost_conflicts_with_nobody(
    cleo: Visit, order: str
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await edit_quantity(cleo, CHAI, 7)
    await cleo.by("save-line").click()
    await lose_answer(await edits.next())
    await expect(line(cleo, CHAI).get_by_test_id("field-error")).to_contain_text("reached")
    await cleo.by("save-line").click()
    await (await edits.next()).continue_()

    await is_saved(cleo, order)
    await expect(line(cleo, CHAI).get_by_test_id("item-quantity")).to_have_text("7")
    await expect(cleo.by("conflict")).to_have_count(0)


@pytest.mark.detail
async def test_who_goes_on_from_what_others_wrote_as_well_conflicts_with_nobody(
    staff: Visit, cleo: Visit
) -> None:
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "Ring twice.")
    await save_note(cleo, "Ring three times.")
    first = await edits.next()
    await save_note(staff, "Ring twice.")
    await expect(staff.by("note")).to_have_text("Ring twice.")
    await first.continue_()
    await (await edits.next()).continue_()

    await expect(staff.by("note")).to_have_text("Ring three times.")
    await expect(cleo.by("conflict")).to_have_count(0)


@pytest.mark.detail
async def test_a_move_that_somebody_else_makes_as_well_is_no_failure(
    server: ServerProcess, http: AsyncClient, staff: Visit, order: str
) -> None:
    moves = await Held.of(staff.page, "/orders/*", "PATCH")
    await staff.by("dialog-action-accepted").click()
    move = await moves.next()
    await edit_as_admin(http, server, order, status="accepted")
    await move.continue_()

    await expect(staff.by("room-voice")).to_have_text("The order is accepted now.")
    await expect(staff.by("room-notice").filter(visible=True)).to_have_count(0)
    await staff.page.unroute_all()


async def test_only_what_really_conflicts_is_told(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    await edit_as_admin(http, server, order, note="Same.", items=with_quantity(CHAI, 7))
    mine = {"note": "Same.", f"items/{CHAI}": {**item(CHAI), "quantity": 9}}

    assert await cleo.page.evaluate(SAVE, [order, mine]) == [f"items/{CHAI}"]


@pytest.mark.detail
async def test_what_others_did_not_make_the_same_is_put_on_top(
    server: ServerProcess, http: AsyncClient, cleo: Visit, order: str
) -> None:
    await edit_as_admin(http, server, order, note="Same.", items=with_quantity(CHAI, 7))
    mine = {"note": "Same.", f"items/{PAVLOVA}": {**item(PAVLOVA), "quantity": 1}}

    saved = await cleo.page.evaluate(SAVE, [order, mine])

    quantities = {line["sku"]: line["quantity"] for line in saved["items"]}
    assert (saved["note"], quantities[CHAI], quantities[PAVLOVA]) == ("Same.", 7, 1)


def item(sku: str) -> dict[str, Any]:
    return next(dict(item) for item in ITEMS if item["sku"] == sku)


def with_quantity(sku: str, quantity: int) -> list[dict[str, Any]]:
    return [{**item, **({"quantity": quantity} if item["sku"] == sku else {})} for item in ITEMS]


async def edit_as_admin(
    http: AsyncClient, server: ServerProcess, order: str, **changes: Any
) -> None:
    headers = bearer(await demo_token(http, server, "admin")) | {"If-Match": "*"}
    edited = await http.patch(f"{server.url}/api/v1/orders/{order}", json=changes, headers=headers)
    edited.raise_for_status()
