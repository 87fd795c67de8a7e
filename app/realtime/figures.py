"""What a worker tells of itself on `ops`: how it is now, and how its last second went."""

import os
import resource
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.core import metrics
from app.core.histogram_window import Observed, Window
from app.core.ids import new_id
from app.core.schemas import Time
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.log.broker import Broker
from app.realtime.log.follower import LogFollower
from app.realtime.log.relay import Relay

STATM = Path("/proc/self/statm")
DIGITS = 3

Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0)]
Milliseconds = Annotated[float, Field(ge=0)]


class WorkerFigures(BaseModel):
    """One worker, once a second. A time is null when there was nothing to measure it by."""

    worker: UUID = Field(description="Names the worker for as long as its process lives")
    host: str
    pid: Count
    at: Time
    started_at: Time
    uptime_s: Rate
    draining: bool
    redis_up: bool
    postgres_up: bool
    connections: Count
    subscriptions: Count
    channels: Count = Field(description="Channels that somebody here follows or just followed")
    relayed_per_s: Rate = Field(description="Events that its relay numbered; each in one worker")
    events_per_s: Rate = Field(description="Events that arrived here, once per channel")
    deliveries_per_s: Rate
    delivered_bytes_per_s: Rate
    commit_to_socket_p50_ms: Milliseconds | None
    commit_to_socket_p99_ms: Milliseconds | None
    relay_pending: Count = Field(description="Events that wait for any relay, as this one saw it")
    relay_pending_age_s: Rate = Field(description="Age of the oldest of them")
    loop_lag_ms: Milliseconds | None = Field(description="How late the event loop was, on average")
    flush_ms: Milliseconds | None = Field(description="How long a flush took, on average")
    cpu_percent: Rate = Field(description="100 is one core")
    rss_bytes: Count | None = Field(description="Resident memory; null where it is not known")


@dataclass(frozen=True)
class Sources:
    """Whom the figures are asked of. `is_draining()`: the worker is about to end."""

    manager: ConnectionManager
    follower: LogFollower
    broker: Broker
    relay: Relay
    is_draining: Callable[[], bool]


class Meter:
    """Takes one worker's figures. `clock` gives seconds."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._clock = clock
        self._worker = new_id()
        self._host = socket.gethostname()
        self._began_at, self._began = datetime.now(UTC), clock()
        metrics.settle()
        self._seen, self._seen_at = _totals(), self._began
        self._relayed = Window(metrics.RELAY_BATCH)
        self._delay = Window(metrics.COMMIT_TO_SOCKET)
        self._lag = Window(metrics.LOOP_LAG)
        self._flush = Window(metrics.FLUSH)

    def take(self) -> WorkerFigures:
        """Rates and times are of what happened since the last call."""
        metrics.settle()
        now, totals = self._clock(), _totals()
        elapsed = max(now - self._seen_at, 0.001)
        rates = {name: (total - self._seen[name]) / elapsed for name, total in totals.items()}
        self._seen, self._seen_at = totals, now
        sources, delay = self._sources, self._delay.take()
        return WorkerFigures(
            worker=self._worker,
            host=self._host,
            pid=os.getpid(),
            at=datetime.now(UTC),
            started_at=self._began_at,
            uptime_s=round(now - self._began, DIGITS),
            draining=sources.is_draining(),
            redis_up=sources.broker.up,
            postgres_up=sources.follower.postgres_up,
            connections=len(sources.manager.connections),
            subscriptions=max(0, metrics.SUBSCRIPTIONS.total),
            channels=sources.follower.channels,
            relayed_per_s=round(self._relayed.take().sum / elapsed, DIGITS),
            events_per_s=round(rates["events"], DIGITS),
            deliveries_per_s=round(rates["deliveries"], DIGITS),
            delivered_bytes_per_s=round(rates["bytes"], DIGITS),
            commit_to_socket_p50_ms=_milliseconds(delay.quantile(0.5)),
            commit_to_socket_p99_ms=_milliseconds(delay.quantile(0.99)),
            relay_pending=sources.relay.pending,
            relay_pending_age_s=round(sources.relay.pending_age, DIGITS),
            loop_lag_ms=_mean_of(self._lag.take()),
            flush_ms=_mean_of(self._flush.take()),
            cpu_percent=round(rates["cpu"] * 100, 1),
            rss_bytes=_resident(),
        )


def _totals() -> dict[str, float]:
    """What is counted from the process's start."""
    return {
        "events": metrics.EVENTS.total,
        "deliveries": metrics.DELIVERIES.total,
        "bytes": metrics.DELIVERED_BYTES.total,
        "cpu": time.process_time(),
    }


def _mean_of(observed: Observed) -> float | None:
    return _milliseconds(observed.mean)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(0.0, seconds) * 1000, DIGITS)


def _resident() -> int | None:
    try:
        return int(STATM.read_bytes().split()[1]) * resource.getpagesize()
    except OSError:  # not Linux
        return None
