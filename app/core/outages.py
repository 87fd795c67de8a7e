"""What is away is told of when it goes and when it is back, not each time it is asked in vain."""

import logging
import time


class Outage:
    """Whether one thing is away. A line in the log for each kind of error that it fails with, and
    one for its end, however often it fails in between.

    `calm_seconds`: where some do without what is away, their success means little: it is back once
    nobody has failed for so long.
    """

    def __init__(
        self, logger: logging.Logger, lost: str, back: str, calm_seconds: float = 0.0
    ) -> None:
        self._logger = logger
        self._lost = lost
        self._back = back
        self._calm_seconds = calm_seconds
        self._failed_at = 0.0
        self._since: float | None = None
        self._told: set[type[BaseException]] = set()
        self.kind = ""
        """Of the newest error: its name, which holds nothing secret as its text may."""

    @property
    def lasts(self) -> bool:
        return self._since is not None

    @property
    def seconds(self) -> float:
        """For how long it has lasted; 0 where it does not."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def begin(self, error: BaseException) -> None:
        """It failed, perhaps again; what is wrong now may not be what was wrong first."""
        self._failed_at = time.monotonic()
        if self._since is None:
            self._since = self._failed_at
        self.kind = type(error).__name__
        if type(error) not in self._told:
            self._told.add(type(error))
            self._logger.warning(self._lost, extra={"error": repr(error)})

    def end(self) -> None:
        """It works, as it may have done all along."""
        if self._since is None:
            return
        now = time.monotonic()
        if now - self._failed_at >= self._calm_seconds:
            seconds, self._since = now - self._since, None
            self._told.clear()
            self._logger.info(self._back, extra={"after_seconds": round(seconds, 3)})
