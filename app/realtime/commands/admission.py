"""How many clients may sign in and subscribe at the same time.

When thousands come back at once, each of them costs a few milliseconds of work and perhaps a
question to the database. Taken one after the other in small numbers they are all served nearly
as soon, while those that stayed hardly notice.
"""

import asyncio

from app.realtime.commands.turns import turns_of

ADMITTED = 32
VISIT_SECONDS = 0.03


class Admission:
    """A queue in order of arrival; ADMITTED are inside at a time."""

    def __init__(self, admitted: int = ADMITTED) -> None:
        self._places = asyncio.Semaphore(admitted)

    def visit(self) -> "Visit":
        return Visit(self._places)


class Visit:
    """Outside at first; also an asynchronous context that is inside."""

    __slots__ = ("_inside", "_places", "_since")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._inside = False
        self._since = 0.0

    @property
    def is_long(self) -> bool:
        """Whether others should have the place."""
        return self._inside and asyncio.get_running_loop().time() - self._since > VISIT_SECONDS

    async def enter(self) -> None:
        """In its turn; at once where it is inside."""
        if self._inside:
            return
        await self._places.acquire()
        try:
            await turns_of(asyncio.get_running_loop()).come()
        except BaseException:
            self._places.release()
            raise
        self._inside = True
        self._since = asyncio.get_running_loop().time()

    def leave(self) -> None:
        if self._inside:
            self._inside = False
            self._places.release()

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(self, *_error: object) -> None:
        self.leave()
