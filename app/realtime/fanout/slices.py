"""What is to be done for thousands at once, in slices between which the loop serves everybody."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Generic, TypeVar

from app.realtime.fanout.flush import SLICE_SECONDS

T = TypeVar("T")


class Slices(Generic[T]):
    """Calls `act(item)` for each, in order: the first slice at once, the others turn by turn."""

    def __init__(self, act: Callable[[T], None], clock: Callable[[], float] = perf_counter) -> None:
        self._act = act
        self._clock = clock
        self._left: OrderedDict[T, None] = OrderedDict()
        self._handle: asyncio.Handle | None = None

    def add(self, items: Iterable[T]) -> None:
        """One that waits already keeps its place."""
        self._left.update(dict.fromkeys(items))
        if self._handle is None:
            self._run()

    def finish(self) -> None:
        """Those that are left, at once."""
        self._cancel_handle()
        while self._left:
            self._act_on_next()

    def cancel(self) -> None:
        """Nothing is done for those that are left."""
        self._cancel_handle()
        self._left.clear()

    def _cancel_handle(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None

    def _run(self) -> None:
        """One slice."""
        self._handle = None
        deadline = self._clock() + SLICE_SECONDS
        while self._left:
            self._act_on_next()
            if self._clock() > deadline:
                break
        if self._left:
            self._handle = asyncio.get_running_loop().call_soon(self._run)

    def _act_on_next(self) -> None:
        item, _ = self._left.popitem(last=False)
        self._act(item)
