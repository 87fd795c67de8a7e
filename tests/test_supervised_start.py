"""The start of `serve`: what it waits for, and what it must not depend on."""

import asyncio
import signal
import sys
from contextlib import ExitStack

import pytest

from app.core.config import Settings
from app.supervisor import ServeError, Supervisor, reserve
from tests.realtime.flushes import turn
from tests.supervising import WORKERS, nothing, running, supervised, told, workers


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names for sockets alone")
def test_an_address_is_reserved_once_although_nobody_listens_yet() -> None:
    with ExitStack() as reserved:
        first, *others = [reserved.enter_context(held) for held in reserve("127.0.0.1", 0)]
        port = first.getsockname()[1]
        with pytest.raises(ServeError, match="Address already in use"):
            reserve("127.0.0.1", port)
    for held in reserve("127.0.0.1", port):
        held.close()
    assert others


@pytest.mark.usefixtures("one_thread")
async def test_more_workers_than_threads_leave_one_to_what_prepares(
    surroundings: Settings,
) -> None:
    async with supervised(surroundings, lambda: asyncio.to_thread(lambda: None)):
        assert len(workers()) == WORKERS

    assert not workers()


async def test_who_restarts_during_a_start_waits_for_its_end(
    surroundings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Until all is prepared no worker may serve, and none may be told twice that it is."""
    supervisor = Supervisor(surroundings, "127.0.0.1", 0, WORKERS)
    started, began_early = workers(), False
    restarting: list[asyncio.Task[None]] = []

    async def prepare() -> None:
        nonlocal started, began_early
        started = workers()
        restarting.append(asyncio.create_task(supervisor.restart()))
        await turn()
        began_early = workers() != started

    async with running(supervisor, prepare):
        await asyncio.gather(*restarting)
        served = workers()

    assert (began_early, len(started), len(served)) == (False, WORKERS, WORKERS)
    assert not served & started
    assert not told(caplog, "a worker ended")


class Faulty(Supervisor):
    async def _keep(self, nth: int) -> None:
        raise LookupError(f"a fault with worker {nth}")


async def test_a_fault_of_the_supervisor_itself_is_no_ordinary_end(surroundings: Settings) -> None:
    supervisor = Faulty(surroundings, "127.0.0.1", 0, WORKERS)
    with pytest.raises(LookupError, match="a fault"):
        await supervisor.run(nothing, lambda _url: None)
    assert not workers()


async def test_sigterm_ends_a_start_that_still_prepares(surroundings: Settings) -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    supervisor = Supervisor(surroundings, "127.0.0.1", 0, WORKERS)
    task = asyncio.create_task(supervisor.run(prepare, lambda _url: None))
    await begun.wait()
    try:
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await asyncio.wait({task})
    finally:
        task.cancel()
        await asyncio.wait({task})

    assert (given_up.is_set(), task.cancelled(), workers()) == (True, False, set())
