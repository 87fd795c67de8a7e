"""Whatever people do: what a client read before, with the events since, is what it reads after."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import AsyncClient, Response
from hypothesis import HealthCheck, event, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.config import Settings
from app.orders.models import OrderStatus
from tests.application import Application, Person
from tests.end_to_end.view import View
from tests.orders.shop import ORDERS, Shop, a_body, a_line

EXAMPLES = os.environ.get("PROPERTY_EXAMPLES")  # given: so many, and others at each run
ALLOWED = {200, 201, 204, 403, 404, 409, 412, 428}
STATUSES = tuple(OrderStatus)


@dataclass(frozen=True)
class Operation:
    """Somebody (`by`) does something to the `nth` order; `value` says what exactly."""

    kind: str
    by: int
    nth: int = 0
    value: int = 0
    version: str = "right"


operations = st.builds(
    Operation,
    kind=st.sampled_from(
        ["place", "note", "items", "status", "status", "delete", "comment", "share", "unshare"]
    ),
    by=st.integers(0, 2),
    nth=st.integers(0, 4),
    value=st.integers(0, len(STATUSES) - 1),
    version=st.sampled_from(["right", "right", "any", "stale", "none"]),
)
Groups = list[list[Operation]]
"""Operations of one group happen at the same time, the groups one after the other."""


@dataclass(frozen=True)
class Story:
    """What happens while the lists are read, before the clients connect, and while they listen,
    or are `paused` and can take nothing.
    """

    reading: Groups = field(default_factory=list)
    away: Groups = field(default_factory=list)
    live: Groups = field(default_factory=list)
    paused: bool = False


groups = st.lists(st.lists(operations, min_size=1, max_size=4), max_size=6)
stories = st.builds(Story, reading=groups, away=groups, live=groups, paused=st.booleans())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Rings so small that a client that is behind is refilled from Postgres."""
    return settings.model_copy(update={"ring_events": 3})


@pytest.fixture
async def shop(application: Application, client: AsyncClient) -> Shop:
    return Shop(application, client)


@pytest.fixture
async def people(shop: Shop) -> Sequence[Person]:
    return [await shop.staff(), await shop.customer(), await shop.customer()]


class Play:
    """The operations of one example, on orders of its own."""

    def __init__(self, shop: Shop, people: Sequence[Person]) -> None:
        self._shop = shop
        self._people = people
        self._orders: list[str] = []
        self.statuses: list[int] = []

    async def perform(self, groups: Iterable[Iterable[Operation]]) -> None:
        for group in groups:
            answers = await asyncio.gather(*map(self._do, group))
            self.statuses += [answer.status_code for answer in answers]
        assert set(self.statuses) <= ALLOWED

    async def _do(self, operation: Operation) -> Response:
        shop, person = self._shop, self._people[operation.by]
        if operation.kind == "place" or not self._orders:
            body = a_body(note=str(operation.value))
            answer = await shop.client.post(ORDERS, json=body, headers=person.headers)
            self._orders.append(answer.json()["id"])
            return answer
        order_id = self._orders[operation.nth % len(self._orders)]
        other = self._people[operation.value % len(self._people)]
        match operation.kind:
            case "delete":
                return await shop.delete(person, order_id)
            case "comment":
                return await shop.comment(person, order_id, f"comment {operation.value}")
            case "share":
                return await shop.put_collaborator(person, order_id, other.id)
            case "unshare":
                return await shop.remove_collaborator(person, order_id, other.id)
        if_match = await self._if_match(order_id, operation.version)
        return await shop.patch(person, order_id, body_of(operation), if_match=if_match)

    async def _if_match(self, order_id: str, version: str) -> str | None:
        if version in {"any", "none"}:
            return "*" if version == "any" else None
        answer = await self._shop.get(self._people[0], order_id)
        present = int(answer.headers.get("ETag", '"1"').strip('"'))
        return f'"{present - 1 if version == "stale" else present}"'


def body_of(operation: Operation) -> dict[str, Any]:
    match operation.kind:
        case "note":
            return {"note": f"note {operation.value}"}
        case "items":
            skus = range(operation.value % 3 + 1)
            return {"items": [a_line(sku=str(sku), quantity=operation.value + 1) for sku in skus]}
        case _:
            return {"status": STATUSES[operation.value]}


PLACED_AND_GONE = [
    [Operation("place", by=1), Operation("place", by=2), Operation("place", by=1)],
    [Operation("status", by=0, nth=0, value=1), Operation("delete", by=1, nth=2)],
]
EDITED = [[Operation("items", by=1, nth=0, value=n), Operation("note", by=0)] for n in range(3)]
REFUSED = [[Operation("note", by=2, version="stale"), Operation("delete", by=2, version="none")]]

SHARED = [[Operation("share", by=0, nth=nth, value=2 - nth % 2) for nth in range(3)]]
WITHDRAWN = [
    [Operation("comment", by=2, nth=0)],
    [Operation("unshare", by=1, nth=nth, value=2 - nth % 2) for nth in range(3)],
    [Operation("note", by=1, nth=0, value=4), Operation("comment", by=2, nth=0)],
]
SHARED_AGAIN = [*SHARED, *WITHDRAWN, *SHARED, [Operation("unshare", by=0, nth=0, value=2)]]


@hypothesis_settings(
    max_examples=int(EXAMPLES or 24),
    derandomize=EXAMPLES is None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories)
@example(story=Story(reading=PLACED_AND_GONE, away=EDITED, live=REFUSED))
@example(story=Story(away=PLACED_AND_GONE, live=EDITED, paused=True))
@example(story=Story(reading=EDITED, away=REFUSED, live=PLACED_AND_GONE, paused=True))
@example(story=Story(reading=PLACED_AND_GONE, away=SHARED, live=WITHDRAWN))
@example(story=Story(reading=[*PLACED_AND_GONE, *SHARED], away=WITHDRAWN, live=SHARED))
@example(story=Story(reading=PLACED_AND_GONE, live=SHARED_AGAIN, paused=True))
async def test_state_before_and_events_since_are_the_state_after(
    shop: Shop, people: Sequence[Person], story: Story
) -> None:
    play = Play(shop, people)
    views = [View(shop, person) for person in people]
    await asyncio.gather(play.perform(story.reading), *(view.read() for view in views))
    await play.perform(story.away)
    with ExitStack() as stack:
        connections = [stack.enter_context(view.connection()) for view in views]
        await asyncio.gather(*map(View.follow, views, connections))
        for view in views:
            view.transport.writable = not story.paused
        await play.perform(story.live)
        await shop.until_relayed()
        for view, connection in zip(views, connections, strict=True):
            view.transport.writable = True
            connection.pump()
            after = View(shop, view.person)
            await after.read()
            await view.catch_up(after.position["offset"])
            assert view.orders == after.orders
    event(f"{sum(status < 300 for status in play.statuses)} changes")
    await shop.execute("DELETE FROM orders")  # the next example's lists are short again
