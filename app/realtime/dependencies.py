"""What a REST handler that changes something needs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.core.database import Sessions
from app.realtime.log.relay import Relay
from app.realtime.outbox import RECORDED


async def get_recording_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """One request, one transaction: committed before the response, then the relay is nudged.

    The nudge is only the fast path; the relay's own sweep finds what a crash left between. It is
    no background task: while Postgres answers the relay, the response is made.
    """
    sessions: Sessions = connection.state.sessions
    async with sessions() as session:
        yield session
        await session.commit()
        if session.info.pop(RECORDED, False):
            relay: Relay = connection.state.relay
            relay.nudge()
            await asyncio.sleep(0)  # the relay goes first


RecordingSession = Annotated[AsyncSession, Depends(get_recording_session, scope="function")]
