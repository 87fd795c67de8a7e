"""How many clients may sign in and subscribe at the same time.

When thousands come back at once, each of them costs a few milliseconds of work and perhaps a
question to the database. Taken one after the other in small numbers they are all served nearly
as soon, while those that stayed hardly notice.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.realtime.turns import turns_of

ADMITTED = 8


class Admission:
    """A queue in order of arrival; ADMITTED are inside at a time."""

    def __init__(self, admitted: int = ADMITTED) -> None:
        self._places = asyncio.Semaphore(admitted)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        async with self._places:
            await turns_of(asyncio.get_running_loop()).come()
            yield
