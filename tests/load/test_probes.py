"""What others feel while a server is busy."""

import asyncio

import pytest

from load.crowd import Crowd
from load.probes import REQUEST_SECONDS, Probed, Probes
from load.subject import Subject
from tests.load.standin import CONNECTED, DENIED, SUBSCRIBED, standin
from tests.waiting import until

SECONDS = 10


async def test_requests_and_new_connections_are_timed_until_the_end() -> None:
    async with standin(f"{CONNECTED}\n{SUBSCRIBED}") as served, asyncio.timeout(SECONDS):
        probes = Probes(Subject(served.url))
        async with probes.ready():
            assert not served.sockets
            probes.begin()
            while len(served.sockets) < 3:  # noqa: ASYNC110 - the stand-in tells nobody
                await asyncio.sleep(0.01)
    assert set(probes.figures) == {"health_p99_ms", "handshake_p99_ms"}
    assert all(0 < figure < SECONDS * 1000 for figure in probes.figures.values())
    assert probes.failed == 0


async def test_what_began_before_the_end_counts_and_what_was_found_before_the_begin_does_not() -> (
    None
):
    async with standin(f"{CONNECTED}\n{SUBSCRIBED}") as served, asyncio.timeout(SECONDS):
        probes = Probes(Subject(served.url))
        async with probes.ready():
            probes.begin()
            await until(lambda: probes._health.times.count > 2)
            probes.begin()
            assert probes.figures == {}
            await asyncio.sleep(0)
            probes.end()
            assert probes.figures == {}
    assert (probes._health.times.count, probes._handshakes.times.count) == (1, 1)


async def test_what_is_refused_counts_as_failed_and_the_next_is_tried() -> None:
    async with standin(CONNECTED, DENIED) as served, asyncio.timeout(SECONDS):
        probes = Probes(Subject(served.url))
        async with probes.ready():
            probes.begin()
            while probes.failed < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)


async def test_a_target_that_is_gone_is_told_as_failures() -> None:
    async with standin() as served:
        url = served.url
    async with asyncio.timeout(SECONDS):
        probes = Probes(Subject(url))
        async with probes.ready():
            probes.begin()
            while probes.failed < 4:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert probes.figures["health_p99_ms"] == pytest.approx(REQUEST_SECONDS * 1000, rel=0.01)


async def test_the_certificates_are_read_before_and_not_by_each_handshake(
    contexts: list[object],
) -> None:
    async with standin() as served:
        url = served.url.replace("http:", "https:")
    probes = Probes(Subject(url))
    async with asyncio.timeout(SECONDS), probes.ready():
        probes.begin()
        before = list(contexts)
        assert before
        while probes.failed < 6:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    assert contexts == before


async def test_a_target_without_tls_needs_no_certificates(contexts: list[object]) -> None:
    async with standin(f"{CONNECTED}\n{SUBSCRIBED}") as served, asyncio.timeout(SECONDS):
        crowd = Crowd(Subject(served.url).job(1))
        await crowd.open()
        crowd.leave()
        Probes(Subject(served.url))
    assert contexts == []


async def test_a_stall_is_felt_by_all_who_come_while_it_lasts() -> None:
    probes, found, go_on = Probes(Subject("http://127.0.0.1:1")), Probed(), asyncio.Event()
    begun = 0

    async def once() -> None:
        nonlocal begun
        begun += 1
        await go_on.wait()

    repeating = asyncio.create_task(probes._repeat(0.001, found, once))
    try:
        await until(lambda: begun >= 5)
        assert found.times.count == 0
        go_on.set()
        await until(lambda: found.times.count >= 5)
    finally:
        repeating.cancel()
        await asyncio.wait({repeating})
        await asyncio.gather(*probes._flights)


async def test_a_fault_of_a_probe_itself_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Probes) -> None:
        raise KeyError("x")

    monkeypatch.setattr(Probes, "_get", broken)
    probes = Probes(Subject("http://127.0.0.1:1"))

    async def probe() -> None:
        async with probes.ready():
            probes.begin()
            await until(lambda: any(each.done() for each in probes._flights))

    async with asyncio.timeout(SECONDS):
        with pytest.raises(KeyError):
            await probe()
