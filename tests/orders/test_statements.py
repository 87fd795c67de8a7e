"""What a write asks of Postgres: each statement is a round trip, and so are BEGIN and COMMIT."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from tests.application import Person
from tests.orders.shop import ORDERS, Shop, a_body, a_line

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORE_EVENT = "INSERT INTO events"
CLAIM_KEY = "INSERT INTO idempotency_keys"
KEEP_ANSWER = "UPDATE idempotency_keys"
PARTS = (
    CLAIM_KEY,
    KEEP_ANSWER,
    "INSERT INTO orders",
    "UPDATE orders",
    "FOR UPDATE",
    STORE_EVENT,
    "FROM order_items",
    "FROM order_collaborators",
)


@contextmanager
def round_trips(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each in a few words, in order: those by SQLAlchemy, and those that the driver is given."""
    engine = shop.application.sessions.kw["bind"].sync_engine
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(words_of(statement))

    def direct(self: Any, query: str, *values: Any, **given: Any) -> Any:
        if values:  # BEGIN and COMMIT have none; of these SQLAlchemy tells
            seen.append(words_of(query))
        return execute(self, query, *values, **given)

    execute = asyncpg.Connection.execute
    monkeypatch.setattr(asyncpg.Connection, "execute", direct)
    listeners: dict[str, Callable[..., Any]] = {
        "begin": lambda _connection: seen.append("BEGIN"),
        "before_cursor_execute": note,
        "commit": lambda _connection: seen.append("COMMIT"),
        "rollback": lambda _connection: seen.append("ROLLBACK"),
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield seen
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


def words_of(statement: str) -> str:
    return next((part for part in PARTS if part in statement), statement)


async def test_a_placed_order_takes_two_statements_however_many_lines_it_has(
    shop: Shop, cleo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.place(cleo)  # who they are is known from now on
    lines = [a_line(sku=f"NW-{nth}") for nth in range(20)]
    with round_trips(shop, monkeypatch) as asked:
        await shop.place(cleo, items=lines)

    assert asked == ["BEGIN", "INSERT INTO orders", STORE_EVENT, "COMMIT"]


async def test_an_idempotency_key_adds_two_statements_and_its_repeat_is_one(
    shop: Shop, cleo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.place(cleo)
    headers = {**cleo.headers, "Idempotency-Key": "counted"}
    with round_trips(shop, monkeypatch) as asked:
        for _ in range(2):
            await shop.client.post(ORDERS, json=a_body(), headers=headers)

    first = ["BEGIN", CLAIM_KEY, "INSERT INTO orders", STORE_EVENT, KEEP_ANSWER, "COMMIT"]
    assert asked == [*first, "BEGIN", CLAIM_KEY, "COMMIT"]


async def test_an_edited_order_takes_five_statements(
    shop: Shop, cleo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = (await shop.place(cleo))["id"]
    with round_trips(shop, monkeypatch) as asked:
        await shop.patch(cleo, order_id, {"note": "hurry"})

    first, lock, *read, change, store, last = asked
    assert (first, lock) == ("BEGIN", "FOR UPDATE")
    assert sorted(read) == ["FROM order_collaborators", "FROM order_items"]
    assert (change, store, last) == ("UPDATE orders", STORE_EVENT, "COMMIT")


async def test_what_is_answered_are_the_bytes_that_are_told(shop: Shop, cleo: Person) -> None:
    answer = await shop.client.post(ORDERS, json=a_body(note="K\u00e4se"), headers=cleo.headers)
    edited = await shop.patch(cleo, answer.json()["id"], {"note": "hurry"})

    told = [event.payload.encode() for event in await shop.events(answer.json()["id"])]
    assert [each.partition(b',"order":')[2] for each in told] == [
        answer.content + b"}",
        edited.content + b"}",
    ]
