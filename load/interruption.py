"""What Ctrl-C and SIGTERM do: end a measurement early, so that it can be told; else cancel."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """The first signal inside `graceful` sets its event; any other one cancels `task`."""

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self._task = task
        self._stop: asyncio.Event | None = None

    def listen(self) -> None:
        """For as long as the event loop lives."""
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.interrupt)

    @contextmanager
    def graceful(self) -> Iterator[asyncio.Event]:
        self._stop = asyncio.Event()
        try:
            yield self._stop
        finally:
            self._stop = None

    def interrupt(self) -> None:
        if self._stop and not self._stop.is_set():
            self._stop.set()
        elif self._task:
            self._task.cancel()
