"""Orders for tests: bodies that are right, people who send them, and what comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response
from sqlalchemy import event, text
from sqlalchemy.util import await_only

from app.auth.principals import Role
from tests.application import Application, Person, join

ORDERS = "/api/v1/orders"
WAIT_SECONDS = 15
POLL_SECONDS = 0.01

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

Json = dict[str, Any]


def a_line(**changes: Any) -> Json:
    return {"sku": "NW-011", "name": "Cabrales", "quantity": 12, "unit_price": "14.00", **changes}


def a_body(**changes: Any) -> Json:
    return {"currency": "EUR", "items": [a_line()], **changes}


def problem(answer: Response, status: int, code: str) -> Json:
    """The answer's body, which must be this problem, in the one shape that all have."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    body: Json = answer.json()
    assert body.keys() >= {"type", "title", "status", "detail", "code", "instance"}
    assert (body["status"], body["code"]) == (status, code), body
    assert body["instance"] == answer.request.url.path
    return body


def pointers(answer: Response) -> list[str]:
    """Where the wrong places are."""
    return [error["pointer"] for error in answer.json()["errors"]]


@dataclass
class Shop:
    """A running application and whoever is needed in it."""

    application: Application
    client: AsyncClient
    _names: "count[int]" = field(default_factory=count)

    async def person(self, role: Role) -> Person:
        return await join(self.application, self.client, f"{role}-{next(self._names)}", role)

    async def customer(self) -> Person:
        return await self.person(Role.CUSTOMER)

    async def staff(self) -> Person:
        return await self.person(Role.STAFF)

    async def admin(self) -> Person:
        return await self.person(Role.ADMIN)

    async def place(self, owner: Person, **body: Any) -> Json:
        answer = await self.client.post(ORDERS, json=a_body(**body), headers=owner.headers)
        placed: Json = answer.raise_for_status().json()
        return placed

    async def get(self, person: Person, order_id: str) -> Response:
        return await self.client.get(f"{ORDERS}/{order_id}", headers=person.headers)

    async def page(self, person: Person, **query: Any) -> Json:
        answer = await self.client.get(ORDERS, params=query, headers=person.headers)
        page: Json = answer.raise_for_status().json()
        return page

    async def patch(
        self, person: Person, order_id: str, body: Json, *, if_match: str | None = "*"
    ) -> Response:
        headers = person.headers if if_match is None else {**person.headers, "If-Match": if_match}
        return await self.client.patch(f"{ORDERS}/{order_id}", json=body, headers=headers)

    async def delete(self, person: Person, order_id: str) -> Response:
        return await self.client.delete(f"{ORDERS}/{order_id}", headers=person.headers)

    async def share(self, order_id: str, person: Person) -> None:
        """Straight in the table: how orders are shared is not what these tests are about."""
        await self.execute(
            "INSERT INTO order_collaborators (order_id, user_id) VALUES (:order_id, :user_id)",
            order_id=UUID(order_id),
            user_id=person.id,
        )

    async def put_collaborator(self, person: Person, order_id: str, user_id: object) -> Response:
        return await self.client.put(
            f"{ORDERS}/{order_id}/collaborators/{user_id}", headers=person.headers
        )

    async def remove_collaborator(self, person: Person, order_id: str, user_id: object) -> Response:
        return await self.client.delete(
            f"{ORDERS}/{order_id}/collaborators/{user_id}", headers=person.headers
        )

    async def comment(self, person: Person, order_id: str, text: object) -> Response:
        return await self.client.post(
            f"{ORDERS}/{order_id}/comments", json={"text": text}, headers=person.headers
        )

    async def comments(self, person: Person, order_id: str, **query: Any) -> Response:
        return await self.client.get(
            f"{ORDERS}/{order_id}/comments", params=query, headers=person.headers
        )

    async def history(self, person: Person, order_id: str, **query: Any) -> Response:
        return await self.client.get(
            f"{ORDERS}/{order_id}/history", params=query, headers=person.headers
        )

    async def until_relayed(self) -> None:
        """Until the relay has numbered every event there is."""
        async with asyncio.timeout(WAIT_SECONDS):
            pending = "SELECT EXISTS (SELECT FROM pending)"
            while await self.scalar(pending):  # noqa: ASYNC110 - the database gives no sign
                await asyncio.sleep(POLL_SECONDS)

    async def until_waiting(self, count: int = 1) -> None:
        """Until so many statements wait for a lock."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self.scalar(WAITING) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(POLL_SECONDS)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What the application asks Postgres over its sessions, in order."""
        engine = self.application.sessions.kw["bind"].sync_engine
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield seen
        event.remove(engine, "before_cursor_execute", note)

    @contextmanager
    def change_behind(self, read: str, change: Callable[[], Awaitable[object]]) -> Iterator[None]:
        """`change` is made, once, right after the application's first statement with `read`."""
        engine = self.application.sessions.kw["bind"].sync_engine
        changes = [change]

        def make(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if changes and read in statement:
                await_only(changes.pop()())

        event.listen(engine, "after_cursor_execute", make)
        try:
            yield
        finally:
            event.remove(engine, "after_cursor_execute", make)
        assert not changes, f"nothing was read with {read}"

    async def scalar(self, statement: str, **values: Any) -> Any:
        async with self.application.sessions() as session:
            return await session.scalar(text(statement), values)

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.application.sessions() as session, session.begin():
            await session.execute(text(statement), values)

    async def events(self, order_id: str) -> list[Any]:
        """The order's rows in `events`, oldest first."""
        async with self.application.sessions() as session:
            rows = await session.execute(
                text("SELECT * FROM events WHERE entity_id = :id ORDER BY id"),
                {"id": UUID(order_id)},
            )
            return list(rows)
