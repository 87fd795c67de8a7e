"""What Ctrl-C and SIGTERM do: end a measurement early, so that it can be told; else cancel.

Either way nothing more is measured, and what was measured until then is reported.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but no longer than until `stop`; gives way even when there is no time left."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


class Interrupted(Exception):
    """Something was to be measured after the signal."""


class Interruption:
    """The first signal inside `graceful` sets its event; any other one cancels `task`.

    `happened`: there was a signal.
    """

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self.happened = False
        self._task = task
        self._stop: asyncio.Event | None = None

    def listen(self) -> None:
        """For as long as the event loop lives."""
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.interrupt)

    @contextmanager
    def graceful(self) -> Iterator[asyncio.Event]:
        """Raises Interrupted when there was a signal before."""
        if self.happened:
            raise Interrupted
        self._stop = asyncio.Event()
        try:
            yield self._stop
        finally:
            self._stop = None

    def interrupt(self) -> None:
        self.happened = True
        if self._stop and not self._stop.is_set():
            self._stop.set()
        elif self._task:
            self._task.cancel()
