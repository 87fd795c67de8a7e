"""Who saves what others have changed meanwhile is asked."""

from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import demo_token
from tests.end_to_end.pages.room.actions import (
    CHAI,
    DETAIL,
    edit_quantity,
    save_note,
)
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL


async def test_two_questions_go_when_the_order_is_deleted(
    server: ServerProcess, http: AsyncClient, staff: Visit, cleo: Visit, order: str
) -> None:
    await is_asked_twice(staff, cleo)
    await answer_the_last(cleo)
    headers = bearer(await demo_token(http, server, "admin"))
    gone = await http.delete(f"{server.url}/api/v1/orders/{order}", headers=headers)
    gone.raise_for_status()

    await expect(cleo.by("room-notice")).to_contain_text("deleted")
    await expect(cleo.by("conflict")).to_have_count(0)


async def test_two_questions_go_when_the_order_is_left(staff: Visit, cleo: Visit) -> None:
    await is_asked_twice(staff, cleo)
    await answer_the_last(cleo)
    await cleo.page.evaluate("location.hash = ''")

    await expect(cleo.by("order-dialog")).to_have_count(0)
    await expect(cleo.by("conflict")).to_have_count(0)


async def is_asked_twice(staff: Visit, cleo: Visit) -> None:
    """Of a note and of a line, that were both saved before the first answer came."""
    edits = await Held.of(cleo.page, "/orders/*", "PATCH")
    await save_note(cleo, "Cleo wins.")
    await save_quantity(cleo, 7)
    await save_note(staff, "Staff wins.")
    await save_quantity(staff, 9)
    await expect(staff.by("event").filter(has_text="3 → 9")).to_have_count(1)
    for _ in range(2):
        await (await edits.next()).continue_()
    await expect(cleo.by("conflict")).to_have_count(2)


async def answer_the_last(visit: Visit) -> None:
    await visit.by("conflict").last.get_by_test_id("conflict-back").click()
    await expect(visit.by("conflict")).to_have_count(1)


async def save_quantity(visit: Visit, number: int) -> None:
    await edit_quantity(visit, CHAI, number)
    await visit.by("save-line").click()
