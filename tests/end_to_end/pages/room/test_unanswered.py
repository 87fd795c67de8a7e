"""A comment that was sent is written once and not lost, whatever becomes of the answer."""

from playwright.async_api import expect

from tests.end_to_end.browser import Visit
from tests.end_to_end.pages.boards import assert_clean
from tests.end_to_end.pages.room.actions import DETAIL, enter, say
from tests.end_to_end.pages.room.held import AGE, Held, lose_answer
from tests.end_to_end.server import ServerProcess

pytestmark = DETAIL

COMMENTS = "/orders/*/comments"


async def expect_comments(visit: Visit, *texts: str) -> None:
    """Exactly these, all of them written."""
    await expect(visit.by("comment").locator(".comment-text")).to_have_text(list(texts))
    await expect(visit.page.locator("[data-testid=comment][data-state]")).to_have_count(0)


async def enter_again(visit: Visit, order: str) -> None:
    """In the same window; what is held never arrives, and what is sent from now on does."""
    await visit.page.goto("about:blank")
    await visit.page.unroute_all(behavior="ignoreErrors")
    await enter(visit, order)


async def test_a_comment_whose_answer_was_lost_is_written_once_and_no_draft_any_more(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    await lose_answer(await posts.next())

    await enter_again(cleo, order)

    await expect_comments(cleo, "Is anybody there?")
    await expect(cleo.by("comment-input")).to_have_value("")
    kept = await cleo.page.evaluate("Object.keys(sessionStorage)")
    assert [key for key in kept if order in key] == []


async def test_what_is_typed_while_a_comment_is_on_its_way_takes_nothing_from_it(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    post = await posts.next()
    await cleo.by("comment-input").fill("Could it")
    await cleo.page.goto("about:blank")
    await post.abort()  # of a page that is gone

    await enter_again(cleo, order)

    await expect_comments(cleo, "Is anybody there?")
    await expect(cleo.by("comment-input")).to_have_value("Could it")


async def test_comments_sent_without_a_connection_are_written_in_their_order_later(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    for text in ("First", "Second", "Third"):
        await say(cleo, text)
        await (await posts.next()).abort()
    await expect(cleo.by("retry-comment")).to_have_count(3)

    await enter_again(cleo, order)

    await expect_comments(cleo, "First", "Second", "Third")


async def test_a_comment_that_failed_is_not_forgotten_when_the_next_one_is_written(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "First")
    await (await posts.next()).abort()
    await say(cleo, "Second")
    await (await posts.next()).continue_()
    await expect(cleo.page.locator("[data-testid=comment]:not([data-state])")).to_have_count(1)

    await enter_again(cleo, order)

    await expect_comments(cleo, "Second", "First")
    await expect(cleo.by("comment-input")).to_have_value("")


async def test_a_discarded_comment_is_not_sent_again(cleo: Visit, order: str) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    await (await posts.next()).abort()
    await cleo.by("comment").get_by_role("button", name="Discard").click()
    await expect(cleo.by("comment")).to_have_count(0)

    await enter_again(cleo, order)
    await say(cleo, "Never mind.")

    await expect_comments(cleo, "Never mind.")


async def test_a_comment_that_failed_stays_when_the_same_words_are_written_anew(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "ok")
    await (await posts.next()).fulfill(status=503)
    await expect(cleo.by("retry-comment")).to_have_count(1)
    await say(cleo, "ok")
    again = await posts.next()
    answer = await again.fetch()
    await expect(cleo.page.locator("[data-testid=comment]:not([data-state])")).to_have_count(1)
    await expect(cleo.page.locator("[data-state=sending]")).to_have_count(0)

    await cleo.by("comment").get_by_role("button", name="Discard").click()
    await again.fulfill(response=answer)
    await expect_comments(cleo, "ok")
    await enter_again(cleo, order)
    await expect_comments(cleo, "ok")


async def test_words_that_failed_and_were_written_in_another_window_are_not_written_twice(
    server: ServerProcess, cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "ok")
    await (await posts.next()).abort()
    await expect(cleo.by("retry-comment")).to_have_count(1)
    other = Visit(await cleo.page.context.new_page(), server.url)
    await enter(other, order)
    await say(other, "ok")
    await expect_comments(cleo, "ok")
    await other.page.close()

    await enter_again(cleo, order)
    await expect_comments(cleo, "ok")


async def test_a_press_of_try_again_outlives_the_comment_of_another(
    staff: Visit, cleo: Visit
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    await (await posts.next()).abort()
    await cleo.by("retry-comment").focus()
    await cleo.page.keyboard.down("Space")
    await say(staff, "I am.")
    await expect(cleo.by("comment")).to_have_count(2)
    await expect(cleo.by("retry-comment")).to_be_focused()
    await cleo.page.keyboard.up("Space")
    await (await posts.next()).continue_()

    await expect_comments(cleo, "I am.", "Is anybody there?")


async def test_an_answer_that_finds_its_order_closed_leaves_the_next_draft_alone(
    cleo: Visit, order: str
) -> None:
    await cleo.page.goto(cleo.url)
    await enter(cleo, order)
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    first = await posts.next()
    await cleo.page.go_back()
    await expect(cleo.by("order-dialog")).to_have_count(0)

    await enter(cleo, order)
    again = await posts.next()
    await cleo.by("comment-input").fill("Could it")
    await first.continue_()
    await again.continue_()
    await expect_comments(cleo, "Is anybody there?")
    assert posts.keys == [posts.keys[0]] * 2

    await enter_again(cleo, order)
    await expect_comments(cleo, "Is anybody there?")
    await expect(cleo.by("comment-input")).to_have_value("Could it")
    assert_clean(cleo)


async def test_a_comment_whose_key_the_server_may_have_forgotten_is_not_sent_unasked(
    cleo: Visit, order: str
) -> None:
    posts = await Held.of(cleo.page, COMMENTS)
    await say(cleo, "Is anybody there?")
    await (await posts.next()).abort()
    await cleo.page.evaluate(AGE)

    await enter_again(cleo, order)

    await expect(cleo.by("comment")).to_have_attribute("data-state", "failed")
    await expect(cleo.by("comment")).to_contain_text("may have been written")
    await cleo.by("tab-comments").click()
    await cleo.by("retry-comment").click()
    await expect_comments(cleo, "Is anybody there?")
