"""The keyboard stays where it is, or goes where a person would go on."""

import pytest
from httpx import AsyncClient
from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.orders import bearer
from tests.end_to_end.pages.boards import demo_token
from tests.end_to_end.pages.room.actions import DETAIL, say
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL


async def test_a_slow_answer_to_sharing_takes_the_focus_from_nobody(cleo: Visit) -> None:
    lookups = await Held.of(cleo.page, "/users/lookup?*", "GET")
    await cleo.by("share-email").fill("nobody@tandem.example")
    await cleo.by("share").click()
    lookup = await lookups.next()
    await cleo.by("tab-comments").click()
    comment = cleo.by("comment-input")
    await comment.press_sequentially("One")
    await lookup.continue_()
    await expect(cleo.by("share-error")).to_contain_text("Nobody")
    await cleo.page.keyboard.type(" more")

    await expect(comment).to_have_value("One more")


async def test_who_shares_with_the_keyboard_goes_on_in_the_field(cleo: Visit) -> None:
    await cleo.by("share-email").fill("nobody@tandem.example")
    await cleo.by("share").press("Enter")
    await expect(cleo.by("share-error")).to_contain_text("Nobody")

    await expect(cleo.by("share-email")).to_be_focused()


async def test_who_ends_sharing_with_one_is_led_to_the_next_and_then_to_the_field(
    server: ServerProcess, http: AsyncClient, order: str, cleo: Visit
) -> None:
    await share_with_staff(http, server, order)
    await expect(cleo.by("shared")).to_have_count(2)
    await cleo.by("unshare").first.press("Enter")
    await expect(cleo.by("shared")).to_have_count(1)
    await expect(cleo.by("unshare")).to_be_focused()
    await cleo.page.keyboard.press("Enter")

    await expect(cleo.by("shared")).to_have_count(0)
    await expect(cleo.by("share-email")).to_be_focused()


@pytest.mark.parametrize("answer", ["Try again", "Discard"])
async def test_who_deals_with_a_comment_that_failed_goes_on_writing(
    cleo: Visit, answer: str
) -> None:
    posts = await Held.of(cleo.page, "/orders/*/comments")
    await say(cleo, "Is anybody there?")
    await (await posts.next()).abort()
    await cleo.by("comment").get_by_role("button", name=answer).press("Enter")
    await expect(cleo.by("retry-comment")).to_have_count(0)

    await expect(cleo.by("comment-input")).to_be_focused()
    if answer == "Try again":
        await (await posts.next()).continue_()


async def share_with_staff(http: AsyncClient, server: ServerProcess, order: str) -> None:
    staff = bearer(await demo_token(http, server, "staff"))
    person = (await http.get(f"{server.url}/api/v1/users/me", headers=staff)).json()
    path = f"{server.url}/api/v1/orders/{order}/collaborators/{person['id']}"
    cleo = bearer(await demo_token(http, server, "cleo"))
    (await http.put(path, headers=cleo)).raise_for_status()
