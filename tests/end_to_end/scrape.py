"""Figures of a running server: /metrics, memory, which worker holds whom, how far the log is."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
import psutil
from httpx import AsyncClient
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.server import LIMIT_SECONDS, ServerProcess
from tests.waiting import POLL_SECONDS

MEGABYTE = 1_000_000
SAMPLE_SECONDS = 0.2


async def counted(http: AsyncClient, url: str, name: str, **labels: str) -> float:
    """The sum of a counter or gauge over all its labels but those given, of all workers."""
    answer = (await http.get(f"{url}/metrics")).raise_for_status()
    return sum(
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def connections(http: AsyncClient, url: str, count: int) -> None:
    """Wait until so many are open. Each of several workers tells a few times a second."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while await counted(http, url, "tandem_connections") != count:  # noqa: ASYNC110 - a scrape has no event
            await asyncio.sleep(POLL_SECONDS)


async def log_reads(http: AsyncClient, url: str) -> float:
    return await counted(http, url, "tandem_log_reads_total")


async def closes(http: AsyncClient, url: str, code: int) -> float:
    return await counted(http, url, "tandem_closes_total", code=str(code))


async def cursor_lag(http: AsyncClient, url: str) -> float:
    """How many events the client that is furthest behind still has to be sent."""
    return await counted(http, url, "tandem_cursor_lag_events")


def troubles(server: ServerProcess) -> str:
    """What a server that has ended logged as warnings and errors: `2 redis link lost, …`."""
    found: Counter[str] = Counter()
    for line in server.log:
        with suppress(ValueError):
            record = json.loads(line)
            if record["level"] in {"WARNING", "ERROR"}:
                found[record["message"]] += 1
    return ", ".join(f"{count} {message}" for message, count in found.most_common()) or "none"


def resident_mb(worker: psutil.Process) -> float:
    """Resident memory, in millions of bytes."""
    return worker.memory_info().rss / MEGABYTE


async def peak_mb(worker: psutil.Process, seconds: float) -> float:
    """The largest resident memory over this time."""
    peak, clock = resident_mb(worker), asyncio.get_running_loop().time
    deadline = clock() + seconds
    while clock() < deadline:
        await asyncio.sleep(SAMPLE_SECONDS)
        peak = max(peak, resident_mb(worker))
    return peak


def held_by(server: ServerProcess, ports: Iterable[int]) -> dict[int, set[int]]:
    """For each worker's process id the clients' ports, of those given, that it holds."""
    wanted = set(ports)
    return {
        worker.pid: {
            one.raddr.port
            for one in worker.net_connections("tcp")
            if one.status == psutil.CONN_ESTABLISHED and one.raddr.port in wanted
        }
        for worker in server.workers
    }


async def present_head(database_url: str, channel: str) -> int:
    """The channel's newest offset, while more may be under way."""
    connection = await asyncpg.connect(database_url)
    try:
        found = await connection.fetchval("SELECT head FROM channels WHERE name = $1", channel)
        return int(found or 0)
    finally:
        await connection.close()
