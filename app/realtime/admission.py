"""How many clients may sign in and subscribe at the same time.

When thousands come back at once, each of them costs a few milliseconds of work and perhaps a
question to the database. Taken one after the other in small numbers they are all served nearly
as soon, while those that stayed hardly notice.
"""

import asyncio

from app.realtime.turns import turns_of

ADMITTED = 32


class Admission:
    """A queue in order of arrival; ADMITTED are inside at a time: an asynchronous context."""

    def __init__(self, admitted: int = ADMITTED) -> None:
        self._places = asyncio.Semaphore(admitted)

    async def __aenter__(self) -> None:
        await self._places.acquire()
        try:
            await turns_of(asyncio.get_running_loop()).come()
        except BaseException:
            self._places.release()
            raise

    async def __aexit__(self, *_error: object) -> None:
        self._places.release()
