"""One limit of time for many pieces of work that begin one after the other.

`asyncio.timeout` has a timer of the loop for each; when thousands of clients sign in at once these
are a twentieth of what each costs. As all may take equally long, the first begun is the first
due, and one timer watches them all.
"""

import asyncio
from collections import OrderedDict
from itertools import takewhile
from types import TracebackType
from typing import Protocol, Self


class Timed(Protocol):
    """What has so much time: `due`, on the loop's clock, is set when it begins."""

    due: float

    def expire(self) -> None:
        """It did not end in time."""
        ...


class TimeLimit:
    """`with limit.watch():` raises TimeoutError, as `asyncio.timeout` does, once the work in it
    has taken `seconds`. Of one event loop. A limit of 0 is off.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: OrderedDict[Timed, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> "_Watch":
        """To be entered at once, by the task whose work it is."""
        return _Watch(self)

    def deadline(self) -> "Deadline":
        """For several pieces of work of one task, which have `seconds` together."""
        return Deadline(self)

    def begin(self, timed: Timed) -> None:
        """For what has not begun, or has ended since."""
        if not self._seconds:
            return
        loop = asyncio.get_running_loop()
        timed.due = loop.time() + self._seconds
        self._running[timed] = None
        if self._timer is None:
            self._timer = loop.call_at(timed.due, self._look)

    def end(self, timed: Timed) -> None:
        self._running.pop(timed, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for timed in list(takewhile(lambda each: each.due <= now, self._running)):
            del self._running[timed]
            timed.expire()
        oldest = next(iter(self._running), None)
        self._timer = loop.call_at(oldest.due, self._look) if oldest is not None else None


class _Watch:
    """One piece of work, under way in one task."""

    __slots__ = ("_cancelling", "_expired", "_limit", "_task", "due")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._task: asyncio.Task[object] | None = None
        self._expired = False
        self.due = 0.0

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a limit of time is for the work of a task")
        self._task, self._cancelling = task, task.cancelling()
        self._begin()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        self._leave()
        if task is None or not self._expired:
            return
        self._expired = False
        # Whoever else cancelled the task meanwhile is obeyed.
        if task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        if self._task is not None:
            self._expired = True
            self._task.cancel()

    def _begin(self) -> None:
        self._limit.begin(self)

    def _leave(self) -> None:
        self._limit.end(self)


class Deadline(_Watch):
    """To be entered for each piece of work; the time counts from the first one on. Once it is over
    each raises TimeoutError at once. To be ended by whoever asked for it.
    """

    __slots__ = ("_begun", "_over")

    def __init__(self, limit: TimeLimit) -> None:
        super().__init__(limit)
        self._begun = self._over = False

    def __enter__(self) -> Self:
        if self._over:
            raise TimeoutError
        return super().__enter__()

    def end(self) -> None:
        """The next piece of work, if there is one, is the first of others."""
        if self._begun:
            self._limit.end(self)
            self._begun = self._over = False

    def expire(self) -> None:
        self._over = True
        super().expire()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            super()._begin()

    def _leave(self) -> None:
        pass
