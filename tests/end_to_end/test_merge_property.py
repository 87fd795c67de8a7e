"""Whoever edits what, however old the version that they saw: no edit is lost without a word."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, event, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.orders.models import OrderStatus
from app.orders.status import STEPS
from tests.application import Application, Person
from tests.end_to_end.course import Attempt, Course
from tests.end_to_end.view import View
from tests.orders.shop import Json, Shop, a_line

EXAMPLES = os.environ.get("PROPERTY_EXAMPLES")  # given: so many, and others at each run
ALLOWED = {200, 403, 409, 412}
ORDERS = 2
PEOPLE = 3
SKUS = 5


@dataclass(frozen=True)
class Edit:
    """Somebody edits the `nth` order as it was `lag` versions ago, or writes over it (None)."""

    by: int
    nth: int = 0
    lag: int | None = 0
    note: int | None = None
    move: str | None = None
    lines: Sequence[tuple[int, int]] = ()
    """(sku, quantity), 0 to take it away."""
    backwards: bool = False
    twice: bool = False
    """Its first answer is lost, so it is sent again."""


@dataclass(frozen=True)
class Scene:
    """Edits at the same time. `turns` are (client, nth): after the answer to the nth edit, the
    client loses its connection, or comes back and goes on.
    """

    edits: Sequence[Edit]
    turns: Sequence[tuple[int, int]] = ()


somebody = st.integers(0, PEOPLE - 1)
edits = st.builds(
    Edit,
    by=somebody,
    nth=st.integers(0, ORDERS - 1),
    lag=st.sampled_from([0, 0, 1, 2, 3, 5, None]),
    note=st.sampled_from([None, None, None, 0, 1, 2]),
    move=st.sampled_from([*[None] * 9, "on", "on", "stay", "cancel"]),
    lines=st.lists(st.tuples(st.integers(0, SKUS - 1), st.integers(0, 3)), max_size=3),
    backwards=st.booleans(),
    twice=st.booleans(),
)
scenes = st.builds(
    Scene,
    edits=st.lists(edits, min_size=1, max_size=5),
    turns=st.lists(
        st.tuples(somebody, st.integers(0, 4)), max_size=PEOPLE, unique_by=lambda turn: turn[0]
    ),
)


class Follower:
    """A client whose connection comes and goes."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._connection = ExitStack()
        self._connected = False

    async def turn(self) -> None:
        """Lose the connection, or come back."""
        if self._connected:
            self.leave()
            self.view.keep()
        else:
            await self.view.follow(self._connection.enter_context(self.view.connection()))
        self._connected = not self._connected

    async def come_back(self) -> None:
        if not self._connected:
            await self.turn()

    def leave(self) -> None:
        self._connection.close()


@dataclass
class Play:
    """One example, on orders of its own."""

    shop: Shop
    people: Sequence[Person]
    courses: Sequence[Course]
    followers: Sequence[Follower]

    async def perform(self, scene: Scene) -> None:
        await asyncio.gather(*(self._do(scene, nth) for nth in range(len(scene.edits))))

    async def _do(self, scene: Scene, nth: int) -> None:
        edit = scene.edits[nth]
        course = self.courses[edit.nth]
        base = None if edit.lag is None else max(1, course.last - edit.lag)
        body = body_of(edit, course.states[base or course.last])
        for _ in range(2 if edit.twice else 1):
            await self._send(course, self.people[edit.by], body, base)
        for client, after in scene.turns:
            if after % len(scene.edits) == nth:
                await self.followers[client].turn()

    async def _send(self, course: Course, person: Person, body: Json, base: int | None) -> None:
        if_match = "*" if base is None else f'"{base}"'
        answer = await self.shop.patch(person, course.order_id, body, if_match=if_match)
        assert answer.status_code in ALLOWED, answer.text
        course.add(Attempt(person, body, base, answer))


def body_of(edit: Edit, order: Json) -> Json:
    """What somebody sends who sees this order."""
    body: Json = {}
    if edit.note is not None:
        body["note"] = f"note {edit.note}" if edit.note else None
    if edit.move is not None:
        body["status"] = moved(order["status"], edit.move)
    if edit.lines:
        lines = {line["sku"]: line for line in order["items"]}
        for sku, quantity in edit.lines:
            lines[f"{sku}"] = a_line(sku=f"{sku}", quantity=quantity) if quantity else None
        items = [line for line in lines.values() if line] or order["items"]
        body["items"] = items[::-1] if edit.backwards else items
    return body


def moved(status: str, move: str) -> str:
    if move == "cancel":
        return OrderStatus.CANCELLED
    if move == "stay" or status not in STEPS[:-1]:
        return status
    return STEPS[STEPS.index(OrderStatus(status)) + 1]


@pytest.fixture
async def shop(application: Application, client: AsyncClient) -> Shop:
    return Shop(application, client)


@pytest.fixture
async def people(shop: Shop) -> Sequence[Person]:
    """Who may move an order, who owns it, and with whom it is shared."""
    return [await shop.staff(), await shop.customer(), await shop.customer()]


async def a_course(shop: Shop, people: Sequence[Person]) -> Course:
    placed = await shop.place(people[1], items=[a_line(sku="0"), a_line(sku="1")])
    await shop.share(placed["id"], people[2])
    return Course({1: (await shop.get(people[0], placed["id"])).json()})


SHARED_EDITS = [
    Scene([Edit(by=0, move="on"), Edit(by=1, note=1), Edit(by=2, lines=[(1, 3)])], [(1, 0)]),
    Scene([Edit(by=1, lag=3, lines=[(2, 1)]), Edit(by=2, lag=3, lines=[(0, 2)], backwards=True)]),
    Scene([Edit(by=0, lag=5, lines=[(1, 0)]), Edit(by=2, note=2, twice=True)], [(1, 1), (2, 0)]),
    Scene([Edit(by=0, lag=None, lines=[(3, 1)]), Edit(by=1, lag=2, note=0), Edit(by=0, nth=1)]),
]
NO_LINE_IS_LEFT = [Scene([Edit(by=0, lines=[(0, 0)])]), Scene([Edit(by=1, lag=1, lines=[(1, 0)])])]


@hypothesis_settings(
    max_examples=int(EXAMPLES or 16),
    derandomize=EXAMPLES is None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(scenes, min_size=2, max_size=8))
@example(story=SHARED_EDITS)
@example(story=NO_LINE_IS_LEFT)
async def test_no_edit_is_lost_without_a_412_and_all_end_with_the_state_of_the_rows(
    shop: Shop, people: Sequence[Person], story: Sequence[Scene]
) -> None:
    await shop.until_relayed()
    await shop.execute("DELETE FROM orders")  # whatever came of the example before
    courses = [await a_course(shop, people) for _ in range(ORDERS)]
    followers = [Follower(View(shop, person)) for person in people]
    play = Play(shop, people, courses, followers)
    with ExitStack() as stack:
        for follower in followers:
            stack.callback(follower.leave)
            await follower.view.read()
            await follower.turn()
        for scene in story:
            await play.perform(scene)
        await shop.until_relayed()
        rows = {course.order_id: await shop.get(people[0], course.order_id) for course in courses}
        for follower in followers:
            await follower.come_back()
            after = View(shop, follower.view.person)
            await after.read()
            await follower.view.catch_up(after.position["offset"])
            assert follower.view.orders == after.orders
            assert after.orders == {order_id: row.json() for order_id, row in rows.items()}
    for course in courses:
        assert course.states[course.last] == rows[course.order_id].json()
        course.check()
    statuses = [attempt.answer.status_code for course in courses for attempt in course.attempts]
    merged = [attempt for course in courses for attempt in course.attempts if attempt.merged]
    event(f"{len(merged)} merged")
    event(f"{statuses.count(412)} refused")
