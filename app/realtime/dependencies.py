"""What a REST handler that changes something needs."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.core.database import Sessions
from app.realtime.outbox import RECORDED
from app.realtime.relay import Relay


async def get_recording_session(
    connection: HTTPConnection, background: BackgroundTasks
) -> AsyncIterator[AsyncSession]:
    """One request, one transaction: committed before the response, then the relay is nudged.

    The nudge is only the fast path; the relay's own sweep finds what a crash left between.
    """
    sessions: Sessions = connection.state.sessions
    async with sessions() as session:
        yield session
        await session.commit()
        if session.info.pop(RECORDED, False):
            background.add_task(_nudge, connection.state.relay)


async def _nudge(relay: Relay) -> None:
    """On the loop: a plain function would be run in a thread, which may not wake the relay."""
    relay.nudge()


RecordingSession = Annotated[AsyncSession, Depends(get_recording_session, scope="function")]
