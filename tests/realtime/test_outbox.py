"""An event is stored with the change that it tells of, or not at all."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.ids import new_id
from app.realtime.models import EventRow, PendingRow
from app.realtime.outbox import RECORDED, Actor, Event, record, record_control
from tests.realtime.log_writer import writing
from tests.sessions import one_session

NOON = datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC)
ENTITY = UUID("01932c07-0000-7000-8000-000000000001")
ACTOR = Actor(id=UUID("01932c07-0000-7000-8000-000000000002"), name="Cleo")


class ThingEvent(Event):
    thing: dict[str, Any]


def an_event(**given: Any) -> ThingEvent:
    return ThingEvent(
        **{
            "type": "thing.changed",
            "at": NOON,
            "actor": ACTOR,
            "version": 7,
            "changed": {"note": ("old", None)},
            "thing": {"note": None},
            **given,
        }
    )


async def store(session: AsyncSession, event: Event, channels: list[str]) -> EventRow:
    await record(session, event, entity="thing", entity_id=ENTITY, channels=channels)
    return await last(session)


async def last(session: AsyncSession) -> EventRow:
    row = await session.scalar(select(EventRow).order_by(EventRow.id.desc()).limit(1))
    assert row is not None
    return row


async def pending(session: AsyncSession) -> list[int]:
    return list(await session.scalars(select(PendingRow.event).order_by(PendingRow.event)))


@pytest.fixture(autouse=True)
async def _nothing_is_pending(session: AsyncSession) -> None:
    await session.execute(delete(PendingRow))


async def test_an_event_is_stored_as_it_will_be_sent(session: AsyncSession) -> None:
    event = an_event()

    row = await store(session, event, ["things"])

    assert row.payload == (
        f'{{"type":"thing.changed","id":"{event.id}","at":"2026-01-31T12:00:00.000007Z",'
        f'"actor":{{"id":"{ACTOR.id}","name":"Cleo"}},"version":7,'
        '"changed":{"note":["old",null]},"thing":{"note":null}}'
    )


async def test_the_columns_say_what_the_payload_says(session: AsyncSession) -> None:
    event = an_event()

    row = await store(session, event, ["things"])

    assert (row.event_id, row.type, row.version) == (event.id, "thing.changed", 7)
    assert (row.entity, row.entity_id, row.actor_id) == ("thing", ENTITY, ACTOR.id)
    assert (row.changed, row.created_at) == ({"note": ["old", None]}, NOON)


async def test_an_event_may_have_no_actor(session: AsyncSession) -> None:
    row = await store(session, an_event(actor=None), ["things"])

    assert row.actor_id is None
    assert json.loads(row.payload)["actor"] is None


async def test_an_event_is_pending_until_the_relay_takes_it(session: AsyncSession) -> None:
    rows = [await store(session, an_event(), ["things"]) for _ in range(3)]

    assert await pending(session) == [row.id for row in rows]


async def test_ids_rise_in_the_order_of_recording(session: AsyncSession) -> None:
    rows = [await store(session, an_event(), ["things"]) for _ in range(3)]

    assert [row.id for row in rows] == list(range(rows[0].id, rows[0].id + 3))


async def test_a_channel_that_is_named_twice_counts_once(session: AsyncSession) -> None:
    row = await store(session, an_event(), ["b", "a", "b", "a", "c"])

    assert row.channels == ["b", "a", "c"]


async def test_what_is_rolled_back_was_never_recorded(session: AsyncSession) -> None:
    before = await session.scalar(select(func.count()).select_from(EventRow))
    async with session.begin_nested() as savepoint:
        await store(session, an_event(), ["things"])
        await savepoint.rollback()

    assert await session.scalar(select(func.count()).select_from(EventRow)) == before
    assert await pending(session) == []


async def test_a_session_knows_that_something_was_recorded(session: AsyncSession) -> None:
    assert RECORDED not in session.info

    await store(session, an_event(), ["things"])

    assert session.info[RECORDED]


async def test_an_event_that_begins_its_transaction_is_part_of_it(settings: Settings) -> None:
    """The driver by itself would commit it."""
    async with one_session(settings) as session, writing(settings.database_url) as other:
        await store(session, an_event(), ["a"])
        assert await other.pending() == 0
        await session.commit()
        assert await other.pending() == 1


async def test_a_connection_that_broke_is_told_as_one(settings: Settings) -> None:
    async with one_session(settings) as session:
        backend = await session.scalar(select(func.pg_backend_pid()))
        async with writing(settings.database_url) as other:
            await other.connection.execute("SELECT pg_terminate_backend($1, 5000)", backend)
        with pytest.raises(ConnectionError):
            await record(session, an_event(), entity="thing", entity_id=ENTITY, channels=["a"])


@pytest.mark.parametrize("text", ["K\u00e4se \U0001f9c0", '"quoted"\\', "\u2028\x01", "]]>"])
async def test_any_text_is_stored_as_it_is(session: AsyncSession, text: str) -> None:
    row = await store(session, an_event(changed={text: (None, text)}, thing={text: text}), ["a"])

    assert row.changed == {text: [None, text]}
    assert json.loads(row.payload)["thing"] == {text: text}
    assert "\n" not in row.payload


async def test_a_change_of_somebodys_rights_goes_to_the_workers_alone(
    session: AsyncSession,
) -> None:
    await record_control(session, user_id=ENTITY)

    row = await last(session)
    assert (row.type, row.channels, row.entity) == ("control", ["$control"], "control")
    told = json.loads(row.payload)
    assert (told["user_id"], told["channel"], told["actor"]) == (str(ENTITY), None, None)
    assert await pending(session) == [row.id]


async def test_an_end_of_a_channel_goes_to_the_workers_alone(session: AsyncSession) -> None:
    await record_control(session, channel=f"orders:{ENTITY}")

    row = await last(session)
    told = json.loads(row.payload)
    assert (told["user_id"], told["channel"]) == (None, f"orders:{ENTITY}")
    assert row.channels == ["$control"]


async def test_a_control_event_is_dated_by_the_databases_clock(session: AsyncSession) -> None:
    before = await session.scalar(select(func.clock_timestamp()))
    await record_control(session, user_id=new_id())
    after = await session.scalar(select(func.clock_timestamp()))

    assert before is not None
    assert after is not None
    assert before <= (await last(session)).created_at <= after
