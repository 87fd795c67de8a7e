"""RecordingSession: committed before the response, and the relay is nudged where it lives."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypedDict
from uuid import uuid4

import pytest
from fastapi import FastAPI, HTTPException
from httpx import ASGITransport, AsyncClient

from app.core.config import Settings
from app.core.database import Sessions, create_engine, create_sessions
from app.core.failpoints import Failpoints
from app.realtime.dependencies import RecordingSession
from app.realtime.log.relay import Relay
from app.realtime.outbox import Event, record
from tests.realtime.log_writer import LogWriter
from tests.realtime.relays import Kept


class NudgedRelay(Relay):
    """Notes the thread of each nudge."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Kept(), Failpoints())
        self.threads: list[int] = []

    def nudge(self) -> None:
        self.threads.append(threading.get_ident())


class State(TypedDict):
    sessions: Sessions
    relay: Relay


app = FastAPI()


@app.post("/{outcome}")
async def write(outcome: str, session: RecordingSession) -> str:
    if outcome != "nothing":
        event = Event(type="tested", at=datetime.now(UTC), actor=None, version=1)
        await record(session, event, entity="test", entity_id=uuid4(), channels=["a"])
    if outcome == "failure":
        raise HTTPException(418)
    return outcome


@pytest.fixture
async def relay(settings: Settings) -> NudgedRelay:
    return NudgedRelay(settings)


@asynccontextmanager
async def calling(settings: Settings, relay: Relay) -> AsyncIterator[AsyncClient]:
    engine = create_engine(settings)
    state = State(sessions=create_sessions(engine), relay=relay)
    transport = ASGITransport(app=lambda s, r, w: app({**s, "state": dict(state)}, r, w))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await engine.dispose()


async def test_what_was_recorded_is_committed_and_the_relay_nudged_on_the_loop(
    settings: Settings, relay: NudgedRelay, log: LogWriter
) -> None:
    async with calling(settings, relay) as client:
        assert (await client.post("/event")).status_code == 200
    assert await log.pending() == 1
    assert relay.threads == [threading.get_ident()]


async def test_a_request_that_records_nothing_nudges_nobody(
    settings: Settings, relay: NudgedRelay
) -> None:
    async with calling(settings, relay) as client:
        assert (await client.post("/nothing")).status_code == 200
    assert relay.threads == []


async def test_a_request_that_fails_records_nothing(
    settings: Settings, relay: NudgedRelay, log: LogWriter
) -> None:
    async with calling(settings, relay) as client:
        assert (await client.post("/failure")).status_code == 418
    assert await log.pending() == 0
    assert relay.threads == []
