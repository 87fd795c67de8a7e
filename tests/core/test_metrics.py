"""/metrics: one process alone, and several whose figures are added up."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.core import metrics

WORKER = """
import os, sys
from app.core import metrics
metrics.CONNECTIONS.inc(5)
metrics.REDIS_UP.set(0)
metrics.DELIVERIES.inc(7)
metrics.CLOSES.labels("3001").inc(2)
metrics.COMMIT_TO_SOCKET.observe(0.003)
metrics.settle()
print(os.getpid(), flush=True)
sys.stdin.read()
"""

SCRAPE = """
import sys
from app.core import metrics
metrics.CONNECTIONS.inc(1)
metrics.REDIS_UP.set(1)
metrics.DELIVERIES.inc(1)
metrics.settle()
body, content_type = metrics.exposition()
sys.stdout.write(content_type + "\\n" + body.decode())
"""

NAMES = (
    "tandem_connections",
    "tandem_subscriptions",
    "tandem_events_total",
    "tandem_deliveries_total",
    "tandem_delivered_bytes_total",
    "tandem_commit_to_socket_seconds",
    "tandem_relay_pending",
    "tandem_relay_pending_age_seconds",
    "tandem_relay_batch_events",
    "tandem_log_reads_total",
    "tandem_repairs_total",
    "tandem_cursor_lag_events",
    "tandem_closes_total",
    "tandem_flush_seconds",
    "tandem_loop_lag_seconds",
    "tandem_redis_up",
    "tandem_postgres_up",
)


class Cluster:
    """Workers of one server: processes that share a directory for their figures."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
        self.workers: list[subprocess.Popen[str]] = []

    def start(self) -> "subprocess.Popen[str]":
        worker = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-c", WORKER],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == f"{worker.pid}\n"
        return worker

    def kill(self, worker: "subprocess.Popen[str]") -> None:
        worker.kill()
        worker.wait()

    def scrape(self) -> str:
        """/metrics, asked at one more worker."""
        return subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-c", SCRAPE],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def stop(self) -> None:
        for worker in self.workers:
            self.kill(worker)
            for stream in (worker.stdin, worker.stdout):
                assert stream is not None
                stream.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


def figures(exposition: str) -> dict[str, float]:
    lines = [line for line in exposition.splitlines()[1:] if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize("name", NAMES)
def test_a_single_process_shows_every_figure_of_the_contract(name: str) -> None:
    body, content_type = metrics.exposition()

    assert content_type.startswith("text/plain")
    assert f"# HELP {name} " in body.decode()


def test_the_figures_of_all_living_workers_are_added_up(cluster: Cluster) -> None:
    cluster.start()
    cluster.start()
    found = figures(cluster.scrape())

    assert found["tandem_connections"] == 11
    assert found["tandem_deliveries_total"] == 15
    assert found['tandem_closes_total{code="3001"}'] == 4
    assert found["tandem_commit_to_socket_seconds_count"] == 2


def test_what_is_observed_often_stands_in_the_buckets_that_it_belongs_to() -> None:
    registry = CollectorRegistry()
    delays = metrics.OftenObserved("delays", "Of a test", buckets=(0.5, 1), registry=registry)
    for seconds in (0.25, 0.5, 0.75, 3):
        delays.observe(seconds)
    delays.settle()

    found = figures(generate_latest(registry).decode())

    buckets = [found[f'delays_bucket{{le="{bound}"}}'] for bound in ("0.5", "1.0", "+Inf")]
    assert (buckets, found["delays_sum"]) == ([2, 3, 4], 4.5)


def test_a_service_is_up_only_if_it_is_for_every_worker(cluster: Cluster) -> None:
    cluster.start()
    found = figures(cluster.scrape())

    assert found["tandem_redis_up"] == 0


def test_a_killed_worker_leaves_no_gauge_behind(cluster: Cluster) -> None:
    cluster.kill(cluster.start())
    found = figures(cluster.scrape())

    assert found["tandem_connections"] == 1
    assert found["tandem_redis_up"] == 1


def test_what_a_killed_worker_counted_stays_counted(cluster: Cluster) -> None:
    cluster.kill(cluster.start())
    found = figures(cluster.scrape())

    assert found["tandem_deliveries_total"] == 8


def test_a_living_workers_gauges_are_not_cleared(tmp_path: Path) -> None:
    mine = tmp_path / f"gauge_livesum_{os.getpid()}.db"
    mine.touch()

    metrics.clear_dead(tmp_path)

    assert mine.exists()


def test_files_of_no_process_are_left_alone(tmp_path: Path) -> None:
    odd = tmp_path / "gauge_livesum_mine.db"
    odd.touch()

    metrics.clear_dead(tmp_path)

    assert odd.exists()
