"""Every figure of `/metrics`, right under several workers.

With several workers each writes its figures to files below PROMETHEUS_MULTIPROC_DIR, which the
supervisor of `serve` or gunicorn's worker class sets before this module is imported; a scrape at
any worker adds them up. Gauges of a worker that is gone are cleared, by the supervisor or else at
the scrape; its counters stay, as counters must.
"""

import os
from bisect import bisect_left
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Often:
    """A figure that moves so often that to share each step would be felt.

    With several workers a step is written to a file for all of them to read: here that is done by
    `settle`, a few times a second and at a scrape.
    """

    all: ClassVar[list["Often | OftenObserved"]] = []

    def __init__(self, shared: Counter | Gauge) -> None:
        self._shared = shared
        self._waiting = 0
        self._settled = 0
        Often.all.append(self)

    def inc(self, amount: int = 1) -> None:
        self._waiting += amount

    def dec(self) -> None:
        """Of a gauge only."""
        self._waiting -= 1

    @property
    def total(self) -> int:
        """Of this process."""
        return self._settled + self._waiting

    def settle(self) -> None:
        if self._waiting:
            amount, self._waiting = self._waiting, 0
            self._settled += amount
            self._shared.inc(amount)


class OftenObserved(Histogram):
    """The same for what is observed with each event."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._waiting = [0] * len(self._upper_bounds)
        self._waiting_sum = 0.0
        Often.all.append(self)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """An exemplar is not kept."""
        del exemplar
        self._waiting[bisect_left(self._upper_bounds, amount)] += 1
        self._waiting_sum += amount

    def settle(self) -> None:
        waiting, self._waiting = self._waiting, [0] * len(self._waiting)
        if any(waiting):
            self._sum.inc(self._waiting_sum)
            self._waiting_sum = 0.0
            for bucket, times in zip(self._buckets, waiting, strict=True):
                if times:
                    bucket.inc(times)


CONNECTIONS = Often(Gauge("tandem_connections", "Open sockets", multiprocess_mode="livesum"))
SUBSCRIPTIONS = Often(
    Gauge("tandem_subscriptions", "Subscriptions of open sockets", multiprocess_mode="livesum")
)
EVENTS = Often(Counter("tandem_events_total", "Events that arrived at a worker, once per channel"))
DELIVERIES = Often(Counter("tandem_deliveries_total", "Publications handed to a transport"))
DELIVERED_BYTES = Often(
    Counter("tandem_delivered_bytes_total", "Bytes of publications handed over")
)
COMMIT_TO_SOCKET = OftenObserved(
    "tandem_commit_to_socket_seconds",
    "From an event's `at` until the worker's transports had taken it",
    buckets=FAST,
)
RELAY_PENDING = Gauge(
    "tandem_relay_pending", "Events that wait for the relay", multiprocess_mode="livemostrecent"
)
RELAY_PENDING_AGE = Gauge(
    "tandem_relay_pending_age_seconds", "Age of the oldest", multiprocess_mode="livemostrecent"
)
RELAY_BATCH = Histogram("tandem_relay_batch_events", "Events in a relay's batch", buckets=SIZES)
LOG_READS = Counter(
    "tandem_log_reads_total", "Reads of the log in Postgres, but for history", ["reason"]
)
REPAIRS = Counter("tandem_repairs_total", "Gaps found and closed", ["found"])
CURSOR_LAG = Gauge(
    "tandem_cursor_lag_events", "The furthest that a cursor is behind", multiprocess_mode="livemax"
)
CLOSES = Counter("tandem_closes_total", "Sockets closed by the server", ["code"])
FLUSH = Histogram("tandem_flush_seconds", "Duration of a flush", buckets=FAST)
LOOP_LAG = Histogram("tandem_loop_lag_seconds", "How late the event loop was", buckets=FAST)
REDIS_UP = Gauge("tandem_redis_up", "1 if Redis answers", multiprocess_mode="livemin")
POSTGRES_UP = Gauge("tandem_postgres_up", "1 if Postgres answers", multiprocess_mode="livemin")


def settle() -> None:
    """Make known what was counted since the last time. On the loop, as whatever counts."""
    for figure in Often.all:
        figure.settle()


def exposition() -> tuple[bytes, str]:
    """The body and content type of /metrics, as of the last `settle`; on any thread."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    clear_dead(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def clear_dead(directory: Path) -> None:
    """Forget the live gauges of processes that are gone."""
    pids = {path.stem.rpartition("_")[2] for path in directory.glob("gauge_live*_*.db")}
    for pid in pids:
        if pid.isdigit() and not _is_alive(int(pid)):
            with suppress(FileNotFoundError):  # another scrape is at it, too
                mark_process_dead(int(pid), path=str(directory))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
