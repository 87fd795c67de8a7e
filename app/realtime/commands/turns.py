"""What thousands of arriving clients cost takes turns with those that are there.

Each turn of the event loop begins only as many handshakes, and commands of clients that sign in
or subscribe, as fit into a few milliseconds; the rest wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from weakref import WeakKeyDictionary

TURN_SECONDS = 0.003
WAITING_LIMIT = 20_000
FIRST_SHARE = 8
HIGHEST_SHARE = 64

Begin = Callable[[], bool]


class Turns:
    """What waits, on one event loop: handshakes, and commands that were let in.

    What a beginning costs is mostly in a task of its own, which runs right after the turn that
    began it. So the share of a turn follows from what the last one took in all.
    """

    def __init__(
        self, turn_seconds: float = TURN_SECONDS, waiting_limit: int = WAITING_LIMIT
    ) -> None:
        self._turn_seconds = turn_seconds
        self._waiting_limit = waiting_limit
        self._waiting: deque[Begin] = deque()
        self._let_in: deque[asyncio.Future[None]] = deque()
        self._share = FIRST_SHARE
        self._begun = 0
        self._seconds = 0.0
        self._tasks_since = 0.0
        self._scheduled = False
        self._let_in_before = False

    def add(self, begin: Callable[[], bool]) -> bool:
        """Have it begun in turn; False: too many wait. `begin` tells whether it did anything."""
        if len(self._waiting) >= self._waiting_limit:
            return False
        self._waiting.append(begin)
        self._schedule()
        return True

    async def come(self) -> None:
        """Until it is the caller's turn; those who wait here and handshakes take turns."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._let_in.append(turn)
        self._schedule()
        await turn

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._learn()
        if not self._waiting and not self._let_in:
            return
        asyncio.get_running_loop().call_soon(self._tasks_begin)
        started = perf_counter()
        try:
            while (self._let_in or self._waiting) and self._begun < self._share:
                self._begun += self._begin_next()
                if perf_counter() - started >= self._turn_seconds:
                    break
        finally:
            self._seconds = perf_counter() - started
            self._schedule()  # behind the tasks that were made just now

    def _begin_next(self) -> bool:
        handshake = bool(self._waiting) and (self._let_in_before or not self._let_in)
        self._let_in_before = not handshake
        if handshake:
            return self._waiting.popleft()()
        turn = self._let_in.popleft()
        if turn.done():  # whoever waited for it has gone
            return False
        turn.set_result(None)
        return True

    def _tasks_begin(self) -> None:
        self._tasks_since = perf_counter()

    def _learn(self) -> None:
        """From the last turn: how many beginnings fit into one."""
        if self._begun:
            took = self._seconds + perf_counter() - self._tasks_since
            fitting = int(self._begun * self._turn_seconds / took)
            self._share = max(1, min(fitting, 2 * self._share, HIGHEST_SHARE))
            self._begun = 0


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """One for all servers of a loop: uvicorn gives its protocols nothing of ours to share."""
    turns = _of_loop.get(loop)
    if turns is None:
        turns = _of_loop[loop] = Turns()
    return turns
